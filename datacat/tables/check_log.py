"""The log held against itself: each entry against the digest that the next one keeps, checkpoints against entries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from datacat.errors import CatalogError
from datacat.model.finding import Finding
from datacat.tables import chain, newest, recovery
from datacat.tables.recovery import Entry
from datacat.tables.store import Store

_READERS = 16


def log_findings(store: Store) -> Iterator[Finding]:
    """Yields what is wrong with the log, and what a crash left of a commit; reads every entry."""
    log, settings = store.files.log, store.settings
    recorded = newest.recorded(store.root, settings)  # before the log is listed
    listing = recovery.listed(log, settings)
    last = max((*listing.entries, *listing.checkpoints), default=-1)
    try:
        torn = recovery.torn_entries(log, settings)
    except CatalogError:  # the two last are damaged, and named below
        torn = []
    for number in torn:
        if number > recorded:  # else it was whole once, and its state is lost
            text = f"log entry {number} is torn: a commit was cut off, and does not count"
            yield Finding("note", "log", text, "Nothing to do; the next commit moves it aside.")
    numbers = range(last + 1 - len(torn))
    with ThreadPoolExecutor(_READERS) as pool:
        entries = list(pool.map(lambda n: recovery.read_entry(log, n, settings=settings), numbers))
    for number, entry in enumerate(entries):
        if entry is None and not _is_left_to_a_checkpoint(number, entries, listing=listing):
            yield _lost(number, checkpoints=sorted(listing.checkpoints), newest=len(entries) - 1)
    yield from _changed(entries)
    yield from _checkpoints(store, entries)
    if len(entries) <= recorded and recovery.read_entry(log, recorded, settings=settings) is None:
        error = newest.lost(store.root, left=len(entries) - 1, newest=recorded)
        yield Finding("error", "log", error.what, error.hint or "")
    if newest.is_damaged(store.root, settings):
        text = f"{newest.place(store.root)} cannot be read: a lost end of the log would not be noticed"
        yield Finding("note", "log", text, "The next commit writes it anew.")


def _is_left_to_a_checkpoint(number: int, entries: list[Entry | None], *, listing: recovery.Listing) -> bool:
    """Whether only a checkpoint is left of the newest state, which is as good."""
    return number == len(entries) - 1 and bool(listing.checkpoints.get(number))


def _lost(number: int, *, checkpoints: list[int], newest: int) -> Finding:
    """What the loss of an entry means: for which states, and for which not."""
    last = next((n - 1 for n in checkpoints if n >= number), newest)
    if last < number:
        text = f"log entry {number} is gone or damaged; a checkpoint says the same of its state"
    else:
        states = f"state {number}" if last == number else f"states {number} to {last}"
        text = f"log entry {number} is gone or damaged: what {states} held cannot be told"
    others = [f"up to {number - 1}"] if number else []
    others += [f"from {last + 1} on"] if last < newest else []
    opened = f" States {' and '.join(others)} open with --at." if others and last >= number else ""
    return Finding("error", "log", text, f"Restore it from a backup.{opened}")


def _changed(entries: list[Entry | None]) -> Iterator[Finding]:
    for number, (entry, following) in enumerate(itertools.pairwise([*entries, None])):
        kept = chain.recorded_digest(following) if following is not None else None
        if entry is not None and (entry.is_changed or kept not in (None, entry.digest)):
            text = f"log entry {number} is not the one that was committed: its digest is another"
            yield Finding("error", "log", text, "Restore it from a backup.")


def _checkpoints(store: Store, entries: list[Entry | None]) -> Iterator[Finding]:
    """A checkpoint must list the files that the entries up to it leave, as far as that can be told."""
    live: dict[str, int] | None = {}
    checkpoints = recovery.listed(store.files.log, store.settings).checkpoints
    for number, entry in enumerate(entries):
        live = _after(live, entry)
        if number not in checkpoints:
            continue
        try:
            told = {file.path: file.size for file in store.log.state(number).files}
        except CatalogError as error:
            text = f"the checkpoint of state {number} cannot be read: {error.what}"
            yield Finding("error", "log", text, _WITHOUT)
            continue
        if live is None:  # an entry before it is lost: then it is all that is known
            live = told
        elif told != live:
            differing = sorted(path for path in told.keys() | live if told.get(path) != live.get(path))
            text = f"the checkpoint of state {number} and the log entries differ in {len(differing)} files"
            yield Finding("error", "log", f"{text}: {differing[0]}", _WITHOUT)


def _after(live: dict[str, int] | None, entry: Entry | None) -> dict[str, int] | None:
    if live is None or entry is None or entry.is_changed:
        return None
    gone = set(entry.removed)
    return {path: size for path, size in live.items() if path not in gone} | dict(entry.added)


_WITHOUT = "Delete the checkpoint and `_last_checkpoint` beside it: the log entries say what is right."
