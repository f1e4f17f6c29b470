"""The same questions to plain DuckDB over a JSON column, and to embedded ClickHouse with its JSON type.

Each runs in a process of its own: `python bench/rivals.py duckdb|chdb FOLDER` reads questions as JSON lines and answers each
with its result and its times.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

_THREADS = 2


class DuckDb:
    """One Parquet file with a JSON column, sorted by class."""

    def __init__(self, folder: Path) -> None:
        self._connection = duckdb.connect(config={"threads": _THREADS})
        self._connection.execute(
            f"CREATE VIEW annotations AS FROM read_parquet('{folder}/annotations.parquet')"
        )

    def rows(self, sql: str) -> list[list[Any]]:
        """The result."""
        return [list(row) for row in self._connection.execute(sql).fetchall()]


class ClickHouse:
    """A MergeTree table ordered by class and asset, the attributes of type JSON (a column a path inside)."""

    def __init__(self, folder: Path) -> None:
        import chdb.session

        place = folder / "chdb"
        is_new = not place.exists()
        self._session = chdb.session.Session(str(place))
        self._session.query(f"SET max_threads = {_THREADS}")
        if is_new:
            self._session.query("CREATE DATABASE bench ENGINE = Atomic")
            self._session.query(
                "CREATE TABLE bench.annotations (asset UInt64, annotation UInt64, label_set UInt32, "
                "class LowCardinality(String), attributes JSON) ENGINE = MergeTree ORDER BY (class, asset)"
            )
            self._session.query(
                f"INSERT INTO bench.annotations SELECT asset, annotation, label_set, class, attributes "
                f"FROM file('{folder}/annotations.parquet', Parquet, "
                "'asset UInt64, annotation UInt64, label_set UInt32, class String, attributes JSON')"
            )
            self._session.query("OPTIMIZE TABLE bench.annotations FINAL")
        self._session.query("USE bench")

    def rows(self, sql: str) -> list[list[Any]]:
        """The result."""
        answer = self._session.query(f"{sql} SETTINGS max_threads = {_THREADS}", "JSONCompactEachRow")
        return [json.loads(line) for line in str(answer).splitlines() if line]


def measured(call: Callable[[], Any], *, repeats: int) -> tuple[Any, float, float]:
    """The answer of a call, its first time and the median of further ones, in seconds."""
    times = []
    answer = None
    for _ in range(repeats + 1):
        started = time.perf_counter()
        answer = call()
        times.append(time.perf_counter() - started)
        if sum(times) > 60:
            break
    return answer, times[0], statistics.median(times[1:] or times)


def main() -> None:
    """Answers questions from stdin: {"sql": [statements of one question], "repeats": n}."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    system = {"duckdb": DuckDb, "chdb": ClickHouse}[name](folder)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        answer, first_s, median_s = measured(
            lambda asked=asked: [system.rows(sql) for sql in asked["sql"]], repeats=asked["repeats"]
        )
        print(json.dumps({"answer": answer, "first_s": first_s, "median_s": median_s}), flush=True)


if __name__ == "__main__":
    main()
