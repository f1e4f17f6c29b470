"""Vectors in LanceDB, one table a space. The only module that imports lancedb.

Rows are only ever appended, by one writer a space (`lease`); a picture may stand there twice, so whoever reads
takes each asset once. The table is an index, never the truth: it can be made again from the log and the media.

lancedb runs threads of its own: a process that has loaded it must not fork (spawn instead).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from datacat.config import Settings
from datacat.embeddings.encoder import Vectors
from datacat.errors import EmbeddingError
from datacat.sources.location import Location, object_store_options

# 200,000 vectors of 512 numbers on 2 cores: 40 partitions of IVF_RQ and a tenfold refinement found 128 of the
# nearest 128 in 19 ms; an exact scan from disk takes 0.7 s, from memory 12 ms.
_PARTITIONS_READ = 40
_REFINED = 10
# Refining reads the vectors themselves: 100,000 of them take a second.
_REFINED_ROWS = 20_000
_KEPT_VERSIONS = timedelta(hours=1)
_BATCH_ROWS = 8_192
_PANICS = ("PanicException", "RustPanic")  # pyo3 has no public names for them


class VectorTable:
    """The vectors of one space: asset int64, digest string (sha256 of the picture's bytes), vector."""

    def __init__(self, table: Any, *, where: str) -> None:
        self._table = table
        self._where = where

    @property
    def version(self) -> int:
        """Grows with every change."""
        with _door(self._where):
            return int(self._table.version)

    def count(self) -> int:
        """How many rows there are, repeated ones too."""
        with _door(self._where):
            return int(self._table.count_rows())

    @property
    def is_indexed(self) -> bool:
        """Whether there is an index over the vectors."""
        with _door(self._where):
            return len(self._table.list_indices()) > 0

    def append(self, rows: pa.Table) -> None:
        """Adds rows with asset, digest and vector, all or none."""
        with _door(self._where):
            self._table.add(rows.cast(self._table.schema))

    def keys(self) -> pa.Table:
        """asset and digest of every row."""
        with _door(self._where):
            return self._table.search().select(["asset", "digest"]).limit(None).to_arrow()

    def rows(self, assets: pa.Array | None = None) -> Iterator[pa.RecordBatch]:
        """asset, digest and vector of every row, or of every row of `assets`."""
        with _door(self._where):
            query = self._table.search().select(["asset", "digest", "vector"]).limit(None)
            if assets is not None:
                query = query.where(_one_of(assets))
            yield from query.to_batches(_BATCH_ROWS)

    def candidates(self, vector: Vectors, count: int, *, assets: pa.Array | None = None) -> pa.Table:
        """About the `count` nearest rows (asset, digest, vector) by the index, in no order; of `assets` only."""
        with _door(self._where):
            query = (
                self._table.search(vector)
                .distance_type("cosine")
                .limit(count)
                .minimum_nprobes(_PARTITIONS_READ)
                .maximum_nprobes(0)  # as many as it takes: else a filter may leave too few
                .refine_factor(max(1, min(_REFINED, _REFINED_ROWS // count)))
                .select(["asset", "digest", "vector", "_distance"])
            )
            if assets is not None:
                query = query.where(_one_of(assets))
            return query.to_arrow().drop_columns(["_distance"])

    def tidy(self, *, with_index: bool) -> None:
        """Merges small files; makes the index, or takes new rows into it."""
        with _door(self._where):
            if with_index and not self.is_indexed:
                from lancedb.index import IvfRq

                self._table.create_index("vector", config=IvfRq(distance_type="cosine"))
            self._table.optimize(cleanup_older_than=_KEPT_VERSIONS)


class VectorStore:
    """The vector tables below `folder`."""

    def __init__(self, folder: Location, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._opened: Any = None

    def table(self, space: str) -> VectorTable:
        """The table of a space.

        Raises:
            EmbeddingError: it is not there or cannot be read.
        """
        where = str(self._folder.child(f"{space}.lance"))
        with _door(where):
            return VectorTable(self._database.open_table(space), where=where)

    def made(self, space: str, *, dimension: int) -> VectorTable:
        """The table of a space, made where there is none."""
        schema = pa.schema(
            [
                pa.field("asset", pa.int64(), nullable=False),
                pa.field("digest", pa.string(), nullable=False),
                pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
            ]
        )
        where = str(self._folder.child(f"{space}.lance"))
        with _door(where):
            return VectorTable(self._database.create_table(space, schema=schema, exist_ok=True), where=where)

    @property
    def _database(self) -> Any:
        if self._opened is None:
            import lancedb

            self._opened = lancedb.connect(
                self._folder.uri,
                read_consistency_interval=timedelta(0),  # else readers do not see what others wrote
                storage_options=object_store_options(self._settings) if self._folder.is_s3 else None,
            )
        return self._opened


def as_matrix(vectors: pa.FixedSizeListArray) -> Vectors:
    """(n, dimension) over the same memory."""
    flat: Vectors = vectors.flatten().to_numpy(zero_copy_only=True)
    return flat.reshape(len(vectors), vectors.type.list_size)


def as_column(vectors: Vectors) -> pa.FixedSizeListArray:
    """The reverse of `as_matrix`."""
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def _one_of(assets: pa.Array) -> str:
    """An SQL condition; 100,000 numbers take half a second. `lancedb.expr` takes them one by one, ten times slower."""
    numbers: list[int] = assets.cast(pa.int64()).to_pylist()
    return f"asset IN ({', '.join(map(str, numbers))})" if numbers else "false"


@contextlib.contextmanager
def _door(where: str) -> Iterator[None]:
    """What lancedb raises (RuntimeError, ValueError, OSError, as it comes from Rust) becomes an EmbeddingError."""
    try:
        yield
    except BaseException as error:  # where a file is damaged lance may panic, which is no Exception
        if not isinstance(error, RuntimeError | ValueError | OSError) and type(error).__name__ not in _PANICS:
            raise
        text = " ".join(str(error).split())
        raise EmbeddingError(
            f"the vectors cannot be used: {text[:300]}",
            where=where,
            hint="They can be made again: see `datacat doctor`.",
        ) from error
