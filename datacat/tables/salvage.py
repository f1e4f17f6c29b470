"""What can be told of a catalog whose log is damaged: the states that do not rest on what is lost."""

from __future__ import annotations

from datacat.config import Settings
from datacat.errors import CatalogError, CatalogNotFound, SchemaMismatch
from datacat.model.finding import Finding
from datacat.sources.location import Location
from datacat.tables import recovery
from datacat.tables.place import check_place
from datacat.tables.state import State
from datacat.tables.store import Store
from datacat.tables.tables import Tables

_NOTHING = State(-1, None, ())


def salvaged(root: Location, settings: Settings, *, at: int | None) -> tuple[Tables, State, list[Finding]]:
    """A catalog at the state that is asked for, or where its log is damaged, at the newest before it that can be told.

    Args:
        root: the catalog's.
        settings: the user's.
        at: the state; None: the newest.

    Returns:
        The tables, the state (number -1, without files, where none can be told), and why it is not the one wanted.

    Raises:
        CatalogNotFound: there is none.
        SchemaMismatch: another version of datacat wrote it.
        StateNotFound: it never had that state.
        LocationError: the store does not answer.
    """
    try:
        tables = Tables.open(root, settings, at=at)
        return tables, tables.state(at), []
    except (CatalogNotFound, SchemaMismatch):
        raise
    except CatalogError as error:
        check_place(root)
        store = Store(root, settings)
        listing = recovery.listed(store.files.log, settings)
        newest = max((*listing.entries, *listing.checkpoints), default=-1)
        if at is not None and not 0 <= at <= newest:
            raise
        state = _newest_readable(store, newest if at is None else at)
        told = f"state {state.number}, the newest that can be told" if state.number >= 0 else "no state"
        text = f"{error.where}: {error.what}. What is said of files, rows and vectors is of {told}"
        return Tables(store, newest=state), state, [Finding("error", "log", text, error.hint or "")]


def _newest_readable(store: Store, number: int) -> State:
    """The newest state up to `number` that does not rest on what is lost."""
    for candidate in range(number, -1, -1):
        try:
            return store.state(candidate)
        except CatalogError:
            continue
    return _NOTHING
