"""Annotations of which nobody can tell the class: they may be of any, so of no class is their asset known to be free.

They are kept, with a reject beside them that names the asset and no class. What is said of a whole asset without a
class (a caption, a rating) is a statement of its own, and so is a class that has a number and no name.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from datacat.ingest.batches import parquet_writer
from datacat.ingest.blank import NOT_KNOWN, UNTOLD
from datacat.model.positions import IN_ORDER
from datacat.model.schemas import SET_ASIDE, STAGED

# Place and id of one annotation; several may stand at one place, as in a task of Label Studio.
_FIRST = f"arg_min({{'position': position, 'id': external_id}}, ({IN_ORDER}, external_id))"
FIRST = f"({_FIRST}).position AS position, ({_FIRST}).id AS id"
# One for each asset, as in some files nothing has a class. Predictions and what is set aside answer nothing.
_UNTOLD = f"""
    SELECT file, position, '{UNTOLD}{NOT_KNOWN}' AS reason, coalesce('id ' || id, '') AS excerpt,
        key, NULL::VARCHAR AS "class"
    FROM (SELECT file, key, {FIRST} FROM annotations
        WHERE "class" IS NULL AND kind = 'annotation' AND geometry_type <> 'none'
            AND coalesce(status, '') NOT IN {SET_ASIDE}
        GROUP BY file, key) ORDER BY file, {IN_ORDER}, key
"""  # noqa: S608 - our own words


def reject_untold(db: duckdb.DuckDBPyConnection, *, folder: Path) -> None:
    """Writes a reject for each asset on which something is drawn that has no class; `db` shows `annotations`."""
    found = db.execute(_UNTOLD).to_arrow_table().cast(STAGED["rejects"])
    if found.num_rows:
        with parquet_writer(folder / "rejects-999994.parquet", "rejects") as writer:
            writer.write_table(found)
