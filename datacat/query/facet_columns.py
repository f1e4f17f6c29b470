"""Facets of the columns of annotations, all in one pass: class, concept, team, label set, annotator, …."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datacat.query.compare import Sql
from datacat.query.counted import Counted
from datacat.query.facets import Bucket, Facet
from datacat.query.hierarchy import meant
from datacat.query.run import rows
from datacat.query.vocabulary import Vocabulary

COLUMNS = {
    "annotator": "annotator",
    "status": "status",
    "model": "model",
    "kind": "kind",
    "geometry": "geometry_type",
}
_BY_SET = ("class", "concept", "team", "label_set")
Pair = tuple[str | None, int]  # class and label set


@dataclass(frozen=True, slots=True)
class _Value:
    name: str
    annotations: int


@dataclass(frozen=True, slots=True)
class _Column:
    """A facet before its assets are counted."""

    values: list[_Value]
    different: int
    other: int
    missing: int


class ColumnFacets:
    """Counts them.

    Args:
        counted: what counts.
        said: a table or SELECT of class, label_set, the columns and place, a row an annotation.
        vocabulary: of the state.
        names: which facets.
        limit: values of a facet.
    """

    def __init__(
        self, counted: Counted, said: Sql, *, vocabulary: Vocabulary, names: Sequence[str], limit: int
    ) -> None:
        self._counted, self._said, self._vocabulary, self._limit = counted, said, vocabulary, limit
        self._columns = [name for name in names if name in COLUMNS]
        self._by_set = [name for name in names if name in _BY_SET]
        self.total = 0

    def facets(self) -> list[Facet]:
        """Those that somebody has a value of."""
        pairs, found = self._annotations()
        self._belongs = {name: self._groups(name, pairs) for name in self._by_set}
        for name, groups in self._belongs.items():
            found[name] = self._summed(groups, pairs)
        shown = {name: column for name, column in found.items() if column.values}
        assets = self._assets(shown)
        return [
            Facet(
                name,
                tuple(Bucket(v.name, v.annotations, assets[name].get(v.name, 0)) for v in column.values),
                (),
                column.different,
                column.other,
                column.missing,
            )
            for name, column in shown.items()
        ]

    def _annotations(self) -> tuple[Counter[Pair], dict[str, _Column]]:
        """How many annotations each class of a label set has, and the commonest values of the columns."""
        listed = ", ".join(["class", "label_set", *self._columns])
        sets = ", ".join(["(class, label_set)", *(f"({name})" for name in self._columns)])
        value = f"coalesce({', '.join(['NULL', *self._columns])})"
        query = Sql(
            f"SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY facet, value IS NULL ORDER BY n DESC, value) "
            "AS rank, sum(n) OVER (PARTITION BY facet, value IS NULL)::BIGINT AS total, "
            "count(*) OVER (PARTITION BY facet, value IS NULL) AS different FROM ("
            f"SELECT grouping({listed}) AS facet, class, label_set, {value} AS value, count(*) AS n "
            f"FROM {{}} GROUP BY GROUPING SETS ({sets}))) "
            "WHERE label_set IS NOT NULL OR rank <= ? ORDER BY facet, rank",
            (self._limit,),
        )
        everything = (1 << len(self._columns)) - 1
        facet_of = {
            0b11 << len(self._columns) | everything & ~(1 << place): name
            for place, name in enumerate(reversed(self._columns))
        }
        pairs: Counter[Pair] = Counter()
        by_facet: dict[str, list[tuple[Any, ...]]] = {name: [] for name in self._columns}
        for facet, class_name, label_set, text, n, _, total, different in rows(
            self._counted.cursor, query.filled(self._said)
        ):
            if facet in facet_of:
                by_facet[facet_of[facet]].append((text, n, total, different))
            else:
                pairs[class_name, label_set] = n
        self.total = sum(pairs.values())
        return pairs, {name: _column(found) for name, found in by_facet.items()}

    def _groups(self, name: str, pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
        """Value of a facet -> the classes of label sets that belong to it."""
        sets = self._vocabulary.label_sets
        found: dict[str, list[Pair]] = {}
        if name == "concept":
            return self._concepts(set(pairs))
        for pair in pairs:
            class_name, number = pair
            value = {"class": class_name, "team": sets[number].team, "label_set": str(sets[number])}[name]
            if value is not None:
                found.setdefault(value, []).append(pair)
        return found

    def _concepts(self, pairs: set[Pair]) -> dict[str, list[Pair]]:
        """What a query for the concept finds, the kinds of it too."""
        found: dict[str, list[Pair]] = {}
        for name, members in self._vocabulary.concepts.items():
            known = meant(name, self._vocabulary)
            uses = [(use.name, number) for use in (*known.same, *known.kinds) for number in use.label_sets]
            if here := sorted(pairs.intersection(uses)):
                found[min(member.concept for member in members)] = list(here)
        return found

    def _summed(self, groups: Mapping[str, list[Pair]], pairs: Counter[Pair]) -> _Column:
        counted = sorted(
            (_Value(value, sum(pairs[pair] for pair in members)) for value, members in groups.items()),
            key=lambda value: (-value.annotations, value.name),
        )
        having = sum(pairs[pair] for pair in {pair for members in groups.values() for pair in members})
        other = sum(value.annotations for value in counted[self._limit :])
        return _Column(counted[: self._limit], len(counted), other, self.total - having)

    def _assets(self, shown: Mapping[str, _Column]) -> dict[str, dict[str, int]]:
        """Of each value shown, on how many different assets it is."""
        found: dict[str, dict[str, int]] = {}
        single = [name for name, column in shown.items() if column.different == 1 and not column.missing]
        if single:
            number = self._counted.asset_count
            if not self._counted.are_all_annotated:
                every = Sql(f"SELECT {self._counted.different(1)} FROM {{}}").filled(self._said)
                ((number,),) = rows(self._counted.cursor, every)
            found = {name: {shown[name].values[0].name: number} for name in single}
        several = {name: column for name, column in shown.items() if name not in single}
        for turn in self._counted.bounded([(name, len(column.values)) for name, column in several.items()]):
            found |= self._assets_of({name: several[name] for name in turn})
        return found

    def _assets_of(self, shown: Mapping[str, _Column]) -> dict[str, dict[str, int]]:
        names = [name for name in shown if name != "concept"]
        mapped = [name for name in names if name in _BY_SET]
        found: dict[str, dict[str, int]] = {name: {} for name in shown}
        if "concept" in shown:
            found["concept"] = self._assets_of_concepts(shown["concept"])
        if not names:
            return found
        source = Sql("{}").filled(self._mapped(mapped, shown)) if mapped else self._said
        places = [self._chosen(name, shown[name]) for name in names]
        columns = ", ".join(f"{{}} AS v{place}" for place in range(len(names)))
        listed = ", ".join(f"v{place}" for place in range(len(names)))
        sets = ", ".join(f"(v{place})" for place in range(len(names)))
        groups = sum(len(shown[name].values) for name in names)
        query = Sql(
            f"SELECT grouping({listed}), coalesce({listed}), {self._counted.different(groups)} "
            f"FROM (SELECT {columns}, place FROM {{}}) GROUP BY GROUPING SETS ({sets})"
        ).filled(*places, source)
        everything = (1 << len(names)) - 1
        facet_of = {everything & ~(1 << place): name for place, name in enumerate(reversed(names))}
        for facet, value, number in rows(self._counted.cursor, query):
            if value is not None:
                found[facet_of[facet]][value] = number
        return found

    def _chosen(self, name: str, column: _Column) -> Sql:
        """SQL of a column's value where that is shown."""
        if name in _BY_SET:
            return Sql(f"{name}_value")
        values = tuple(value.name for value in column.values)
        return Sql(f"CASE WHEN {name} IN ({', '.join('?' * len(values))}) THEN {name} END", values)

    def _mapped(self, names: Sequence[str], shown: Mapping[str, _Column]) -> Sql:
        """The annotations with the values, as far as they are shown, that their class and label set stand for."""
        of_pair: dict[Pair, dict[str, str]] = {}
        for name in names:
            for value in shown[name].values:
                for pair in self._belongs[name][value.name]:
                    of_pair.setdefault(pair, {})[name] = value.name
        columns: list[list[Any]] = [[c for c, _ in of_pair], [n for _, n in of_pair]]
        columns += [[values.get(name) for values in of_pair.values()] for name in names]
        known = ", ".join(f"unnest(?::VARCHAR[]) AS {name}_value" for name in names)
        pairs = Sql(
            f"SELECT unnest(?::VARCHAR[]) AS class, unnest(?::BIGINT[]) AS label_set, {known}", tuple(columns)
        )
        return Sql(
            "(SELECT s.* EXCLUDE (class, label_set), p.* FROM {} AS s LEFT JOIN ({}) AS p "
            "ON s.label_set = p.label_set AND s.class IS NOT DISTINCT FROM p.class)"
        ).filled(self._said, pairs)

    def _assets_of_concepts(self, shown: _Column) -> dict[str, int]:
        """A class may belong to several concepts, so its annotations count for each."""
        listed = [
            (value.name, *pair) for value in shown.values for pair in self._belongs["concept"][value.name]
        ]
        columns = tuple([row[place] for row in listed] for place in range(3))
        pairs = Sql(
            "SELECT unnest(?::VARCHAR[]) AS concept, unnest(?::VARCHAR[]) AS class, unnest(?::BIGINT[]) AS label_set",
            columns,
        )
        query = Sql(
            f"SELECT concept, {self._counted.different(len(shown.values))} "
            "FROM {} JOIN ({}) USING (class, label_set) GROUP BY concept"
        )
        return dict(rows(self._counted.cursor, query.filled(self._said, pairs)))


def _column(found: Sequence[tuple[Any, ...]]) -> _Column:
    """From rows of value, annotations, annotations of all values, how many values; null: without one."""
    values = [_Value(value, n) for value, n, _, _ in found if value is not None]
    told, different = next(((total, d) for value, _, total, d in found if value is not None), (0, 0))
    missing = sum(n for value, n, _, _ in found if value is None)
    return _Column(values, different, told - sum(value.annotations for value in values), missing)
