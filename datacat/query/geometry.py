"""How two annotations of one asset lie to each other, as SQL over their boxes.

Polygons, masks and keypoints count by their boxes. Boxes in pixels and in fractions are compared where the asset's
size is known; else only fractions with fractions.
"""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql, joined, number_compares
from datacat.query.tree import RelationKind

# The row of an annotation, with the size of its asset.
WITH_SIZE = (
    "(SELECT a.*, s.width AS asset_width, s.height AS asset_height "
    "FROM annotations AS a LEFT JOIN assets AS s USING (asset))"
)
_BOXES = f"""
    SELECT asset, annotation, class, is_share,
        CASE WHEN is_known THEN x * asset_width ELSE x END AS left_,
        CASE WHEN is_known THEN y * asset_height ELSE y END AS top_,
        CASE WHEN is_known THEN (x + w) * asset_width ELSE x + w END AS right_,
        CASE WHEN is_known THEN (y + h) * asset_height ELSE y + h END AS bottom_,
        starts, ends
    FROM (SELECT *, coalesce(is_relative, false) AND asset_width + asset_height IS NOT NULL AS is_known,
                 coalesce(is_relative, false) AND asset_width + asset_height IS NULL AS is_share
          FROM {WITH_SIZE} WHERE {{}})
    SEMI JOIN ({{}}) USING (annotation)
"""  # noqa: S608 - our own words
_WIDTH = "greatest(0, least(one.right_, other.right_) - greatest(one.left_, other.left_))"
_HEIGHT = "greatest(0, least(one.bottom_, other.bottom_) - greatest(one.top_, other.top_))"
_SHARED = f"({_WIDTH} * {_HEIGHT})"
_AREA = "(({0}.right_ - {0}.left_) * ({0}.bottom_ - {0}.top_))"
_MEASURES = {
    RelationKind.IOU: f"{_SHARED} / nullif({_AREA.format('one')} + {_AREA.format('other')} - {_SHARED}, 0)",
    RelationKind.NEAR: (
        "CASE WHEN NOT one.is_share THEN sqrt("
        "power(greatest(0, one.left_ - other.right_, other.left_ - one.right_), 2) + "
        "power(greatest(0, one.top_ - other.bottom_, other.top_ - one.bottom_), 2)) END"
    ),
}
_INSIDE = "{0}.left_ >= {1}.left_ AND {0}.top_ >= {1}.top_ AND {0}.right_ <= {1}.right_ AND {0}.bottom_ <= {1}.bottom_"
_CENTER = "({0}.left_ + {0}.right_) / 2", "({0}.top_ + {0}.bottom_) / 2"
_HOLDS = {
    RelationKind.INSIDE: _INSIDE.format("one", "other"),
    RelationKind.COVERS: _INSIDE.format("other", "one"),
    RelationKind.OVERLAPS: f"{_SHARED} > 0",
    RelationKind.LEFT_OF: f"{_CENTER[0].format('one')} < other.left_",
    RelationKind.RIGHT_OF: f"{_CENTER[0].format('one')} > other.right_",
    RelationKind.ABOVE: f"{_CENTER[1].format('one')} < other.top_",
    RelationKind.BELOW: f"{_CENTER[1].format('one')} > other.bottom_",
    RelationKind.DURING: "one.starts < other.ends AND other.starts < one.ends",
}

_KNOWN_TIMES = "one.starts + one.ends + other.starts + other.ends IS NOT NULL"
_KNOWN_BOXES = (
    "one.is_share = other.is_share AND one.left_ + one.top_ + one.right_ + one.bottom_ IS NOT NULL "
    "AND other.left_ + other.top_ + other.right_ + other.bottom_ IS NOT NULL"
)


def related(node: m.Related, *, these: Sql, those: Sql, within: Sql, is_possible: bool = False) -> Sql:
    """A SELECT of asset, annotation and class of those of `these` to which one of `those` lies as asked.

    Args:
        node: how.
        these: a SELECT with the column annotation.
        those: the same, of the annotations that `node.predicate` speaks of.
        within: narrows both to some assets.
        is_possible: those instead of which it cannot be said that they do not lie so, as their boxes are not known.
    """
    if node.operator is None:
        holds = Sql(_HOLDS[node.kind])
    else:
        assert node.number is not None
        holds = number_compares(f"({_MEASURES[node.kind]})", node.operator, number=node.number)
    if is_possible:
        return _perhaps(node, holds, these=these, those=those, within=within)
    template = Sql(
        "SELECT DISTINCT one.asset, one.annotation, one.class FROM ({}) AS one JOIN ({}) AS other "
        "ON one.asset = other.asset AND one.annotation <> other.annotation "
        "AND {} WHERE {}"
    )
    # greatest() and least() pass over nulls, so what has no box must not come so far.
    known = TRUE if node.kind is RelationKind.DURING else Sql("x + y + w + h IS NOT NULL")
    place = joined(" AND ", [within, known])
    boxes = Sql(_BOXES)
    alike = TRUE if node.kind is RelationKind.DURING else Sql("one.is_share = other.is_share")
    return template.filled(boxes.filled(place, these), boxes.filled(place, those), alike, holds)


def _perhaps(node: m.Related, holds: Sql, *, these: Sql, those: Sql, within: Sql) -> Sql:
    is_known = Sql(_KNOWN_TIMES if node.kind is RelationKind.DURING else _KNOWN_BOXES)
    template = Sql(
        "SELECT DISTINCT one.asset, one.annotation, one.class FROM ({}) AS one JOIN ({}) AS other "
        "ON one.asset = other.asset AND one.annotation <> other.annotation "
        "WHERE (CASE WHEN {} THEN {} END) IS NOT FALSE"
    )
    boxes = Sql(_BOXES)
    return template.filled(boxes.filled(within, these), boxes.filled(within, those), is_known, holds)
