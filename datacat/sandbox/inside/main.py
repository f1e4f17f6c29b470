"""Answers one SQL query: the request comes on stdin, rows leave on stdout as an Arrow stream, and how it went on
stderr as one line of JSON.

Runs inside the sandbox, or without one where somebody asked for that; it imports nothing else of datacat.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa

from . import system_calls
from .allowed import Refused, check

_BATCH_ROWS = 65_536
_BATCH_BYTES = 8 << 20
_NESTING = 10_000  # levels of what the parser makes of a query
_TEXT_SHOWN = 4000  # characters of an error
# Types that Arrow has not, or not whole, and what they leave as. Of 128-bit integers DuckDB hands over the bytes, of
# which Arrow makes other numbers where they have more than 38 digits; a cast refuses those.
_LEAVES_AS = {
    "hugeint": "DECIMAL(38, 0)",
    "uhugeint": "DECIMAL(38, 0)",
    "bignum": "VARCHAR",
    "bit": "VARCHAR",
    "enum": "VARCHAR",
    "time with time zone": "VARCHAR",
    "variant": "VARCHAR",
}


def main() -> None:
    """Answers the request on stdin and ends the process."""
    system_calls.die_with_parent()
    sys.setrecursionlimit(_NESTING)
    request = json.load(sys.stdin.buffer)
    try:
        _limit(request["limits"])
        with _answer_stream() as answer:
            said: dict[str, Any] = {"rows": _answer(request, answer)}
    except Refused as error:
        said = {"fault": "refused", "text": str(error), "hint": error.hint}
    except (duckdb.OutOfMemoryException, MemoryError, pa.ArrowMemoryError) as error:
        said = {"fault": "memory", "text": str(error)}
    except (duckdb.Error, pa.ArrowException) as error:
        said = {"fault": "sql", "text": str(error)}
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        said = {"fault": "broken", "text": f"{type(error).__name__}: {error}"}
    if "text" in said:
        said["text"] = said["text"][:_TEXT_SHOWN]
    sys.stderr.write(json.dumps(said) + "\n")
    sys.stderr.flush()
    os._exit(0)  # without waiting for DuckDB to tidy up


def _limit(limits: Mapping[str, int]) -> None:
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def _answer_stream() -> BinaryIO:
    """What stdout was. From here on, whatever else is printed there (DuckDB's progress bar) goes to stderr."""
    stream = open(os.dup(1), "wb")  # noqa: SIM115 - whoever calls closes it
    os.dup2(2, 1)
    return stream


def _answer(request: Mapping[str, Any], stream: BinaryIO) -> int:
    pa.set_memory_pool(pa.system_memory_pool())  # mimalloc reserves a GiB of addresses
    connection = duckdb.connect(config=request["config"])
    for statement in request["setup"]:
        connection.execute(statement)
    fences = request["fences"]
    if "settings" in fences:
        connection.execute("SET allowed_paths = $1", [request["files"]])
        for setting in ("enable_external_access = false", "lock_configuration = true"):
            connection.execute(f"SET {setting}")
    if "process" in fences:
        system_calls.give_up(writing=not request["spills"])
    if "statement" in fences:
        check(_parsed(connection, request["sql"]), views=set(request["views"]))
    return _send(_portable(connection.sql(request["sql"])).to_arrow_reader(_BATCH_ROWS), stream)


def _parsed(connection: Any, sql: str) -> Any:
    options = "skip_null := true, skip_empty := true, skip_default := true"
    ((text,),) = connection.execute(f"SELECT json_serialize_sql($1, {options})", [sql]).fetchall()
    try:
        parsed = json.loads(text)
    except RecursionError as error:
        raise Refused("the query is nested too deeply") from error
    if not parsed["error"]:
        return parsed
    if parsed["error_type"] == "not implemented":
        raise Refused("only SELECT is allowed")
    connection.extract_statements(sql)  # raises, and marks the place
    raise Refused(parsed["error_message"])


def _portable(rows: Any) -> Any:
    """The same rows of types that Arrow has."""
    changed = {n: kind for n, old in enumerate(rows.types) if (kind := _portable_type(old)) != str(old)}
    if not changed:
        return rows
    columns = (
        (f"CAST(#{n + 1} AS {changed[n]})" if n in changed else f"#{n + 1}", _quoted(name))
        for n, name in enumerate(rows.columns)
    )
    return rows.project(", ".join(f"{value} AS {name}" for value, name in columns))


def _portable_type(kind: Any) -> str:
    if kind.id not in ("list", "array", "struct", "union", "map"):
        return _LEAVES_AS.get(kind.id, str(kind))
    below = dict(kind.children)
    size = below.pop("size") if kind.id == "array" else ""
    named = {name: _portable_type(child) for name, child in below.items() if name}  # a row() has no names
    if all(text == str(below[name]) for name, text in named.items()):
        return str(kind)
    if kind.id in ("list", "array"):
        return f"{named['child']}[{size}]"
    if kind.id == "map":
        return f"MAP({named['key']}, {named['value']})"
    fields = ", ".join(f"{_quoted(name)} {child}" for name, child in named.items())
    return f"{kind.id.upper()}({fields})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _send(reader: pa.RecordBatchReader, target: BinaryIO) -> int:
    """Writes the rows, in batches of bounded size; returns how many."""
    kinds = [_plain(field.type) for field in reader.schema]
    schema = pa.schema([field.with_type(kind) for field, kind in zip(reader.schema, kinds, strict=True)])
    count = 0
    with pa.ipc.new_stream(pa.PythonFile(target, "w"), schema) as stream:
        target.flush()
        for batch in reader:
            columns = [column.cast(kind) for column, kind in zip(batch.columns, kinds, strict=True)]
            for piece in _pieces(pa.record_batch(columns, schema=schema)):
                stream.write_batch(piece)
                target.flush()
            count += batch.num_rows
    return count


def _plain(kind: pa.DataType) -> pa.DataType:
    """Without extensions (a UUID, JSON), which whoever reads need not understand."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.nbytes <= _BATCH_BYTES or batch.num_rows <= 1:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _pieces(batch.slice(0, half))
    yield from _pieces(batch.slice(half))
