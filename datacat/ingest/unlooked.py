"""Assets of which a label file holds only what answers nothing: who skipped a picture has not looked it through."""

from __future__ import annotations

from pathlib import Path

import duckdb

from datacat.ingest.batches import parquet_writer
from datacat.model.schemas import SET_ASIDE, STAGED

_SET_ASIDE = ", ".join(f"'{status}'" for status in SET_ASIDE)
_STANDS = f"kind = 'annotation' AND (status IS NULL OR status NOT IN ({_SET_ASIDE}))"
_UNLOOKED = f"""
    SELECT file, key, NULL::VARCHAR AS "class", 'not_exhaustive' AS answer
    FROM annotations SEMI JOIN (SELECT DISTINCT file, key FROM annotations WHERE NOT ({_STANDS})) USING (file, key)
    GROUP BY file, key HAVING NOT bool_or({_STANDS}) ORDER BY ALL
"""  # noqa: S608 - our own words


def cover_unlooked(db: duckdb.DuckDBPyConnection, *, folder: Path) -> None:
    """Says that nobody looked at assets of which a file has annotations, all of them set aside or a model's."""
    found = db.execute(_UNLOOKED).to_arrow_table()
    if found.num_rows:
        with parquet_writer(folder / "coverage-999997.parquet", "coverage") as writer:
            writer.write_table(found.cast(STAGED["coverage"]))
