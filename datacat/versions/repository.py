"""The folder of snapshots: plain files, and beside them a git repository with DVC.

    <name>/<version>/definition.json    also in git
    <name>/<version>/manifest.dvc       also in git; names the folder beside it in DVC's cache
    <name>/<version>/manifest/          Parquet files, also in .dvc/cache

A snapshot exists when its folder is in place; it is put there whole, in one step. Then git is told, and last the
pins. All that writes holds one lock, and begins by telling those that a killed process has not told. Nothing is
ever taken back, and nothing is written where something that was finished cannot be read: `repair` (see
`repair.py`) makes it whole from what is left. Under an s3:// root this folder is a clone in the cache; the truth is
the `Share` at <root>/snapshots, and a snapshot exists when its bundle has been replaced there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from datacat.errors import CommitConflict, SnapshotDamaged, SnapshotError, SnapshotExists
from datacat.model.names import SnapshotName
from datacat.model.snapshot import Definition
from datacat.versions import guard, plain
from datacat.versions.commands import Dvc
from datacat.versions.facts import check_snapshot
from datacat.versions.history import Entry, Refs
from datacat.versions.manifest import Contents
from datacat.versions.share import Share
from datacat.versions.shelf import Shelf, Work
from datacat.versions.survey import Survey

_ATTEMPTS = 50  # each loses only to somebody who succeeded


class Repository:
    """Makes snapshots on a shelf, sends them elsewhere and takes them in from there."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def add(
        self,
        name: str,
        *,
        write: Callable[[Path], Contents],
        define: Callable[[Definition | None, Contents], Definition],
    ) -> tuple[Definition, bool]:
        """Makes the next version of `name`, all or nothing.

        Args:
            name: of the snapshot.
            write: writes the manifest into an empty folder.
            define: the definition of the version after that one (None: of the first), with those contents.

        Returns:
            The definition and whether it is new; the latest version, and False, where that has the same digest and
            joining.

        Raises:
            SnapshotDamaged: snapshots that are there cannot be read in full; nothing is changed.
        """
        with self._shelf.locked() as work:
            found = self.whole(work)
            staged = work.staged("snapshot")
            (staged / "manifest").mkdir()
            contents = write(staged / "manifest")
            for _ in range(_ATTEMPTS):
                versions = found.of(name)
                if versions and _is_same(versions[-1], contents):
                    self.settle(work, found)
                    return versions[-1], False
                definition = define(versions[-1] if versions else None, contents)
                self._track(work, definition, staged=staged)
                if self.settle(work, found, staged={definition.snapshot: staged}):
                    return definition, True
                found = self.whole(work)
        raise CommitConflict(f"{_ATTEMPTS} others froze something first", hint="Try again.")

    def push(self, share: Share) -> tuple[SnapshotName, ...]:
        """Sends all snapshots to `share`; what it has already stays.

        Raises:
            SnapshotExists: it has another snapshot of the same name and version.
            LocationError: nothing can be written there.
        """
        with self._shelf.locked() as work:
            found = self.whole(work)
            if not found.definitions:
                return ()
            share.check_writable()
            if found.unfinished():
                self.settle(work, found)
                found = self.whole(work)
            _, _, theirs = self._incoming(work, share)
            _missing(found.definitions.values(), theirs, place=share)
            self._send(work, found.definitions.values(), share=share)
            for _ in range(_ATTEMPTS):
                etag, refs, theirs = self._incoming(work, share)
                missing = _missing(found.definitions.values(), theirs, place=share)
                if not missing:
                    return ()
                ours = Refs(tags={item.snapshot: found.refs.tags[item.snapshot] for item in missing})
                bundle = work.staging / "union.bundle"
                work.history.union(bundle, theirs=refs, added=ours)
                if share.replace(bundle, expected=etag) is not None:
                    return tuple(item.snapshot for item in missing)
        raise CommitConflict(f"{_ATTEMPTS} others pushed first", where=str(share.location), hint="Try again.")

    def pull(self, share: Share) -> tuple[SnapshotName, ...]:
        """Takes in the snapshots of `share` that are not here: all of them, or none.

        Raises:
            SnapshotExists: here is another snapshot of the same name and version.
            SnapshotDamaged: what is there is not what a snapshot is; nothing was taken in.
            SnapshotError: nothing was ever pushed there, or more than may be fetched.
        """
        with self._shelf.locked() as work:
            for _ in range(_ATTEMPTS):
                found = self.whole(work)
                etag, _, theirs = self._incoming(work, share)
                if etag is None:
                    raise SnapshotError("no snapshot was ever pushed here", where=str(share.location))
                entries = {entry.definition.snapshot: entry for entry in theirs}
                missing = _missing(
                    [entry.definition for entry in theirs], found.definitions.values(), place=share
                )
                sizes = [_tracked(entries[item.snapshot]).size for item in missing]
                share.check_fetched(sum(sizes), into=work.staging)
                staged = {
                    item.snapshot: self._taken_in(work, entries[item.snapshot], share=share)
                    for item in missing
                }
                if self.settle(work, found, staged=staged):
                    return tuple(staged)
        raise CommitConflict(f"{_ATTEMPTS} others froze something first", hint="Try again.")

    def whole(self, work: Work) -> Survey:
        """What is frozen, where all of it can be read and nothing foreign lies among it.

        Raises:
            SnapshotDamaged: something that was finished cannot be read.
            SnapshotError: somebody put something there that we do not write.
        """
        guard.check(self._shelf.folder)
        self._shelf.follow_home(work)
        found = self._shelf.look()
        for fault in found.faults:
            raise fault.error()
        work.history.make()
        return found

    def _track(self, work: Work, definition: Definition, *, staged: Path) -> None:
        """Writes definition.json and manifest.dvc beside the manifest in `staged`."""
        (staged / "definition.json").unlink(missing_ok=True)
        plain.write(staged / "definition.json", definition.to_json().encode())
        if not (staged / "manifest.dvc").exists():
            cache = Path(self._shelf.cache.place.path)
            cache.mkdir(parents=True, exist_ok=True)
            Dvc(staged, cache, lock=work.lock).run("add", "manifest")
            shutil.rmtree(staged / ".dvc")
            plain.sync(staged / "manifest")

    def settle(self, work: Work, found: Survey, *, staged: Mapping[SnapshotName, Path] | None = None) -> bool:
        """Puts staged snapshots in their place and tells git and the pins of them, and of any that were not told.

        Returns:
            False where somebody else was faster to replace the bundle of the home: then nothing has changed.
        """
        shelf, staged = self._shelf, staged or {}
        if shelf.home is None:
            shelf.place(staged)
            staged = {name: plain.folder_of(shelf.folder, name) for name in staged}
        folders = {name: plain.folder_of(shelf.folder, name) for name in found.unfinished()} | dict(staged)
        entries = {name: shelf.entry(name, folder) for name, folder in sorted(folders.items())}
        new = {name: entry for name, entry in entries.items() if name not in found.refs.tags}
        for name in new.keys() - staged.keys():  # whoever put it there was interrupted
            check_snapshot(shelf.manifest_of(work, new[name].definition), new[name].definition)
        refs = work.history.record(new.values(), refs=found.refs)
        if shelf.home is not None and new:
            expected = shelf.followed()
            sent = list(new.values())
            if not self.publish(work, refs, entries=sent, home=shelf.home, expected=expected):
                return False
            shelf.place(staged)
        if new:
            work.history.keep(refs)
        for name, entry in entries.items():
            if name not in found.pinned:
                shelf.pins.add(entry.definition, tracked=entry.tracked)
        return True

    def publish(
        self, work: Work, refs: Refs, *, entries: list[Entry], home: Share, expected: str | None
    ) -> bool:
        """Sends manifests and refs home, in the place of the bundle with the etag `expected`.

        Returns:
            False where that was replaced meanwhile: somebody else was faster.
        """
        self._send(work, [entry.definition for entry in entries], share=home, entries=entries)
        bundle = work.staging / "repo.bundle"
        work.history.bundle(bundle, refs=refs)
        etag = home.replace(bundle, expected=expected)
        if etag is not None:
            self._shelf.note_followed(etag, refs=refs)
        return etag is not None

    def _send(
        self,
        work: Work,
        definitions: Iterable[Definition],
        *,
        share: Share,
        entries: Iterable[Entry] = (),
    ) -> None:
        """Sends the manifests of some snapshots with DVC."""
        space = work.staged("send")
        tracked = {entry.definition.snapshot: entry.tracked for entry in entries}
        for item in definitions:
            name = item.snapshot
            content = tracked.get(name) or self._shelf.tracked(name)
            known = plain.Tracked.from_dvc(content, where=str(name))
            # Each byte is looked at: DVC would send what is damaged in its cache, and say nothing.
            if self._shelf.cache.amiss(known, name=str(name), is_deep=True) is not None:
                self._shelf.cache.add(known, folder=self._shelf.manifest_of(work, item))
            (space / f"{name.name}/{name.version}").mkdir(parents=True)
            (space / f"{name.name}/{name.version}/manifest.dvc").write_bytes(content)
        dvc = Dvc(
            space,
            Path(self._shelf.cache.place.path),
            remotes=share.dvc_config(workspace=space),
            lock=work.lock,
        )
        try:
            dvc.run("push", "-r", "share", "-R", ".")
        except SnapshotError as error:
            reason = error.what.removeprefix("dvc failed: ")
            what = f"the manifests of snapshots could not be sent; DVC's reason: {reason}"
            raise SnapshotError(what, where=str(share.location)) from error

    def _incoming(self, work: Work, share: Share) -> tuple[str | None, Refs, list[Entry]]:
        """What `share` has, checked: the bundle's etag, its refs, and what its tags hold."""
        shutil.rmtree(work.staging / "incoming-objects", ignore_errors=True)
        bundle = work.staging / "incoming.bundle"
        etag = share.fetch(bundle)
        if etag is None:
            return None, Refs(), []
        try:
            refs = work.history.unbundled(bundle)
            return etag, refs, work.history.entries(refs, refs.tags, is_incoming=True)
        except SnapshotDamaged as error:
            hint = "Nothing was taken in. Ask who pushed there."
            named = f"{error.where}: {error.what}" if error.where else error.what
            raise SnapshotDamaged(named, where=str(share.location), hint=hint) from error

    def _taken_in(self, work: Work, entry: Entry, *, share: Share) -> Path:
        """Fetches and checks an incoming snapshot into a staging folder."""
        name = entry.definition.snapshot
        staged = work.staged(f"incoming/{name}")
        tracked = _tracked(entry)
        (staged / "manifest").mkdir()
        try:
            share.objects().fetch(tracked, into=staged / "manifest", name=str(name))
            check_snapshot(staged / "manifest", entry.definition)
        except SnapshotDamaged as error:
            hint = "Nothing was taken in. Ask who pushed there."
            raise SnapshotDamaged(f"{name}: {error.what}", where=str(share.location), hint=hint) from error
        plain.write(staged / "definition.json", entry.content)
        plain.write(staged / "manifest.dvc", entry.tracked)
        self._shelf.cache.add(tracked, folder=staged / "manifest")
        return staged


def _tracked(entry: Entry) -> plain.Tracked:
    return plain.Tracked.from_dvc(entry.tracked, where=str(entry.definition.snapshot))


def _is_same(latest: Definition, contents: Contents) -> bool:
    """Whether a version would say nothing new. The joining counts: later versions follow it."""
    return latest.digest == contents.digest and latest.joining == contents.joining


def _missing(
    there: Iterable[Definition], here: Iterable[Definition | Entry], *, place: Share
) -> tuple[Definition, ...]:
    """What is `there` and not `here`, given that what is in both is the same."""
    known = {}
    for item in here:
        found = item.definition if isinstance(item, Entry) else item
        known[found.snapshot] = found.digest
    missing = []
    for item in there:
        if known.get(item.snapshot, item.digest) != item.digest:
            raise SnapshotExists(
                f"{item.snapshot} here and there hold different things",
                where=str(place.location),
                hint="Freeze yours again under another name.",
            )
        if item.snapshot not in known:
            missing.append(item)
    return tuple(missing)
