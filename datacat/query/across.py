"""How many things there are of something on an asset by all label sets together: `count(person across teams)>=3`.

What people of several label sets drew is merged: of every two label sets, boxes are matched as agreement and overlap
match them (`assignment.py`), and pairs are joined into objects, the greatest overlap first, unless two boxes of one
label set would become one. Of what has no box (nor one that can be compared) nobody can say whether another label set
means the same. So the number lies between two: `lo`, as if all of these were the same as something else, as far as one
label set's can be, and `hi`, as if none was. A label of the whole asset and a box around a group say that there is one
at least, and count as no thing more. There may be more than what is drawn, unless a label set has looked for all.
"""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.assignment import IOU, MERGED, matched
from datacat.query.compare import Sql
from datacat.query.geometry import EDGES, SCALES
from datacat.query.tree import OPPOSITE, Operator
from datacat.query.voices import IS_THING, LOWER, said, surely, things

_COLUMNS = (
    "kind",
    "model",
    "geometry_type",
    "is_crowd",
    "x",
    "y",
    "w",
    "h",
    "is_relative",
    "frame",
    "asset_width",
    "asset_height",
)
_TOUCHING = f"""
    SELECT asset, l.voice AS left_set, r.voice AS right_set, l.annotation AS left_annotation,
        r.annotation AS right_annotation, true AS left_name, true AS right_name, {IOU} AS iou
    FROM placed l JOIN placed r USING (asset, frame) WHERE l.voice < r.voice
"""  # noqa: S608 - our own words
# `placed`: boxes that can be compared with all others of the asset, where several have drawn something.
_MERGED = f"""
    WITH found AS MATERIALIZED (
        SELECT *, label_set || CASE WHEN kind <> 'annotation' THEN ' ' || coalesce(model, '') ELSE '' END AS voice,
            coalesce(is_sure, false) AND coalesce({IS_THING}, false) AS is_drawn
        FROM ({{}})),
    stated AS (
        SELECT asset, max(things) AS most, sum(things)::BIGINT AS things, sum(perhaps)::BIGINT AS perhaps,
            max(at_all) AS at_all
        FROM (SELECT asset, voice, count(*) FILTER (is_drawn) AS things,
                  count(*) FILTER (is_sure IS NOT TRUE AND {IS_THING}) AS perhaps,
                  coalesce(bool_or(is_sure), false)::INT AS at_all
              FROM found GROUP BY ALL)
        GROUP BY asset),
    shared AS (SELECT asset FROM found WHERE is_drawn GROUP BY asset HAVING min(voice) <> max(voice)),
    drawn AS MATERIALIZED (
        SELECT f.*, {SCALES}
        FROM (FROM found WHERE is_drawn AND x + y + w + h IS NOT NULL) AS f SEMI JOIN shared USING (asset)),
    main AS (SELECT asset, min(frame) AS frame FROM drawn GROUP BY asset),
    placed AS MATERIALIZED (
        SELECT asset, voice, annotation, frame, {EDGES}
        FROM drawn SEMI JOIN main USING (asset, frame)),
    {matched(_TOUCHING)},
    same AS (
        SELECT asset, CASE WHEN min(left_set) = max(left_set) AND min(right_set) = max(right_set) THEN count(*)
            ELSE {MERGED}(
                list(left_annotation ORDER BY round(iou, 9) DESC, left_annotation, right_annotation),
                list(right_annotation ORDER BY round(iou, 9) DESC, left_annotation, right_annotation),
                list(left_set ORDER BY round(iou, 9) DESC, left_annotation, right_annotation),
                list(right_set ORDER BY round(iou, 9) DESC, left_annotation, right_annotation)) END AS merged
        FROM boxes GROUP BY asset),
    counted AS (SELECT asset, count(*) AS boxes FROM placed GROUP BY asset)
    SELECT asset, greatest(most, coalesce(boxes, 0) - coalesce(merged, 0), at_all) AS lo,
        greatest(things - coalesce(merged, 0), at_all) + perhaps AS hi
    FROM stated LEFT JOIN counted USING (asset) LEFT JOIN same USING (asset)
"""  # noqa: S608 - our own words
_BOUNDS = """
    SELECT asset, coalesce(lo, 0) AS lo, CASE WHEN is_bounded THEN coalesce(hi, 0) END AS hi
    FROM (SELECT asset, bool_or(hi IS NOT NULL) AS is_bounded FROM ({}) GROUP BY asset) LEFT JOIN ({}) USING (asset)
"""


def counted_across(node: m.Counted, *, within: Sql) -> Sql:
    """A SELECT of the assets on which there are so many, all label sets together."""
    if node.operator is Operator.AT_LEAST and node.number == 0:
        return Sql("SELECT asset FROM assets WHERE {}").filled(within)
    number = surely(node.operator, node.number)
    if node.operator in LOWER:
        return Sql("SELECT asset FROM ({}) WHERE {}").filled(_merged(node, within=within), number)
    return Sql("SELECT asset FROM ({}) WHERE {}").filled(said_across(node, within=within), number)


def uncounted_across(node: m.Counted, *, within: Sql) -> Sql:
    """A SELECT of the assets on which it is known that there are not so many."""
    if node.operator is Operator.LESS and node.number == 0:
        return Sql("SELECT asset FROM assets WHERE {}").filled(within)
    number = surely(OPPOSITE[node.operator], node.number)
    return Sql("SELECT asset FROM ({}) WHERE {}").filled(said_across(node, within=within), number)


def said_across(node: m.Counted, *, within: Sql) -> Sql:
    """A SELECT of asset, `lo` and `hi` (null: nobody can say how many at most)."""
    return Sql(_BOUNDS).filled(said(node, within=within), _merged(node, within=within))


def _merged(node: m.Counted, *, within: Sql) -> Sql:
    """The same of assets of which somebody says something, as if nobody said that there are no more."""
    return Sql(_MERGED).filled(things(node, within=within, columns=_COLUMNS))
