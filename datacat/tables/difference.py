"""What changed between two states, found out from the files that only one of them has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datacat.errors import CatalogError, UsageError
from datacat.tables.state import DataFile, State
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
        CatalogError: `gc` was told to forget it.
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
        only_then = sorted(before - after, key=lambda file: file.path)
        _check_still_there(store, only_then, state=since)
        went = store.files.select(kind, only_then)
        new, old = (f"SELECT {columns} FROM ({rows})" for rows in (came, went))  # noqa: S608 - our own names
        parts += [f"({new} EXCEPT ALL {old})", f"({old} EXCEPT ALL {new})"]
    everything = " UNION ALL ".join(f"SELECT asset FROM {part}" for part in parts)  # noqa: S608 - our own words
    shown = (
        "SELECT coalesce(o.asset, e.asset) AS asset "  # noqa: S608 - our own words
        f"FROM ({everything}) e LEFT JOIN other_addresses o ON o.address = e.asset"
    )
    return f"SELECT DISTINCT asset FROM ({shown}) SEMI JOIN assets USING (asset)"  # noqa: S608 - our own words


def _check_still_there(store: Store, files: Sequence[DataFile], *, state: int) -> None:
    """DuckDB would tell only when the rows are read, long after the query was understood."""
    try:
        gone = [path for path in store.files.local(files) if not Path(path).exists()]
        why = f"{gone[0]} is not there" if gone else None
    except CatalogError as error:
        why = error.what
    if why:
        raise CatalogError(
            f"nobody can say any more what changed since state {state}: {why}",
            where=str(store.root),
            hint="`datacat gc` may have been told to forget it; name a later state. Else see `datacat doctor`.",
        )
