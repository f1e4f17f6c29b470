"""Boxes in fractions of a picture that its EXIF turns: who drew them saw the picture turned."""

from __future__ import annotations

import duckdb

from datacat.model.report import Tally

# Pictures of which a label file gives no size, and places in fractions.
_TURNED = """
    SELECT count(DISTINCT l.uri) FROM listed l JOIN media m USING (uri)
    SEMI JOIN (FROM annotations WHERE is_relative AND x IS NOT NULL) a ON a.file = l.file AND a.key = l.key
    WHERE l.width IS NULL AND l.height IS NULL AND m.orientation IS NOT NULL
"""


def count_fractions(database: duckdb.DuckDBPyConnection, *, tally: Tally) -> None:
    """Says in the report of how many turned pictures fractions are taken as they are shown.

    Args:
        database: has the views listed, media and annotations of what is staged.
        tally: of the report.
    """
    if not database.execute("SELECT 1 FROM annotations WHERE is_relative LIMIT 1").fetchall():
        return
    ((count,),) = database.execute(_TURNED).fetchall()
    if count:
        tally.assume(f"fractions are of a picture as its EXIF turns it: {count:,}")
