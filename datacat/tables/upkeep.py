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

from datacat.errors import CatalogError, DatacatError, LocationError
from datacat.model.schemas import KINDS
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables import identifiers, in_use, leases, recovery
from datacat.tables.change import Change, Written
from datacat.tables.linking import OF_FILES
from datacat.tables.state import DataFile, State
from datacat.tables.store import Store
from datacat.tables.tree import is_data_file, is_litter, refuse_links

_SMALL_ROWS = 1_000_000
# Opening a file takes 40 us, and one row group holds all classes and paths of a small one: 1,000 label sets of 10,000
# annotations took 6 to 23 times as long as 12 of the same size together, merged 1 to 2.1 times.
_TINY_ROWS = 100_000
_LEAVES = 8  # about so many rows of the index an annotation has
_UNTIDY = 64  # tiny files of a kind
_READERS = 16


@dataclass(frozen=True, slots=True)
class GcReport:
    """What was removed, or would be.

    Attributes:
        removed: places.
        bytes: how many they had.
        spared: data files that no state has, and that are too young or of a writer at work.
        writers: how many writers were at work.
    """

    removed: tuple[str, ...]
    bytes: int
    spared: int
    writers: int = 0


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
    pinned: Callable[[], Set[int]] = frozenset,
    forget_before: int | None = None,
) -> GcReport:
    """Removes data files that are in no state of the history, and what crashes left behind.

    Args:
        store: whose.
        dry_run: only say what would go.
        grace_s: spare what is younger, seconds. Files of writers at work are spared at any age.
        pinned: tells which states snapshots need; asked once it is known who is making one.
        forget_before: also remove what only states before this one need, pinned ones apart, and those that
            somebody is freezing a snapshot of. The newest stays.

    Raises:
        CatalogError: a log entry or the record of identifiers cannot be read, so nobody can say what is needed; or
            that record is behind the catalog, whose history may be needed to mend it; or a part of the catalog is a
            link to elsewhere.
    """
    refuse_links(store.root)
    with _refusing():
        identifiers.last(store.root, store.settings)  # beside it lies what tells whether the log lost its end
        newest = store.state()
        identifiers.check_beyond(store.root, used=in_use.told(newest), settings=store.settings)
        first = min(newest.number, forget_before or 0)
    with contextlib.ExitStack() as stack:
        own = None
        if first and not dry_run:
            own = stack.enter_context(leases.held(store.root, store.settings, forgets_before=first))
        asked = _Asked(dry_run, grace_s, pinned, first, own.id if own else "")
        return _collected(store, asked)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Says of damage to the catalog that gc removes nothing for it."""
    try:
        yield
    except CatalogError as error:
        what = f"gc removes nothing: {error.what}"
        raise CatalogError(what, where=error.where, hint=error.hint) from error


@contextlib.contextmanager
def kept(store: Store, state: State) -> Iterator[None]:
    """Keeps `gc` from forgetting a state, for as long as somebody needs it before it is pinned.

    Raises:
        CatalogError: that state is being forgotten right now, or has been.
    """
    with leases.held(store.root, store.settings, state=state.number):
        for lease in leases.found(store.root, store.settings):
            if lease.is_alive and lease.forgets_before is not None and state.number < lease.forgets_before:
                raise CatalogError(
                    f"`datacat gc` is forgetting the states before {lease.forgets_before}, {state.number} among them",
                    where=str(store.root),
                    hint="Run the command again when it has ended, at a later state.",
                )
        gone = store.files.amiss([(file, "") for file in state.files])
        if gone:
            raise CatalogError(
                f"{len(gone)} data files of state {state.number} are gone or damaged",
                where=str(store.files.log.child(gone[0])),
                hint="`datacat gc` may have been told to forget it; else see `datacat doctor`.",
            )
        yield


@dataclass(frozen=True, slots=True)
class _Asked:
    """What gc was asked for; `first` is the first state that it keeps, `own` its own lease."""

    is_dry: bool
    grace_s: float
    pinned: Callable[[], Set[int]]
    first: int
    own: str


def _collected(store: Store, asked: _Asked) -> GcReport:
    # This order is the proof that nothing goes that a commit names. A file was listed: its writer had a lease by
    # then. Is that lease gone now, so is the commit made, and the log that is read below has it. Is its writer dead,
    # the lease is taken away before the log is read, and who was only thought to be dead commits nothing any more.
    # Nor does anything go that a snapshot pins: whoever makes one had a lease, or sees ours (`kept`); is theirs gone,
    # the pin is there, which are read after the leases.
    stored = list(store.files.stored())
    oldest_spared = _now(store, is_asked_only=asked.is_dry) - asked.grace_s
    found = [lease for lease in leases.found(store.root, store.settings) if lease.id != asked.own]
    spared = {lease.id for lease in found if lease.is_alive or lease.changed_s > oldest_spared}
    dead = [(lease.place, lease.size) for lease in found if lease.id not in spared]
    if not asked.is_dry:
        _remove(store, dead)
    rested_on = {lease.state for lease in found if lease.id in spared and lease.state is not None}
    pinned = asked.pinned() | rested_on
    with _refusing():
        needed = set(needed_sizes(store, pinned=pinned, forget_before=asked.first))
    unneeded = [
        file for file in stored if file.path not in needed and is_data_file(file.path.rsplit("/", 1)[1])
    ]
    old = [file for file in unneeded if file.changed_s <= oldest_spared]
    gone = [file for file in old if leases.owner_of(file.path) not in spared]
    litter = [] if spared else list(_litter(store, oldest_spared=oldest_spared))
    if not asked.is_dry:
        for file in gone:
            store.files.remove(file.path)
        _remove(store, litter)
        if store.files.cache:
            store.files.cache.forget(needed, writers=spared, grace_s=asked.grace_s)
    places = [(store.files.log.child(file.path), file.size) for file in gone] + dead + litter
    return GcReport(
        removed=tuple(str(place) for place, _ in places),
        bytes=sum(size for _, size in places),
        spared=len(unneeded) - len(gone),
        writers=sum(lease.is_alive for lease in found),
    )


def _now(store: Store, *, is_asked_only: bool) -> float:
    """By the clock that dates the files: that of a server or of another machine may be another than ours."""
    if is_asked_only and not store.root.is_s3:
        return time.time()  # who only asks may have no right to write
    return leases.store_time(store.root, store.settings)


def _remove(store: Store, places: list[tuple[Location, int]]) -> None:
    for place, _ in places:
        try:
            filesystem(place, store.settings).rm_file(place.path)
        except FileNotFoundError:  # its writer was faster
            continue
        except store_errors() as error:
            raise LocationError(f"cannot be removed: {error}", where=str(place)) from error


def needed_paths(
    store: Store, *, pinned: Set[int] = frozenset(), forget_before: int | None = None
) -> set[str]:
    """Paths of data files that some state has: any, or those from `forget_before` on and pinned ones."""
    return set(needed_sizes(store, pinned=pinned, forget_before=forget_before))


def needed_sizes(
    store: Store, *, pinned: Set[int] = frozenset(), forget_before: int | None = None
) -> dict[str, int]:
    """The same, with their bytes.

    Raises:
        CatalogError: a log entry cannot be read.
    """
    newest = store.log.newest()
    first = min(newest, forget_before or 0)
    live: dict[str, int] = {}
    needed: dict[str, int] = {}
    for number, entry in enumerate(_entries(store, newest)):
        for path in entry.removed:
            live.pop(path, None)
        live.update(entry.added)
        if number == first or number in pinned:
            needed.update(live)
        elif number > first:
            needed.update(entry.added)  # what it has beside that, the state before had, too
    return needed


def _entries(store: Store, newest: int) -> Iterator[recovery.Entry]:
    log = store.files.log

    def read(number: int) -> recovery.Entry:
        entry = recovery.read_entry(log, number, settings=store.settings)
        if entry is None or entry.is_changed:
            what = "cannot be read" if entry is None else "is not the one that was committed"
            raise CatalogError(f"log entry {number} {what}", where=str(log), hint="See `datacat doctor`.")
        return entry

    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(read, range(newest + 1))


def _litter(store: Store, *, oldest_spared: float) -> Iterator[tuple[Location, int]]:
    """Old reservations of identifiers, and temporary files of writers that died, with their sizes."""
    stale = {place.path for place in identifiers.stale(store.root, store.settings)}
    fs = filesystem(store.root, store.settings)
    for folder in (store.root.child("ids"), store.files.log.child("_delta_log"), store.root.child("leases")):
        try:
            listed = fs.find(folder.path, detail=True)
        except store_errors() as error:
            raise LocationError(f"cannot be listed: {error}", where=str(folder)) from error
        for name, facts in listed.items():
            changed_s = leases.changed(facts)
            file = name.rsplit("/", 1)[1]
            is_own = name == folder.child(file).path  # not of a folder below
            if changed_s <= oldest_spared and is_own and (is_litter(file) or name in stale):
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
