"""Facets of paths: the commonest texts, and the numbers in bins with round edges; all paths together.

A SELECT of leaves has the columns path, text, number, who (the annotation or the asset that has the leaf) and place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

import pyarrow as pa

from datacat.ingest.attributes import Leaves
from datacat.query.bins import PLACE, Bins, bins_of
from datacat.query.compare import TRUE, Sql, one_of
from datacat.query.counted import Counted
from datacat.query.facets import Bucket, Facet
from datacat.query.run import arrow, rows

LEAF = "path, text, number, annotation AS who"
_BINS = 10  # where the limit does not ask for more
_LEAVES_A_DOCUMENT = 1_000  # reading so many leaves takes as long as one document
_DOCUMENTS = 50_000  # that are in memory at once
# The rows of a path at which somebody may have several equal leaves are counted by who has them.
_ONCE = (
    "SELECT path, text, count(*) AS n FROM ({}) WHERE number IS NULL AND text IS NOT NULL AND {} GROUP BY ALL"
)
_SEVERAL = (
    "SELECT path, text, count(DISTINCT who) AS n FROM ({}) WHERE number IS NULL AND text IS NOT NULL AND {} "
    "GROUP BY ALL"
)
_COMMONEST = """
    SELECT path, text, n, sum(n) OVER same AS total, count(*) OVER same AS different
    FROM ({}) WINDOW same AS (PARTITION BY path)
    QUALIFY row_number() OVER (PARTITION BY path ORDER BY n DESC, text) <= ? ORDER BY path, n DESC, text
"""
_BINS_OF = """
    SELECT unnest(?::VARCHAR[]) AS path, unnest(?::BIGINT[]) AS first, unnest(?::DOUBLE[]) AS step,
        unnest(?::DOUBLE[]) AS scale, unnest(?::BIGINT[]) AS bin_count
"""


@dataclass(frozen=True, slots=True)
class Paths:
    """What is known of the paths: which have numbers, and at which somebody may have several leaves.

    `repeated` None: at all. `leaves` says how many each has, `textual` where some are texts, if that is known.
    """

    all: tuple[str, ...]
    numeric: tuple[str, ...]
    repeated: tuple[str, ...] | None
    are_all: bool = True
    leaves: Mapping[str, int] = field(default_factory=dict)
    textual: Set[str] = frozenset()

    def only(self, wanted: Set[str]) -> Paths:
        """Those of them that are wanted."""
        if wanted >= set(self.all):
            return self
        known, numeric, repeated = (
            tuple(path for path in paths or () if path in wanted)
            for paths in (self.all, self.numeric, self.repeated)
        )
        several = None if self.repeated is None else repeated
        return Paths(known, numeric, several, are_all=False, leaves=self.leaves, textual=self.textual)


@dataclass(frozen=True, slots=True)
class Texts:
    """The commonest texts of a path: text -> annotations (assets) that have it, in order; and the sum over all."""

    counts: dict[str, int]
    total: int
    different: int


class LeafFacets:
    """Counts the facets of paths.

    Args:
        counted: what counts.
        leaves: a SELECT of them.
        paths: that are asked for.
        prefix: of the names of the facets.
        total: annotations, or assets; some of them may have no value.
        limit: values of a facet.
    """

    def __init__(
        self, counted: Counted, leaves: Sql, *, paths: Paths, prefix: str, total: int, limit: int
    ) -> None:
        self._counted, self._cursor, self._leaves = counted, counted.cursor, leaves
        self._paths, self._prefix, self._total, self._limit = paths, prefix, total, limit
        self._is_of_assets = paths.repeated is None
        self._most = max(_BINS, limit)

    def facets(self) -> list[Facet]:
        """Those that somebody has a value of, the path with the most first."""
        texts = self._texts()
        text_assets = {} if self._is_of_assets else self._assets(texts)
        binned = self._binned()
        bins = self._bins(binned)
        having = {
            path: (texts[path].total if path in texts else 0)
            + sum(b.annotations or 0 for b in bins.get(path, ()))
            for path in {*texts, *bins}
        } | self._holders()
        found = []
        for path in sorted(having, key=lambda path: (-having[path], path)):
            of_path = texts.get(path, Texts({}, 0, 0))
            values = tuple(
                self._bucket(text, n, text_assets.get((path, text), n)) for text, n in of_path.counts.items()
            )
            other = of_path.total - sum(of_path.counts.values())
            missing = self._total - having[path]
            name = self._prefix + path
            found.append(Facet(name, values, bins.get(path, ()), of_path.different, other, missing))
        return found

    def _bucket(self, value: str, n: int, assets: int, *, edges: tuple[float, float] | None = None) -> Bucket:
        return Bucket(value, None if self._is_of_assets else n, assets, *(edges or (None, None)))

    def _counting(self, once: str, several: str) -> Sql:
        """The one for paths at which each has one leaf, the other for the rest."""
        repeated = self._paths.repeated
        if repeated is None:
            return Sql(several).filled(self._leaves, TRUE)
        if not repeated:
            return Sql(once).filled(self._leaves, TRUE)
        of_several = one_of("path", repeated)
        of_once = Sql("NOT {}").filled(of_several)
        pieces = (Sql(once).filled(self._leaves, of_once), Sql(several).filled(self._leaves, of_several))
        return Sql("{} UNION ALL {}").filled(*pieces)

    def _texts(self) -> dict[str, Texts]:
        query = Sql(_COMMONEST, (self._limit,)).filled(self._counting(_ONCE, _SEVERAL))
        found: dict[str, Texts] = {}
        for path, text, n, total, different in rows(self._cursor, query):
            found.setdefault(path, Texts({}, int(total), different)).counts[text] = n
        return found

    def _assets(self, texts: Mapping[str, Texts]) -> dict[tuple[str, str], int]:
        """On how many different assets each text that is shown is."""
        found: dict[tuple[str, str], int] = {}
        sizes = [(path, len(of_path.counts)) for path, of_path in texts.items()]
        for turn in self._counted.bounded(sizes):
            shown = [(path, text) for path in turn for text in texts[path].counts]
            known = Sql(
                "SELECT unnest(?::VARCHAR[]) AS path, unnest(?::VARCHAR[]) AS text",
                ([path for path, _ in shown], [text for _, text in shown]),
            )
            query = Sql(
                f"SELECT path, text, {self._counted.different(len(shown))} FROM ({{}}) JOIN ({{}}) USING (path, text) "
                "WHERE number IS NULL GROUP BY path, text"
            ).filled(self._narrowed(turn), known)
            found |= {(path, text): n for path, text, n in rows(self._cursor, query)}
        return found

    def _narrowed(self, paths: Sequence[str]) -> Sql:
        """The leaves at some paths; not said where it is most of them, as comparing takes time."""
        if 2 * len(paths) > len(self._paths.all):
            return self._leaves
        return Sql("SELECT * FROM ({}) WHERE {}").filled(self._leaves, one_of("path", paths))

    def _binned(self) -> dict[str, Bins]:
        """How the numbers of each path are parted."""
        if not self._paths.numeric:
            return {}
        query = Sql(
            "SELECT path, min(number), max(number), bool_and(number = floor(number)) FROM ({}) "
            "WHERE number IS NOT NULL GROUP BY path"
        ).filled(self._narrowed(self._paths.numeric))
        return {
            path: bins_of(low, high, are_whole=are_whole, most=self._most)
            for path, low, high, are_whole in rows(self._cursor, query)
        }

    def _bins(self, binned: Mapping[str, Bins]) -> dict[str, tuple[Bucket, ...]]:
        """The numbers counted; a path has one bin at least."""
        found: dict[tuple[str, int], tuple[int, int]] = {}
        for turn in self._counted.bounded([(path, bins.count) for path, bins in binned.items()]):
            parted = [(path, b.first, b.step, b.scale, b.count) for path in turn for b in [binned[path]]]
            known = Sql(_BINS_OF, tuple(list(column) for column in zip(*parted, strict=True)))
            groups = sum(binned[path].count for path in turn)
            several = self._paths.repeated is None or set(turn).intersection(self._paths.repeated)
            query = Sql(
                f"SELECT path, {PLACE} AS bin, count({'DISTINCT who' if several else '*'}), "
                f"{self._counted.different(groups)} FROM ({{}}) JOIN ({{}}) USING (path) "
                "WHERE number IS NOT NULL GROUP BY ALL"
            ).filled(self._narrowed(turn), known)
            found |= {(path, place): (n, assets) for path, place, n, assets in rows(self._cursor, query)}
        return self._as_buckets(binned, found)

    def _as_buckets(
        self, binned: Mapping[str, Bins], found: Mapping[tuple[str, int], tuple[int, int]]
    ) -> dict[str, tuple[Bucket, ...]]:
        return {
            path: tuple(
                self._bucket(bins.name(place), *found.get((path, place), (0, 0)), edges=bins.edges(place))
                for place in range(bins.count)
            )
            for path, bins in binned.items()
        }

    def _holders(self) -> dict[str, int]:
        """How many have a value at the paths at which one may have several."""
        repeated = self._paths.repeated
        if repeated is not None and not repeated:
            return {}
        query = Sql(
            "SELECT path, count(DISTINCT who) FROM ({}) WHERE text IS NOT NULL AND {} GROUP BY path"
        ).filled(self._leaves, TRUE if repeated is None else one_of("path", repeated))
        return dict(rows(self._cursor, query))


def are_few(count: int | None, *, leaf_count: int) -> bool:
    """Whether of so many annotations the documents are read, as the leaves of one lie far apart."""
    return count is not None and count <= _DOCUMENTS and count * _LEAVES_A_DOCUMENT < leaf_count


def leaves_of(counted: Counted, said: Sql, *, paths: Paths, count: int | None, leaf_count: int) -> Sql:
    """A SELECT of the leaves of the annotations that count.

    Args:
        counted: what counts.
        said: a table of those annotations where they are chosen one by one.
        paths: that are asked for.
        count: how many they are; None: few, and the table has their documents.
        leaf_count: how many leaves all annotations of the catalog have.
    """
    of_paths = TRUE if paths.are_all else one_of("path", paths.all)
    if counted.is_direct:
        return counted.of_annotations("attribute_values", LEAF, where=of_paths, paths=paths.all)
    counted.narrow(said)
    if count is None:
        leaves = _from_documents(counted, Sql("SELECT * FROM {}").filled(said), paths=set(paths.all))
    elif are_few(count, leaf_count=leaf_count):
        found = counted.of_annotations("annotations", "annotation, attributes")
        leaves = _from_documents(counted, found, paths=set(paths.all))
    else:
        leaves = counted.of_annotations("attribute_values", LEAF, where=of_paths, paths=paths.all)
    return Sql("FROM {}").filled(counted.table("leaves", leaves))


def _from_documents(counted: Counted, annotations: Sql, *, paths: set[str]) -> Sql:
    query = Sql("SELECT annotation, attributes, place FROM ({}) WHERE attributes IS NOT NULL")
    documents = arrow(counted.cursor, query.filled(annotations))
    leaves = Leaves()
    for place, document in enumerate(documents["attributes"]):
        leaves.extract(document.as_py().encode(), place)
    asked = [number for number, path in enumerate(leaves.paths) if path in paths]
    owners = pa.array(leaves.rows, pa.int64()).take(pa.array(asked, pa.int64()))
    table = pa.table(
        {
            "path": pa.array([leaves.paths[number] for number in asked], pa.string()),
            "text": pa.array([leaves.texts[number] for number in asked], pa.string()),
            "number": pa.array([leaves.numbers[number] for number in asked], pa.float64()),
            "who": documents["annotation"].take(owners),
            "place": documents["place"].take(owners),
        }
    )
    return counted.taken("documents", table)
