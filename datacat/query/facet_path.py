"""Facets of one path with many leaves, at which nobody has several: grouped by one column alone.

At 100 million annotations, grouping 13 million leaves by text takes 0.18 s of processor time, by path and text 0.25 s,
and counting their assets 0.5 s where a join with the texts that are shown takes 1.2 s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from datacat.query.bins import Bins, bins_of
from datacat.query.compare import TRUE, Sql, at, one_of
from datacat.query.counted import Counted
from datacat.query.facet_leaves import LEAF, LeafFacets, Paths, Texts
from datacat.query.facets import Bucket
from datacat.query.run import rows

_MANY = 5_000_000  # leaves of everybody
_TEXTS = "SELECT text, count(*) AS n FROM ({}) WHERE number IS NULL AND text IS NOT NULL GROUP BY text"
_COMMONEST = """
    SELECT text, n, sum(n) OVER (), count(*) OVER () FROM ({}) ORDER BY n DESC, text LIMIT ?
"""


def portions(counted: Counted, leaves: Sql, *, paths: Paths) -> Iterator[tuple[type[LeafFacets], Sql, Paths]]:
    """The paths that are counted together, or each alone, with their leaves and what counts them."""
    alone = []
    if counted.is_direct and paths.repeated is not None:
        alone = [path for path in paths.all if paths.leaves[path] >= _MANY and path not in paths.repeated]
    for path in alone:
        of_path = counted.of_annotations("attribute_values", LEAF, where=at((path,)), paths=(path,))
        yield PathFacets, of_path, paths.only({path})
    rest = set(paths.all).difference(alone)
    if not alone:
        yield LeafFacets, leaves, paths
    elif rest:
        others = Sql("SELECT * FROM ({}) WHERE {}").filled(leaves, one_of("path", sorted(rest)))
        yield LeafFacets, others, paths.only(rest)


class PathFacets(LeafFacets):
    """Counts the facets of one path."""

    @property
    def _path(self) -> str:
        return self._paths.all[0]

    def _texts(self) -> dict[str, Texts]:
        if self._path not in self._paths.textual:
            return {}
        query = Sql(_COMMONEST, (self._limit,)).filled(Sql(_TEXTS).filled(self._leaves))
        found = rows(self._cursor, query)
        if not found:
            return {}
        _, _, total, different = found[0]
        return {self._path: Texts({text: n for text, n, _, _ in found}, int(total), different)}

    def _assets(self, texts: Mapping[str, Texts]) -> dict[tuple[str, str], int]:
        of_path = texts.get(self._path)
        if of_path is None or not self._counted.fits(len(of_path.counts)):
            return super()._assets(texts)
        # Comparing texts takes longer than counting a few that are not shown.
        groups = of_path.different if of_path.different <= 2 * len(of_path.counts) else len(of_path.counts)
        shown = TRUE if groups == of_path.different else one_of("text", list(of_path.counts))
        different = self._counted.different(groups)
        found = Sql(f"SELECT text, {different} FROM ({{}})").filled(self._leaves)  # noqa: S608 - numbers
        query = Sql("{} WHERE number IS NULL AND text IS NOT NULL AND {} GROUP BY text").filled(found, shown)
        return {(self._path, text): n for text, n in rows(self._cursor, query)}

    def _binned(self) -> dict[str, Bins]:
        if not self._paths.numeric:
            return {}
        query = "SELECT min(number), max(number), bool_and(number = floor(number)) FROM ({}) WHERE number IS NOT NULL"
        ((low, high, are_whole),) = rows(self._cursor, Sql(query).filled(self._leaves))
        return {} if low is None else {self._path: bins_of(low, high, are_whole=are_whole, most=self._most)}

    def _bins(self, binned: Mapping[str, Bins]) -> dict[str, tuple[Bucket, ...]]:
        bins = binned.get(self._path)
        if bins is None or not self._counted.fits(bins.count):
            return super()._bins(binned)
        ends = tuple(bins.edges(place)[1] for place in range(bins.count - 1))
        below = " ".join(f"WHEN number < ? THEN {place}" for place in range(len(ends)))
        # A sixth faster than reckoning the place.
        bin_of = Sql(f"CASE {below} ELSE {len(ends)} END", ends) if ends else Sql("0")
        query = Sql(
            f"SELECT {{}} AS bin, count(*), {self._counted.different(bins.count)} FROM ({{}}) "  # noqa: S608 - numbers
            "WHERE number IS NOT NULL GROUP BY bin"
        ).filled(bin_of, self._leaves)
        found = {(self._path, place): (n, assets) for place, n, assets in rows(self._cursor, query)}
        return self._as_buckets(binned, found)
