"""The rows of a query as they come out of the sandbox, believed no more than needed."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import pyarrow as pa

from datacat.errors import SqlError, SqlStopped
from datacat.sandbox.process import Process

# A message holds at most one row of more than 8 MiB; nobody's annotation is as large as this.
_MESSAGE_BYTES = 256 << 20
_SCHEMA, _RECORD_BATCH = 1, 3  # of Arrow's MessageHeader


class SqlResult:
    """Record batches, one at a time; like a `pyarrow.RecordBatchReader`.

    Close it, or use it in `with`, if it is not read to its end: the query's process runs until then.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._source = _Limited(process)
        self._reader = pa.ipc.MessageReader.open_stream(pa.PythonFile(self._source, "r"))
        with self._closed_on_error():
            message = self._message()
            if message is None or message.type != "schema":
                raise self._end()
            self.schema: pa.Schema = pa.ipc.read_schema(message)
            """Names and types of the columns."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            try:
                yield self.read_next_batch()
            except StopIteration:
                return

    def read_next_batch(self) -> pa.RecordBatch:
        """The next batch.

        Raises:
            StopIteration: there is none.
            SqlError, SqlStopped: the query failed after all.
        """
        with self._closed_on_error():
            message = self._message()
            if message is None:
                raise self._end()
            batch = pa.ipc.read_record_batch(message, self.schema)
            batch.validate(full=True)
            return batch

    def read_all(self) -> pa.Table:
        """All that is left, in memory."""
        return pa.Table.from_batches(list(self), self.schema)

    def to_pandas(self) -> object:
        """All that is left as a pandas DataFrame."""
        return self.read_all().to_pandas()

    def to_reader(self) -> pa.RecordBatchReader:
        """The same as Arrow's own class, for DuckDB, Polars, pandas and all else that takes one."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def close(self) -> None:
        """Ends the query."""
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_process"):
            self.close()

    @contextlib.contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            try:
                yield
            except (pa.ArrowException, OSError) as error:
                raise self._failure(error) from error
        except BaseException:  # Ctrl-C as well
            self.close()
            raise

    def _failure(self, error: Exception) -> Exception:
        """Of a stream that breaks off, what its process says; of one that cannot be read, that."""
        end = self._end() if self._source.is_over else StopIteration()
        if isinstance(end, StopIteration):
            return SqlStopped(f"what came out of the sandbox is no result: {error}")
        return end

    def _message(self) -> pa.ipc.Message | None:
        try:
            message = self._reader.read_next_message()
        except StopIteration:
            return None
        kind, is_compressed = _header(message.metadata.to_pybytes())
        if kind not in (_SCHEMA, _RECORD_BATCH) or is_compressed:
            raise pa.ArrowInvalid("a message of a kind that is not expected")
        return message

    def _end(self) -> Exception:
        """What the query's process says of its end, as the exception that it means here."""
        words = self._process.last_words()
        text = str(words.get("text", ""))
        match words.get("fault"):
            case None:
                return StopIteration()
            case "refused":
                return SqlError(text, hint=str(words.get("hint", "")))
            case "sql":
                return SqlError(text)
            case "memory":
                hint = "Ask for less, or give it more memory: --memory, sql_memory."
                return SqlStopped("the query needs more memory than it may use", hint=hint)
        return SqlStopped(f"the query cannot be run: {text}")


class _Limited(io.RawIOBase):
    """The process's answer as a file in which no single piece may be huge."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.is_over = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MESSAGE_BYTES:
            raise pa.ArrowInvalid(f"a piece of {size:,} bytes")
        found = bytearray()
        while len(found) < size and (piece := self._process.read(size - len(found))):
            found += piece
        self.is_over = len(found) < size
        return bytes(found)


def _header(message: bytes) -> tuple[int, bool]:
    """The kind of an Arrow message, and whether it is a record batch whose buffers are compressed.

    Compressed ones say how large they will be, and are believed. Read from the flatbuffer, as pyarrow does not tell;
    https://github.com/apache/arrow/blob/main/format/Message.fbs has the order of the fields.
    """
    try:
        (table,) = struct.unpack_from("<I", message)
        kind_at, header_at = _field(message, table, 1), _field(message, table, 2)
        (offset,) = struct.unpack_from("<I", message, header_at)
        compression_at = _field(message, header_at + offset, 3)
    except struct.error as error:
        raise pa.ArrowInvalid("a message without a header") from error
    kind = message[kind_at] if kind_at else 0
    return kind, kind == _RECORD_BATCH and compression_at > 0


def _field(message: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffer's table stands; 0 where it is left out."""
    (back,) = struct.unpack_from("<i", message, table)
    (length,) = struct.unpack_from("<H", message, table - back)
    place = 4 + 2 * number
    if place >= length:
        return 0
    (offset,) = struct.unpack_from("<H", message, table - back + place)
    return table + int(offset) if offset else 0
