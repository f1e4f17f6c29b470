"""The one door to DuckDB: runs our SQL and translates what can go wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from datacat.errors import CatalogError, Interrupted, StateNotFound, UsageError, shortage
from datacat.query.assignment import ASSIGNED, register
from datacat.query.compare import Sql
from datacat.query.ending import may_be_ended
from datacat.steps import statement

_BATCH = 1 << 20  # rows
TOO_MANY = "the query has too many parts"


def rows(cursor: duckdb.DuckDBPyConnection, sql: Sql) -> list[tuple[Any, ...]]:
    """All rows as tuples.

    Raises:
        UsageError: the statement has more parts than DuckDB takes.
        OutOfMemory: it needs more than it may use.
        CatalogError: DuckDB could not run it: a damaged or missing file.
        StateNotFound: `gc` was told to forget the state.
        Interrupted: an `Ending` was brought about.
    """
    with _translated(cursor), may_be_ended(cursor), statement(cursor, sql.text):
        return _executed(cursor, sql).fetchall()


def arrow(cursor: duckdb.DuckDBPyConnection, sql: Sql) -> pa.Table:
    """All rows as an Arrow table; raises as `rows`."""
    with _translated(cursor), may_be_ended(cursor), statement(cursor, sql.text):
        return _executed(cursor, sql).to_arrow_table()


def batches(cursor: duckdb.DuckDBPyConnection, sql: Sql) -> Iterator[pa.RecordBatch]:
    """The rows as they come, so that they need not be in memory at once; raises as `rows`."""
    with _translated(cursor), may_be_ended(cursor), statement(cursor, sql.text):
        yield from _executed(cursor, sql).to_arrow_reader(_BATCH)


def _executed(cursor: duckdb.DuckDBPyConnection, sql: Sql) -> duckdb.DuckDBPyConnection:
    """Binds values, but not the first ones of a process: DuckDB imports pandas for that, which takes 0.25 s."""
    if ASSIGNED in sql.text:
        register(cursor)
    if sql.values and "pandas" not in sys.modules and (written := sql.written_out) is not None:
        return cursor.execute(written)
    return cursor.execute(sql.text, list(sql.values))


@contextmanager
def _translated(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException as error:
        raise Interrupted("the search was ended while it ran") from error
    except RuntimeError as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):  # what DuckDB makes of Ctrl-C
            raise
        cursor.interrupt()  # its threads would work on, and the process wait for them when it ends
        raise KeyboardInterrupt from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise shortage() from error
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        if "expression depth" in first_line:
            hint = "Ask in several steps; many values of one path are one condition: path in (a, b, c)."
            raise UsageError(TOO_MANY, hint=hint) from error
        if "No files found that match" in first_line:
            raise StateNotFound(
                "files of this state are gone",
                hint="`datacat gc --forget-before` removes those of past states: search the newest one, without a "
                "page token or --at. If this is the newest, `datacat doctor` says what is lost.",
            ) from error
        raise CatalogError(
            f"the query could not be run: {first_line}", hint="`datacat doctor` checks the files."
        ) from error
