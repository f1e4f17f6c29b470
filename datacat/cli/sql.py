"""sql: read-only SQL over documented views."""

from __future__ import annotations

import base64
import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any, BinaryIO

import click
import msgspec
import pyarrow as pa

from datacat.catalog import VIEWS, SqlResult
from datacat.cli.options import at_option, catalog_option, opened
from datacat.cli.output import Output
from datacat.cli.terminal import to_terminal
from datacat.errors import UsageError

_ROWS_SHOWN = 1000
_INFINITE = (
    2**31 - 1,
    2**63 - 1,
)  # DuckDB's dates and timestamps that are later, or earlier, than all others
_ENCODER = msgspec.json.Encoder(enc_hook=str, decimal_format="number")


@click.command(
    epilog="""\b
Examples:
  datacat sql "SELECT team, class, count(*) FROM annotations GROUP BY ALL ORDER BY 3 DESC LIMIT 10"
  datacat sql "FROM annotations" --format arrow -o annotations.arrow
  datacat sql --views
"""
)
@click.argument("query", required=False)
@click.option("--views", "lists_views", is_flag=True, help="List the views and their columns.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["table", "csv", "json", "ndjson", "arrow"]),
    default="table",
    show_default=True,
    help=f"How rows are printed. A table ends after {_ROWS_SHOWN:,} rows, and is turned where it is too wide; the "
    "others are whole.",
)
@click.option("-o", "--out", metavar="FILE", type=click.Path(dir_okay=False), help="Write to a file instead.")
@click.option("--timeout", "timeout_s", type=float, metavar="S", help="Seconds; by default sql_timeout_s.")
@click.option("--memory", metavar="SIZE", help="As in 2GiB; by default sql_memory.")
@click.option(
    "--without-sandbox", is_flag=True, help="Run it although the operating system offers no sandbox."
)
@catalog_option
@at_option
def sql(
    query: str | None,
    lists_views: bool,
    format_name: str,
    out: str | None,
    timeout_s: float | None,
    memory: str | None,
    without_sandbox: bool,
    catalog: str | None,
    at: int | None,
) -> None:
    """Ask in SQL (DuckDB's), over views of one state: one SELECT that can neither write nor read anything else.

    QUERY is the SQL; - reads it from stdin.
    """
    output = Output(as_json=format_name == "json")
    if lists_views:
        output.table(_columns(), columns={"view": "view", "column": "column", "type": "type", "meaning": ""})
        return
    if query is None:
        raise UsageError("there is no query", hint="Give one, or - to read it from stdin, or --views.")
    if out and format_name == "table":
        raise UsageError("a table is for the screen", hint="Say which --format the file is to have.")
    text = sys.stdin.read() if query == "-" else query
    with opened(catalog, at=at).sql(
        text, timeout_s=timeout_s, memory=memory, is_sandboxed=not without_sandbox
    ) as rows:
        if format_name == "table":
            _print_table(rows, output)
            return
        with _target(out) as target:
            _WRITERS[format_name](rows, target)


def _columns() -> Iterator[dict[str, str]]:
    for view in VIEWS:
        for column in view.columns:
            yield {
                "view": view.name,
                "column": column.name,
                "type": column.type,
                "meaning": column.meaning,
            }


def _print_table(rows: SqlResult, output: Output) -> None:
    shown: list[Mapping[str, Any]] = []
    names = _unique(rows.schema.names)
    for batch in rows:
        shown += _rows(batch.slice(0, _ROWS_SHOWN + 1 - len(shown)), names)
        if len(shown) > _ROWS_SHOWN:
            break
    columns = {name: name for name in names}
    output.table(shown[:_ROWS_SHOWN], columns=columns, empty="no rows", is_folded=False)
    if len(shown) > _ROWS_SHOWN:
        output.note(f"… and more: these are the first {_ROWS_SHOWN:,} rows; --format ndjson gives all")


def _unique(names: list[str]) -> list[str]:
    """Names of columns as keys: the second `a` is `a_1`."""
    found: dict[str, None] = {}
    for name in names:
        free = (f"{name}_{number}" if number else name for number in range(len(names) + 1))
        found[next(text for text in free if text not in found)] = None
    return list(found)


def _rows(batch: pa.RecordBatch, names: list[str]) -> Iterator[dict[str, Any]]:
    for values in zip(*map(_values, batch.columns), strict=True):
        yield dict(zip(names, values, strict=True))


def _values(column: pa.Array) -> list[Any]:
    """As Python has them, but for what it or text cannot hold; see `_value`."""
    kind = column.type
    is_odd = pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_interval(kind)
    if not is_odd and getattr(kind, "unit", None) != "ns":
        with suppress(OverflowError, ValueError):  # a year that Python has not
            values: list[Any] = column.to_pylist()
            return values
    return [_value(item) for item in column]


def _value(item: pa.Scalar[Any]) -> Any:
    """Bytes in base64; intervals, and times that Python has not, in ISO 8601 or `infinity`; also within others."""
    if not item.is_valid:
        return None
    match item:
        case pa.UnionScalar():
            return _value(item.value)
        case pa.MapScalar():
            return [tuple(map(_value, pair.values())) for pair in item.values]
        case pa.ListScalar():
            return [_value(one) for one in item.values]
        case pa.StructScalar():
            names = _unique([field.name for field in item.type])  # those of a row() are all empty
            return {name: _value(item[place]) for place, name in enumerate(names)}
        case pa.MonthDayNanoIntervalScalar():
            return _duration(item.as_py())
        case pa.BinaryScalar() if not isinstance(item, pa.StringScalar):
            return _base64(item.as_py())
        case pa.Date32Scalar() | pa.TimestampScalar() | pa.Time64Scalar():
            return _time(item)
    return item.as_py()


def _time(item: pa.Date32Scalar | pa.TimestampScalar[Any, Any] | pa.Time64Scalar[Any]) -> Any:
    if getattr(item.type, "unit", None) != "ns":
        with suppress(OverflowError, ValueError):
            return item.as_py()
    if abs(item.value) in _INFINITE:
        return "infinity" if item.value > 0 else "-infinity"
    return str(item.cast(pa.string())).replace(" ", "T")


def _duration(value: pa.MonthDayNano) -> str:
    """As in P14M3DT14405.25S; DuckDB keeps months, days and time apart, as a month has no fixed length."""
    date = "".join(f"{number}{unit}" for number, unit in ((value.months, "M"), (value.days, "D")) if number)
    seconds = f"{Decimal(value.nanoseconds).scaleb(-9).normalize():f}"
    return f"P{date}" if date and not value.nanoseconds else f"P{date}T{seconds}S"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@contextmanager
def _target(path: str | None) -> Iterator[BinaryIO]:
    if path is None:
        yield to_terminal(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with open(path, "wb") as file:
            yield file
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=path) from error


def _write_arrow(rows: SqlResult, target: BinaryIO) -> None:
    with pa.ipc.new_stream(target, rows.schema) as stream:
        for batch in rows:
            stream.write_batch(batch)


def _write_csv(rows: SqlResult, target: BinaryIO) -> None:
    target.write(_csv([_unique(rows.schema.names)]))
    for batch in rows:
        target.write(_csv(zip(*map(_cells, batch.columns), strict=True)))


def _csv(lines: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def _cells(column: pa.Array) -> list[Any]:
    """Lists and structs as JSON, times in ISO 8601; the rest as Python writes it."""
    values = _values(column)
    if pa.types.is_nested(column.type):
        return [None if value is None else _json(value).decode() for value in values]
    if pa.types.is_temporal(column.type):
        return [value.isoformat() if hasattr(value, "isoformat") else value for value in values]
    return values


def _write_ndjson(rows: SqlResult, target: BinaryIO) -> None:
    names = _unique(rows.schema.names)
    for batch in rows:
        target.write(b"".join(_json(row) + b"\n" for row in _rows(batch, names)))


def _write_json(rows: SqlResult, target: BinaryIO) -> None:
    names, before = _unique(rows.schema.names), b"[\n"
    for batch in rows:
        for row in _rows(batch, names):
            target.write(before + _json(row))
            before = b",\n"
    target.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _json(value: object) -> bytes:
    return _ENCODER.encode(value)


_WRITERS: Mapping[str, Callable[[SqlResult, BinaryIO], None]] = {
    "arrow": _write_arrow,
    "csv": _write_csv,
    "json": _write_json,
    "ndjson": _write_ndjson,
}
