"""Log, files, index, vectors and snapshots held against each other; what cannot be read keeps nothing else back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from datacat.errors import CatalogError, DatacatError
from datacat.model.finding import Finding
from datacat.tables import State, Tables

if TYPE_CHECKING:
    from datacat.embeddings import Embeddings
    from datacat.versions.snapshots import Snapshots


def examined(
    tables: Tables, state: State, *, embeddings: Embeddings, snapshots: Snapshots, deep: bool
) -> Iterator[Finding]:
    """Yields what is wrong, and notes of what is odd.

    Args:
        tables: of the catalog.
        state: which; one without files where none can be told.
        embeddings: its vectors.
        snapshots: its snapshots.
        deep: reads every data file and manifest whole and compares its bytes with the digest that was kept.
    """

    def has_state(number: int) -> bool:
        try:
            tables.state(number)
        except CatalogError:
            return False
        return True

    try:
        yield from tables.check(state, is_deep=deep)
    except DatacatError as error:
        yield Finding("error", "files", str(error).partition("\n")[0], error.hint or "")
    try:
        if state.number >= 0:
            yield from embeddings.check(tables.cursor(state, is_merged=False))
    except DatacatError:  # what keeps them from being compared was found just now
        yield Finding("note", "vectors", "not compared, as the tables cannot be read")
    yield from (Finding("note", "settings", str(item)) for item in tables.store.settings.unheard)
    try:
        yield from snapshots.check(has_state=has_state, is_deep=deep)
    except DatacatError as error:
        yield Finding("error", "snapshots", str(error).partition("\n")[0], error.hint or "")
