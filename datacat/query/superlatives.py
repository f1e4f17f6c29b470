"""Superlatives in plain words: "the largest roofs", "most cars", as conditions that the wanted few fulfil.

The query language has no order, so the limit is found out: of the largest five roofs the smallest has 4,100 px², and
`roof[area>=4100]` finds them, and can be read, counted and frozen like any other query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from datacat.query.compare import Sql
from datacat.query.fields import MEASURES
from datacat.query.geometry import sized_within
from datacat.query.most_said import most_said
from datacat.query.pairs import numbered
from datacat.query.quantities import Quantity
from datacat.query.readings import Has, Reading, composed
from datacat.query.run import rows
from datacat.query.vocabulary import Vocabulary

_MEASURES = {
    **dict.fromkeys(("largest", "biggest"), ("area", True)),
    "smallest": ("area", False),
    "widest": ("width", True),
    "narrowest": ("width", False),
    **dict.fromkeys(("tallest", "highest"), ("height", True)),
    "longest": ("duration", True),
    "shortest": ("duration", False),
}
_COUNTS = {"most": True, "fewest": False}


def read_superlative(word: str) -> Reading | None:
    """What a case-folded word asks for, before anybody knows the limit."""
    if word in _MEASURES:
        return Reading(word, "superlative", "", field=f"measure {_MEASURES[word][0]}", is_used=False)
    return Reading(word, "superlative", "", is_used=False) if word in _COUNTS else None


@dataclass(frozen=True, slots=True)
class Limits:
    """Finds the limits in one state.

    Attributes:
        cursor: shows it.
        vocabulary: of it.
        annotations: the annotations (asset, annotation) that fulfil a query.
        has: as `composed` asks.
        most: how many are wanted.
    """

    cursor: duckdb.DuckDBPyConnection
    vocabulary: Vocabulary
    annotations: Callable[[str], pa.Table]
    has: Has
    most: int

    def applied(self, readings: Sequence[Reading]) -> tuple[Reading, ...]:
        """The readings, each superlative with its condition where its class has what it asks for."""
        found = list(readings)
        for number, reading in enumerate(readings):
            owner = next((n for n in range(number, len(found)) if found[n].classes), None)
            if reading.kind != "superlative" or owner is None:
                continue
            others = [one for n, one in enumerate(found) if n != number and one.kind != "superlative"]
            rows_of = self.annotations(composed([replace(one, is_negated=False) for one in others], self.has))
            if reading.field:
                found[number] = self._measured(reading, rows_of)
            elif (least := self._count(rows_of, is_most=_COUNTS[reading.words])) is not None:
                operator = ">=" if _COUNTS[reading.words] else "<="
                found[owner] = replace(found[owner], quantity=Quantity(operator, least))
                found[number] = replace(reading, is_used=True)
        return tuple(found)

    def _measured(self, reading: Reading, found: pa.Table) -> Reading:
        name, is_largest = _MEASURES[reading.words]
        order = "DESC" if is_largest else "ASC"
        of_these = numbered("annotation", found["annotation"].to_pylist())
        table = sized_within(numbered("asset", sorted(set(found["asset"].to_pylist()))))
        measure = MEASURES[name].sized or MEASURES[name].plain
        query = Sql(
            f"SELECT value FROM (SELECT {measure} AS value FROM {{}} WHERE {{}}) "  # noqa: S608 - our own words
            f"WHERE value IS NOT NULL ORDER BY value {order} LIMIT ?",
            (self.most,),
        )
        values = [value for (value,) in rows(self.cursor, query.filled(table, of_these))]
        if not values:
            return reading
        sign = ">=" if is_largest else "<="
        return replace(reading, query=f"{name}{sign}{values[-1]!r}", is_used=True)

    def _count(self, found: pa.Table, *, is_most: bool) -> int | None:
        """How many the last of the wanted assets has."""
        counts = most_said(self.cursor, self.vocabulary, annotations=found)
        chosen = counts[::-1][: self.most] if is_most else counts[: self.most]
        return chosen[-1] if chosen else None
