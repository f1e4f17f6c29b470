"""What bench/search.py measured, as Markdown: tables of each size, growth from size to size, and the aims."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAMES = {"datacat": "datacat", "duckdb": "JSON column", "chdb": "ClickHouse"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a question, or of a process from its beginning to its end."""

    wall_s: float
    process_s: float  # user and system, of all threads
    peak_mb: float = 0.0

    def __str__(self) -> str:
        return f"{_ms(self.wall_s)} ({_ms(self.process_s)})"


@dataclass(slots=True)
class Row:
    """A question, and what each system needed for it, by its name. `found`: how many assets."""

    name: str
    query: str
    is_nested: bool
    first_s: dict[str, float] = field(default_factory=dict)
    warm: dict[str, Cost] = field(default_factory=dict)
    cold: dict[str, Cost] = field(default_factory=dict)
    bounded: Cost | None = None
    found: int | None = None

    def ratio(self, rival: str) -> float:
        """How many times the process time of datacat it needs, warm; wall times say little on a busy machine."""
        return self.warm[rival].process_s / self.warm["datacat"].process_s


@dataclass(frozen=True, slots=True)
class Measured:
    """One size."""

    annotations: int
    label_sets: int
    rows: list[Row]
    peaks_mb: dict[str, float]
    load: tuple[float, float]
    disk_gb: dict[str, float]
    versions: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Measured:
        """Reads what `dataclasses.asdict` made of one."""
        found: dict[str, Any] = json.loads(path.read_text())
        rows = []
        for row in found.pop("rows"):
            for kind in ("warm", "cold"):
                row[kind] = {name: Cost(**cost) for name, cost in row[kind].items()}
            row["bounded"] = Cost(**row["bounded"])
            rows.append(Row(**row))
        return cls(rows=rows, **found)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.annotations:,} annotations, {self.label_sets:,} label sets"


def said(costs: dict[str, Cost]) -> str:
    """One line of times."""
    return ", ".join(f"{name} {cost}" for name, cost in costs.items())


def printed(found: list[Measured]) -> str:
    """Everything."""
    parts = [part for measured in found for part in _of_one(measured)]
    ordered = sorted(found, key=lambda one: (one.label_sets, one.annotations))
    for less, more in itertools.pairwise(ordered):
        if less.annotations == more.annotations or less.label_sets == more.label_sets:
            parts.append(_compared(less, more))
    return "\n\n".join([*parts, "\n".join(_aims(found))])


def _of_one(one: Measured) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in one.versions.items())
    disk = ", ".join(f"{_NAMES[name]} {size:.2f} GB" for name, size in one.disk_gb.items())
    yield f"### {one.title}\n\n{versions}; load {one.load[0]:.1f} to {one.load[1]:.1f} on two cores; on disk {disk}."
    rivals = [name for name in one.versions if name != "datacat"]
    heads = [head for name in rivals for head in (_NAMES[name], "ratio")]
    rows = []
    for row in one.rows:
        cells = [cell for name in rivals for cell in (str(row.warm[name]), f"{row.ratio(name):.1f} ×")]
        first = _ms(row.first_s["datacat"])
        found = "" if row.found is None else f"{row.found:,}"
        rows.append([row.name, str(row.warm["datacat"]), first, *cells, found])
    yield "Warm, milliseconds of wall time (of process time; ratios are of that):\n\n" + _table(
        ["question", "datacat", "first", *heads, "assets"], rows
    )
    rows = []
    for row in one.rows:
        assert row.bounded is not None
        ours = row.cold["datacat"]
        cells = [str(ours), *(str(row.cold.get(name, "")) for name in rivals)]
        rows.append(
            [row.name, *cells, f"{ours.peak_mb:,.0f}", f"{row.bounded.peak_mb:,.0f}", str(row.bounded)]
        )
    heads = ["question", "datacat", *(_NAMES[name] for name in rivals), "peak MB", "of 512 MiB", "and time"]
    yield "Cold, milliseconds of wall time (of process time):\n\n" + _table(heads, rows)
    peaks = ", ".join(f"{_NAMES[name]} {peak:,.0f} MB" for name, peak in one.peaks_mb.items())
    yield f"Most memory of the processes that stayed (memory_limit 4 GiB; ClickHouse has none): {peaks}."


def _compared(less: Measured, more: Measured) -> str:
    systems = [name for name in less.versions if name in more.versions]
    rows = []
    for before in less.rows:
        after = next((row for row in more.rows if row.name == before.name), None)
        if after is not None:
            rows.append(
                [
                    before.name,
                    *(f"{after.warm[n].process_s / before.warm[n].process_s:.1f} ×" for n in systems),
                ]
            )
    table = _table(["question", *(_NAMES[name] for name in systems)], rows)
    return f"### From {less.title} to {more.title}\n\nWarm process times become:\n\n{table}"


def _aims(found: Iterable[Measured]) -> Iterator[str]:
    """Whether each aim is met, with the rows that miss it."""
    found = list(found)
    yield "### Aims\n"
    for one in found:
        if "chdb" in one.versions and one.annotations >= 10_000_000:
            yield _aim(
                f"{one.title}: never slower than ClickHouse",
                [r for r in one.rows if r.ratio("chdb") < 1],
                rival="chdb",
            )
        nested = [row for row in one.rows if row.is_nested and row.ratio("duckdb") < 10]
        yield _aim(f"{one.title}: nested 10 times as fast as the JSON column", nested, rival="duckdb")
        first = one.rows[0].cold["datacat"]
        is_met = "met" if first.process_s <= 1 else "MISSED"
        yield f"- {one.title}: cold open and a class within 1 s of process time: {is_met} ({first.process_s:.2f} s)"
        worst = max(row.bounded.peak_mb for row in one.rows if row.bounded)
        yield f"- {one.title}: peak memory with memory_limit 512 MiB: {worst:,.0f} MB"


def _aim(text: str, missed: list[Row], *, rival: str) -> str:
    if not missed:
        return f"- {text}: met"
    return f"- {text}: MISSED by " + ", ".join(f"{row.name} ({row.ratio(rival):.2f} ×)" for row in missed)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"
