"""Manifests that nobody has compared with their digest: a small file may say to have any number of rows, or gigabytes.

Before a row is read, what the files say of themselves is compared with the number of rows that were frozen, and with
more bytes than rows of ours have. Texts are then read as Parquet has them, each different one once, and measured before
they are unpacked: one text of a megabyte may stand in every row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacat.errors import SnapshotDamaged, cause_of
from datacat.model.snapshot import MANIFEST
from datacat.versions.manifest import ROWS_AT_ONCE, Contents, Reckoning, file_of, with_later

# Bytes that rows may unpack to, of which at most ROWS_AT_ONCE are there at once.
_MOST_BYTES = 64 * 2**20
_MOST_BYTES_A_ROW = 65_536
_KINDS = (pa.string(), pa.large_string(), pa.bool_(), pa.list_(pa.string()))


class _Strange(Exception):
    """A file says of itself what none of ours does."""


def reckon(folder: Path, *, counts: Mapping[str, int]) -> Contents:
    """Reads the whole manifest in `folder`, of which `counts` were frozen.

    Raises:
        SnapshotDamaged: a file is gone, torn, or has other columns; or more rows, or far longer ones than any of ours.
    """
    for table in MANIFEST:
        _check_file(folder, table, limit=counts[table])
    reckoning = Reckoning()
    for table in MANIFEST:
        for batch in measured_batches(folder, table):
            reckoning.add(table, batch)
    return reckoning.contents()


def measured_batches(folder: Path, table: str) -> Iterator[pa.RecordBatch]:
    """The rows of `table`, measured before they are unpacked.

    Raises:
        SnapshotDamaged: as `reckon`.
    """
    path, schema = file_of(folder, table), MANIFEST[table]
    try:
        with pq.ParquetFile(path, read_dictionary=_texts(path)) as file:
            # One at a time: lists of texts cannot be read across two row groups with other dictionaries.
            for number in range(file.num_row_groups):
                for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=[number]):
                    _check_bytes(sum(map(_unpacked, batch.columns)), rows=batch.num_rows)
                    yield from with_later(pa.table(batch), schema).cast(schema).to_batches()
    except _Strange as error:
        raise SnapshotDamaged(f"is not what was frozen: {error}", where=str(path)) from error
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SnapshotDamaged(f"cannot be read: {cause_of(error)}", where=str(path)) from error


def _check_file(folder: Path, table: str, *, limit: int) -> None:
    path = file_of(folder, table)
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(file.schema_arrow, known=MANIFEST[table])
            _check_groups(file.metadata, limit=limit)
    except _Strange as error:
        raise SnapshotDamaged(f"is not what was frozen: {error}", where=str(path)) from error
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SnapshotDamaged(f"cannot be read: {cause_of(error)}", where=str(path)) from error


def _check_columns(found: pa.Schema, *, known: pa.Schema) -> None:
    for column in found:
        is_plain = pa.types.is_primitive(column.type) or column.type in _KINDS
        if not (is_plain and column.name in known.names):
            raise _Strange(
                f"it has a column {column.name[:80]!r} of {str(column.type)[:80]}, as no manifest has"
            )


def _check_groups(metadata: pq.FileMetaData, *, limit: int) -> None:
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = [group.num_rows for group in groups]
    if sum(rows) != metadata.num_rows or min(rows, default=0) < 0:
        raise _Strange("it says different numbers of rows")
    if metadata.num_rows > limit:
        raise _Strange(f"it has {metadata.num_rows:,} rows, and {limit:,} were frozen")
    for group in groups:
        sizes = [group.column(number).total_uncompressed_size for number in range(group.num_columns)]
        _check_bytes(sum(map(abs, sizes)), rows=group.num_rows)


def _check_bytes(size: int, *, rows: int) -> None:
    if size > _MOST_BYTES + rows * _MOST_BYTES_A_ROW:
        raise _Strange(f"{rows:,} of its rows unpack to {size:,} bytes")


def _texts(path: Path) -> list[str]:
    """The columns with texts, as Parquet names them."""
    schema = pq.read_metadata(path).schema
    columns = [schema.column(number) for number in range(len(schema))]
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _unpacked(column: pa.Array) -> int:
    """The bytes of a column when each text stands there by itself."""
    texts = column.flatten() if pa.types.is_list(column.type) else column
    if not pa.types.is_dictionary(texts.type):
        return int(texts.nbytes)
    lengths = pc.binary_length(texts.dictionary).cast(pa.int64())
    return int(pc.sum(lengths.take(texts.indices)).as_py() or 0)
