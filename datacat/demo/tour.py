"""What `datacat demo` shows: from three teams' label files to a frozen training set, offline.

Everything here is done through `Catalog`, as a user's program would; each step prints the command that does the
same.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from datacat.catalog import Catalog
from datacat.demo.teams import Lake, write_lake
from datacat.errors import ExtraMissing, UsageError
from datacat.model.report import IngestReport

_MARK = ".datacat-demo"
_WIDTH = 118
_SHOWN = 6

UNLABELLED_QUESTION = '"a swimming pool in a garden"'
NESTED_QUESTION = "roof[material=slate condition.score>0.8]"
FROZEN_QUESTION = "roof -is:missing"


def run(folder: str, *, pictures: int, seed: int) -> None:
    """Runs the whole tour in `folder`, which may be absent, empty, or an earlier demo.

    Raises:
        UsageError: `folder` holds something else.
        ExtraMissing: the model that comes along needs open_clip.
    """
    if importlib.util.find_spec("open_clip") is None:  # said before anything is drawn
        raise ExtraMissing("open_clip", extra="clip")
    root = Path(folder)
    _clear(root)
    tour = _Tour(root, pictures=pictures, seed=seed)
    lake = tour.draw()
    tour.ingest(lake)
    tour.embed()
    tour.search(lake)
    tour.freeze()
    tour.finish()


def _clear(root: Path) -> None:
    if root.exists() and any(root.iterdir()):
        if not (root / _MARK).exists():
            raise UsageError(
                "this folder is not empty and no earlier demo",
                where=str(root),
                hint="Name another: datacat demo FOLDER",
            )
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    (root / _MARK).write_text("Made by `datacat demo`, which may delete this folder.\n")


class _Tour:
    """Holds what the steps share: where, the catalog, the console and the clock."""

    def __init__(self, root: Path, *, pictures: int, seed: int) -> None:
        self.root = root
        self.pictures = pictures
        self.seed = seed
        width = None if sys.stdout.isatty() else _WIDTH
        self.console = Console(highlight=False, width=width)
        self.command = _command_name()
        self.where = f"-C {_near(root)}"
        self.started = time.monotonic()
        self.catalog: Catalog

    def draw(self) -> Lake:
        self._step("1", "A data lake: pictures, and what three teams said of them")
        lake = write_lake(self.root / "lake", seed=self.seed, count=self.pictures)
        table = self._table("team", "format", "its word for a roof", "labels", "in")
        for team in lake.teams:
            table.add_row(team.name, team.format, team.roof_word, team.about, _near(team.location))
        self.console.print(table)
        return lake

    def ingest(self, lake: Lake) -> None:
        self._step("2", "One catalog over all of it")
        self._typed(f"init {_near(self.root)}")
        self.catalog = Catalog.init(str(self.root))
        table = self._table(
            "label set", "state", "files", "assets", "annotations", "leaves", "rejected", "kept, but odd"
        )
        for team in lake.teams:
            self._typed(
                f"ingest {_near(team.location)} --team {team.name} --name {team.label_set} "
                f"--media-root {_near(lake.media)} {self.where}"
            )
            report = self.catalog.ingest(
                str(team.location),
                team=team.name,
                name=team.label_set,
                media_root=str(lake.media),
                author="demo",
            )
            table.add_row(*_ingest_cells(report))
        self.console.print(table)
        members = [f"{team.name}:{team.roof_word}" for team in lake.teams]
        self._typed(f"concepts add roof {' '.join(members)} {self.where}")
        self.catalog.concepts.add("roof", tuple(members), author="demo", message="roof, in everybody's words")

    def embed(self) -> None:
        self._typed(f"embed --model tiny {self.where}")
        began = time.monotonic()
        report = self.catalog.embed(model="tiny")
        seconds = time.monotonic() - began
        self._say(
            f"{report.embedded:,} pictures embedded in {seconds:.1f} s with the CLIP model that comes along"
        )

    def search(self, lake: Lake) -> None:
        self._step("3", "Questions over everybody's labels")
        counts = [(team.name, self.catalog.search(f"roof[team:{team.name}]").count()) for team in lake.teams]
        by_team = ", ".join(f"{count} by {name}" for name, count in counts)
        self._ask("all data with roofs", f"One concept for Roof, roofs and rooftop: labelled {by_team}.")
        self._ask(NESTED_QUESTION, "Nested attributes, both conditions on the same annotation.")
        self._ask(UNLABELLED_QUESTION, "Nobody has labelled swimming pools; the pictures answer.")
        best = next(iter(self.catalog.search(UNLABELLED_QUESTION, limit=1)))
        self._ask(f"like:{_picture(best.uri)}", "More like that picture.")

    def freeze(self) -> None:
        self._step("4", "A training set that can be rebuilt bit for bit")
        split = "train=0.8,val=0.1,test=0.1"
        self._typed(f'snapshot create roofs --query "{FROZEN_QUESTION}" --split {split} {self.where}')
        frozen = self.catalog.freeze("roofs", query=FROZEN_QUESTION, split=split, author="demo")
        table = self._table("snapshot", "of state", "assets", "annotations", "split", "digest")
        summary = frozen.summary()
        table.add_row(
            str(frozen.name),
            str(summary["state"]),
            f"{summary['assets']:,}",
            f"{summary['annotations']:,}",
            ", ".join(f"{name} {count}" for name, count in summary["splits"].items()),
            str(summary["digest"])[:23] + "…",
        )
        self.console.print(table)
        self._typed(f"snapshot verify {frozen.name} {self.where}")
        checked = self.catalog.snapshot(str(frozen.name)).verify()
        self._say(
            f"{checked.checked:,} pictures read again: {len(checked.changed)} changed, {len(checked.gone)} gone"
        )
        again = self.catalog.freeze("roofs", query=FROZEN_QUESTION, split=split, author="demo")
        self._say(f"frozen again from the same state: the same digest, so it is still {again.name}")
        target = self.root / "export" / "roofs-coco"
        self._typed(f"snapshot export {frozen.name} --format coco {_near(target)} {self.where}")
        exported = self.catalog.snapshot(str(frozen.name)).export(target, format="coco")
        self._say(f"{exported.files} COCO files, attributes whole, ready for training")

    def finish(self) -> None:
        self._step(
            "5", f"Done in {time.monotonic() - self.started:.0f} s. Everything is in {_near(self.root)}/"
        )
        for line in (
            f'{self.command} search "roof[material=slate] AND NOT car" {self.where}',
            f"{self.command} attributes {self.where}",
            f"{self.command} serve {self.where}",
        ):
            self.console.print(f"  [bold green]{escape(line)}[/]")

    def _ask(self, question: str, point: str) -> None:
        quoted = f"'{question}'" if '"' in question else f'"{question}"'
        self._typed(f"search {quoted} --limit {_SHOWN} {self.where}")
        began = time.monotonic()
        hits = self.catalog.search(question, limit=_SHOWN)
        shown = list(hits)
        count = hits.count()
        milliseconds = (time.monotonic() - began) * 1e3
        table = self._table("picture", *(["score"] if hits.is_ranked else []), "why")
        for hit in shown:
            score = [f"{hit.score:.3f}"] if hit.score is not None else []
            table.add_row(_picture(hit.uri), *score, escape(_reasons(hit.why)))
        self.console.print(table)
        found = f"the {len(shown)} nearest of {count:,} pictures" if hits.is_ranked else f"{count:,} pictures"
        self._say(f"{found}, in {milliseconds:.0f} ms. {point}")

    def _step(self, number: str, title: str) -> None:
        self.console.print()
        self.console.print(Rule(f"[bold]{number}  {escape(title)}[/]", align="left", style="cyan"))

    def _typed(self, line: str) -> None:
        self.console.print(f"[bold cyan]$ datacat {escape(line)}[/]", soft_wrap=True)

    def _say(self, text: str) -> None:
        self.console.print(f"  [dim]{escape(text)}[/]", soft_wrap=True)

    def _table(self, *columns: str) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(column, overflow="fold")
        return table


def _ingest_cells(report: IngestReport) -> tuple[str, ...]:
    counts = (
        report.files,
        report.assets,
        report.annotations,
        report.leaves,
        sum(r.count for r in report.rejects),
    )
    return (
        report.label_set,
        str(report.state),
        *(f"{count:,}" for count in counts),
        escape("; ".join(report.notes[:2])) or "-",
    )


def _reasons(why: tuple[str, ...]) -> str:
    shown = list(why[:2])
    if len(why) > 2:
        shown.append(f"… and {len(why) - 2} more")
    return "\n".join(shown)


def _picture(uri: str) -> str:
    return "/".join(Path(uri).parts[-2:])


def _near(path: str | Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _command_name() -> str:
    """How this very program can be called again from here."""
    if shutil.which("datacat"):
        return "datacat"
    return _near(sys.argv[0]) if sys.argv[0].endswith("datacat") else f"{_near(sys.executable)} -m datacat"
