"""The files of a snapshot: a Parquet file for each table of `model.snapshot.MANIFEST`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datacat.errors import SnapshotDamaged, cause_of
from datacat.model.joining import Joined, Joining
from datacat.model.snapshot import LATER, LATER_OF_ASSETS, MANIFEST, Digests
from datacat.versions.digest import TableDigest, digest_of

ROWS_AT_ONCE = 65_536
# The split is digested apart from the assets, so that two snapshots of the same assets can be told from two
# splits.
_ASSETS = pa.schema([column for column in MANIFEST["assets"] if column.name != "split"])
_SPLIT = pa.schema([MANIFEST["assets"].field("uri"), MANIFEST["assets"].field("split")])


@dataclass(frozen=True, slots=True)
class Contents:
    """What a manifest holds: digests and counts."""

    digests: Digests
    counts: Mapping[str, int]
    classes: frozenset[str] = frozenset()  # of its annotations
    label_sets: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict, compare=False
    )  # see `Definition`
    joining: Joining = field(default_factory=Joining, compare=False)  # likewise
    joined: Joined = field(default_factory=Joined, compare=False)

    @property
    def digest(self) -> str:
        """The snapshot's digest: sha256 over the digests of its three parts."""
        return digest_of(
            {
                "assets": self.digests.assets,
                "annotations": self.digests.annotations,
                "split": self.digests.split,
            }
        )


class Reckoning:
    """Digests and counts of a manifest's batches as they pass by."""

    def __init__(self) -> None:
        self._assets = TableDigest(_ASSETS, later=LATER_OF_ASSETS)
        self._split = TableDigest(_SPLIT)
        self._annotations = TableDigest(MANIFEST["annotations"], later=LATER)
        self._splits: Counter[str] = Counter()
        self._classes: set[str | None] = set()

    def add(self, table: str, batch: pa.RecordBatch) -> None:
        """Takes in a batch of the table of that name."""
        if table == "annotations":
            self._annotations.update(batch)
            self._classes.update(batch.column("class").unique().to_pylist())
            return
        self._assets.update(batch)
        self._split.update(batch)
        self._splits.update(batch.column("split").to_pylist())

    def contents(self) -> Contents:
        """What has passed by."""
        digests = Digests(
            assets=self._assets.hexdigest(),
            annotations=self._annotations.hexdigest(),
            split=self._split.hexdigest(),
        )
        counts = {"assets": self._assets.row_count, "annotations": self._annotations.row_count}
        counts |= {f"split:{name}": count for name, count in sorted(self._splits.items())}
        return Contents(digests, counts, frozenset(name for name in self._classes if name is not None))


@contextmanager
def writer(folder: Path, table: str) -> Iterator[pq.ParquetWriter]:
    """A Parquet writer for `table`; what it wrote is on the disk when the block ends."""
    path = file_of(folder, table)
    with path.open("wb") as file:
        with pq.ParquetWriter(file, MANIFEST[table], compression="zstd") as parquet:
            yield parquet
        file.flush()
        os.fsync(file.fileno())


def file_of(folder: Path, table: str) -> Path:
    """Where the rows of `table` lie."""
    return folder / f"{table}.parquet"


def batches(
    folder: Path, table: str, *, split: str | None = None, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of `table`, of assets those in `split`; of some `columns` alone nothing else is read.

    Raises:
        SnapshotDamaged: the file is gone, torn, or has other columns.
    """
    path = file_of(folder, table)
    schema = (
        MANIFEST[table] if columns is None else pa.schema([MANIFEST[table].field(name) for name in columns])
    )
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns):
                rows = with_later(pa.table(batch), schema)
                cast = (rows if columns is None else rows.select(schema.names)).cast(schema)
                if split is not None:
                    cast = cast.filter(pa.compute.equal(cast["split"], split))
                yield from cast.to_batches()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SnapshotDamaged(f"cannot be read: {cause_of(error)}", where=str(path)) from error


def with_later(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Adds the columns that came after the manifest was written."""
    for column in schema:
        if column.name in (*LATER, *LATER_OF_ASSETS) and column.name not in rows.column_names:
            rows = rows.append_column(column, pa.nulls(rows.num_rows, column.type))
    return rows
