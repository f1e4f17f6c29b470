"""The greatest identifiers that the rows of a state have: those given next must be beyond them.

The log tells them of nearly every file, so that no file is opened. It tells nothing of `sources`, which is small, nor
of files that came back when a commit was undone.
"""

from __future__ import annotations

import duckdb

from datacat.tables.state import NUMBERED_BY, State
from datacat.tables.store import Store


def told(state: State) -> dict[str, int]:
    """The greatest of each sort, of the files of which the log tells it."""
    found: dict[str, int] = {}
    for kind, column in NUMBERED_BY.items():
        known = [file.greatest for file in state.of(kind) if file.greatest is not None]
        if known:
            found[column] = max(known)
    return found


def greatest(store: Store, state: State, *, cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The greatest of each sort, of all files; none of a sort that has no rows.

    Raises:
        CatalogError: a file of which the log does not tell it cannot be had.
    """
    found = told(state)
    for kind, column in NUMBERED_BY.items():
        untold = [file for file in state.of(kind) if file.greatest is None]
        if untold:
            rows = store.files.select(kind, untold)
            ((last,),) = cursor.execute(f"SELECT max({column}) FROM ({rows})").fetchall()  # noqa: S608 - our own names
            found[column] = max(found.get(column, 0), last or 0)
    return found
