"""The one door to DuckDB: runs our SQL and translates what can go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from datacat.errors import CatalogError
from datacat.query.compare import Sql
from datacat.steps import statement


def rows(cursor: duckdb.DuckDBPyConnection, sql: Sql) -> list[tuple[Any, ...]]:
    """All rows as tuples.

    Raises:
        CatalogError: DuckDB could not run it: out of memory and disk, a damaged or missing file.
    """
    with _translated(), statement(cursor, sql.text):
        return cursor.execute(sql.text, list(sql.values)).fetchall()


def arrow(cursor: duckdb.DuckDBPyConnection, sql: Sql) -> pa.Table:
    """All rows as an Arrow table; raises as `rows`."""
    with _translated(), statement(cursor, sql.text):
        return cursor.execute(sql.text, list(sql.values)).to_arrow_table()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        raise CatalogError(
            f"the query could not be run: {first_line}", hint="`datacat doctor` checks the files."
        ) from error
