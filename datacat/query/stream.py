"""Large answers, a part at a time: what is in memory at once does not grow with the answer.

DuckDB holds the whole answer in a temporary table, which it spills to disk where memory ends. A part of it is read by a
query of its own, so that between two parts the same cursor can answer others.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from datacat.errors import UsageError
from datacat.query.compare import Sql
from datacat.query.match import object_of
from datacat.query.run import arrow, rows

PART_ROWS = 500_000  # of a temporary table, in memory at once
_BLOCK = 64  # neighbouring assets that are counted together to find where parts end
_IDENTIFIERS = frozenset({"asset", "annotation"})
_BATCH = "batch_to_write"
_OBJECTS = f"""
    SELECT * REPLACE (list_transform(
        matches, lambda m: struct_update(m, attributes := m.attributes::JSON)) AS matches)
    FROM {_BATCH}
"""  # noqa: S608 - our own words
_LINES = 1_000  # of NDJSON in memory at once


def ranges(
    cursor: duckdb.DuckDBPyConnection, table: Sql, *, size: int, after: int = -1
) -> list[tuple[int, int]]:
    """Cuts a table into ranges of its column `asset`, both ends inclusive, in ascending order.

    A range has at most `size` rows, unless 64 neighbouring assets have more.

    Args:
        cursor: sees the table.
        table: its name.
        size: rows of a range.
        after: only assets behind this one.
    """
    query = Sql(
        f"SELECT min(asset), max(asset), count(*) FROM {{}} WHERE asset > ? GROUP BY asset // {_BLOCK} ORDER BY 1",  # noqa: S608 - our own words
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
            room = size - count
    return found


def parts(
    cursor: duckdb.DuckDBPyConnection, columns: str, *, table: Sql, after: int = -1
) -> Iterator[pa.Table]:
    """Columns of a table for each range of its assets, ordered by them; only assets behind `after`."""
    for low, high in ranges(cursor, table, size=PART_ROWS, after=after):
        within = Sql("asset BETWEEN ? AND ?", (low, high))
        query = Sql(f"SELECT {columns} FROM {{}} WHERE {{}} ORDER BY ALL")  # noqa: S608 - our own words
        yield arrow(cursor, query.filled(table, within))


def encoded(
    batches: Iterable[pa.RecordBatch],
    *,
    to: str,
    schema: pa.Schema,
    cursor: duckdb.DuckDBPyConnection,
    ids_as_text: bool = False,
) -> Iterator[bytes]:
    """Record batches as bytes of a format, piece by piece.

    Args:
        batches: of `schema`.
        to: "ndjson", "arrow" (the IPC stream format) or "csv".
        schema: theirs.
        cursor: for the work in between.
        ids_as_text: whether NDJSON has identifiers as text, since not every reader of JSON holds 64 bits.

    Raises:
        UsageError: there is no such format, or CSV cannot hold a column.
    """
    match to:
        case "ndjson":
            return (
                _ndjson(batch.slice(start, _LINES), cursor=cursor, ids_as_text=ids_as_text)
                for batch in batches
                for start in range(0, len(batch), _LINES)
            )
        case "arrow":
            return _arrow(batches, schema)
        case "csv":
            texts = pa.list_(pa.string())
            nested = [field.name for field in schema if pa.types.is_list(field.type) and field.type != texts]
            if nested:
                raise UsageError(
                    f"CSV cannot hold {', '.join(nested)}",
                    hint="Name other columns, or take ndjson or arrow.",
                )
            return _csv(batches, schema)
    raise UsageError(f"there is no format {to!r}", hint="There are ndjson, arrow and csv.")


def _ndjson(batch: pa.RecordBatch, *, cursor: duckdb.DuckDBPyConnection, ids_as_text: bool) -> bytes:
    """A line a row. DuckDB writes them: a million rows of two columns take 0.3 s, of Python's json 2.7 s."""
    table = pa.Table.from_batches([batch])
    if ids_as_text:
        table = table.cast(pa.schema([_with_text_ids(field) for field in batch.schema]))
    if not all(_is_finite(column) for column in table.columns):
        return "".join(
            json.dumps(_finite(_with_objects(row)), ensure_ascii=False, separators=(",", ":")) + "\n"
            for row in table.to_pylist()
        ).encode()
    cursor.register(_BATCH, table)
    try:
        rows_ = _OBJECTS if "matches" in table.schema.names else f"FROM {_BATCH}"
        lines = arrow(cursor, Sql(f"SELECT to_json(said) || chr(10) AS line FROM ({rows_}) AS said"))  # noqa: S608 - ours
    finally:
        cursor.unregister(_BATCH)
    return b"".join(_text(chunk) for chunk in lines["line"].chunks)


def _with_objects(row: dict[str, Any]) -> dict[str, Any]:
    """Attributes as objects, as DuckDB writes them."""
    for match in row.get("matches") or ():
        match["attributes"] = object_of(match["attributes"])
    return row


def _text(strings: pa.StringArray) -> bytes:
    """All of an array of strings without nulls as one, as they lie in its buffer anyway."""
    _, ends, text = strings.buffers()
    width = 8 if pa.types.is_large_string(strings.type) else 4
    first, last = (
        int.from_bytes(ends[at * width : (at + 1) * width].to_pybytes(), "little")
        for at in (strings.offset, strings.offset + len(strings))
    )
    return text[first:last].to_pybytes() if text is not None else b""


def _is_finite(values: pa.ChunkedArray) -> bool:
    """Whether JSON can hold all numbers in there."""
    if pa.types.is_list(values.type):
        return _is_finite(pc.list_flatten(values))
    if pa.types.is_struct(values.type):
        return all(_is_finite(pc.struct_field(values, [number])) for number in range(values.type.num_fields))
    return not pa.types.is_floating(values.type) or pc.all(pc.is_finite(values)).as_py() is not False


def _finite(value: Any) -> Any:
    """Numbers that JSON cannot hold as the texts "NaN", "Infinity" and "-Infinity", as label files write them."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list():
            return [_finite(item) for item in value]
    return value


def _with_text_ids(field: pa.Field) -> pa.Field:
    """The field with identifiers in it, however deep, as text."""
    if field.name in _IDENTIFIERS:
        return field.with_type(pa.string())
    if pa.types.is_list(field.type):
        return field.with_type(pa.list_(_with_text_ids(field.type.value_field)))
    if pa.types.is_struct(field.type):
        return field.with_type(pa.struct([_with_text_ids(inner) for inner in field.type.fields]))
    return field


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
