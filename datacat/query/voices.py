"""How many there are of something on an asset, as those say who labelled it: each label set's people, and each model.

What one voice says lies between two numbers, `lo` and `hi` (null: nobody can say how many at most). Boxes and other
drawn shapes are things. A label of the whole asset or a box around a group says that there is one at least, and counts
as no thing more. Only people who looked for all there is say how many there are at most.
"""

from __future__ import annotations

from collections.abc import Sequence

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql, joined
from datacat.query.geometry import sized
from datacat.query.looked import looked, rejected
from datacat.query.once import COLUMNS, once
from datacat.query.pairs import Pairs, classes_of, may_be_open_beside, needs_size, of_row, table_at
from datacat.query.stated import EVERY_STATED
from datacat.query.tree import OPPOSITE, Operator

JUDGED = ("kind", "model", "geometry_type", "is_crowd")
"""Columns that tell a thing, and whose statement it is."""
IS_THING = "geometry_type <> 'none' AND is_crowd IS NOT TRUE"
LOWER = (Operator.GREATER, Operator.AT_LEAST)  # what a voice says to be there is enough for them
_ANY = ((Operator.AT_LEAST, 1), (Operator.GREATER, 0), (Operator.UNEQUAL, 0))
_NONE = ((Operator.LESS, 1), (Operator.AT_MOST, 0), (Operator.EQUAL, 0))

_VOICES = """
    SELECT asset, label_set, maker, greatest(things, at_all) AS lo,
        CASE WHEN maker IS NULL AND NOT has_groups AND NOT (has_whole AND things = 0)
            THEN greatest(things, at_all) + perhaps END AS hi
    FROM (
        SELECT asset, label_set, CASE WHEN kind <> 'annotation' THEN coalesce(model, '') END AS maker,
            count(*) FILTER (is_sure AND is_thing) AS things,
            count(*) FILTER (is_sure IS NOT TRUE AND is_thing) AS perhaps,
            coalesce(bool_or(is_sure), false)::INT AS at_all,
            bool_or(is_crowd IS TRUE) AS has_groups, bool_or(geometry_type = 'none') AS has_whole
        FROM (SELECT *, geometry_type <> 'none' AND is_crowd IS NOT TRUE AS is_thing FROM ({}))
        GROUP BY ALL)
"""
# Whoever looked and says nothing says none.
_SAID = f"""
    WITH voices AS MATERIALIZED ({_VOICES}), whole AS (SELECT DISTINCT asset, label_set FROM ({{}}))
    SELECT asset, label_set, maker, lo, NULL AS hi, false AS has_looked FROM voices WHERE maker IS NOT NULL
    UNION ALL
    SELECT asset, label_set, NULL, coalesce(lo, 0),
        CASE WHEN w.asset IS NULL THEN NULL WHEN lo IS NULL THEN 0 ELSE hi END,
        w.asset IS NOT NULL
    FROM (FROM voices WHERE maker IS NULL) AS v FULL JOIN whole AS w USING (asset, label_set)
"""  # noqa: S608 - our own words


def plain_count(node: m.Meaning) -> m.Meaning:
    """A count that says no more than that there is one, or none, as that; any other node as it is."""
    if isinstance(node, m.Counted):
        if (node.operator, node.number) in _ANY:
            return m.Some(node.predicate)
        if (node.operator, node.number) in _NONE:
            return _absent(node.predicate)
    return node


def _absent(predicate: m.Meaning) -> m.Meaning:
    """Of alternatives, each must have been looked for by somebody, who need not be the same."""
    if not isinstance(predicate, m.Or):
        return m.Absent(predicate)
    found = map(_absent, predicate.parts)
    return m.And(tuple(inner for part in found for inner in m.conjuncts(part)))


def counted(node: m.Counted, *, within: Sql) -> Sql:
    """A SELECT of the assets on which some voice says so."""
    if node.operator is Operator.AT_LEAST and node.number == 0:
        return Sql("SELECT asset FROM assets WHERE {}").filled(within)
    if node.operator in LOWER:
        number = node.number if node.operator is Operator.AT_LEAST else node.number + 1
        return _at_least(node, number, within=within)
    template = Sql("SELECT asset FROM ({}) WHERE {}")
    return template.filled(said(node, within=within), surely(node.operator, node.number))


def uncounted(node: m.Counted, *, within: Sql) -> Sql:
    """A SELECT of the assets on which it is known not to be so: who says how many denies it, and nobody says it."""
    if node.operator is Operator.LESS and node.number == 0:
        return Sql("SELECT asset FROM assets WHERE {}").filled(within)
    denies, holds = surely(OPPOSITE[node.operator], node.number), surely(node.operator, node.number)
    return Sql(
        "SELECT asset FROM "
        "(SELECT asset, has_looked, coalesce({}, false) AS denies, coalesce({}, false) AS holds FROM ({})) "
        "GROUP BY asset HAVING bool_or(denies) AND NOT bool_or(holds) AND NOT bool_or(has_looked AND NOT denies)"
    ).filled(denies, holds, said(node, within=within))


def said(node: m.Counted, *, within: Sql) -> Sql:
    """A SELECT of asset, label_set, maker (the model, of a prediction), lo, hi and whether it has looked."""
    return Sql(_SAID).filled(things(node, within=within), _who_looked(node.predicate, within=within))


def least(annotations: Sql) -> Sql:
    """A SELECT of asset, label_set, maker and `lo`, of annotations as `judged` gives them."""
    return Sql(_VOICES).filled(annotations)


def surely(operator: Operator, number: int) -> Sql:
    """A condition on `lo` and `hi`: whatever lies between them compares so."""
    match operator:
        case Operator.EQUAL:
            return Sql("(lo = ? AND hi = ?)", (number, number))
        case Operator.UNEQUAL:
            return Sql("(hi < ? OR lo > ?)", (number, number))
        case Operator.LESS | Operator.AT_MOST:
            return Sql(f"(hi {operator} ?)", (number,))
    return Sql(f"(lo {operator} ?)", (number,))


def _at_least(node: m.Counted, number: int, *, within: Sql) -> Sql:
    """What is said to be there is enough."""
    if len(node.voices) == 1:
        # A row of `annotations` comes once; leaves of one annotation may come several times.
        counts = "*" if of_row(node.predicate) is not None else "DISTINCT annotation"
        template = f"SELECT asset FROM ({{}}) GROUP BY asset HAVING count({counts}) >= ?"  # noqa: S608 - our own words
        return Sql(template, (number,)).filled(Pairs(within).of(node.predicate))
    if node.voices:
        rows = judged(node.predicate, within=within, is_sure_alone=True, columns=())
        return Sql("SELECT asset FROM ({}) GROUP BY asset, label_set HAVING count(*) >= ?", (number,)).filled(
            rows
        )
    if number == 1:
        return Sql("SELECT asset FROM ({})").filled(Pairs(within).of(node.predicate))
    template = (
        "SELECT DISTINCT asset FROM (SELECT * FROM ({}) WHERE is_sure AND " + IS_THING + ") "  # noqa: S608 - our own words
        "GROUP BY asset, label_set, kind, CASE WHEN kind <> 'annotation' THEN model END HAVING count(*) >= ?"
    )
    return Sql(template, (number,)).filled(things(node, within=within, is_sure_alone=True))


def things(
    node: m.Counted, *, within: Sql, is_sure_alone: bool = False, columns: Sequence[str] = JUDGED
) -> Sql:
    """What `judged` gives of what is counted, where no label set says one thing twice."""
    more = () if node.alike is None else COLUMNS
    found = judged(
        node.predicate,
        within=within,
        is_sure_alone=is_sure_alone,
        columns=(*columns, *more),
        stated=node.stated,
    )
    return once(found, alike=node.alike)


def judged(
    predicate: m.Meaning,
    *,
    within: Sql,
    is_sure_alone: bool = False,
    columns: Sequence[str] = JUDGED,
    stated: Sql | None = EVERY_STATED,
) -> Sql:
    """A SELECT of annotations that fulfil the predicate (`is_sure`) or may, with columns of theirs.

    Args:
        predicate: on annotations.
        within: a condition on asset.
        is_sure_alone: only those that fulfil it.
        columns: beside asset, label_set and annotation; with "frame", they are those of `geometry.sized`.
        stated: as `geometry.sized` asks; for "frame" alone.
    """
    parts = m.conjuncts(predicate)
    named = ", ".join(dict.fromkeys(("asset", "label_set", "annotation", *columns)))
    table = table_at("annotations", classes_of(parts))
    table = sized(table, stated=stated) if "frame" in columns else table
    if not any(map(needs_size, parts)) and all(of_row(part) is not None for part in parts):
        firm, perhaps = _rows(parts)
        asked = perhaps if is_sure_alone else Sql("({}) IS NOT FALSE").filled(perhaps)
        where = joined(" AND ", [firm, asked if perhaps != TRUE else TRUE, within])
        template = Sql(f"SELECT {named}, ({{}}) AS is_sure FROM {{}} WHERE {{}}")  # noqa: S608 - our own words
        return template.filled(perhaps, table, where)
    sure = Pairs(within).of(predicate)
    if is_sure_alone or not any(map(may_be_open_beside, parts)):
        template = Sql(
            f"SELECT {named}, true AS is_sure FROM {{}} SEMI JOIN ({{}}) USING (annotation) WHERE {{}}"  # noqa: S608
        )
        return template.filled(table, sure, within)
    possible = Pairs(within).possible(parts)
    template = Sql(
        "WITH sure AS (SELECT DISTINCT annotation, true AS is_found FROM ({})) "  # noqa: S608 - our own words
        f"SELECT {named}, is_found IS NOT NULL AS is_sure FROM (FROM {{}} SEMI JOIN "
        f"({{}}) USING (annotation) WHERE {{}}) LEFT JOIN sure USING (annotation)"
    )
    return template.filled(sure, table, possible, within)


def _rows(parts: tuple[m.Meaning, ...]) -> tuple[Sql, Sql]:
    """What must hold of a row, and what may be unknown of it."""
    firm: list[Sql] = []
    perhaps: list[Sql] = []
    for part in parts:
        row = of_row(part)
        assert row is not None
        is_open = may_be_open_beside(part)
        (perhaps if is_open else firm).append(row)
    return joined(" AND ", firm), joined(" AND ", perhaps)


def _who_looked(predicate: m.Meaning, *, within: Sql) -> Sql:
    found = looked(predicate, within=within)
    if found is not None:
        return found
    # Nobody need look: all that is said of an asset is known, unless a record of it could not be read.
    return Sql(
        "SELECT asset, label_set FROM (SELECT asset, label_set FROM label_set_assets WHERE {} UNION ALL "
        "SELECT asset, -1 FROM assets ANTI JOIN label_set_assets USING (asset) WHERE {}) "
        "ANTI JOIN ({}) USING (asset, label_set)"
    ).filled(within, within, rejected((), where=within))
