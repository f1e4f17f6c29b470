"""The rows of each kind that one linking brings, as SELECTs over its temporary tables.

`{label_set}` is the number of the label set.
"""

from __future__ import annotations

from datacat.tables.linking import STATEMENT

_SAID = ", ".join(f'a."{name}"' for name in STATEMENT)
_EXTENT = """CASE a.geometry_type
            WHEN 'range' THEN try_cast(a.geometry->>'$.{0}_s' AS DOUBLE)
            WHEN 'span' THEN try_cast(a.geometry->>'$.{0}' AS DOUBLE) END AS {0}s"""
_STARTS, _ENDS = _EXTENT.format("start"), _EXTENT.format("end")

ROWS = {
    "annotations": f"""
        SELECT p.annotation, p.asset, {{label_set}} AS label_set, p.source_file, {_SAID}, {_STARTS}, {_ENDS}
        FROM staged_annotations a JOIN placed p ON p.row = a.row
    """,  # noqa: S608 - our own names
    "attribute_values": """
        SELECT l.path, p.class, l.text, l.number, {label_set} AS label_set, p.asset, p.annotation
        FROM staged_leaves l JOIN placed p ON p.row = l.row
    """,
    "label_set_assets": """
        SELECT {label_set} AS label_set, source_file, asset, key, width, height, split, metadata,
            captured, latitude, longitude
        FROM listed WHERE place = 1
    """,
    "metadata_values": """
        SELECT v.path, v.text, v.number, {label_set} AS label_set, l.source_file, l.asset
        FROM staged_listed_leaves v JOIN listed l ON l.file = v.file AND l.key = v.key AND l.place = 1
    """,
    # Of a file that says so, the classes annotated on an asset are exhaustive unless it says otherwise.
    # A picture without a label file, or one that nobody completed, is listed and covers nothing.
    "coverage": """
        WITH said AS (
            SELECT c."class", c.answer, l.source_file, l.asset
            FROM staged_coverage c JOIN listed l ON l.file = c.file AND l.key = c.key AND l.place = 1
        )
        SELECT DISTINCT "class", answer, 'format' AS origin, {label_set} AS label_set, source_file, asset
        FROM said WHERE "class" IS NOT NULL
        UNION ALL
        SELECT DISTINCT p."class", 'exhaustive', 'format', {label_set}, p.source_file, p.asset
        FROM pairs p SEMI JOIN (FROM said WHERE "class" IS NULL AND answer = 'exhaustive') USING (source_file, asset)
        ANTI JOIN (FROM said WHERE "class" IS NOT NULL) USING (source_file, asset, "class")
        WHERE p."class" IS NOT NULL
        UNION ALL
        SELECT "class", 'exhaustive', 'derived', {label_set}, source_file, asset FROM derived_coverage
        UNION ALL
        SELECT NULL::VARCHAR, 'not_exhaustive', 'format', {label_set}, source_file, asset
        FROM unlooked
    """,
    "rejects": """
        SELECT {label_set} AS label_set, m.source_file, l.asset, r."class", r.position, r.reason, r.excerpt
        FROM staged_rejects r JOIN file_map m ON m.file = r.file
        LEFT JOIN listed l ON l.file = r.file AND l.key = r.key AND l.place = 1
        UNION ALL
        SELECT {label_set}, p.source_file, NULL::BIGINT, a."class", a.position,
            'the asset of this annotation is not listed in its file', coalesce(a.key, '(none)')
        FROM pairs p JOIN staged_annotations a ON a.row = p.row WHERE p.asset IS NULL
        UNION ALL
        SELECT {label_set}, source_file, asset, NULL::VARCHAR, position,
            'an asset was listed before under this key', key
        FROM listed WHERE place > 1
    """,
    "source_files": """
        SELECT m.source_file, {label_set} AS label_set, s.uri, s.size, s.etag, s.modified, s.digest, s.format,
            coalesce(a.n, 0) AS annotation_count, coalesce(l.n, 0) AS asset_count,
            coalesce(r.n, 0) + coalesce(a.unlisted, 0) + coalesce(l.twice, 0) AS reject_count
        FROM file_map m JOIN staged_files s ON s.file = m.file
        LEFT JOIN (SELECT file, count(asset) AS n, count(*) - count(asset) AS unlisted
            FROM pairs GROUP BY file) a ON a.file = m.file
        LEFT JOIN (SELECT file, count(*) FILTER (place = 1) AS n, count(*) FILTER (place > 1) AS twice
            FROM listed GROUP BY file) l ON l.file = m.file
        LEFT JOIN (SELECT file, count(*) AS n FROM staged_rejects GROUP BY file) r ON r.file = m.file
    """,
}
