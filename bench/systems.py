"""The three that bench/search.py asks, each in a process of its own, with the same two threads.

    python bench/systems.py datacat|duckdb|chdb FOLDER          answers questions from stdin, as JSON lines
    python bench/systems.py … --once NAME [--after TOKEN]       answers one, from opening to the end of the process

datacat opens the catalog; DuckDB reads Parquet with a JSON column, sorted by class and asset; chdb, the embedded
ClickHouse, has a MergeTree table ordered by class and asset with the attributes of type JSON, up to 20 million rows
merged to one part. datacat and DuckDB have a memory_limit; ClickHouse has none.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

THREADS = 2
MEMORY_LIMIT = "4GiB"
REPEATS = 5
_LONG_S = 10  # no further repeats after so long
_MERGED = 20_000_000  # rows up to which ClickHouse merges its parts to one; they do not overlap anyway
Answer = Any
"""Of assets: [count, numbers]; of a page: [numbers]; of facets: {facet: [[value, annotations, assets], …]}."""


class System(Protocol):
    """What can be asked."""

    def ask(self, name: str, after: str | None) -> Callable[[], Answer]:
        """What answers a question, ready to be called. `after`: the token of the page before."""


class Datacat:
    """The catalog."""

    def __init__(self, folder: Path) -> None:
        import datacat

        self._catalog = datacat.open(str(folder / "catalog"))
        self._folder = folder

    def ask(self, name: str, after: str | None) -> Callable[[], Answer]:
        """See `System`."""
        from questions import PAGE, TOP, named_facets

        question = _question(name)
        if question.kind in ("page", "offset"):
            return lambda: [self._catalog.search(question.query, limit=PAGE, after=after).numbers]
        if question.kind == "facets":
            names = named_facets(_leaves(self._folder))
            return lambda: _facets(self._catalog.search(question.query).facets(names, limit=TOP))

        def assets() -> Answer:
            hits = self._catalog.search(question.query, limit=PAGE)
            return [hits.count(), hits.numbers]

        return assets


class DuckDb:
    """Parquet with a JSON column."""

    def __init__(self, folder: Path) -> None:
        import duckdb

        config: dict[str, Any] = {
            "threads": THREADS,
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(folder / "spill"),
        }
        self._connection = duckdb.connect(config=config)
        self._connection.execute("SET parquet_metadata_cache = true")
        self._connection.execute(f"CREATE VIEW annotations AS FROM read_parquet('{folder}/json/*.parquet')")
        self._folder = folder

    def ask(self, name: str, after: str | None) -> Callable[[], Answer]:
        """See `System`."""
        return _asked_in_sql(self.rows, name, after=after, folder=self._folder, is_chdb=False)

    def rows(self, sql: str) -> list[list[Any]]:
        """The result."""
        return [list(row) for row in self._connection.execute(sql).fetchall()]


class ClickHouse:
    """chdb."""

    def __init__(self, folder: Path) -> None:
        import chdb.session

        place = folder / "chdb"
        is_new = not (place / "whole").exists()
        self._session = chdb.session.Session(str(place))
        if is_new:
            self._fill(folder / "json")
            (place / "whole").touch()
        self._session.query("USE bench")
        self._folder = folder

    def _fill(self, parts: Path) -> None:
        for statement in (
            "DROP DATABASE IF EXISTS bench",
            "CREATE DATABASE bench ENGINE = Atomic",
            "CREATE TABLE bench.annotations (asset UInt64, annotation UInt64, label_set UInt32, class "
            "LowCardinality(String), annotator LowCardinality(String), attributes JSON) "
            "ENGINE = MergeTree ORDER BY (class, asset)",
            *(
                f"INSERT INTO bench.annotations SELECT * FROM file('{part}', Parquet, 'asset UInt64, "
                "annotation UInt64, label_set UInt32, class String, annotator String, attributes JSON') "
                f"SETTINGS max_threads = {THREADS}"
                for part in sorted(parts.glob("*.parquet"))
            ),
        ):
            self._session.query(statement)
        if int(str(self._session.query("SELECT count() FROM bench.annotations", "TSV"))) <= _MERGED:
            self._session.query("OPTIMIZE TABLE bench.annotations FINAL")

    def ask(self, name: str, after: str | None) -> Callable[[], Answer]:
        """See `System`."""
        return _asked_in_sql(self.rows, name, after=after, folder=self._folder, is_chdb=True)

    def rows(self, sql: str) -> list[list[Any]]:
        """The result."""
        answer = self._session.query(f"{sql} SETTINGS max_threads = {THREADS}", "JSONCompactEachRow")
        return [json.loads(line) for line in str(answer).splitlines() if line]


SYSTEMS: dict[str, Callable[[Path], System]] = {"datacat": Datacat, "duckdb": DuckDb, "chdb": ClickHouse}


def _question(name: str) -> Any:
    from questions import QUESTIONS

    return next(question for question in QUESTIONS if question.name == name)


def _asked_in_sql(
    rows: Callable[[str], list[list[Any]]], name: str, *, after: str | None, folder: Path, is_chdb: bool
) -> Callable[[], Answer]:
    import questions as q

    question = _question(name)
    write = q.for_chdb if is_chdb else q.for_duckdb
    if question.kind == "facets":
        bins = {path: q.Bins(**of_path) for path, of_path in json.loads(after or "{}").items()}
        facets = q.chdb_facets if is_chdb else q.duckdb_facets
        statement = facets(question.where, _leaves(folder), bins=bins)
        return lambda: _grouped(rows(statement))
    if question.kind == "assets":
        statements = [write(q.counted(question.assets())), write(q.page(question.assets()))]
        return lambda: _counted_page(*map(rows, statements))
    position, row = json.loads(after or "[0, 0]")
    found = (
        q.page(question.assets(after=position))
        if question.kind == "page"
        else q.page(question.assets(), offset=row)
    )
    return lambda: [[int(asset) for (asset,) in rows(found)]]


def _counted_page(total: list[list[Any]], listed: list[list[Any]]) -> Answer:
    return [int(total[0][0]), [int(asset) for (asset,) in listed]]


def _grouped(found: Sequence[Sequence[Any]]) -> Answer:
    from documents import label_set_name

    facets: dict[str, list[list[Any]]] = {}
    for facet, value, count, assets in found:
        if not int(count):
            continue
        text = "/".join(label_set_name(int(value) - 1)) if facet == "label_set" else value
        facets.setdefault(facet, []).append([text, int(count), int(assets)])
    return {name: sorted(values, key=lambda row: (-row[1], row[0])) for name, values in facets.items()}


def _leaves(folder: Path) -> Any:
    from questions import leaves_of

    _, label_sets, seed = json.loads((folder / "size.json").read_text())
    return leaves_of(label_sets, seed=seed)


def _facets(found: Any) -> Answer:
    facets: dict[str, list[list[Any]]] = {}
    for facet in found.facets:
        name = facet.name.removeprefix("attributes.")
        if facet.values:
            facets[name] = [[bucket.value, bucket.annotations, bucket.assets] for bucket in facet.values]
        if facet.bins:
            bins = [[str(n), b.annotations, b.assets] for n, b in enumerate(facet.bins) if b.annotations]
            facets[f"{name} numbers"] = sorted(bins, key=lambda row: (-row[1], row[0]))
    return facets


def measured(call: Callable[[], Answer]) -> dict[str, Any]:
    """The answer of a call, the first time that it took, and the medians of further ones, in seconds."""
    from statistics import median  # imports much that a cold process does not need

    times: list[float] = []
    used: list[float] = []
    answer = None
    while len(times) <= REPEATS and sum(times) < _LONG_S:
        started, started_cpu = time.perf_counter(), time.process_time()
        answer = call()
        times.append(time.perf_counter() - started)
        used.append(time.process_time() - started_cpu)
    wall_s, process_s = (median(listed[1:] or listed) for listed in (times, used))
    return {"answer": answer, "first_s": times[0], "wall_s": wall_s, "process_s": process_s}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--once", metavar="NAME")
    parser.add_argument("--after", metavar="TOKEN")
    chosen = parser.parse_args()
    system = SYSTEMS[chosen.system](chosen.folder)
    if chosen.once:
        print(json.dumps({"answer": system.ask(chosen.once, chosen.after)(), "peak_mb": _peak_mb()}))
        return
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        call = system.ask(asked["name"], asked["after"])
        print(json.dumps({**measured(call), "peak_mb": _peak_mb()}), flush=True)


def _peak_mb() -> float:
    """The most memory this process ever had; what the kernel tells who waits for it includes who started it."""
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
