"""SQL that tells which annotations with precisely the same box are one thing.

Equal boxes are two things where their shapes tell them apart: two cracks that cross have one envelope. Shapes are
compared within one geometry type alone, as a box, key points and a polygon may be of one thing. So of annotations that
have equal boxes there are as many things as the geometry type that has most different shapes has. Which stands for
which thing: of each geometry type, the shapes are numbered as they come, those that surely are what is asked first;
shapes of the same number are one thing.
"""

from __future__ import annotations

# Geometries are wide: they are read of those alone whose box another one has. A hash of one stands for it, among
# annotations that are alike in all else.
_PLACED = """
    WITH boxed AS MATERIALIZED (SELECT *, hash({group}) AS same_box FROM ({rows})),
    several AS MATERIALIZED (SELECT same_box FROM boxed GROUP BY same_box HAVING count(*) > 1),
    equals AS MATERIALIZED (FROM boxed SEMI JOIN several USING (same_box)),
    shapes AS (
        SELECT annotation, hash(geometry) AS shape
        FROM annotations SEMI JOIN equals USING (annotation) WHERE geometry IS NOT NULL),
    first_shown AS (
        SELECT *, min(CASE WHEN is_sure THEN annotation END) OVER same_shape AS first_sure,
            min(annotation) OVER same_shape AS first_of_all
        FROM equals LEFT JOIN shapes USING (annotation)
        WINDOW same_shape AS (PARTITION BY {group}, geometry_type, shape)),
    numbered AS (
        SELECT *, dense_rank() OVER (
            PARTITION BY {group}, geometry_type ORDER BY first_sure NULLS LAST, first_of_all) AS shape_number
        FROM first_shown)
    SELECT * EXCLUDE (same_box), 1 AS place FROM boxed ANTI JOIN several USING (same_box)
    UNION ALL BY NAME
    SELECT * EXCLUDE (same_box, shape, first_sure, first_of_all, shape_number), row_number() OVER (
        PARTITION BY {group}, shape_number ORDER BY is_sure DESC NULLS LAST, annotation) AS place
    FROM numbered
"""


def placed_in_things(rows: str, *, group: str) -> str:
    """A SELECT of rows with `place`: 1 of the one that stands for its thing, more of what says that thing again.

    Args:
        rows: a SELECT of annotation, geometry_type, is_sure (whether it surely is what is asked) and more.
        group: expressions over its columns that are equal of annotations with equal boxes, as the asker means it, and
            differ of what has none.
    """
    return _PLACED.format(rows=rows, group=group)
