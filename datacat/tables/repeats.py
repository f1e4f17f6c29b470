"""What a label set says twice of one picture, and pictures that stand in several splits: notes of an ingest's report.

A picture is its bytes, so what is said of it at two addresses is said twice. Nothing is left out for it: each
annotation is kept and found, and is one thing where things are counted (`query.once`).
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from datacat.model.names import folded
from datacat.model.schemas import GEOMETRY_TYPES
from datacat.model.shapes import placed_in_things

KINDS = ("annotations", "source_files", "label_set_assets", "class_counts")
"""What is read of the label set, beside `assets` and `copies`."""
_SHOWN = 3  # addresses of one picture
_MAY_REPEAT = """
    SELECT (SELECT coalesce(sum(repeats), 0) > 0 FROM class_counts) OR EXISTS (
        SELECT 1 FROM (SELECT DISTINCT asset FROM label_set_assets) LEFT JOIN copies USING (asset)
        WHERE coalesce(content, asset) IN (SELECT content FROM copies)
        GROUP BY coalesce(content, asset) HAVING count(*) > 1)
"""
_SAID = """
    SELECT *, coalesce(content, asset) AS picture, lower(class) AS name, true AS is_sure,
        CASE WHEN kind <> 'annotation' THEN coalesce(model, '') END AS maker,
        geometry_type <> 'none' AND is_crowd IS NOT TRUE AS is_thing
    FROM (SELECT annotation, source_file, asset, class, kind, model, geometry_type, is_crowd,
              x, y, w, h, is_relative, track, starts, ends FROM annotations)
    LEFT JOIN copies USING (asset) WHERE x + y + w + h IS NOT NULL
"""
_THING = "picture, name, kind, maker, is_thing, x, y, w, h, is_relative IS TRUE, track, starts, ends"
_REPEATS = f"""
    SELECT count(*), arg_min(f.uri || ', of ' || a.uri, annotation)
    FROM ({placed_in_things(_SAID, group=_THING)}) AS said
    JOIN source_files AS f USING (source_file) JOIN assets AS a ON a.asset = said.asset WHERE place > 1
"""  # noqa: S608 - our own words
# Pictures on which two files label a class in geometry types of which they share none, and each with boxes that the
# other one has not.
_TYPES = f"[{', '.join(repr(name) for name in GEOMETRY_TYPES)}]"
_MIXED = f"""
    WITH listed AS (
        SELECT coalesce(content, asset) AS picture, source_file FROM label_set_assets LEFT JOIN copies USING (asset)),
    shared AS (SELECT picture FROM listed GROUP BY picture HAVING min(source_file) < max(source_file)),
    said AS (
        SELECT coalesce(content, asset) AS picture, lower(class) AS name, source_file,
            1 << list_position({_TYPES}, geometry_type) AS types, hash(x, y, w, h, is_relative IS TRUE) AS box
        FROM annotations LEFT JOIN copies USING (asset)
        WHERE coalesce(content, asset) IN (FROM shared) AND class IS NOT NULL AND kind = 'annotation'
            AND geometry_type <> 'none' AND x + y + w + h IS NOT NULL),
    files AS MATERIALIZED (
        SELECT picture, name, source_file, bit_or(types) AS types, list(DISTINCT box) AS boxes FROM said GROUP BY ALL),
    mixed AS MATERIALIZED (
        SELECT picture, name, l.source_file AS one, l.types AS one_types, r.source_file AS other,
            r.types AS other_types
        FROM files AS l JOIN files AS r USING (picture, name)
        WHERE l.source_file < r.source_file AND l.types & r.types = 0
            AND NOT list_has_all(l.boxes, r.boxes) AND NOT list_has_all(r.boxes, l.boxes)),
    first_one AS (FROM mixed WHERE picture = (SELECT min(picture) FROM mixed) ORDER BY name, one, other LIMIT 1)
    SELECT (SELECT count(DISTINCT picture) FROM mixed), name, a.uri,
        list_filter({_TYPES}, lambda type, i: one_types >> i & 1 = 1), f.uri,
        list_filter({_TYPES}, lambda type, i: other_types >> i & 1 = 1), g.uri
    FROM first_one JOIN assets AS a ON a.asset = picture
    JOIN source_files AS f ON f.source_file = one JOIN source_files AS g ON g.source_file = other
"""  # noqa: S608 - our own words
_SPLITS = f"""
    WITH several AS (
        SELECT coalesce(content, asset) AS picture FROM label_set_assets LEFT JOIN copies USING (asset)
        WHERE split IS NOT NULL GROUP BY ALL HAVING min(split) <> max(split))
    SELECT count(*), arg_min(places, picture) FROM (
        SELECT picture, list_sort(list(DISTINCT a.uri || ' in ' || split))[:{_SHOWN}] AS places
        FROM label_set_assets LEFT JOIN copies USING (asset)
        JOIN several ON picture = coalesce(content, asset) JOIN assets AS a USING (asset)
        WHERE split IS NOT NULL GROUP BY picture)
"""  # noqa: S608 - our own words


def repeat_notes(cursor: duckdb.DuckDBPyConnection, *, classes: list[str]) -> Iterator[str]:
    """Says how many annotations say what another one says, what may be said twice, and what stands in several splits.

    Args:
        cursor: shows `KINDS` of one label set as they are stored, and all of `assets` and `copies`.
        classes: that it has.
    """
    ((may_repeat,),) = cursor.execute(_MAY_REPEAT).fetchall()
    if may_repeat or len(set(map(folded, classes))) < len(classes):
        ((count, where),) = cursor.execute(_REPEATS).fetchall()
        if count:
            said = "1 annotation says" if count == 1 else f"{count:,} annotations say"
            yield f"{said} what another of this label set says of the same picture (first: {where})"
    for count, name, picture, types, file, other_types, other in cursor.execute(_MIXED).fetchall():
        have = "1 picture has" if count == 1 else f"{count:,} pictures have"
        places = f"{' and '.join(types)} in {file}, {' and '.join(other_types)} in {other}"
        yield (
            f"{have} one class in several files, each in other geometry types (first: {name} of {picture}: {places}): "
            "where these are the same things, they count twice; ingest the files as label sets of their own (--name)"
        )
    ((count, places),) = cursor.execute(_SPLITS).fetchall()
    if count:
        stand = "1 picture stands" if count == 1 else f"{count:,} pictures stand"
        yield f"{stand} in several splits of this label set (first: {', '.join(places)})"
