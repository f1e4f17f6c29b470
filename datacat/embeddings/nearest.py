"""The pictures most like a text or another picture: exact as long as that is quick, else by the index.

Scores are computed from the vectors in one way, whichever way the candidates were found, so equal vectors have equal
scores. A vector counts while its asset is there with the bytes that it was made from.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from datacat.config import Settings
from datacat.embeddings import decoding
from datacat.embeddings.encoder import Encoder, Vectors
from datacat.embeddings.joined import COUNTS, joined
from datacat.embeddings.vectors import VectorTable, as_matrix
from datacat.errors import EmbeddingError
from datacat.sources.location import Location
from datacat.steps import note, step

# Up to here all vectors are held in memory and compared: 100,000 of 512 numbers are 200 MB, half a second to read
# and 70 ms a question. Above, the index answers in 55 ms where reading everything takes seconds.
INDEX_ROWS = 100_000
# With an index: fewer allowed assets than this are read and compared (60 ms).
FEW = 5_000
# Up to here the allowed assets filter the index search (50,000 take 280 ms), above only its result.
MANY = 100_000
# Candidates that the index is asked for: never fewer, so that near ones which it ranks a little too low are
# there (recall@10 was 0.8 at 10 and 1.0 at 128), and in doublings, so that the pages of one search agree.
_CANDIDATES = 128
_MOST_CANDIDATES = 16_384

# What hardly any training data show; see `Nearest.floor`.
UNRELATED = (
    *("a chess board", "a violin concert", "an astronaut on the moon", "a page of a medieval manuscript"),
    *("a roulette wheel", "a volcano erupting", "a sheet of music", "hot air balloons", "a submarine"),
    *("an ice sculpture", "a circus tent", "a plate of sushi", "a jellyfish", "a grand piano", "a magician"),
    *(
        "a lighthouse in a storm",
        "an Egyptian pyramid",
        "a fencing match",
        "a wedding cake",
        "a penguin colony",
    ),
)
_FLOOR_SHARE = 0.9
_FLOOR_BATCHES = 1_000

_NOTHING = 1e-6  # the length of a sum of unit vectors that is rounding alone

_COUNTING = f"SELECT v.row FROM vector_rows v JOIN assets a USING (asset) WHERE {COUNTS}"  # noqa: S608 - ours

FOUND = pa.schema([("asset", pa.int64()), ("score", pa.float32())])


class Question(Protocol):
    """What is asked for: one of a text, an asset of the catalog, a file elsewhere."""

    @property
    def text(self) -> str | None: ...
    @property
    def asset(self) -> int | None: ...
    @property
    def file(self) -> str | None: ...


Weighted = Sequence[tuple[Question, float]]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows of vectors with their scores."""

    assets: npt.NDArray[np.int64]
    digests: pa.ChunkedArray
    scores: npt.NDArray[np.float32]


class Nearest:
    """Answers questions in one space, about the state that a cursor shows.

    Args:
        cursor: with the view `assets`.
        table: the vectors.
        held: gives every row of `table`, from memory where it is small.
        encoder: loads the model of the space; called when a text or a file is asked for.
        settings: how S3 is reached.
        floors: remembers what `floor` found, by the version of the table.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        *,
        table: VectorTable,
        held: Callable[[], Iterable[pa.RecordBatch]],
        encoder: Callable[[], Encoder],
        settings: Settings,
        floors: dict[int, float] | None = None,
    ) -> None:
        self._floors = {} if floors is None else floors
        self._cursor = cursor
        self._table = table
        self._held = held
        self._encoder = encoder
        self._settings = settings

    def __call__(self, questions: Question | Weighted, k: int, allowed: pa.Array | None) -> pa.Table:
        """The `k` assets nearest to the questions, or all where there are fewer: asset, score; best first.

        Args:
            questions: what is asked for, each with its weight, below 0 for what is to be unlike. Of several, the
                score is the cosine to the weighted sum of their vectors.
            k: how many.
            allowed: of these assets only; None: of all.

        Raises:
            EmbeddingError: the asset has no vector, the picture or the model cannot be read.
        """
        with step("embed the question"):
            vector = self._sum(questions)
        with step("compare vectors"):
            return self._nearest(vector, k, allowed=allowed)

    def vector_count(self, allowed: pa.Array | None) -> int:
        """How many of some assets (None: of all) have a vector that counts."""
        keys = self._table.keys()
        if allowed is not None:
            keys = keys.filter(pc.is_in(keys["asset"], value_set=allowed))
        if not len(keys):
            return 0
        counts = self._counts(keys["asset"].to_numpy(), keys["digest"])
        return len(np.unique(keys["asset"].to_numpy()[counts]))

    def floor(self) -> float:
        """The score from which a picture can be said to look like a text, for the pictures and the model of this space.

        A model of likeness gives each picture some score for each text. Below what the best picture reaches for texts
        that have nothing to do with the pictures, a score says nothing: the floor is what nine of ten of `UNRELATED`
        stay below, so that one or two of them may well be in the pictures. Own rule, measured in docs/howto/ask.md.
        """
        key = self._table.version
        if key not in self._floors:
            with step("measure what unrelated texts score"):
                texts = self._encoder().encode_texts(list(UNRELATED))
                best = np.full(len(UNRELATED), -1, np.float32)
                for batch in itertools.islice(self._held(), _FLOOR_BATCHES):
                    scores = as_matrix(batch["vector"]) @ np.asarray(texts).T
                    best = np.maximum(best, scores.max(axis=0, initial=-1))
                self._floors[key] = float(np.quantile(best, _FLOOR_SHARE))
        return self._floors[key]

    def _nearest(self, vector: Vectors, k: int, *, allowed: pa.Array | None) -> pa.Table:
        if allowed is not None:
            allowed = allowed.combine_chunks() if isinstance(allowed, pa.ChunkedArray) else allowed
            allowed = allowed.cast(pa.int64())
        if k <= 0 or (allowed is not None and len(allowed) == 0):
            return FOUND.empty_table()
        is_indexed = self._table.is_indexed
        if is_indexed and (allowed is None or len(allowed) >= FEW):
            found = self._indexed(vector, k, allowed=allowed)
            if found is not None:
                note("by the vector index")
                return found
        note("by the vectors themselves, without an index")
        rows = self._rows(allowed, is_indexed=is_indexed)
        return self._best(_ranked(rows, vector, allowed=allowed), k)

    def _rows(self, allowed: pa.Array | None, *, is_indexed: bool) -> Iterable[pa.RecordBatch]:
        """Every row, or at least those of `allowed`."""
        if is_indexed and allowed is not None and len(allowed) < FEW:
            return self._table.rows(allowed)
        return self._held()

    def _indexed(self, vector: Vectors, k: int, *, allowed: pa.Array | None) -> pa.Table | None:
        """What the index finds; None where that is not enough."""
        is_filter = allowed is not None and len(allowed) <= MANY
        share = 1.0 if allowed is None or is_filter else len(allowed) / max(1, self._table.count())
        wanted = max(_CANDIDATES, 2 * k) / share
        count = 1 << int(np.ceil(np.log2(wanted)))
        if count > _MOST_CANDIDATES:
            return None
        candidates = self._table.candidates(vector, count, assets=allowed if is_filter else None)
        found = self._best(_ranked(candidates.to_batches(), vector, allowed=allowed), k)
        return found if len(found) == k else None

    def _best(self, ranked: Ranked, k: int) -> pa.Table:
        """The first k assets that still are what they were; equal scores by number."""
        note(f"{len(ranked.assets):,} vectors ranked")
        order = np.lexsort((ranked.assets, -ranked.scores))
        chosen: dict[int, np.float32] = {}
        for start, end in _growing(len(order), first=2 * k):
            rows = order[start:end]
            counts = self._counts(ranked.assets[rows], ranked.digests.take(pa.array(rows)))
            for row in rows[counts]:
                chosen.setdefault(int(ranked.assets[row]), ranked.scores[row])
            if len(chosen) >= k:
                break
        assets, scores = list(chosen)[:k], list(chosen.values())[:k]
        return pa.table([pa.array(assets, pa.int64()), pa.array(scores, pa.float32())], schema=FOUND)

    def _counts(
        self, assets: npt.NDArray[np.int64], digests: pa.Array | pa.ChunkedArray
    ) -> npt.NDArray[np.bool_]:
        """Which rows count: their asset is there with these bytes."""
        rows = pa.table({"row": np.arange(len(assets)), "asset": assets, "digest": digests})
        found = joined(self._cursor, rows, sql=_COUNTING)
        counts = np.zeros(len(assets), dtype=np.bool_)
        counts[found["row"].to_numpy()] = True
        return counts

    def _sum(self, asked: Question | Weighted) -> Vectors:
        questions = asked if isinstance(asked, Sequence) else ((asked, 1.0),)
        vectors = [weight * self._vector(question) for question, weight in questions]
        if len(questions) == 1 and questions[0][1] == 1:
            return vectors[0]
        total: Vectors = np.sum(vectors, axis=0, dtype=np.float32)
        length = float(np.linalg.norm(total))
        if length < _NOTHING:
            raise EmbeddingError("the weights cancel each other out", hint="Give them other weights.")
        return total / np.float32(length)

    def _vector(self, question: Question) -> Vectors:
        if question.asset is not None:
            return self._stored(question.asset)
        with step("load the model"):
            encoder = self._encoder()
        if question.text is not None:
            found: Vectors = encoder.encode_texts([question.text])[0]
            return found
        assert question.file is not None
        place = Location.parse(question.file)
        try:
            with decoding.quiet():
                picture, _ = decoding.read_picture(place.uri, self._settings)
        except decoding.NoPicture as error:
            what = f"{error.what}: {error.hint}" if error.hint else error.what
            raise EmbeddingError(what, where=place.uri) from error
        likeness: Vectors = encoder.encode_pictures([encoder.prepare(picture)])[0]
        return likeness

    def _stored(self, asset: int) -> Vectors:
        only = pa.array([asset], pa.int64())
        for batch in self._rows(only, is_indexed=self._table.is_indexed):
            rows = np.flatnonzero(batch["asset"].to_numpy() == asset)
            mine = batch.take(pa.array(rows))
            counts = np.flatnonzero(self._counts(mine["asset"].to_numpy(), mine["digest"]))
            if len(counts):
                found: Vectors = as_matrix(mine["vector"])[counts[0]]
                return found
        uris = self._cursor.execute("SELECT uri FROM assets WHERE asset = ?", [asset]).fetchall()
        raise EmbeddingError(
            f"asset {asset} was not embedded", where=uris[0][0] if uris else None, hint="Run: datacat embed"
        )


def _ranked(batches: Iterable[pa.RecordBatch], vector: Vectors, *, allowed: pa.Array | None) -> Ranked:
    wanted = None if allowed is None else allowed.to_numpy()
    assets, digests, scores = [np.empty(0, np.int64)], [pa.array([], pa.string())], [np.empty(0, np.float32)]
    for batch in batches:
        # Not a matrix product: BLAS adds up in another order at the edges, and equal vectors would differ.
        scored = np.einsum("ij,j->i", as_matrix(batch["vector"]), vector).clip(-1, 1)
        numbers, texts = batch["asset"].to_numpy(), batch["digest"]
        if wanted is not None:
            rows = np.flatnonzero(np.isin(numbers, wanted))
            numbers, texts, scored = numbers[rows], texts.take(pa.array(rows)), scored[rows]
        assets.append(numbers)
        digests.append(texts)
        scores.append(scored)
    return Ranked(np.concatenate(assets), pa.chunked_array(digests), np.concatenate(scores))


def _growing(total: int, *, first: int) -> Iterator[tuple[int, int]]:
    start, size = 0, first
    while start < total:
        yield start, min(total, start + size)
        start, size = start + size, size * 4
