"""What is odd about rows that were read, and kept as they are: it is counted, and said in a note."""

from __future__ import annotations

import duckdb

from datacat.model.report import Tally

_SHARED = """
    SELECT count(*) FROM (SELECT uri FROM listed GROUP BY uri HAVING count(DISTINCT file) > 1)
"""
_SEVERAL_SPLITS = """
    SELECT count(*) FROM (SELECT uri FROM listed GROUP BY uri HAVING count(DISTINCT split) > 1)
"""
# Fractions where pixels are meant, or an object of one pixel: nobody can tell, so it is said.
_FRACTIONS = """
    SELECT count(*) FROM annotations
    WHERE geometry_type IN ('box', 'polygon') AND NOT is_relative
        AND w > 0 AND h > 0 AND x >= 0 AND y >= 0 AND x + w <= 1.00001 AND y + h <= 1.00001
"""
_ODD_MASKS = """
    SELECT count(*)
    FROM (SELECT file, key, geometry FROM annotations WHERE geometry_type = 'mask') a
    JOIN listed l ON a.file = l.file AND a.key = l.key AND l.width IS NOT NULL AND l.height IS NOT NULL
    WHERE TRY_CAST(geometry->>'$.size[0]' AS INTEGER) <> l.height
        OR TRY_CAST(geometry->>'$.size[1]' AS INTEGER) <> l.width
"""
# By their points, as the box beside them may be another than theirs. Half a pixel is not said, as of boxes.
_OUTSIDE = """
    WITH rings AS (
        SELECT file, key, is_relative, flatten(TRY_CAST(geometry AS DOUBLE[][])) AS ring FROM annotations
        WHERE geometry_type = 'polygon'),
    places AS (
        SELECT file, key, is_relative, ring[1:len(ring):2] AS xs, ring[2:len(ring):2] AS ys FROM rings)
    SELECT count(*) FROM places p LEFT JOIN listed l USING (file, key)
    WHERE CASE WHEN is_relative
        THEN least(list_min(xs), list_min(ys)) < -1e-5 OR greatest(list_max(xs), list_max(ys)) > 1.00001
        ELSE least(list_min(xs), list_min(ys)) < -0.5
            OR list_max(xs) > coalesce(l.width, 'inf'::DOUBLE) + 0.5
            OR list_max(ys) > coalesce(l.height, 'inf'::DOUBLE) + 0.5 END
"""
# Its points are one, or lie on one line. Only what may be so by box or area is taken apart; then the points decide.
_FLAT = """
    WITH places AS (
        SELECT row, ring[1:len(ring):2] AS xs, ring[2:len(ring):2] AS ys FROM (
            SELECT row, unnest(TRY_CAST(geometry AS DOUBLE[][])) AS ring FROM annotations
            WHERE geometry_type = 'polygon' AND (w <= 0 OR h <= 0 OR area <= 1e-9 * w * h))),
    sizes AS (
        SELECT row, list_max(xs) - list_min(xs) AS w, list_max(ys) - list_min(ys) AS h,
            abs(list_sum(list_transform(range(1, len(xs)), lambda i:
                (xs[i] - xs[1]) * (ys[i + 1] - ys[1]) - (xs[i + 1] - xs[1]) * (ys[i] - ys[1])))) AS area
        FROM places)
    SELECT count(*) FROM (
        SELECT row FROM sizes GROUP BY row HAVING bool_and(w <= 0 OR h <= 0 OR area <= 1e-9 * w * h))
"""
_EMPTY = """
    SELECT count(*) FROM annotations
    WHERE (geometry_type = 'mask' AND (w <= 0 OR h <= 0)) OR (geometry_type = 'rotated' AND area <= 0)
"""
# By picture, as boxes and verified labels stand in files of their own.
_ABSENT_AND_THERE = """
    WITH absent AS (
        SELECT DISTINCT l.uri, c."class" FROM coverage c JOIN listed l USING (file, key) WHERE c.answer = 'absent')
    SELECT count(*) FROM absent SEMI JOIN (
        SELECT l.uri, a."class" FROM annotations a JOIN listed l USING (file, key)
        WHERE a.kind = 'annotation' AND a."class" IN (SELECT "class" FROM absent)) USING (uri, "class")
"""
_NOTES = (
    ("a class that is said to be absent from an asset which has it: both are kept", _ABSENT_AND_THERE),
    ("a box within the first pixel (in fractions?), read as pixels like the others", _FRACTIONS),
    ("a polygon of no size: its points are one, or lie on one line", _FLAT),
    ("a mask or rotated box of no size", _EMPTY),
    ("a polygon that reaches outside the image", _OUTSIDE),
    ("a mask of another size than the label file says of its picture", _ODD_MASKS),
    ("an asset that label files put into several splits", _SEVERAL_SPLITS),
)


def note_oddities(db: duckdb.DuckDBPyConnection, tally: Tally) -> None:
    """Notes what is odd in the views `annotations`, `listed` and `coverage` of `db`."""
    for what, query in _NOTES:
        _note(db, query, what=what, tally=tally)


def note_shared(db: duckdb.DuckDBPyConnection, tally: Tally) -> None:
    """Notes pictures that several label files are about, in a format that has one file each."""
    _note(
        db,
        _SHARED,
        what="a picture that several label files are about: the labels of all are kept",
        tally=tally,
    )


def _note(db: duckdb.DuckDBPyConnection, query: str, *, what: str, tally: Tally) -> None:
    ((count,),) = db.execute(query).fetchall()
    if count:
        tally.note(what, count)
