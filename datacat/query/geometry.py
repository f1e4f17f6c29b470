"""How two annotations of one asset lie to each other, as SQL over their boxes.

Polygons, masks and keypoints count by their boxes. Boxes in pixels and in fractions are compared where the asset's
size is known; else only fractions with fractions. A box that was drawn on another size of its picture, as its label
file states it, is brought to the picture first: `sized` does so for all that compares or measures boxes. The picture
is the one that is shown, turned as its EXIF says; where that turns it by a quarter, and the label file states a size
that lies the other way, the box was drawn on it as it is stored, and is turned with it. Sides that are swapped though
no EXIF says why: such boxes are measured in that size, and compared with one another alone.
"""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql, joined, measure_compares
from datacat.query.stated import EVERY_STATED, stated_within
from datacat.query.tree import RelationKind

# That an annotation was drawn on the picture as it is stored, or on a copy of that: its label file states a size that
# lies the other way, and EXIF turns the picture by a quarter. `drawn.is_of_stored` says the same.
AS_STORED = (
    "coalesce({shown}.orientation BETWEEN 5 AND 8 AND {shown}.width <> {shown}.height "
    "AND sign({stated}.across - {stated}.down) = sign({shown}.height - {shown}.width), false)"
)
_SIZED = Sql(
    """(
    SELECT * EXCLUDE (by_x, by_y, is_turned, is_of_stored, turn, unit_x, unit_y) REPLACE (
            CASE WHEN NOT is_of_stored THEN x * by_x
                WHEN turn IN (6, 7) THEN unit_x - (y + h) * by_y ELSE y * by_y END AS x,
            CASE WHEN NOT is_of_stored THEN y * by_y
                WHEN turn IN (7, 8) THEN unit_y - (x + w) * by_x ELSE x * by_x END AS y,
            CASE WHEN is_of_stored THEN h * by_y ELSE w * by_x END AS w,
            CASE WHEN is_of_stored THEN w * by_x ELSE h * by_y END AS h,
            area * by_x * by_y AS area),
        CASE WHEN is_turned THEN 2 WHEN is_relative AND asset_width + asset_height IS NULL THEN 1 ELSE 0 END AS frame
    FROM (
        SELECT a.*, s.orientation AS turn, AS_STORED AS is_of_stored,
            NOT is_of_stored AND coalesce(f.stated.across = s.height AND f.stated.down = s.width, false) AS is_turned,
            CASE WHEN a.is_relative THEN 1 ELSE s.width END AS unit_x,
            CASE WHEN a.is_relative THEN 1 ELSE s.height END AS unit_y,
            CASE WHEN is_turned THEN s.height ELSE s.width END AS asset_width,
            CASE WHEN is_turned THEN s.width ELSE s.height END AS asset_height,
            CASE WHEN is_turned OR a.is_relative THEN 1 WHEN is_of_stored THEN s.height / f.stated.across
                ELSE coalesce(s.width / f.stated.across, 1) END AS by_x,
            CASE WHEN is_turned OR a.is_relative THEN 1 WHEN is_of_stored THEN s.width / f.stated.down
                ELSE coalesce(s.height / f.stated.down, 1) END AS by_y
        FROM {} AS a LEFT JOIN (FROM assets WHERE {}) AS s ON s.asset = a.asset
        LEFT JOIN ({}) AS f ON f.label_set = a.label_set AND f.source_file = a.source_file
            AND f.address = a.address))
""".replace("AS_STORED", AS_STORED.format(stated="f.stated", shown="s"))
)
# The same where no label file states another size than the picture has.
_PLAIN = Sql("""(
    SELECT a.*, s.width AS asset_width, s.height AS asset_height,
        CASE WHEN a.is_relative AND s.width + s.height IS NULL THEN 1 ELSE 0 END AS frame
    FROM {} AS a LEFT JOIN (FROM assets WHERE {}) AS s ON s.asset = a.asset)
""")
SCALES = (
    "CASE WHEN is_relative AND frame <> 1 THEN asset_width ELSE 1 END AS scale_x, "
    "CASE WHEN is_relative AND frame <> 1 THEN asset_height ELSE 1 END AS scale_y"
)
"""Columns of rows of `sized`: what brings a box to pixels where the size of the picture is known."""
EDGES = "x * scale_x AS left_, y * scale_y AS top_, (x + w) * scale_x AS right_, (y + h) * scale_y AS bottom_"
"""Columns of rows with `SCALES`: the sides of the box, in pixels where that size is known, else in fractions."""
_BOXES = f"""
    SELECT asset, annotation, class, frame, {EDGES}, starts, ends FROM (SELECT *, {SCALES} FROM {{}} WHERE {{}})
    SEMI JOIN ({{}}) USING (annotation)
"""  # noqa: S608 - our own words
_WIDTH = "greatest(0, least(one.right_, other.right_) - greatest(one.left_, other.left_))"
_HEIGHT = "greatest(0, least(one.bottom_, other.bottom_) - greatest(one.top_, other.top_))"
_SHARED = f"({_WIDTH} * {_HEIGHT})"
_AREA = "(({0}.right_ - {0}.left_) * ({0}.bottom_ - {0}.top_))"
_MEASURES = {
    RelationKind.IOU: f"{_SHARED} / nullif({_AREA.format('one')} + {_AREA.format('other')} - {_SHARED}, 0)",
    RelationKind.NEAR: (
        "CASE WHEN one.frame <> 1 THEN sqrt("
        "power(greatest(0, one.left_ - other.right_, other.left_ - one.right_), 2) + "
        "power(greatest(0, one.top_ - other.bottom_, other.top_ - one.bottom_), 2)) END"
    ),
}
# What differs by less is the same: edges that were reckoned from fractions lie a hair beside those that were not.
TOUCHING = 1e-6
_INSIDE = (
    f"{{0}}.left_ >= {{1}}.left_ - {TOUCHING} AND {{0}}.top_ >= {{1}}.top_ - {TOUCHING} "
    f"AND {{0}}.right_ <= {{1}}.right_ + {TOUCHING} AND {{0}}.bottom_ <= {{1}}.bottom_ + {TOUCHING}"
)
_CENTER = "({0}.left_ + {0}.right_) / 2", "({0}.top_ + {0}.bottom_) / 2"
_HOLDS = {
    RelationKind.INSIDE: _INSIDE.format("one", "other"),
    RelationKind.COVERS: _INSIDE.format("other", "one"),
    RelationKind.OVERLAPS: f"least({_WIDTH}, {_HEIGHT}) > {TOUCHING}",
    RelationKind.LEFT_OF: f"{_CENTER[0].format('one')} < other.left_ - {TOUCHING}",
    RelationKind.RIGHT_OF: f"{_CENTER[0].format('one')} > other.right_ + {TOUCHING}",
    RelationKind.ABOVE: f"{_CENTER[1].format('one')} < other.top_ - {TOUCHING}",
    RelationKind.BELOW: f"{_CENTER[1].format('one')} > other.bottom_ + {TOUCHING}",
    RelationKind.DURING: "one.starts < other.ends AND other.starts < one.ends",
}

_KNOWN_TIMES = "one.starts + one.ends + other.starts + other.ends IS NOT NULL"
_KNOWN_BOXES = (
    "one.frame = other.frame AND one.left_ + one.top_ + one.right_ + one.bottom_ IS NOT NULL "
    "AND other.left_ + other.top_ + other.right_ + other.bottom_ IS NOT NULL"
)


def sized(table: Sql, *, stated: Sql | None = EVERY_STATED, within: Sql = TRUE) -> Sql:
    """Rows of annotations with their boxes in pixels of the picture (or fractions), and what these lie in.

    `asset_width` and `asset_height` are its size in pixels, as it is shown; `frame` tells apart what cannot be
    compared: 0 the picture's pixels, 1 fractions of a picture of unknown size, 2 pixels of it with its sides swapped.

    Args:
        table: what gives the rows: `annotations`, or those of some classes.
        stated: where label files state other sizes than pictures have (`stated.py`); None: nowhere.
        within: a condition on asset that holds of all rows that are asked for.
    """
    if stated is None:
        return _PLAIN.filled(table, within)
    return _SIZED.filled(table, within, stated)


def sized_within(within: Sql) -> Sql:
    """The same of all annotations of some assets, as few as those of a page: what is stated is looked for among them.

    Args:
        within: a condition on asset; the rows of other assets are nonsense.
    """
    return sized(Sql("annotations"), stated=stated_within(within), within=within)


WITH_SIZE = sized(Sql("annotations")).text
"""The same of every annotation."""


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
        holds = measure_compares(f"({_MEASURES[node.kind]})", node.operator, number=node.number)
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
    annotations = sized(Sql("annotations"), stated=node.stated)
    alike = TRUE if node.kind is RelationKind.DURING else Sql("one.frame = other.frame")
    one, other = (boxes.filled(annotations, place, side) for side in (these, those))
    return template.filled(one, other, alike, holds)


def _perhaps(node: m.Related, holds: Sql, *, these: Sql, those: Sql, within: Sql) -> Sql:
    is_known = Sql(_KNOWN_TIMES if node.kind is RelationKind.DURING else _KNOWN_BOXES)
    template = Sql(
        "SELECT DISTINCT one.asset, one.annotation, one.class FROM ({}) AS one JOIN ({}) AS other "
        "ON one.asset = other.asset AND one.annotation <> other.annotation "
        "WHERE (CASE WHEN {} THEN {} END) IS NOT FALSE"
    )
    annotations = sized(Sql("annotations"), stated=node.stated)
    one, other = (Sql(_BOXES).filled(annotations, within, side) for side in (these, those))
    return template.filled(one, other, is_known, holds)
