"""What a label set says twice of one picture, and pictures that stand in several splits: notes of an ingest's report.

A picture is its bytes, so what is said of it at two addresses is said twice. Nothing is left out for it: each
annotation is kept and found, and is one thing where things are counted (`query.once`).
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from datacat.model.names import folded
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
    """Says how many annotations say what another one says, and how many pictures stand in several splits.

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
    ((count, places),) = cursor.execute(_SPLITS).fetchall()
    if count:
        stand = "1 picture stands" if count == 1 else f"{count:,} pictures stand"
        yield f"{stand} in several splits of this label set (first: {', '.join(places)})"
