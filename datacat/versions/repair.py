"""Makes a folder of snapshots whole again from what is left of it.

Each snapshot has several witnesses: its folder, its pin, its tag in git, its files in DVC's cache or at home. What
one has lost is brought back from another, and compared with the snapshot's digest. Nothing is deleted: what is in
the way lies in `.aside` afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datacat.errors import SnapshotDamaged, SnapshotError
from datacat.model.names import SnapshotName
from datacat.model.snapshot import Definition
from datacat.versions import guard, plain
from datacat.versions.history import Entry, Refs
from datacat.versions.objects import is_as_tracked
from datacat.versions.repository import Repository
from datacat.versions.shelf import Shelf, Work
from datacat.versions.survey import compared
from datacat.versions.verify import check_manifest

_OWN = ("definition.json", "manifest.dvc")


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What became of the snapshots.

    Attributes:
        whole: the snapshots that are whole now.
        done: what was done, in words.
        lost: the snapshots that nothing is left of that is enough, each with what is missing.
    """

    whole: tuple[str, ...]
    done: tuple[str, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()


def repair(shelf: Shelf) -> RepairReport:
    """Brings back what is lost of the snapshots on `shelf`.

    Raises:
        LocationError: nothing can be written there.
    """
    done: list[str] = []
    lost: list[tuple[str, str]] = []
    with shelf.locked() as work:
        _take_away_foreign(shelf, done)
        shelf.follow_home(work)
        found = shelf.look()
        faults = (*found.faults, *compared(shelf.folder, found, pins=shelf.pins))
        entries = _from_git(work, found.refs, sorted({fault.name for fault in faults if fault.name}))
        _renew_git(shelf, work, refs=found.refs, done=done)
        known = sorted(found.definitions.keys() | found.pinned | found.refs.tags.keys())
        whole = []
        for name in known:
            try:
                done += _bring_back(shelf, work, name=name, entry=entries.get(name))
                whole.append(name)
            except SnapshotError as error:
                lost.append((str(name), error.what))
        _tell(shelf, work, whole=whole, done=done)
    return RepairReport(tuple(map(str, whole)), tuple(done), tuple(lost))


def _take_away_foreign(shelf: Shelf, done: list[str]) -> None:
    """Sets aside what is not ours; of git's part all of it, as it is made anew."""
    for _, path in list(guard.foreign(shelf.folder)):
        git = shelf.folder / ".git"
        chosen = git if path.is_relative_to(git) else path
        if chosen.exists() or chosen.is_symlink():
            done.append(f"{chosen} was set aside as {shelf.set_aside(chosen)}")


def _from_git(work: Work, refs: Refs, names: list[SnapshotName]) -> dict[SnapshotName, Entry]:
    """What the tags of some snapshots hold, of those that can be read."""
    found = {}
    for name in names:
        try:
            if name in refs.tags:
                (found[name],) = work.history.entries(refs, [name])
        except SnapshotError:
            continue
    return found


def _renew_git(shelf: Shelf, work: Work, *, refs: Refs, done: list[str]) -> None:
    """Sets git's part aside where it cannot be read in full, and makes an empty one."""
    git = shelf.folder / ".git"
    problem = refs.problem or work.history.check(refs)
    if git.exists() and problem:
        done.append(f"{git} was set aside as {shelf.set_aside(git)} and made anew: {problem}")
    elif not git.exists():
        done.append(f"{git} was made anew")
    work.history.make()


def _bring_back(shelf: Shelf, work: Work, *, name: SnapshotName, entry: Entry | None) -> list[str]:
    """Makes the files of one snapshot whole; returns what was done.

    Raises:
        SnapshotError: that cannot be.
    """
    folder = plain.folder_of(shelf.folder, name)
    known = _witnessed(shelf, name, folder=folder, entry=entry)
    done = []
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in zip(_OWN, (known.content, known.tracked), strict=True):
        if not _is(folder / file, content):
            if (folder / file).exists() or (folder / file).is_symlink():
                shelf.set_aside(folder / file)
            plain.write(folder / file, content)
            done.append(f"{name}: {file} was brought back")
    tracked = plain.Tracked.from_dvc(known.tracked, where=str(name))
    if shelf.home is not None:
        store = shelf.home.objects()
        if store.amiss(tracked, name=str(name), is_deep=True) is not None:
            check_manifest(shelf.manifest_of(work, known.definition), known.definition)
            store.add(tracked, folder=folder / "manifest")
            done.append(f"{name}: its manifest was sent to {store.place} again")
        return done
    if not _is_whole(folder / "manifest", known.definition, tracked=tracked):
        shelf.restore(work, known.definition)
        done.append(f"{name}: its manifest was brought back")
    if shelf.cache.amiss(tracked, name=str(name), is_deep=True) is not None:
        shelf.cache.add(tracked, folder=folder / "manifest")
        done.append(f"{name}: it was put back into DVC's cache")
    return done


def _is_whole(manifest: Path, definition: Definition, *, tracked: plain.Tracked) -> bool:
    try:
        check_manifest(manifest, definition)
    except SnapshotDamaged:
        return False
    return is_as_tracked(manifest, tracked)


def _witnessed(shelf: Shelf, name: SnapshotName, *, folder: Path, entry: Entry | None) -> Entry:
    """What a snapshot is: as its pin says, unless folder and git (`entry`) agree that it is something else.

    Raises:
        SnapshotDamaged: nobody can say.
    """
    own = _entry_or_none(shelf, name, folder)
    is_pinned = name in shelf.pins.names()
    try:
        pin = shelf.pins.read(name) if is_pinned else None
    except SnapshotDamaged:
        if entry is None and own is None:
            raise
        pin = None
    if pin is not None and (
        own is None or own != entry or (own.definition, own.tracked) == (pin.definition, pin.tracked)
    ):
        return Entry(pin.definition, pin.definition.to_json().encode(), pin.tracked)
    # Git compares what it keeps with digests of its own, so where a pin was damaged it is asked before the folder.
    first, second = (entry, own) if is_pinned else (own, entry)
    return first or second or shelf.entry(name, folder)


def _entry_or_none(shelf: Shelf, name: SnapshotName, folder: Path) -> Entry | None:
    try:
        return shelf.entry(name, folder)
    except SnapshotDamaged:
        return None


def _is(path: Path, content: bytes) -> bool:
    try:
        return plain.read(path, limit=len(content)) == content
    except SnapshotDamaged:
        return False


def _tell(shelf: Shelf, work: Work, *, whole: list[SnapshotName], done: list[str]) -> None:
    """Tells git, the home and the pins of what is whole."""
    entries = {name: shelf.entry(name, plain.folder_of(shelf.folder, name)) for name in whole}
    before = work.history.refs()
    untold = {name: entry for name, entry in entries.items() if name not in before.tags}
    is_home_whole = shelf.home is None or (shelf.home.etag() is not None and not shelf.home_problem)
    if untold or (whole and not is_home_whole):
        refs = work.history.record(untold.values(), refs=before)
        if shelf.home is not None:
            shelf.home.set_aside()
            expected = shelf.home.etag()
            Repository(shelf).publish(
                work, refs, entries=list(entries.values()), home=shelf.home, expected=expected
            )
            done.append(f"{shelf.home.bundle} was written anew")
        work.history.keep(refs)
        done += [f"{name}: git was told of it again" for name in untold]
    pinned = shelf.pins.names()
    for name, entry in entries.items():
        if not shelf.pins.is_pinned(entry.definition, tracked=entry.tracked):
            if name in pinned:
                done.append(f"{name}: its pin was set aside as {shelf.pins.set_aside(name)}")
            shelf.pins.add(entry.definition, tracked=entry.tracked)
            done.append(f"{name}: it was pinned again")
