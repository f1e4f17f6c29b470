"""How many different values the annotations of an asset have in a column, as SQL: `count(annotator)>=2`."""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.compare import Sql
from datacat.query.pairs import narrowed
from datacat.query.tree import COMPARE
from datacat.query.voices import LOWER, judged, surely

UNSAID = ("annotator", "status")
"""Columns that every annotation would have if somebody said so: without it, it may be one more."""


def counted_values(node: m.CountedValues, *, within: Sql) -> Sql:
    """A SELECT of the assets on which so many there are, at least and at most.

    An annotation that may fulfil the predicate, or does not say what is counted, may be one more.
    """
    number = f"count(DISTINCT {node.column}) FILTER (is_sure)"
    source = judged(node.predicate, within=within, columns=() if node.column == "team" else (node.column,))
    if node.column == "team":
        source = Sql("FROM ({}) JOIN label_sets USING (label_set)").filled(source)
    if node.operator in LOWER:
        shape = _few_values(node)
        having = Sql(shape.format(f"CASE WHEN is_sure THEN {node.column} END")) if shape else None
        having = having or Sql(f"{number} {node.operator} ?", (node.number,))
        if COMPARE[node.operator](0, node.number):
            return Sql("SELECT asset FROM assets WHERE {}").filled(within)
        return Sql("SELECT asset FROM ({}) GROUP BY asset HAVING {}").filled(source, having)
    more = f"is_sure IS NOT TRUE OR {node.column} IS NULL" if node.column in UNSAID else "is_sure IS NOT TRUE"
    between = Sql(
        f"SELECT asset, {number} AS lo, {number} + count(*) FILTER ({more}) AS hi FROM ({{}}) GROUP BY asset"  # noqa: S608 - our own words
    ).filled(source)
    holds = surely(node.operator, node.number)
    if not COMPARE[node.operator](0, node.number):
        return Sql("SELECT asset FROM ({}) WHERE {}").filled(between, holds)
    others = Sql("SELECT asset FROM ({}) WHERE ({}) IS NOT TRUE").filled(between, holds)
    return narrowed([Sql("SELECT asset FROM assets WHERE {}").filled(within)], [others], by="asset")


def _few_values(node: m.CountedValues) -> str | None:
    """One value, or more than one, is told by the least and the greatest; sets of values take three times as long."""
    compare = COMPARE[node.operator]
    one, two, more = (compare(number, node.number) for number in (1, 2, 3))
    if node.number > 2 or two is not more:
        return None
    answers = {
        (True, True): "count({0}) > 0",
        (True, False): "min({0}) = max({0})",
        (False, True): "min({0}) <> max({0})",
    }
    return answers.get((one, two))
