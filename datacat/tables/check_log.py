"""The log held against itself: each entry against the digest that the next one keeps, checkpoints against entries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from datacat.errors import CatalogError
from datacat.model.finding import Finding
from datacat.tables import chain, recovery
from datacat.tables.recovery import Entry
from datacat.tables.store import Store

_READERS = 16


def log_findings(store: Store) -> Iterator[Finding]:
    """Yields what is wrong with the log, and what a crash left of a commit; reads every entry."""
    log, settings = store.files.log, store.settings
    for number in recovery.torn_entries(log, settings):
        text = f"log entry {number} is torn: a commit was cut off, and does not count"
        yield Finding("note", "log", text, "Nothing to do; the next commit moves it aside.")
    numbers = range(store.log.newest() + 1)
    with ThreadPoolExecutor(_READERS) as pool:
        entries = list(pool.map(lambda n: recovery.read_entry(log, n, settings=settings), numbers))
    for number, entry in enumerate(entries[:-1]):
        if entry is None:
            text = f"log entry {number} is gone or damaged; states after it may not open"
            yield Finding("error", "log", text, "Restore it from a backup.")
    yield from _changed(entries)
    if None not in entries:
        yield from _checkpoints(store, [entry for entry in entries if entry is not None])


def _changed(entries: list[Entry | None]) -> Iterator[Finding]:
    for number, (entry, following) in enumerate(itertools.pairwise(entries)):
        kept = chain.recorded_digest(following) if following is not None else None
        if entry is not None and kept is not None and kept != entry.digest:
            text = f"log entry {number} is not the one that was committed: its digest is another"
            yield Finding("error", "log", text, "Restore it from a backup.")


def _checkpoints(store: Store, entries: list[Entry]) -> Iterator[Finding]:
    """A checkpoint must list the files that the entries up to it leave."""
    live: dict[str, int] = {}
    checkpoints = recovery.listed(store.files.log, store.settings).checkpoints
    for number, entry in enumerate(entries):
        for path in entry.removed:
            live.pop(path, None)
        live.update(entry.added)
        if number not in checkpoints:
            continue
        try:
            told = {file.path: file.size for file in store.log.state(number).files}
        except CatalogError as error:
            text = f"the checkpoint of state {number} cannot be read: {error.what}"
            yield Finding("error", "log", text, _WITHOUT)
            continue
        if told != live:
            differing = sorted(path for path in told.keys() | live if told.get(path) != live.get(path))
            text = f"the checkpoint of state {number} and the log entries differ in {len(differing)} files"
            yield Finding("error", "log", f"{text}: {differing[0]}", _WITHOUT)


_WITHOUT = "Delete the checkpoint and `_last_checkpoint` beside it: the log entries say what is right."
