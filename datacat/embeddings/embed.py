"""The job: which pictures have no vector yet, read ahead, in batches, written as it goes along.

A vector belongs to bytes, not to a name: equal bytes are embedded once, and a file that changed is embedded again.
Whatever was appended stays, so a job that was killed loses at most `COMMIT_ROWS` vectors and is simply run again.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacat import progress
from datacat.config import Settings
from datacat.embeddings import decoding
from datacat.embeddings.encoder import Encoder, Vectors
from datacat.embeddings.joined import COUNTS, joined
from datacat.embeddings.vectors import VectorTable, as_column, as_matrix

COMMIT_ROWS = 1024  # about a minute of ViT-B-32 on 2 cores
NAMED = 1_000  # skipped pictures that a report names
_READERS = 8
_DONOR_ROWS = 4096

# The pictures without a vector, those of equal bytes together, with an asset that has their vector already.
_WANTED = f"""
    WITH wanted AS (
        SELECT asset, uri, digest FROM assets a
        WHERE media = 'image' AND NOT is_missing
            AND NOT EXISTS (FROM vector_rows v WHERE v.asset = a.asset AND {COUNTS})
    )
    SELECT list(w.asset ORDER BY w.asset) AS assets, list(w.uri ORDER BY w.asset) AS uris,
        any_value(w.digest) AS digest, any_value(d.donor) AS donor
    FROM wanted w LEFT JOIN (SELECT digest, min(asset) AS donor FROM vector_rows GROUP BY digest) d
        ON d.digest = w.digest
    GROUP BY coalesce(w.digest, w.uri) ORDER BY min(w.asset)
"""  # noqa: S608 - ours


Faults = Mapping[int, tuple[str | None, str]]
"""Asset -> the digest that the catalog has of it, and why it cannot be decoded."""


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What one run did.

    Attributes:
        space: where the vectors are.
        embedded: pictures that the model saw.
        reused: assets that got the vector of another with the same bytes.
        skipped: why assets got none, and how many.
        named: the first of those, by URI, each with the reason.
    """

    space: str
    embedded: int
    reused: int
    skipped: tuple[tuple[str, int], ...]
    named: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Skipped:
    """Pictures that got no vector.

    Attributes:
        counts: assets by reason.
        named: the first `NAMED` of them, each with what is wrong.
        faults: those whose bytes are no picture: asset -> the digest that the catalog has, and what is wrong.
    """

    counts: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[int, tuple[str | None, str]] = field(default_factory=dict)

    def add(self, picture: _Picture, why: decoding.NoPicture) -> None:
        """Takes in one."""
        self.counts[why.what] += len(picture.assets)
        said = f"{why.what}: {why.hint}" if why.hint else why.what
        self.name((uri, said) for uri in picture.uris)
        if why.what in (decoding.DAMAGED, decoding.NO_PICTURE, decoding.TOO_LARGE):
            self.faults |= dict.fromkeys(picture.assets, (picture.digest, said))

    def name(self, found: Iterable[tuple[str, str]]) -> None:
        """Keeps the first."""
        self.named += itertools.islice(found, max(0, NAMED - len(self.named)))


@dataclass(frozen=True, slots=True)
class _Picture:
    """Bytes to embed: the assets that have them and where they lie."""

    assets: list[int]
    uris: list[str]
    digest: str | None


@dataclass(slots=True)
class _Job:
    encoder: Encoder
    table: VectorTable
    settings: Settings
    confirm: Callable[[], None]
    advance: progress.Advance
    skipped: Skipped = field(default_factory=Skipped)
    embedded: int = 0
    reused: int = 0
    pending: list[pa.Table] = field(default_factory=list)

    def copy(self, wanted: pa.Table) -> None:
        """Gives assets the vector that another asset with the same bytes has."""
        donors = wanted["donor"].combine_chunks()
        found: dict[str, Vectors] = {}
        for batch in self.table.rows(donors):
            found |= zip(batch["digest"].to_pylist(), as_matrix(batch["vector"]), strict=True)
        for row in wanted.to_pylist():
            self.add(row["assets"], row["digest"], vector=found[row["digest"]])
            self.reused += len(row["assets"])

    def embed(self, pictures: Iterator[_Picture], *, batch_size: int) -> None:
        """Reads pictures ahead of the model and embeds them."""
        batch: list[tuple[_Picture, str, Vectors]] = []
        for picture, found in self._read_ahead(pictures, window=2 * batch_size):
            if isinstance(found, decoding.NoPicture):
                self.skipped.add(picture, found)
                self.advance(len(picture.assets))
                continue
            batch.append((picture, *found))
            if len(batch) == batch_size:
                self._encode(batch)
                batch = []
        if batch:
            self._encode(batch)

    def add(self, assets: list[int], digest: str, *, vector: Vectors) -> None:
        """Appends one vector for each of `assets`; written at every `COMMIT_ROWS`."""
        repeated = np.broadcast_to(vector, (len(assets), len(vector)))
        columns = [pa.array(assets, pa.int64()), pa.array([digest] * len(assets)), as_column(repeated)]
        self.pending.append(pa.table(columns, names=["asset", "digest", "vector"]))
        self.advance(len(assets))
        if sum(map(len, self.pending)) >= COMMIT_ROWS:
            self.write()

    def write(self) -> None:
        """Appends what is pending."""
        rows, self.pending = self.pending, []
        if rows:
            self.confirm()
            self.table.append(pa.concat_tables(rows))

    def _encode(self, batch: list[tuple[_Picture, str, Vectors]]) -> None:
        vectors = self.encoder.encode_pictures([prepared for _, _, prepared in batch])
        for (picture, digest, _), vector in zip(batch, vectors, strict=True):
            self.add(picture.assets, digest, vector=vector)
            self.embedded += 1
            self.reused += len(picture.assets) - 1

    def _read_ahead(
        self, pictures: Iterator[_Picture], *, window: int
    ) -> Iterator[tuple[_Picture, tuple[str, Vectors] | decoding.NoPicture]]:
        """What `_read` gives for each, in order, with at most `window` of them in memory."""
        ahead: deque[tuple[_Picture, Future[tuple[str, Vectors] | decoding.NoPicture]]] = deque()
        pool = ThreadPoolExecutor(min(_READERS, self.settings.thread_count))
        try:
            for picture in pictures:
                ahead.append((picture, pool.submit(self._read, picture)))
                if len(ahead) >= window:
                    first, future = ahead.popleft()
                    yield first, future.result()
            for first, future in ahead:
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _read(self, picture: _Picture) -> tuple[str, Vectors] | decoding.NoPicture:
        """The digest and the prepared picture, from the first of its places that can be read."""
        assert picture.uris
        for uri in picture.uris:
            try:
                decoded, digest = decoding.read_picture(uri, self.settings, digest=picture.digest)
                return digest, self.encoder.prepare(decoded)
            except decoding.NoPicture as error:
                failed = error
                if error.what not in (decoding.MISSING, decoding.CHANGED):
                    return error  # the others have the same bytes
        return failed


def embed_missing(
    cursor: duckdb.DuckDBPyConnection,
    encoder: Encoder,
    *,
    table: VectorTable,
    space: str,
    settings: Settings,
    confirm: Callable[[], None],
    batch_size: int,
    mark: Callable[[Faults], None] = lambda faults: None,
) -> EmbedReport:
    """Embeds the pictures of the state that `cursor` shows which `table` has no vector of.

    Args:
        cursor: with the view `assets`.
        encoder: the model of the space.
        table: the vectors of the space.
        space: its name, for the report.
        settings: threads, and how S3 is reached.
        confirm: called before each write; raises where that is no longer allowed.
        batch_size: pictures that the model is given at once.
        mark: told which pictures cannot be decoded, once, at the end.

    Raises:
        EmbeddingError: the vectors cannot be written, the model fails.
    """
    wanted = joined(cursor, table.keys(), sql=_WANTED)
    total = int(sum(map(len, wanted["assets"])))
    has_donor = wanted["donor"].is_valid()
    with progress.bar("embedding", total=total, unit="pictures") as advance, decoding.quiet():
        job = _Job(encoder, table, settings, confirm, advance)
        _take_missing(job.skipped, cursor)
        try:
            donated = wanted.filter(has_donor)
            for start in range(0, len(donated), _DONOR_ROWS):
                job.copy(donated.slice(start, _DONOR_ROWS))
            job.embed(_pictures(wanted.filter(pc.invert(has_donor))), batch_size=batch_size)
        finally:
            job.write()
    skipped = job.skipped
    if skipped.faults:
        mark(skipped.faults)
    counts = tuple(sorted(skipped.counts.items()))
    return EmbedReport(space, job.embedded, job.reused, counts, tuple(skipped.named))


def _take_missing(skipped: Skipped, cursor: duckdb.DuckDBPyConnection) -> None:
    missing = "FROM assets WHERE media = 'image' AND is_missing"
    ((count,),) = cursor.execute(f"SELECT count(*) {missing}").fetchall()
    if count:
        skipped.counts["missing"] = count
        found = cursor.execute(f"SELECT uri {missing} ORDER BY asset LIMIT ?", [NAMED]).fetchall()
        skipped.name((uri, "missing") for (uri,) in found)


def _pictures(wanted: pa.Table) -> Iterator[_Picture]:
    for batch in wanted.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            yield _Picture(row["assets"], row["uris"], row["digest"])
