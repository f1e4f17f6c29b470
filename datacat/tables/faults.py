"""What was found out about media after they were ingested: that they cannot be decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from datacat.tables.change import Change, Written
from datacat.tables.state import DataFile, State
from datacat.tables.store import Store

_GIVEN = pa.schema([("asset", pa.int64()), ("digest", pa.string()), ("said", pa.string())])
# Of a picture that has changed since, nothing is known.
_NEW = """
    SELECT f.filename, count(*) FROM ({rows}) f JOIN faults g USING (asset)
    WHERE f.digest IS NOT DISTINCT FROM g.digest AND f.fault IS DISTINCT FROM g.said
    GROUP BY f.filename
"""
_MARKED = """
    SELECT f.* EXCLUDE (fault),
        CASE WHEN g.asset IS NOT NULL AND f.digest IS NOT DISTINCT FROM g.digest THEN g.said ELSE f.fault END AS fault
    FROM ({rows}) f LEFT JOIN faults g USING (asset)
"""


def mark_unreadable(
    store: Store, faults: Mapping[int, tuple[str | None, str]], *, author: str, message: str
) -> int | None:
    """Keeps with assets why their media cannot be decoded, in one commit; an ingest of other bytes takes it away.

    Args:
        store: whose.
        faults: asset -> the digest that the catalog has of it, and the reason.
        author: who commits.
        message: why.

    Returns:
        The new state; None where the catalog says all of it already.

    Raises:
        CommitConflict, CommitUnknown: as any commit.
    """
    given = pa.table(
        [list(faults), [digest for digest, _ in faults.values()], [why for _, why in faults.values()]],
        schema=_GIVEN,
    )

    def plan(state: State) -> Change | None:
        cursor = store.cursor(state, kinds=(), is_ingest=True)
        cursor.register("faults", given)
        files = state.of("assets")
        rows = store.files.select("assets", files, with_name=True)
        marked = dict(cursor.execute(_NEW.format(rows=rows)).fetchall())
        removes = [file for file, path in zip(files, store.files.local(files), strict=True) if path in marked]
        if not removes:
            return None
        written = _MARKED.format(rows=store.files.select("assets", removes))
        adds: list[Written] = store.files.write(cursor, "assets", rows=written)
        kept = sum(file.row_count for file in removes) - sum(marked.values())
        return Change(tuple(adds), tuple(removes), _are_there(removes), {"assets": kept})

    return store.commit(plan, author=author, message=message) if faults else None


def _are_there(files: list[DataFile]) -> Callable[[State, State], bool]:
    return lambda _, newest: set(files) <= set(newest.files)
