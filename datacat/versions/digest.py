"""The digest of a table: what its rows say, however and in whatever order they are stored.

A row is encoded as a fixed part and its texts. The fixed part holds, for every column in the schema's order,

    numbers, times, booleans   1 byte (0: null, 1: a value) and 8 bytes, big-endian: two's complement for
                               whole numbers, microseconds since 1970 UTC for times, IEEE 754 for floats
                               (one NaN)
    texts                      8 bytes, big-endian: the length in bytes plus one; 0: null
    lists of names             as the text of their items, each followed by a line feed

and is followed by the texts in UTF-8, so no two different rows have one encoding.

Columns that a table got later (texts, and whole numbers as decimals, in the order in which they came) stand behind all
of this, only where the row has a value: 8 bytes, the length of the column's name; the name; 8 bytes, the length of the
value; the value.
Their names are no part of the table's digest. So a row without them has the encoding, and a table of such rows
the digest, that it had before these columns were thought of.

Each row is hashed with
sha256. The hashes are sorted, which makes the order of rows irrelevant while repeated rows count (a sum or
xor of hashes could be forged, and xor loses pairs), and fall into 256 leaves by their first byte; the digest
is the sha256 of the column names, the row count and the 256 leaf digests. Two tables are compared leaf by
leaf without all their rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_HASH_BYTES = 32
_LEAVES = 256
_STEP = 65_536  # rows encoded at once; bounds memory, about 30 MB for wide rows

Bytes = npt.NDArray[np.uint8]


class TableDigest:
    """Takes in the rows of one table, batch by batch."""

    def __init__(self, schema: pa.Schema, *, later: Sequence[str] = ()) -> None:
        """Begins with no rows.

        Args:
            schema: of the rows.
            later: columns of texts or whole numbers that came after digests had been made.
        """
        self._schema = pa.schema([column for column in schema if column.name not in later])
        self._later = tuple(later)
        self._hashes: list[bytes] = []
        self.row_count = 0

    def update(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Adds the rows of `batch`; columns that the schema does not name are ignored."""
        table = pa.table(batch) if isinstance(batch, pa.RecordBatch) else batch
        for part in table.select([*self._schema.names, *self._later]).to_batches(max_chunksize=_STEP):
            later = [_behind(part.column(name), name) for name in self._later]
            encoded = _encoded(part.select(self._schema.names), schema=self._schema, later=later)
            self._hashes.append(b"".join([hashlib.sha256(row).digest() for row in encoded]))
            self.row_count += part.num_rows

    def hexdigest(self) -> str:
        """The digest of all rows so far, in hex."""
        rows = np.sort(np.frombuffer(b"".join(self._hashes), dtype=f"S{_HASH_BYTES}"))
        raw = rows.view(np.uint8).reshape(-1, _HASH_BYTES)
        ends = np.searchsorted(raw[:, 0], np.arange(_LEAVES), side="right")
        root = hashlib.sha256(_header(self._schema, row_count=self.row_count))
        start = 0
        for end in ends:
            root.update(hashlib.sha256(raw[start:end].tobytes()).digest())
            start = end
        return root.hexdigest()


def digest_of(parts: dict[str, str]) -> str:
    """One digest over several named ones."""
    return hashlib.sha256(_canonical_json(parts)).hexdigest()


def _header(schema: pa.Schema, *, row_count: int) -> bytes:
    return _canonical_json({"columns": schema.names, "rows": row_count})


def _canonical_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _encoded(batch: pa.RecordBatch, *, schema: pa.Schema, later: Sequence[pa.Array]) -> Iterable[bytes]:
    """The encoding of each row, with what stands behind it."""
    fixed: list[Bytes] = []
    texts: list[pa.Array] = []
    for column, field in zip(batch.columns, schema, strict=True):
        text = _as_text(column, kind=field.type)
        if text is None:
            fixed += _fixed(column, kind=field.type)
            continue
        lengths = pc.add(pc.binary_length(text).cast(pa.int64()), 1).fill_null(0)
        fixed.append(_big_endian(lengths.to_numpy(zero_copy_only=False)))
        texts.append(text.fill_null(b""))
    rows = np.ascontiguousarray(np.concatenate(fixed, axis=1))
    head = pa.Array.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, pa.py_buffer(rows)])
    joined = pc.binary_join_element_wise(head.cast(pa.binary()), *texts, *later, b"")
    return (value.as_buffer() for value in joined)


def _behind(column: pa.Array, name: str) -> pa.Array:
    """The encoding of a column that came later; nothing where it is null."""
    values = column.cast(pa.string()).cast(pa.binary())
    lengths = _big_endian(
        pc.binary_length(values).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    )
    sizes = pa.Array.from_buffers(
        pa.binary(8), len(column), [None, pa.py_buffer(np.ascontiguousarray(lengths))]
    )
    title = len(name.encode()).to_bytes(8, "big") + name.encode()
    return pc.binary_join_element_wise(title, sizes.cast(pa.binary()), values, b"").fill_null(b"")


def _as_text(column: pa.Array, *, kind: pa.DataType) -> pa.Array | None:
    """The column as bytes where it is text or a list of names, else None."""
    if pa.types.is_list(kind):
        items = column.cast(pa.list_(pa.string()))
        ended = pc.binary_join_element_wise(pc.list_flatten(items), "", "\n")
        offsets = items.offsets if items.offset == 0 else pc.subtract(items.offsets, items.offsets[0])
        lists = pa.ListArray.from_arrays(offsets, ended, mask=items.is_null() if items.null_count else None)
        return pc.binary_join(lists, "").cast(pa.binary())
    if pa.types.is_string(kind):
        return column.cast(pa.binary())
    return None


def _fixed(column: pa.Array, *, kind: pa.DataType) -> list[Bytes]:
    present = column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8)[:, np.newaxis]
    if pa.types.is_floating(kind):
        numbers = column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        return [present, _big_endian(np.where(np.isnan(numbers), np.nan, numbers))]
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz="UTC"))
    return [present, _big_endian(column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))]


def _big_endian(numbers: npt.NDArray[np.generic]) -> Bytes:
    """Eight bytes a row."""
    kind = ">f8" if np.issubdtype(numbers.dtype, np.floating) else ">i8"
    return np.frombuffer(numbers.astype(kind).tobytes(), dtype=np.uint8).reshape(-1, 8)
