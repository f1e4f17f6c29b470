"""Which row groups of which data files were read: DuckDB's log of its file system, laid over the files' footers.

DuckDB's profile does not tell it (1.5 counts rows that statistics have skipped). The log does: each read has its file
and position, and a footer says where each row group lies. The log is one for all of a DuckDB instance, so it is on only
while something is explained, one explanation at a time, and what other connections read is left out.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from datacat.sources.location import as_pattern, of_pattern

KIND = re.compile(r"logical_table=(\w+)/")
"""Finds the logical table in the path of a data file."""

_lock = threading.Lock()
_FILES = re.compile(r"'((?:[^']|'')*\.parquet)'")
_VIEWS = "SELECT sql FROM duckdb_views() WHERE schema_name = current_schema() AND NOT internal"
_READS = """
SELECT query_id, path, pos, bytes FROM duckdb_logs_parsed('FileSystem') WHERE op = 'READ' AND connection_id = {}"""
_PATHS = "SELECT DISTINCT path FROM ({})"
_ROW_GROUPS = """
SELECT file_name AS file, row_group_id AS row_group, any_value(row_group_num_rows) AS rows,
    min(coalesce(dictionary_page_offset, data_page_offset)) AS low,
    max(coalesce(dictionary_page_offset, data_page_offset) + total_compressed_size) AS high
FROM parquet_metadata(?::VARCHAR[]) GROUP BY ALL"""
# A read of a footer may begin within the last row group; it ends behind it.
_PIECES = """
SELECT query_id, file, row_group, any_value(rows), sum(bytes)::BIGINT
FROM ({}) reads ASOF JOIN row_groups ON reads.path = row_groups.file AND reads.pos >= row_groups.low
WHERE pos + bytes <= high GROUP BY ALL ORDER BY ALL"""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is of a table."""

    files: int
    row_groups: int
    rows: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A row group that a statement read, in part or whole; `bytes` as they lie in the file."""

    statement: int
    table: str
    file: str
    row_group: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class FileReads:
    """How much there is of each table, and what was read."""

    extents: Mapping[str, Extent]
    pieces: Sequence[Piece]


@contextmanager
def logged(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Lets DuckDB log what it reads from files; other explanations wait. The log is gone when this ends."""
    control = cursor.cursor()
    with _lock:
        control.execute("CALL enable_logging('FileSystem', level = 'trace')")
        try:
            yield
        finally:
            control.execute("CALL disable_logging()")
            control.execute("CALL truncate_duckdb_logs()")


def position(cursor: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """The number of the connection, and one greater than those of all its statements so far."""
    ((connection, number),) = cursor.execute("SELECT current_connection_id(), current_query_id()").fetchall()
    return int(connection), int(number)


def read(cursor: duckdb.DuckDBPyConnection, connection: int) -> FileReads:
    """What a connection has read since the log is on.

    Args:
        cursor: sees the tables as views over data files.
        connection: as `position` says.
    """
    reads = _READS.format(connection)
    patterns = {file.replace("''", "'") for (sql,) in _all(cursor, _VIEWS) for file in _FILES.findall(sql)}
    files = set(map(of_pattern, patterns))
    files |= {path for (path,) in _all(cursor, _PATHS.format(reads))}
    table_of = {file: found[1] for file in files if (found := KIND.search(file))}
    if not table_of:
        return FileReads({}, ())
    cursor.execute(f"CREATE TEMP TABLE row_groups AS {_ROW_GROUPS}", [list(map(as_pattern, table_of))])
    pieces = [
        Piece(statement, table_of[file], file, row_group, rows, size)
        for statement, file, row_group, rows, size in _all(cursor, _PIECES.format(reads))
    ]
    sizes = _all(cursor, "SELECT file, count(*), sum(rows)::BIGINT FROM row_groups GROUP BY ALL")
    cursor.execute("DROP TABLE row_groups")
    return FileReads(_extents(sizes, table_of), pieces)


def _all(cursor: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return cursor.execute(sql).fetchall()


def _extents(sizes: Sequence[tuple[str, int, int]], table_of: Mapping[str, str]) -> dict[str, Extent]:
    files, groups, rows = Counter[str](), Counter[str](), Counter[str]()
    for file, group_count, row_count in sizes:
        table = table_of[file]
        files[table] += 1
        groups[table] += group_count
        rows[table] += row_count
    return {table: Extent(files[table], groups[table], rows[table]) for table in files}
