"""Search at 1, 10 and 100 million annotations, against a JSON column in DuckDB and against ClickHouse's JSON type.

    python bench/search.py 1m 10m 10m/1000 100m [--without-chdb] [--report]

`10m/1000` are 10 million annotations in 1,000 label sets; without a number there are 12. What is asked lies in
bench/out (generate_catalog.py makes it, and says before what it needs). The three systems (systems.py) run in
processes of their own with two threads each. Every question is asked

- warm: in a process that stays, up to six times within 10 s; the median of all but the first, or the first where it
  took longer,
- cold: in a process of its own, opening included, after the system's files were dropped from the page cache (beyond
  20 million annotations the rivals only the first question),
- bounded (datacat only): the same with a memory_limit of 512 MiB,

and the answers are compared: a difference ends the run. What was measured is kept beside the catalog (measured.json);
`--report` prints the tables of what is there (report.py) without measuring again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from generate_catalog import Size, generate
from questions import DEEP, QUESTIONS, Bins, Question
from report import Cost, Measured, Row, printed, said
from systems import MEMORY_LIMIT, THREADS

import datacat
from datacat.catalog import Catalog
from datacat.query.page import read_page

_HERE = Path(__file__).parent
_BOUND = "512MiB"
_LARGE = 20_000_000  # annotations beyond which the rivals are asked one question cold
_FOLDERS = {"datacat": "catalog", "duckdb": "json", "chdb": "chdb"}
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", default=["1m", "10m"], help="As in 10m or 10m/1000.")
    parser.add_argument("--out", type=Path, default=_HERE / "out")
    parser.add_argument("--without-chdb", action="store_true")
    parser.add_argument("--report", action="store_true", help="Print what was measured before.")
    chosen = parser.parse_args()
    systems = [name for name in _FOLDERS if not (chosen.without_chdb and name == "chdb")]
    found = []
    for name in chosen.sizes:
        kept = chosen.out / f"search-{name.replace('/', '-')}" / "measured.json"
        if not chosen.report:
            measured = measure(kept.parent, size_of(name), systems=systems)
            kept.write_text(json.dumps(asdict(measured), indent=1))
        found.append(Measured.read(kept))
    print(printed(found))


def size_of(text: str) -> Size:
    """Reads `10m/1000`.

    Raises:
        SystemExit: it is no size.
    """
    match = re.fullmatch(r"(\d+)([km]?)(?:/(\d+))?", text)
    if match is None:
        raise SystemExit(f"{text!r} is no size, as in 10m or 10m/1000")
    return Size(int(match[1]) * _UNITS[match[2]], int(match[3] or 12))


def measure(folder: Path, size: Size, *, systems: list[str]) -> Measured:
    """Asks every question of every system; makes what is asked where it is not there."""
    catalog = generate(folder, size)
    before = os.getloadavg()[0]
    afters = {question.name: _afters(catalog, question) for question in QUESTIONS}
    rows = [Row(question.name, question.query, question.is_nested) for question in QUESTIONS]
    workers = {name: _Worker(name, folder) for name in systems}
    answers: dict[str, dict[str, Any]] = {row.name: {} for row in rows}
    for question, row in zip(QUESTIONS, rows, strict=True):
        for name, worker in workers.items():
            asked = worker.ask(question, after=afters[row.name].get(name))
            answers[row.name][name] = asked["answer"]
            row.first_s[name] = asked["first_s"]
            row.warm[name] = Cost(asked["wall_s"], asked["process_s"])
        _compare(question, answers[row.name])
        row.found = _found(answers[row.name]["datacat"])
        print(f"warm, {row.name}: {said(row.warm)}", file=sys.stderr, flush=True)
    peaks = {name: worker.end() for name, worker in workers.items()}
    for question, row in zip(QUESTIONS, rows, strict=True):
        _ask_cold(
            folder,
            question,
            row=row,
            systems=systems,
            afters=afters[row.name],
            answers=answers[row.name],
            is_short=size.annotations > _LARGE and row is not rows[0],
        )
        _compare(question, answers[row.name])
        print(f"cold, {row.name}: {said(row.cold)}", file=sys.stderr, flush=True)
    load = (before, os.getloadavg()[0])
    return Measured(size.annotations, size.label_sets, rows, peaks, load, _disk(folder), _versions(systems))


def _ask_cold(
    folder: Path,
    question: Question,
    *,
    row: Row,
    systems: list[str],
    afters: dict[str, str],
    answers: dict[str, Any],
    is_short: bool,
) -> None:
    for name in systems:
        if name != "datacat" and is_short:
            continue
        answers[f"{name}, cold"], row.cold[name] = _once(
            name, folder, question=question, after=afters.get(name)
        )
    answers["datacat, bounded"], row.bounded = _once(
        "datacat", folder, question=question, after=afters.get("datacat"), memory_limit=_BOUND
    )


class _Worker:
    """A process that stays and answers; see systems.py."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, str(_HERE / "systems.py"), name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(MEMORY_LIMIT),
        )
        self._line()

    def ask(self, question: Question, *, after: str | None) -> dict[str, Any]:
        """The answer with its times."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"name": question.name, "after": after}) + "\n")
        self._process.stdin.flush()
        found = self._line()
        self._peak_mb = float(found["peak_mb"])
        return found

    def end(self) -> float:
        """Ends it; the most memory it ever had, in MB."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        return self._peak_mb

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended")
        found: dict[str, Any] = json.loads(line)
        return found


def _once(
    name: str, folder: Path, *, question: Question, after: str | None, memory_limit: str = MEMORY_LIMIT
) -> tuple[Any, Cost]:
    """Asks a question of a fresh process that finds none of its files in memory."""
    _forget(folder / _FOLDERS[name])
    command = [sys.executable, str(_HERE / "systems.py"), name, str(folder), "--once", question.name]
    command += ["--after", after] if after else []
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment(memory_limit))
    assert process.stdout is not None
    answered = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - started
    if process.returncode or not answered.strip():
        raise SystemExit(f"{name} has no answer to: {question.name}")
    told = json.loads(answered.splitlines()[-1])
    return told["answer"], Cost(wall_s, used.ru_utime + used.ru_stime, told["peak_mb"])


def _environment(memory_limit: str) -> dict[str, str]:
    return {**os.environ, "DATACAT_MEMORY_LIMIT": memory_limit, "DATACAT_THREADS": str(THREADS)}


def _forget(folder: Path) -> None:
    """Drops the files of a folder from the page cache, which needs no permission and disturbs nobody else."""
    for path in folder.rglob("*"):
        if path.is_file():
            with _opened(path) as file:
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDONLY)
    try:
        yield file
    finally:
        os.close(file)


def _afters(catalog: Catalog, question: Question) -> dict[str, str]:
    """Where a page far behind begins: datacat's token of the page before, asset and row for the rivals.

    Of facets, the bins of numbers, for the rivals.
    """
    if question.kind == "facets":
        bins = {
            facet.name.removeprefix("attributes."): asdict(
                Bins.between(facet.bins[0].low or 0, facet.bins[0].high or 0, count=len(facet.bins))
            )
            for facet in catalog.search(question.query).facets().facets
            if facet.bins and facet.bins[0].low is not None
        }
        return dict.fromkeys(("duckdb", "chdb"), json.dumps(bins))
    if question.kind not in ("page", "offset"):
        return {}
    row = min(DEEP, catalog.search(question.query).count() // 2)
    token = catalog.search(question.query, limit=row).next
    assert token is not None
    position = json.dumps([read_page(token).position, row])
    return {"datacat": token, "duckdb": position, "chdb": position}


def _compare(question: Question, answers: dict[str, Any]) -> None:
    ours = answers["datacat"]
    for name, answer in answers.items():
        if answer != ours:
            raise SystemExit(
                f"{question.name}: datacat says {str(ours)[:2000]}\n{name} says {str(answer)[:2000]}"
            )


def _found(answer: Any) -> int | None:
    return answer[0] if isinstance(answer, list) and isinstance(answer[0], int) else None


def _disk(folder: Path) -> dict[str, float]:
    """GB of each system's files."""
    return {
        name: sum(path.stat().st_size for path in (folder / below).rglob("*") if path.is_file()) / 1e9
        for name, below in _FOLDERS.items()
        if (folder / below).exists()
    }


def _versions(systems: list[str]) -> dict[str, str]:
    from importlib.metadata import version

    return {name: datacat.__version__ if name == "datacat" else version(name) for name in systems}


if __name__ == "__main__":
    main()
