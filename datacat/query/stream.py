"""Large answers, a part at a time: what is in memory at once does not grow with the answer.

DuckDB holds the whole answer in a temporary table, which it spills to disk where memory ends. A part of it is read by a
query of its own, so that between two parts the same cursor can answer others.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from datacat.errors import UsageError
from datacat.query.compare import Sql
from datacat.query.run import arrow, rows

PART_ROWS = 500_000  # of a temporary table, in memory at once
_BLOCK = 1024  # neighbouring assets that are counted together to find where parts end
_IDENTIFIERS = frozenset({"asset", "annotation"})


def ranges(cursor: duckdb.DuckDBPyConnection, table: Sql, *, after: int = -1) -> list[tuple[int, int]]:
    """Cuts a table into ranges of its column `asset`, both ends inclusive, in ascending order.

    A range has `PART_ROWS` rows, or more by those of 1,024 neighbouring assets.

    Args:
        cursor: sees the table.
        table: its name.
        after: only assets behind this one.
    """
    query = Sql(
        f"SELECT min(asset), max(asset), count(*) FROM {{}} WHERE asset > ? GROUP BY asset // {_BLOCK} ORDER BY 1",  # noqa: S608
        (after,),
    )
    found: list[tuple[int, int]] = []
    room = 0
    for low, high, count in rows(cursor, query.filled(table)):
        if found and count <= room:
            found[-1] = (found[-1][0], high)
            room -= count
        else:
            found.append((low, high))
            room = PART_ROWS - count
    return found


def parts(
    cursor: duckdb.DuckDBPyConnection, select: Sql, *, table: Sql, after: int = -1
) -> Iterator[pa.Table]:
    """What a SELECT gives for each range of assets of `table`, ordered by its columns.

    Its first `{}` is the table, narrowed to the range, and its second the condition for the range.
    """
    for low, high in ranges(cursor, table, after=after):
        within = Sql("asset BETWEEN ? AND ?", (low, high))
        narrowed = Sql("(FROM {} WHERE {})").filled(table, within)
        query = Sql(f"{select.text} ORDER BY ALL", select.values)
        yield arrow(cursor, query.filled(narrowed, within))


def encoded(
    batches: Iterable[pa.RecordBatch], *, to: str, schema: pa.Schema, ids_as_text: bool = False
) -> Iterator[bytes]:
    """Record batches as bytes of a format, piece by piece.

    Args:
        batches: of `schema`.
        to: "ndjson", "arrow" (the IPC stream format) or "csv".
        schema: theirs.
        ids_as_text: whether NDJSON has identifiers as text, since not every reader of JSON holds 64 bits.

    Raises:
        UsageError: there is no such format, or CSV cannot hold a column.
    """
    match to:
        case "ndjson":
            return (_ndjson(batch, ids_as_text=ids_as_text) for batch in batches)
        case "arrow":
            return _arrow(batches, schema)
        case "csv":
            nested = [field.name for field in schema if pa.types.is_list(field.type) and field.name != "why"]
            if nested:
                raise UsageError(
                    f"CSV cannot hold {', '.join(nested)}",
                    hint="Name other columns, or take ndjson or arrow.",
                )
            return _csv(batches, schema)
    raise UsageError(f"there is no format {to!r}", hint="There are ndjson, arrow and csv.")


def _ndjson(batch: pa.RecordBatch, *, ids_as_text: bool) -> bytes:
    listed = batch.to_pylist()
    if ids_as_text:
        listed = [_with_text_ids(row) for row in listed]
    return "".join(_line(row) for row in listed).encode()


def _line(row: Mapping[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        return json.dumps(_finite(row), ensure_ascii=False) + "\n"


def _finite(value: Any) -> Any:
    """Numbers that JSON cannot hold as the texts "nan", "inf" and "-inf"."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list():
            return [_finite(item) for item in value]
    return value


def _with_text_ids(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: str(item) if key in _IDENTIFIERS else _with_text_ids(item) for key, item in value.items()
            }
        case list():
            return [_with_text_ids(item) for item in value]
    return value


def _arrow(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[bytes]:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield _taken(sink)
    yield _taken(sink)


def _csv(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[bytes]:
    yield _csv_lines([schema.names])
    for batch in batches:
        columns = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
        yield _csv_lines(zip(*columns, strict=True))


def _csv_lines(listed: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(listed)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return "; ".join(value) if isinstance(value, list) else value


def _taken(sink: io.BytesIO) -> bytes:
    written = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return written


def reader(batches: Callable[[], Iterator[pa.Table]], schema: pa.Schema) -> pa.RecordBatchReader:
    """A reader that asks for the next table when the one before was read."""
    found = (batch for table in batches() for batch in table.cast(schema).to_batches())
    return pa.RecordBatchReader.from_batches(schema, found)
