"""The result of a search: iterate it, count it, take it as Arrow or pandas.

Binding has happened when a `Hits` exists; the rows are read when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, overload

import duckdb
import pyarrow as pa

from datacat.errors import ExtraMissing
from datacat.query import meaning as m
from datacat.query.compare import Sql, joined
from datacat.query.count_facets import count_facets
from datacat.query.counted import Wanted
from datacat.query.explain import conditions, explained
from datacat.query.explanation import Condition, Explanation
from datacat.query.facets import Facets
from datacat.query.hierarchy import classes_used, concepts_used, without_concepts
from datacat.query.hit import ANNOTATION_IDS, ASSET_IDS, HITS, Answers, Hit, as_row, chosen_columns
from datacat.query.html import ROWS_SHOWN, Thumbnail, hits_table
from datacat.query.matching import Matching, table_name
from datacat.query.moved import ByAddress
from datacat.query.narrow import Narrowing
from datacat.query.page import Page, position_after, query_digest
from datacat.query.pairs import numbered, of_row
from datacat.query.plan import Plan
from datacat.query.ranking import Nearest, Ranking
from datacat.query.reasons import Explainer
from datacat.query.rules import set_aside
from datacat.query.run import rows
from datacat.query.sql import Sets
from datacat.query.stream import encoded, parts, reader
from datacat.query.uncompared_texts import uncompared_texts
from datacat.query.unknown_values import unknown_values
from datacat.query.vocabulary import Vocabulary
from datacat.query.whole import Whole, addresses_of

if TYPE_CHECKING:
    import pandas as pd

By = Literal["content", "uri"]
"""What one hit is: bytes, at however many addresses; or an address."""

_CHUNK = 10_000  # assets whose matches are in memory at once where everything is read


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
        again: Callable[[], Hits],
        by: By = "content",
        by_address: ByAddress | None = None,
    ) -> None:
        self._cursor = cursor
        self._plan = plan
        self._matching = Matching(
            cursor, plan, bounds=lambda: vocabulary.asset_bounds(cursor), by_address=by_address
        )
        self._vocabulary = vocabulary
        self._again = again
        self._limit = limit
        # Pages of addresses and pages of pictures do not go on behind each other.
        self._paged = plan.interpretation if by == "content" else f"{plan.interpretation} --by {by}"
        self._position = position_after(after, state=state, interpretation=self._paged)
        self.state = state
        self._ranking = Ranking(cursor, plan, self._matching, vocabulary=vocabulary, nearest=nearest)
        self.thumbnail: Thumbnail | None = None

    @property
    def interpretation(self) -> str:
        """What was understood, in strict syntax; empty where everything was asked for."""
        return self._plan.interpretation

    @property
    def classes_used(self) -> dict[str, tuple[str, ...]]:
        """What each class of the query stood for: `roof` -> (`mapping:Roof`, `claims:rooftop`)."""
        return classes_used(self._plan.meaning, self._vocabulary)

    @property
    def concepts_used(self) -> dict[str, tuple[str, ...]]:
        """The concepts by which a class of the query was understood; `class:rooftop` asks for the name alone."""
        return concepts_used(self._plan.meaning, self._vocabulary)

    @property
    def without_concepts(self) -> dict[str, str]:
        """What asks for a class of each such name alone: `roofs` -> `class:roof`."""
        return without_concepts(self._plan.meaning, self._vocabulary)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The parts of the query, each with the tables that answer it."""
        return conditions(self._plan)

    def explain(self) -> Explanation:
        """Runs the search once more and tells what was read for it and how long each step took."""
        return explained(self._again)

    @property
    def limit(self) -> int | None:
        """Hits on the page; None: all are."""
        return self._limit

    @property
    def is_ranked(self) -> bool:
        """Whether likeness ranks them. What passes the filter and has no vector comes behind, without a score."""
        return bool(self._plan.similar)

    @property
    def not_embedded(self) -> int | None:
        """Of a ranked search, how many assets pass the filter and have no vector; None where nobody can say."""
        return self._ranking.without_vector_count if self.is_ranked else None

    @property
    def asks_for_annotations(self) -> bool:
        """Whether the query is about annotations that are there; `NOT car` or `media:image` is not."""
        return self._plan.asks_for_annotations

    def __len__(self) -> int:
        """Hits on the page; of a search without a limit, all."""
        is_whole = self._limit is None and self._position is None and not self.is_ranked
        return self._matching.count if is_whole else len(self._page)

    @overload
    def __getitem__(self, which: int) -> Hit: ...

    @overload
    def __getitem__(self, which: slice) -> list[Hit]: ...

    def __getitem__(self, which: int | slice) -> Hit | list[Hit]:
        """The hit at a place of the page, or those of a slice; from the end where it is negative."""
        if isinstance(which, slice):
            return list(self._hits(self._page[which]))
        return next(self._hits([self._page[which]]))

    def _repr_html_(self) -> str:
        total = len(self) if self.is_ranked else self.count()
        title = f"{total:,} assets: {self.interpretation}"
        return hits_table(self[:ROWS_SHOWN], title=title, total=total, thumbnail=self.thumbnail)

    def __iter__(self) -> Iterator[Hit]:
        for chunk in self._chunks():
            yield from self._hits(chunk)

    @property
    def numbers(self) -> list[int]:
        """The assets of the page, without matches and reasons, which take most of the time."""
        return [asset for asset, _ in self._page]

    def count(self) -> int:
        """How many hits there are in all, whatever the page; a ranked search has to rank them all for it."""
        if self.is_ranked and not self._ranking.keeps_unranked:
            return len(self._ranking.assets(0, None))
        return self._matching.count

    @cached_property
    def address_count(self) -> int:
        """At how many addresses all hits lie; more than `count` where several have the same bytes.

        Of a ranked search, those of its `limit` best hits.
        """
        there = "SELECT count(*) FROM (SELECT 1 FROM other_addresses LIMIT 1)"
        ((has_others,),) = rows(self._cursor, Sql(there))
        count = len(self._all_assets) if self.is_ranked else self._matching.count
        if not has_others:
            return count
        chosen = self._best if self.is_ranked else self._matching.table
        others = Sql("SELECT count(*) FROM other_addresses SEMI JOIN {} USING (asset)").filled(chosen)
        ((more,),) = rows(self._cursor, others)
        return count + int(more)

    @property
    def next(self) -> str | None:
        """The token of the next page, for `after`; None at the end."""
        if not self._has_more:
            return None
        if self.is_ranked:
            position = (self._position or 0) + len(self._page)
        else:
            position = self._page[-1][0]
        return Page(self.state, query_digest(self._paged), position).token

    def facets(
        self, names: Sequence[str] | None = None, *, limit: int = 10, all_paths: bool = False
    ) -> Facets:
        """What all hits divide into, not only this page's; of a ranked search, the `limit` best hits.

        Args:
            names: class, team, …: see docs/reference/facets.md; attribute and metadata paths; None: all.
            limit: values of a facet.
            all_paths: also what tools write for themselves (`from_name`, `lead_time`, …).

        Raises:
            UsageError: there is no such facet.
        """
        wanted = None
        evidence = Sets().evidence(self._plan.evidence) if self.asks_for_annotations else None
        if evidence is not None:
            wanted = Wanted(evidence, m.Everything() if self.is_ranked else self._plan.evidence)
            if not self.is_ranked and wanted.condition is None and isinstance(self._plan.wanted, m.Some):
                wanted = Wanted(
                    Sql("FROM {}").filled(self._matching.annotated(evidence)), self._plan.evidence
                )
        return count_facets(
            self._cursor,
            assets=self._best if self.is_ranked else self._matching.table,
            wanted=wanted,
            vocabulary=self._vocabulary,
            names=names,
            limit=limit,
            all_paths=all_paths,
        )

    def hint(self) -> str | None:
        """Which values are compared as text though they seem not to be; where nothing was found, which nobody has."""
        if self._position is not None:
            return None
        said = uncompared_texts(self._cursor, self._plan.meaning, vocabulary=self._vocabulary)
        is_counted = self._limit is None or "_matching" in self.__dict__
        if not (self._matching.count if is_counted else self._page):
            said = (*unknown_values(self._cursor, self._plan.meaning, vocabulary=self._vocabulary), *said)
        return "\n".join(said) or None

    @property
    def narrowing(self) -> Narrowing:
        """Narrows the query to one bucket of its facets."""
        return Narrowing(self._plan.meaning, are_matching=self.asks_for_annotations)

    def to_arrow(self) -> pa.Table:
        """The hits as a table of schema `HITS`."""
        return pa.Table.from_batches(self.batches(), schema=HITS)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The hits as batches, so that everything need not be in memory at once.

        Args:
            columns: of `HITS`; None: all. Without `matches` and `why`, which take most of the time, it is fast.

        Raises:
            UsageError: there is no such column.
        """
        schema = chosen_columns(columns)
        if not self.is_ranked and (self._limit is None or self._limit > _CHUNK):
            return self._whole(schema)
        if {"matches", "why"}.isdisjoint(schema.names):
            return (batch.select(schema.names) for table in self._facts() for batch in table.to_batches())
        return (
            pa.RecordBatch.from_pylist([as_row(hit) for hit in self._hits(chunk)], schema=HITS).select(
                schema.names
            )
            for chunk in self._chunks()
        )

    def stream(
        self, to: str, *, columns: Sequence[str] | None = None, ids_as_text: bool = False
    ) -> Iterator[bytes]:
        """The hits as pieces of a file; see docs/reference/python.md.

        Args:
            to: "ndjson", "arrow" or "csv".
            columns: as for `batches`; None: all that the format can hold, which is all but `matches` for CSV.
            ids_as_text: whether NDJSON has identifiers as text.

        Raises:
            UsageError: there is no such format or column, or CSV cannot hold it.
        """
        if columns is None and to == "csv":
            columns = [name for name in HITS.names if name != "matches"]
        schema = chosen_columns(columns)
        return encoded(
            self.batches(columns), to=to, schema=schema, cursor=self._cursor, ids_as_text=ids_as_text
        )

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
        if self.is_ranked:
            return self._all_assets.to_reader()
        return reader(lambda: parts(self._cursor, "asset", table=self._matching.table), ASSET_IDS)

    def annotations(self) -> pa.RecordBatchReader:
        """Every annotation that fulfils the query on an asset of `assets()`, ordered by asset and annotation.

        Where the query does not ask for annotations (`asks_for_annotations`), there are none.
        """
        found = self._evidence
        if found is None:
            return ANNOTATION_IDS.empty_table().to_reader()
        return reader(lambda: parts(self._cursor, "asset, annotation", table=found), ANNOTATION_IDS)

    @cached_property
    def answers(self) -> Answers:
        """How many assets fulfil the query, how many are known not to, and of how many nobody can say.

        Raises:
            UsageError: the opposite has more parts than can be planned, as that of very many alternatives.
        """
        yes = self._matching.count
        no = self._matching.different(self._plan.refuted())
        ((every,),) = rows(self._cursor, Sql("SELECT count(*) FROM assets"))
        return Answers(yes, no, int(every) - yes - no)

    @cached_property
    def only_predicted(self) -> int:
        """How many of all hits are only so by what models say."""
        people = self._plan.by_people
        if people is None or self.is_ranked:
            return 0
        query = Sql("SELECT count(*) FROM {} ANTI JOIN ({}) USING (asset)")
        ((number,),) = rows(self._cursor, query.filled(self._matching.table, Sets().assets(people)))
        return int(number)

    @cached_property
    def set_aside(self) -> int:
        """How many annotations were left out, skipped or drafts, that would fulfil part of the query."""
        found = [Sets().pairs(predicate) for predicate in set_aside(self._plan.evidence)]
        if not found:
            return 0
        query = Sql("SELECT count(DISTINCT annotation) FROM ({})").filled(joined(" UNION ALL ", found))
        ((number,),) = rows(self._cursor, query)
        return int(number)

    @property
    def asks_for_absence(self) -> bool:
        """Whether something must be absent, so that it matters who looked for it; see `answers`."""
        return self._plan.asks_for_absence

    @cached_property
    def _all_assets(self) -> pa.Table:
        if self.is_ranked:
            best = [(asset,) for asset, _ in self._ranking.assets(0, self._limit)[: self._limit]]
            return pa.Table.from_pylist([{"asset": asset} for (asset,) in sorted(best)], schema=ASSET_IDS)
        return self._matching.every

    @cached_property
    def _best(self) -> Sql:
        """A table of the assets of a ranked search."""
        name = table_name()
        create = f"CREATE TEMP TABLE {name} AS SELECT unnest(?::BIGINT[]) AS asset"
        rows(self._cursor, Sql(create, (self._all_assets["asset"].to_pylist(),)))
        return Sql(name)

    @cached_property
    def _evidence(self) -> Sql | None:
        """A table of the annotations that fulfil the query; None where it asks for none."""
        found = Sets().evidence(self._plan.evidence)
        if found is None:
            return None
        asked, chosen = self._plan.evidence, self._best if self.is_ranked else self._matching.table
        is_once = isinstance(asked, m.Some) and of_row(asked.predicate) is not None  # a row of `annotations`
        return self._matching.evidence(found, assets=chosen, is_once=is_once)

    def _chunks(self) -> Iterator[list[tuple[int, float | None]]]:
        """The assets of the page with their scores, few at a time; without a limit they are read when asked for."""
        if self._limit is not None or self.is_ranked:
            page = self._page
            yield from (page[start : start + _CHUNK] for start in range(0, len(page), _CHUNK))
            return
        after = -1 if self._position is None else self._position
        for part in parts(self._cursor, "asset", table=self._matching.table, after=after):
            for batch in part.to_batches(max_chunksize=_CHUNK):
                yield [(asset, None) for asset in batch["asset"].to_pylist()]

    def _whole(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        evidence = None if {"matches", "why"}.isdisjoint(schema.names) else self._evidence
        after = -1 if self._position is None else self._position
        whole = Whole(self._matching.table, evidence, after=after, most=self._limit)
        yield from whole.batches(self._cursor, schema, reasons=self._reasons)

    def _reasons(self, assets: Sequence[int]) -> list[Sequence[str]]:
        explainer = Explainer(self._cursor, self._plan, assets=assets, label_sets=self._vocabulary.label_sets)
        return [explainer.explain(asset, score=None)[1] for asset in assets]

    def _facts(self) -> Iterator[pa.Table]:
        """The columns of `HITS` that the table of assets has, and the score."""
        columns = ", ".join(HITS.names[:5])
        for chunk in self._chunks():
            of_chunk = numbered("asset", [asset for asset, _ in chunk])
            query = Sql(f"SELECT {columns} FROM assets WHERE {{}}").filled(of_chunk)  # noqa: S608 - our names
            known = {row[0]: row for row in rows(self._cursor, query)}
            listed = [dict(zip(HITS.names, (*known[asset], score), strict=False)) for asset, score in chunk]
            table = pa.Table.from_pylist(listed, schema=pa.schema(list(HITS)[:6]))
            yield table.append_column(HITS.field("addresses"), addresses_of(self._cursor, table))

    @cached_property
    def _found(self) -> list[tuple[int, float | None]]:
        """The page's assets with their scores, and one more where there is a next page."""
        if self.is_ranked:
            return self._ranking.assets(self._position or 0, self._limit)
        if self._limit is not None:
            found = self._matching.page(after=self._position, most=self._limit + 1)
            return [(asset, None) for asset in found]
        return [found for chunk in self._chunks() for found in chunk]

    @property
    def _page(self) -> list[tuple[int, float | None]]:
        return self._found if self._limit is None else self._found[: self._limit]

    @property
    def _has_more(self) -> bool:
        return self._limit is not None and len(self._found) > self._limit

    def _hits(self, page: list[tuple[int, float | None]]) -> Iterator[Hit]:
        numbers = [asset for asset, _ in page]
        explainer = Explainer(
            self._cursor, self._plan, assets=numbers, label_sets=self._vocabulary.label_sets
        )
        facts, others = explainer.facts, explainer.other_addresses()
        for asset, score in page:
            is_fused = self._ranking.is_hybrid
            matches, why = explainer.explain(asset, score=None if is_fused else score)
            why = (*why, *self._ranking.reasons(asset))
            addresses = (facts[asset][0], *others.get(asset, ()))
            yield Hit(
                asset,
                *facts[asset],
                score=score,
                matches=matches,
                why=why,
                addresses=addresses,
                is_contradicted=explainer.is_contradicted(asset),
            )
