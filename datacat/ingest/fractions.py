"""Boxes in fractions of a picture that its EXIF turns: who drew them saw the picture turned.

YOLO and Open Images are read with the picture beside them, and their boxes are pixels of it as it is shown. Other
formats learn late which picture is meant; so where they give fractions alone and no size, the size of the turned
picture is noted as theirs, once media were looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import duckdb

from datacat.config import Settings
from datacat.model.report import Tally
from datacat.model.schemas import STAGED
from datacat.sources.media import is_turned

_AT_ONCE = 16  # pictures of which the first bytes are read
# Pictures of which a label file gives no size, and all that has a place in fractions.
_UNSIZED = """
    CREATE OR REPLACE TEMP TABLE unsized AS
    SELECT l.file, l.key, l.uri, m.width, m.height FROM listed l JOIN media m USING (uri)
    SEMI JOIN (SELECT file, key FROM annotations WHERE x IS NOT NULL GROUP BY ALL HAVING bool_and(is_relative))
        USING (file, key)
    WHERE l.width IS NULL AND l.height IS NULL AND NOT m.is_missing AND m.fault IS NULL AND m.width <> m.height
"""
_TURNED = """
    SELECT {} FROM listed AS l LEFT JOIN
        (SELECT file, key, uri, width AS across, height AS down FROM unsized SEMI JOIN turned USING (uri)) AS t
        USING (file, key, uri)
"""


def turn_fractions(
    database: duckdb.DuckDBPyConnection,
    rewrite: Callable[[str, str], None],
    *,
    tally: Tally,
    settings: Settings,
) -> None:
    """Notes the turned size of such pictures in `listed`, and in the report how many they are.

    Args:
        database: has the views listed, media and annotations of what is staged.
        rewrite: puts what a query gives in the place of all rows of a kind.
        tally: of the report.
        settings: of the ingest.
    """
    if not database.execute("SELECT 1 FROM annotations WHERE is_relative LIMIT 1").fetchall():
        return
    database.execute(_UNSIZED)
    uris = [uri for (uri,) in database.execute("SELECT DISTINCT uri FROM unsized ORDER BY uri").fetchall()]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda uri: is_turned(uri, settings), uris))
    turned = [uri for uri, answer in zip(uris, answers, strict=True) if answer]
    if not turned:
        return
    database.execute("CREATE OR REPLACE TEMP TABLE turned AS SELECT unnest(?::VARCHAR[]) AS uri", [turned])
    sides = {
        "width": "coalesce(t.down, l.width) AS width",
        "height": "coalesce(t.across, l.height) AS height",
    }
    columns = ", ".join(sides.get(name, name) for name in STAGED["listed"].names)
    rewrite("listed", _TURNED.format(columns))
    tally.assume(f"fractions are of a picture as its EXIF turns it: {len(turned):,}")
