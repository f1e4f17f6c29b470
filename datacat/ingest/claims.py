"""Keys that several assets of one label file claim: whose an annotation is cannot be told.

Each of the assets stays, under a key of its own, with a reject that says so; the annotations are rejected.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from datacat.model.positions import IN_ORDER, first
from datacat.model.schemas import STAGED

_CLAIMS = f"""
    CREATE OR REPLACE TEMP TABLE claims AS
    SELECT *, CASE WHEN row_number() OVER claimed = 1 THEN key ELSE key || ' (' || position || ')' END AS own
    FROM (
        SELECT file, key, uri, {first("position")} AS position
        FROM listed SEMI JOIN (
            SELECT file, key FROM listed GROUP BY file, key HAVING count(DISTINCT uri) > 1) USING (file, key)
        GROUP BY file, key, uri)
    WINDOW claimed AS (PARTITION BY file, key ORDER BY {IN_ORDER}, uri)
"""  # noqa: S608 - our own words
# The pictures themselves are unknown for every class, so theirs is null.
_REJECTS = """
    WITH said AS (
        SELECT file, key, 'the image id ' || key || ' is claimed by ' || count(*) || ' pictures, such as '
            || parse_filename(min(uri)) || ' and ' || parse_filename(max(uri)) AS reason
        FROM claims GROUP BY file, key)
    SELECT file, position, reason, uri AS excerpt, own AS key, NULL::VARCHAR AS "class"
    FROM claims JOIN said USING (file, key)
    UNION ALL
    SELECT file, a.position, reason || ': whose is it?', coalesce('id ' || a.external_id, ''), key, a."class"
    FROM annotations a JOIN said USING (file, key)
"""
_UNCLAIMED = "ANTI JOIN claims USING (file, key)"


class Claims:
    """The claims among the staged rows of `db`, which has them as views."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        db.execute(_CLAIMS).fetchall()
        ((self.count,),) = db.execute("SELECT count(DISTINCT (file, key)) FROM claims").fetchall()

    def rejects(self) -> pa.Table:
        """A row for each picture and each annotation under such a key."""
        return self._db.execute(_REJECTS).to_arrow_table()

    def rewritten(self) -> Iterator[tuple[str, str]]:
        """Kinds, in an order that works, and the queries that give their rows without what is nobody's."""
        rows = "SELECT row FROM annotations SEMI JOIN claims USING (file, key)"
        yield "leaves", f"FROM leaves ANTI JOIN ({rows}) USING (row)"
        for kind in ("annotations", "coverage"):
            names = ", ".join(f'"{name}"' for name in STAGED[kind].names)
            yield kind, f"SELECT {names} FROM {kind} {_UNCLAIMED}"  # noqa: S608 - our own words
        columns = ", ".join(
            'coalesce(c.own, l.key) AS "key"' if name == "key" else f'l."{name}"'
            for name in STAGED["listed"].names
        )
        yield "listed", f"SELECT {columns} FROM listed l LEFT JOIN claims c USING (file, key, uri)"  # noqa: S608 - our own words

    def keys(self) -> list[tuple[int, str]]:
        """File and key of all that was renamed, before and after."""
        return self._db.execute(
            "SELECT file, key FROM claims UNION SELECT file, own FROM claims ORDER BY ALL"
        ).fetchall()
