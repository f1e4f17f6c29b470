"""Whether all log entries that a state rests on are those that were committed.

Each commit keeps in its own metadata the digest of the entry before it, and the sizes of those back to the last
hundred, and of its own actions a digest, too. So at opening a listing shows that an entry is gone, emptied or cut, and
the bytes of the entries since the last checkpoint any other change. Entries of releases that kept none of it are
compared with what there is: that their numbers have no gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from datacat.config import Settings
from datacat.errors import CatalogError
from datacat.sources.location import Location
from datacat.tables import recovery
from datacat.tables.recovery import Entry, Listing

PREVIOUS = "previous"
CHECKPOINT_EVERY = 100
_READERS = 16
RESTORE = (
    "Restore that file from a backup of the catalog, or ingest again into a new one. Snapshots can be listed, verified "
    "and exported all the same."
)


def link_to(log: Location, number: int, *, settings: Settings) -> dict[str, Any]:
    """What the commit after entry `number` keeps of it and of those before it; empty where it is not there."""
    entry = recovery.read_entry(log, number, settings=settings)
    if entry is None:
        return {}
    sizes = recovery.listed(log, settings).entries
    first = number
    while first % CHECKPOINT_EVERY and first - 1 in sizes:
        first -= 1
    return {PREVIOUS: {"digest": entry.digest, "sizes": [sizes[n] for n in range(first, number + 1)]}}


def check(
    log: Location,
    number: int,
    *,
    listing: Listing,
    last: Entry | None,
    settings: Settings,
    is_compared: bool = False,
) -> None:
    """Makes sure that the entries of a state since its last checkpoint are those that were committed.

    Args:
        log: the log's folder.
        number: the state's.
        listing: what lies in it.
        last: entry `number`.
        settings: how the store is reached.
        is_compared: whether their bytes were compared just now; then only sizes are.

    Raises:
        CatalogError: one is not, with its place.
    """
    begin = 1 + max((n for n, size in listing.checkpoints.items() if n <= number and size), default=-1)
    for broken in sorted(n for n, size in listing.checkpoints.items() if begin <= n <= number and not size):
        raise CatalogError(
            f"the checkpoint of state {broken} is empty",
            where=str(recovery.checkpoint_place(log, broken)),
            hint="Delete it and `_last_checkpoint` beside it: the log entries say the same.",
        )
    for n in range(begin, number + 1):
        if not listing.entries.get(n):
            raise _damaged(log, n, "is empty" if n in listing.entries else "is gone")
    if begin > number:
        return
    if last is None:
        raise _damaged(log, number, "cannot be read")
    for n, size in _recorded(log, number, last=last, begin=begin, settings=settings):
        if listing.entries.get(n, size) != size:
            raise _damaged(log, n, f"has {listing.entries[n]:,} bytes, not {size:,}")
    if is_compared:
        return
    changed = _changed(_read(log, range(begin, number), settings=settings) | {number: last})
    if changed is not None:
        raise _damaged(log, changed, "is not the one that was committed")


def _read(log: Location, numbers: range, *, settings: Settings) -> dict[int, Entry | None]:
    def one(number: int) -> Entry | None:
        return recovery.read_entry(log, number, settings=settings)

    if not log.is_s3:
        return {number: one(number) for number in numbers}
    with ThreadPoolExecutor(_READERS) as pool:
        return dict(zip(numbers, pool.map(one, numbers), strict=True))


def _changed(entries: Mapping[int, Entry | None]) -> int | None:
    """The first entry that is not what its own metadata or the next one says."""
    for number, entry in sorted(entries.items()):
        if entry is None:
            return number
        following = entries.get(number + 1)
        kept = recorded_digest(following) if following is not None else None
        if entry.is_changed or kept not in (None, entry.digest):
            return number
    return None


def _damaged(log: Location, number: int, what: str) -> CatalogError:
    """The error that says so of an entry in the middle of the log."""
    return CatalogError(
        f"log entry {number} {what}: what states from {number} on hold cannot be told",
        where=str(recovery.entry_place(log, number)),
        hint=RESTORE,
    )


def recorded_digest(entry: Entry) -> str | None:
    """The digest of the entry before it, as an entry keeps it."""
    kept = entry.info.get(PREVIOUS)
    digest = kept.get("digest") if isinstance(kept, Mapping) else None
    return digest if isinstance(digest, str) else None


def _recorded(
    log: Location, number: int, *, last: Entry, begin: int, settings: Settings
) -> Iterator[tuple[int, int]]:
    """The sizes of entries before `number`, back to `begin`, as later ones keep them; a hundred at a time."""
    entry: Entry | None = last
    while number > begin and entry is not None:
        sizes = _sizes(entry)
        if not sizes or len(sizes) > number:
            return
        yield from zip(range(number - len(sizes), number), sizes, strict=True)
        number -= len(sizes)
        entry = recovery.read_entry(log, number, settings=settings) if number > begin else None


def _sizes(entry: Entry) -> list[int]:
    kept = entry.info.get(PREVIOUS)
    sizes = kept.get("sizes") if isinstance(kept, Mapping) else None
    return sizes if isinstance(sizes, list) and all(isinstance(size, int) for size in sizes) else []
