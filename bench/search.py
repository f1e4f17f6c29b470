"""Search at 1, 10 and 100 million annotations, against a JSON column in DuckDB and against ClickHouse's JSON type.

    python bench/search.py --annotations 10000000 [--label-sets 12] [--without-chdb]

Makes the catalog first (bench/generate_catalog.py), the same rows as one Parquet file with a JSON column sorted by class,
and a ClickHouse table ordered by class and asset (chdb, the embedded ClickHouse: pip install chdb). All three run in
processes of their own with two threads. Each question is counted and its first page of 50 asset numbers taken; the answers
are compared, and a difference ends the run. Times are milliseconds: the first ask, and the median of those after it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from generate_catalog import Size, generate
from questions import DEEP, PAGE, QUESTIONS, counted, for_chdb, for_duckdb, page
from rivals import measured

import datacat
from datacat.catalog import Catalog

_REPEATS = 5
_HERE = Path(__file__).parent
_COLD = """
import resource, sys, time
started = time.perf_counter()
import datacat
count = datacat.open(sys.argv[1]).search(sys.argv[2]).count()
used = resource.getrusage(resource.RUSAGE_SELF)
print(count, time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


class Rival:
    """A process that answers SQL; see rivals.py."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, str(_HERE / "rivals.py"), name, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._line()

    def ask(self, *sql: str) -> dict[str, Any]:
        """The answers to statements asked together, with their times."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"sql": sql, "repeats": _REPEATS}) + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended")
        found: dict[str, Any] = json.loads(line)
        return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--label-sets", type=int, default=12)
    parser.add_argument("--out", type=Path, default=_HERE / "out")
    parser.add_argument("--without-chdb", action="store_true")
    parser.add_argument(
        "--folder", type=Path, help="Where the catalog lies; by default named after its size."
    )
    chosen = parser.parse_args()
    name = f"c{chosen.annotations // 1_000_000}m" + (
        f"-{chosen.label_sets}" if chosen.label_sets != 12 else ""
    )
    folder = chosen.folder or chosen.out / name
    catalog = generate(folder, Size(chosen.annotations, chosen.label_sets))
    print(
        f"\n{chosen.annotations:,} annotations, {chosen.label_sets} label sets, 2 threads, load {os.getloadavg()[0]:.1f}"
    )
    _cold(folder)
    names = ["duckdb"] if chosen.without_chdb else ["duckdb", "chdb"]
    rivals = [Rival(rival, folder) for rival in names]
    print("\n| question | datacat | " + " | ".join(f"{r} | ratio" for r in names) + " | assets |")
    print("| --- |" + " ---: |" * (2 * len(names) + 2))
    for question in QUESTIONS:
        _compare(catalog, question.query, question.assets, name=question.name, rivals=rivals)
    _deep(catalog, rivals)
    print(f"\npeak memory of datacat's process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB, "
          f"memory_limit {catalog.settings.memory_limit}")  # fmt: skip


def _cold(folder: Path) -> None:
    """A process that opens the catalog and answers one question for a class."""
    command = [sys.executable, "-c", _COLD, str(folder / "catalog"), "class_003"]
    for _ in range(2):
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    count, wall_s, process_s, peak_mb = found
    print(f"cold: opened and {int(count):,} assets of a class counted in {float(process_s):.2f} s of process time, "
          f"{float(wall_s):.2f} s of wall time, {float(peak_mb):.0f} MB")  # fmt: skip


def _compare(catalog: Catalog, query: str, assets: str, *, name: str, rivals: list[Rival]) -> None:
    def asked() -> list[Any]:
        hits = catalog.search(query, limit=PAGE)
        return [hits.count(), hits.numbers]

    ours, first_s, ours_s = measured(asked, repeats=_REPEATS)
    cells = [f"{ours_s * 1e3:,.0f} ({first_s * 1e3:,.0f})"]
    for rival in rivals:
        write = for_chdb if rival.name == "chdb" else for_duckdb
        found = rival.ask(write(counted(assets)), write(page(assets)))
        (((total,),), listed) = found["answer"]
        if [int(total), [int(asset) for (asset,) in listed]] != ours:
            raise SystemExit(f"{name}: datacat says {ours}, {rival.name} {found['answer']}")
        cells += [f"{found['median_s'] * 1e3:,.0f}", f"{found['median_s'] / ours_s:.1f} ×"]
    print(f"| {name} | " + " | ".join(cells) + f" | {ours[0]:,} |", flush=True)


def _deep(catalog: Catalog, rivals: list[Rival]) -> None:
    """The page that begins at row 500,000, by its token and by OFFSET."""
    assets = QUESTIONS[0].assets.replace("class_003", "class_000")
    hits = catalog.search("class_000", limit=DEEP)
    if hits.count() <= DEEP:
        return
    token = hits.next

    def asked() -> list[int]:
        return catalog.search("class_000", limit=PAGE, after=token).numbers

    ours, first_s, ours_s = measured(asked, repeats=_REPEATS)
    cells = [f"{ours_s * 1e3:,.0f} ({first_s * 1e3:,.0f})"]
    for rival in rivals:
        found = rival.ask(page(assets, offset=DEEP))
        if [int(asset) for (asset,) in found["answer"][0]] != ours:
            raise SystemExit(f"deep paging: {rival.name} gives another page")
        cells += [f"{found['median_s'] * 1e3:,.0f}", f"{found['median_s'] / ours_s:.1f} ×"]
    print(f"| page at row {DEEP:,} of a class | " + " | ".join(cells) + f" | {hits.count():,} |", flush=True)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s, datacat {datacat.__version__}")
