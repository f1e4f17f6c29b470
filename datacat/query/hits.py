"""The result of a search: iterate it, count it, take it as Arrow or pandas.

Binding has happened when a `Hits` exists; the rows are read when they are asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from datacat.errors import EmbeddingError, ExtraMissing
from datacat.query import meaning as m
from datacat.query.compare import Sql
from datacat.query.count_facets import count_facets
from datacat.query.counted import Wanted
from datacat.query.facets import Facets
from datacat.query.match import Match
from datacat.query.page import Page, position_after, query_digest
from datacat.query.plan import Plan
from datacat.query.reasons import Explainer
from datacat.query.run import arrow, rows
from datacat.query.sql import Sets
from datacat.query.vocabulary import LabelSet, Vocabulary

if TYPE_CHECKING:
    import pandas as pd

Weighted = tuple[tuple[m.Question, float], ...]
Nearest = Callable[[Weighted, int, pa.Array | None], pa.Table]
"""(questions with their weights, k, allowed assets or None)
-> table (asset int64, score float): the k with the highest weighted sum of cosines, or all of fewer."""

_CHUNK = 10_000  # assets whose matches are in memory at once where everything is read
_BATCH_ROWS = 65_536
_numbers = itertools.count()

MATCH = pa.struct(
    [
        ("annotation", pa.int64()),
        ("class", pa.string()),
        ("team", pa.string()),
        ("label_set", pa.string()),
        ("kind", pa.string()),
        ("geometry_type", pa.string()),
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("w", pa.float64()),
        ("h", pa.float64()),
        ("is_relative", pa.bool_()),
        ("confidence", pa.float64()),
        ("attributes", pa.string()),
    ]
)
HITS = pa.schema(
    [
        ("asset", pa.int64()),
        ("uri", pa.string()),
        ("media", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("score", pa.float64()),
        ("matches", pa.list_(MATCH)),
        ("why", pa.list_(pa.string())),
    ]
)
ASSET_IDS = pa.schema([("asset", pa.int64())])
ANNOTATION_IDS = pa.schema([("asset", pa.int64()), ("annotation", pa.int64())])


@dataclass(frozen=True, slots=True)
class Hit:
    """An asset that was found.

    Attributes:
        asset: its number in the catalog.
        uri: where it lies.
        media: image, text, ….
        width: pixels; None where unknown.
        height: pixels; None where unknown.
        score: likeness to what was asked, -1 to 1; None where nothing ranks.
        matches: the annotations that fulfil the query.
        why: a reason per term, for people.
    """

    asset: int
    uri: str
    media: str | None
    width: int | None
    height: int | None
    score: float | None
    matches: tuple[Match, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """A query's three answers, in assets: labelled so, labelled and not so, never labelled for it."""

    yes: int
    no: int
    unknown: int


class Hits:
    """What `search` returns: a page of hits (all where `limit` was None), and the whole in numbers."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        plan: Plan,
        *,
        vocabulary: Vocabulary,
        state: int,
        limit: int | None,
        after: str | None,
        nearest: Nearest | None,
    ) -> None:
        self._cursor = cursor
        self._plan = plan
        self._vocabulary = vocabulary
        self._limit = limit
        self._position = position_after(after, state=state, interpretation=plan.interpretation)
        self.state = state
        if plan.similar and nearest is None:
            raise EmbeddingError("this catalog has no embeddings to rank by", hint="Run: datacat embed")
        self._nearest = nearest

    @property
    def interpretation(self) -> str:
        """What was understood, in strict syntax; empty where everything was asked for."""
        return self._plan.interpretation

    @property
    def classes_used(self) -> dict[str, tuple[str, ...]]:
        """What each class of the query stood for: `roof` -> (`mapping:Roof`, `claims:rooftop`)."""
        label_sets = self._vocabulary.label_sets
        used: dict[str, tuple[str, ...]] = {}
        for node in m.descendants(self._plan.meaning):
            if isinstance(node, m.ClassIs):
                members = (_written(member, label_sets) for member in node.members)
                used[node.shown] = tuple(dict.fromkeys(name for names in members for name in names))
        return used

    @property
    def is_ranked(self) -> bool:
        """Whether likeness ranks them: then every asset with a vector that passes the filter is a hit."""
        return bool(self._plan.similar)

    @property
    def asks_for_annotations(self) -> bool:
        """Whether the query is about annotations that are there; `NOT car` or `media:image` is not."""
        return self._plan.asks_for_annotations

    def __iter__(self) -> Iterator[Hit]:
        page = self._page
        for start in range(0, len(page), _CHUNK):
            yield from self._hits(page[start : start + _CHUNK])

    @property
    def numbers(self) -> list[int]:
        """The assets of the page, without matches and reasons, which take most of the time."""
        return [asset for asset, _ in self._page]

    def count(self) -> int:
        """How many hits there are in all, whatever the page; a ranked search has to rank them all for it."""
        return len(self._ranked(0, None)) if self.is_ranked else self._count_of_filter

    @property
    def next(self) -> str | None:
        """The token of the next page, for `after`; None at the end."""
        if not self._has_more:
            return None
        if self.is_ranked:
            position = (self._position or 0) + len(self._page)
        else:
            position = self._page[-1][0]
        return Page(self.state, query_digest(self.interpretation), position).token

    def facets(self, names: Sequence[str] | None = None, *, limit: int = 10) -> Facets:
        """What all hits divide into, not only this page's; of a ranked search, the `limit` best hits.

        Args:
            names: class, team, …: see docs/reference/facets.md; attribute and metadata paths; None: all.
            limit: values of a facet.

        Raises:
            UsageError: there is no such facet.
        """
        wanted = None
        evidence = Sets().evidence(self._plan.evidence) if self.asks_for_annotations else None
        if evidence is not None:
            wanted = Wanted(evidence, m.Everything() if self.is_ranked else self._plan.evidence)
        return count_facets(
            self._cursor,
            assets=self._best if self.is_ranked else self._matching,
            wanted=wanted,
            vocabulary=self._vocabulary,
            names=names,
            limit=limit,
        )

    def to_arrow(self) -> pa.Table:
        """The hits as a table of schema `HITS`."""
        return pa.Table.from_batches(self.batches(), schema=HITS)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The hits as batches of schema `HITS`, so that everything need not be in memory at once."""
        page = self._page
        for start in range(0, len(page), _CHUNK):
            hits = [_as_row(hit) for hit in self._hits(page[start : start + _CHUNK])]
            yield pa.RecordBatch.from_pylist(hits, schema=HITS)

    def to_pandas(self) -> pd.DataFrame:
        """The hits as a data frame with the columns of `HITS`.

        Raises:
            ExtraMissing: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401 - pyarrow makes the frame; without pandas its own error would say less
        except ImportError as error:
            raise ExtraMissing("pandas", extra="pandas") from error
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def assets(self) -> pa.RecordBatchReader:
        """Every matching asset, not only this page's, by number; of a ranked search, the `limit` best."""
        return _reader(self._all_assets, ASSET_IDS)

    def annotations(self) -> pa.RecordBatchReader:
        """Every annotation that fulfils the query on an asset of `assets()`, ordered by asset and annotation.

        Where the query does not ask for annotations (`asks_for_annotations`), there are none.
        """
        table = self._all_assets
        sets = Sets()
        found = sets.evidence(self._plan.evidence)
        if found is None:
            return _reader(ANNOTATION_IDS.empty_table(), ANNOTATION_IDS)
        if not self.is_ranked:
            chosen = Sql("FROM {}").filled(self._matching)
        else:
            chosen = Sql("SELECT unnest(?::BIGINT[]) AS asset", (table["asset"].to_pylist(),))
        query = Sql("SELECT DISTINCT asset, annotation FROM ({}) SEMI JOIN ({}) USING (asset) ORDER BY ALL")
        return _reader(arrow(self._cursor, query.filled(found, chosen)), ANNOTATION_IDS)

    @cached_property
    def answers(self) -> Answers:
        """How many assets fulfil the query, how many are known not to, and of how many nobody can say."""
        yes = self._count_of_filter
        refuted = Sql("SELECT count(DISTINCT asset) FROM ({})").filled(self._plan.refuted())
        ((no,),) = rows(self._cursor, refuted)
        ((every,),) = rows(self._cursor, Sql("SELECT count(*) FROM assets"))
        return Answers(yes, int(no), int(every) - yes - int(no))

    @property
    def asks_for_absence(self) -> bool:
        """Whether something must be absent, so that it matters who looked for it; see `answers`."""
        return self._plan.asks_for_absence

    @cached_property
    def _count_of_filter(self) -> int:
        ((number,),) = rows(self._cursor, Sql("SELECT count(*) FROM {}").filled(self._matching))
        return int(number)

    @cached_property
    def _all_assets(self) -> pa.Table:
        if self.is_ranked:
            best = [(asset,) for asset, _ in self._ranked(0, self._limit)[: self._limit]]
            return pa.Table.from_pylist([{"asset": asset} for (asset,) in sorted(best)], schema=ASSET_IDS)
        return self._every_match

    @cached_property
    def _every_match(self) -> pa.Table:
        return arrow(self._cursor, Sql("SELECT asset FROM {} ORDER BY asset").filled(self._matching))

    @cached_property
    def _matching(self) -> Sql:
        """A table of the matching assets, so that a page and its count look for them once."""
        name = f"matching_{next(_numbers)}"
        found = self._plan.assets()
        create = Sql(f"CREATE TEMP TABLE {name} AS SELECT DISTINCT asset FROM ({{}})")  # noqa: S608 - our name
        rows(self._cursor, create.filled(found))
        return Sql(name)

    @cached_property
    def _best(self) -> Sql:
        """A table of the assets of a ranked search."""
        name = f"matching_{next(_numbers)}"
        create = f"CREATE TEMP TABLE {name} AS SELECT unnest(?::BIGINT[]) AS asset"
        rows(self._cursor, Sql(create, (self._all_assets["asset"].to_pylist(),)))
        return Sql(name)

    @cached_property
    def _found(self) -> list[tuple[int, float | None]]:
        """The page's assets with their scores, and one more where there is a next page."""
        if self.is_ranked:
            return self._ranked(self._position or 0, self._limit)
        if self._position is not None and self._limit is not None and "_matching" not in self.__dict__:
            query = Sql("SELECT DISTINCT asset FROM ({}) ORDER BY asset LIMIT ?", (self._limit + 1,)).filled(
                self._plan.assets(within=Sql("asset > ?", (self._position,)))
            )
        else:
            after = -1 if self._position is None else self._position
            query = Sql("SELECT asset FROM {} WHERE asset > ? ORDER BY asset", (after,)).filled(
                self._matching
            )
            if self._limit is not None:
                query = Sql(f"{query.text} LIMIT ?", (*query.values, self._limit + 1))
        return [(asset, None) for asset in arrow(self._cursor, query)["asset"].to_pylist()]

    @property
    def _page(self) -> list[tuple[int, float | None]]:
        return self._found if self._limit is None else self._found[: self._limit]

    @property
    def _has_more(self) -> bool:
        return self._limit is not None and len(self._found) > self._limit

    def _ranked(self, offset: int, limit: int | None) -> list[tuple[int, float | None]]:
        """The assets from `offset` on, best first, equal scores by number; one more than `limit`."""
        assert self._nearest is not None
        allowed: pa.Array | None = None
        if not isinstance(self._plan.wanted, m.Everything):
            allowed = self._every_match["asset"].combine_chunks()
        wanted = self._count_of_filter if limit is None else offset + limit + 1
        if wanted == 0 or (allowed is not None and len(allowed) == 0):
            return []
        found = self._nearest(_weighted(self._plan.similar), wanted, allowed)
        ranked = zip(found["asset"].to_pylist(), found["score"].to_pylist(), strict=True)
        return sorted(ranked, key=lambda item: (-item[1], item[0]))[offset:wanted]

    def _hits(self, page: list[tuple[int, float | None]]) -> Iterator[Hit]:
        numbers = [asset for asset, _ in page]
        explainer = Explainer(
            self._cursor, self._plan, assets=numbers, label_sets=self._vocabulary.label_sets
        )
        facts = explainer.facts()
        for asset, score in page:
            matches, why = explainer.explain(asset, score=score)
            yield Hit(asset, *facts[asset], score=score, matches=matches, why=why)


def _weighted(similar: tuple[m.Similar, ...]) -> Weighted:
    return tuple((part.question, part.weight) for part in similar)


def _written(member: m.ClassMember, label_sets: Mapping[int, LabelSet]) -> list[str]:
    if member.label_sets is None:
        return [member.name]
    return [f"{label_sets[number].team}:{member.name}" for number in member.label_sets]


def _as_row(hit: Hit) -> dict[str, Any]:
    return {
        "asset": hit.asset,
        "uri": hit.uri,
        "media": hit.media,
        "width": hit.width,
        "height": hit.height,
        "score": hit.score,
        "matches": [match.as_row() for match in hit.matches],
        "why": list(hit.why),
    }


def _reader(table: pa.Table, schema: pa.Schema) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(schema, table.cast(schema).to_batches(max_chunksize=_BATCH_ROWS))
