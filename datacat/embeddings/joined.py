"""Rows of vectors joined with what the catalog says of their assets."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from datacat.steps import statement

# A vector counts while its asset is there with the bytes that it was made from. `a` is an asset, `v` a row.
COUNTS = "NOT a.is_missing AND (a.digest IS NULL OR a.digest = v.digest)"


def joined(cursor: duckdb.DuckDBPyConnection, rows: pa.Table, *, sql: str) -> pa.Table:
    """Runs `sql`, in which `vector_rows` are the rows given; the cursor is left as it was."""
    cursor.register("vector_rows", rows)
    try:
        with statement(cursor, sql):
            return cursor.execute(sql).to_arrow_table()
    finally:
        cursor.unregister("vector_rows")
