"""What changed between two states, found out from the files that only one of them has."""

from __future__ import annotations

from datacat.errors import UsageError
from datacat.tables.state import State
from datacat.tables.store import Store

# What is compared of a kind. An annotation that says something else has another number.
_COMPARED = {
    "assets": "*",
    "label_set_assets": "* EXCLUDE (source_file)",
    "annotations": "asset, annotation",
    "coverage": "* EXCLUDE (source_file)",
}


def changed_assets(store: Store, now: State, *, since: int) -> str:
    """A SELECT of the assets of `now` that were other or not there in state `since`, or of which other things
    were said.

    Raises:
        StateNotFound: the catalog never had that state.
        UsageError: it comes after `now`.
    """
    if since > now.number:
        raise UsageError(
            f"state {since} comes after state {now.number}", hint="`datacat log` lists the states."
        )
    then = store.state(since)
    parts = []
    for kind, columns in _COMPARED.items():
        before, after = set(then.of(kind)), set(now.of(kind))
        came = store.files.select(kind, sorted(after - before, key=lambda file: file.path))
        went = store.files.select(kind, sorted(before - after, key=lambda file: file.path))
        new, old = (f"SELECT {columns} FROM ({rows})" for rows in (came, went))  # noqa: S608 - our own names
        parts += [f"({new} EXCEPT ALL {old})", f"({old} EXCEPT ALL {new})"]
    everything = " UNION ALL ".join(f"SELECT asset FROM {part}" for part in parts)  # noqa: S608
    return f"SELECT DISTINCT asset FROM ({everything}) SEMI JOIN assets USING (asset)"  # noqa: S608
