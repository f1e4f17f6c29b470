"""Keeping a catalog small and quick: merge small files, checkpoint the log, remove what nobody needs.

Compaction is Remove + Add of the same rows, so that it is a commit like any other. delta-rs' own vacuum and
optimize are never used: they know nothing of snapshots, readers or the order of rows.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from datacat.errors import CatalogError, DatacatError
from datacat.model.schemas import KINDS
from datacat.sources.location import Location, filesystem
from datacat.tables import identifiers, recovery
from datacat.tables.change import Change, Written
from datacat.tables.linking import OF_FILES
from datacat.tables.state import DataFile, State
from datacat.tables.store import Store

_SMALL_ROWS = 1_000_000
# Opening a file takes 40 us, and one row group holds all classes and paths of a small one: 1,000 label sets of 10,000
# annotations took 6 to 23 times as long as 12 of the same size together, merged 1 to 2.1 times.
_TINY_ROWS = 100_000
_LEAVES = 8  # about so many rows of the index an annotation has
_UNTIDY = 64  # tiny files of a kind
_READERS = 16


@dataclass(frozen=True, slots=True)
class GcReport:
    """What was removed, or would be: places, their bytes, and how many were spared as too young."""

    removed: tuple[str, ...]
    bytes: int
    spared: int


@dataclass(frozen=True, slots=True)
class CompactReport:
    """How many data files the newest state had, has, and its number."""

    files_before: int
    files_after: int
    state: int


def compact(store: Store, *, author: str) -> CompactReport:
    """Merges the small files of each kind (of each label set, but for tiny ones) and writes a checkpoint."""

    def plan(state: State) -> Change | None:
        adds: list[Written] = []
        removes: list[DataFile] = []
        cursor = store.cursor(state, kinds=(), is_ingest=True)
        for kind, files in _mergeable(state):
            adds += store.files.write(
                cursor,
                kind,
                rows=store.files.select(kind, files),
                about=_row_count(files),
            )
            removes += files
        kept = {kind: sum(file.row_count for file in removes if file.kind == kind) for kind in KINDS}
        return Change(tuple(adds), tuple(removes), _all_still_there(removes), kept) if removes else None

    before = store.state()
    number = store.commit(plan, author=author, message="compact")
    after = store.state(number) if number is not None else before
    store.log.checkpoint(after.number)
    return CompactReport(len(before.files), len(after.files), after.number)


def tidy(store: Store, *, author: str) -> None:
    """Compacts where tiny files of many label sets have gathered, as `git gc --auto` does; never fails."""
    with contextlib.suppress(DatacatError):  # the ingest before it has happened; searches are slower without
        state = store.state()
        if any(
            sum(_is_tiny(kind, file.row_count) for file in state.of(kind)) >= _UNTIDY
            for kind in (*OF_FILES, "copies")
        ):
            compact(store, author=author)


def gc(
    store: Store,
    *,
    dry_run: bool = False,
    grace_s: float = 3600,
    pinned: Set[int] = frozenset(),
    forget_before: int | None = None,
) -> GcReport:
    """Removes data files that are in no state of the history, and what crashes left behind.

    Args:
        store: whose.
        dry_run: only say what would go.
        grace_s: spare what is younger, seconds: an ingest that runs right now may be about to commit it.
        pinned: states that snapshots need.
        forget_before: also remove what only states before this one need, pinned ones apart. The newest stays.

    Raises:
        CatalogError: a log entry cannot be read, so nobody can say what is needed.
    """
    # Listed before the log is read: what is committed in between is then found to be needed.
    stored = list(store.files.stored())
    needed = needed_paths(store, pinned=pinned, forget_before=forget_before)
    unneeded = [(file.path, file.size, file.changed_s) for file in stored if file.path not in needed]
    oldest_spared = time.time() - grace_s
    gone = [item for item in unneeded if item[2] <= oldest_spared]
    litter = list(_litter(store, oldest_spared=oldest_spared))
    if not dry_run:
        for path, _, _ in gone:
            store.files.remove(path)
        for place, _ in litter:
            filesystem(place, store.settings).rm_file(place.path)
        if store.files.cache:
            store.files.cache.forget(needed, grace_s=grace_s)
    removed = [str(store.files.log.child(path)) for path, _, _ in gone] + [str(place) for place, _ in litter]
    freed = sum(size for _, size, _ in gone) + sum(size for _, size in litter)
    return GcReport(tuple(removed), freed, len(unneeded) - len(gone))


def needed_paths(
    store: Store, *, pinned: Set[int] = frozenset(), forget_before: int | None = None
) -> set[str]:
    """Paths of data files that some state has: any, or those from `forget_before` on and pinned ones."""
    newest = store.log.newest()
    first = min(newest, forget_before or 0)
    live: set[str] = set()
    needed: set[str] = set()
    for number, entry in enumerate(_entries(store, newest)):
        live.difference_update(entry.removed)
        live.update(path for path, _ in entry.added)
        if number >= first or number in pinned:
            needed |= live
    return needed


def _entries(store: Store, newest: int) -> Iterator[recovery.Entry]:
    log = store.files.log

    def read(number: int) -> recovery.Entry:
        entry = recovery.read_entry(log, number, settings=store.settings)
        if entry is None:
            raise CatalogError(
                f"log entry {number} cannot be read", where=str(log), hint="See `datacat doctor`."
            )
        return entry

    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(read, range(newest + 1))


def _litter(store: Store, *, oldest_spared: float) -> Iterator[tuple[Location, int]]:
    """Old reservations of identifiers, and temporary files of writers that died, with their sizes."""
    stale = {place.path for place in identifiers.stale(store.root, store.settings)}
    fs = filesystem(store.root, store.settings)
    for folder in (store.root.child("ids"), store.files.log.child("_delta_log")):
        for name, facts in fs.find(folder.path, detail=True).items():
            changed_s = facts["mtime"] if "mtime" in facts else facts["LastModified"].timestamp()
            file = name.rsplit("/", 1)[1]
            is_litter = ".tmp" in file or ".torn-" in file or "#" in file or file.startswith("probe-")
            if changed_s <= oldest_spared and (is_litter or name in stale):
                yield folder.child(file), int(facts["size"])


def _mergeable(state: State) -> Iterator[tuple[str, list[DataFile]]]:
    for kind in KINDS:
        small = [file for file in state.of(kind) if file.row_count < _SMALL_ROWS]
        yield from ((kind, files) for files in _grouped(kind, small) if len(files) > 1)


def _grouped(kind: str, files: list[DataFile]) -> Iterator[list[DataFile]]:
    """What becomes one file: all; of kinds that come from label files those of a label set, and what is tiny of
    neighbouring ones."""
    if kind not in OF_FILES:
        yield files
        return
    owned: dict[tuple[int, int], list[DataFile]] = {}
    for file in sorted(files, key=lambda file: (file.low or 0, file.high or 0, file.path)):
        owned.setdefault((file.low or 0, file.high or 0), []).append(file)
    together: list[DataFile] = []
    for group in owned.values():
        if not _is_tiny(kind, _row_count(group)):
            yield group
            continue
        together += group
        if _row_count(together) >= _SMALL_ROWS * (_LEAVES if kind == "attribute_values" else 1):
            yield together
            together = []
    yield together


def _is_tiny(kind: str, row_count: int) -> bool:
    return row_count < _TINY_ROWS * (_LEAVES if kind == "attribute_values" else 1)


def _row_count(files: list[DataFile]) -> int:
    return sum(file.row_count for file in files)


def _all_still_there(files: list[DataFile]) -> Callable[[State, State], bool]:
    return lambda _, newest: set(files) <= set(newest.files)
