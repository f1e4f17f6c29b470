"""What DuckDB measured of one statement: its profile, as versions 1.5 and 2.0 write it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from datacat.query.file_reads import KIND

_OPTIONAL = "optional: "
_PLANNING = ("planner", "all_optimizers", "optimizer", "physical_planner")


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of a table within a statement, with the filter above it.

    Attributes:
        conditions: what rows had to fulfil, as DuckDB prints it; empty where it took every row.
        skipped_by: what row groups were skipped by beside that: a list of values, what the other side of a join has.
        rows: how many came out.
        time_s: of all threads together.
    """

    conditions: str
    skipped_by: str
    rows: int
    time_s: float


@dataclass(frozen=True, slots=True)
class Profile:
    """One statement that was run.

    Attributes:
        scans: of data files, each with its table.
        plan_s: until DuckDB had a plan.
        memory_bytes: the most that DuckDB's buffers took meanwhile, those of its other statements included.
    """

    scans: tuple[tuple[str, Scan], ...]
    plan_s: float
    memory_bytes: int


@contextmanager
def profiling(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Lets DuckDB measure what this cursor runs inside; prints nothing."""
    cursor.execute("SET enable_profiling = 'no_output'")
    cursor.execute("SET profiling_mode = 'detailed'")
    cursor.execute("SET profiling_coverage = 'ALL'")
    try:
        yield
    finally:
        cursor.execute("PRAGMA disable_profiling")


def profile_of(cursor: duckdb.DuckDBPyConnection) -> Profile:
    """The profile of the last statement of a cursor, whose rows were all read."""
    found = json.loads(cursor.get_profiling_information(format="json"))
    planned = (found.get(name, 0) for name in _PLANNING)
    plan_s = sum(part["total_time"] if isinstance(part, Mapping) else part for part in planned)
    memory = found.get("system_peak_buffer_memory", found.get("system", {}).get("peak_buffer_memory", 0))
    operators = found.get("operator", found.get("children", []))
    scans = tuple(scan for operator in operators for scan in _scans(operator))
    return Profile(scans, float(plan_s), int(memory))


def _scans(
    operator: Mapping[str, Any], filters: Sequence[Mapping[str, Any]] = ()
) -> Iterator[tuple[str, Scan]]:
    """The scans at and below an operator; `filters` are those that stand right above it, the topmost first."""
    told = operator.get("extra_info", {})
    table = KIND.search(told.get("Filename(s)", ""))
    if table is not None:
        yield table[1], _scan([*filters, operator])
    kind = operator.get("operator_type", operator.get("type"))
    above = [*filters, operator] if kind == "FILTER" else filters if kind == "PROJECTION" else ()
    for below in operator.get("children", ()):
        yield from _scans(below, above)


def _scan(operators: Sequence[Mapping[str, Any]]) -> Scan:
    """From a scan (the last one) and its filters."""
    told = [operator["extra_info"] for operator in operators]
    pushed = [text.partition(_OPTIONAL) for text in _texts(told[-1].get("Filters", []))]
    exact = [text.removesuffix(" AND ") for text, _, _ in pushed]
    looked_at = [expression for above in told[:-1] for expression in _texts(above.get("Expression", []))]
    # A filter above the scan says again what is optional in it.
    hints = [] if looked_at else [text for _, _, text in pushed]
    hints += _texts(told[-1].get("Dynamic Filters", []))
    return Scan(
        " AND ".join(text for text in [*exact, *looked_at] if text),
        " AND ".join(text.replace(_OPTIONAL, "") for text in hints if text),
        int(operators[0].get("operator_cardinality", operators[0].get("intermediate_rows", 0))),
        sum(float(each.get("operator_timing", each.get("timing", 0.0))) for each in operators),
    )


def _texts(value: str | list[str]) -> list[str]:
    """DuckDB gives one text as it is, several as a list."""
    return [value] if isinstance(value, str) else value
