"""The folder of snapshots on this machine: finding, bringing back and putting in place.

Everything that writes holds one lock. Nothing is deleted but our own staging folder: what is in the way is set aside.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datacat.config import Settings
from datacat.errors import DatacatError, LocationError, SnapshotDamaged, cause_of
from datacat.model.names import SnapshotName
from datacat.model.snapshot import Definition
from datacat.sources.location import Location
from datacat.versions import guard, plain
from datacat.versions.facts import check_facts
from datacat.versions.history import Entry, History, Refs, read_refs
from datacat.versions.objects import Objects
from datacat.versions.pins import Pins
from datacat.versions.share import Share
from datacat.versions.survey import Survey, survey
from datacat.versions.verify import check_manifest

_HOME_STATE = ".home-etag"  # the etag of the bundle that the clone equals, and the digest of the refs it gave


@dataclass(frozen=True, slots=True)
class Work:
    """The folder while we hold its lock: an empty staging folder, and git."""

    staging: Path
    history: History
    lock: int

    def staged(self, name: str) -> Path:
        """A new empty folder in the staging folder."""
        folder = self.staging / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


class Shelf:
    """The snapshots in `folder`; `home` is where they truly are, if that is elsewhere."""

    def __init__(
        self, folder: Path, *, author: str, pins: Pins, settings: Settings, home: Share | None = None
    ) -> None:
        self.folder = folder
        self.pins = pins
        self.home = home
        self.cache = Objects(Location(str(folder / ".dvc" / "cache")), settings)
        self._author = author
        self.home_problem = ""

    def survey(self) -> Survey:
        """What is frozen, and what of it is not as it was left. Runs neither git nor DVC, but on S3 for what is new.

        Raises:
            LocationError: the home cannot be read.
        """
        if self.home is not None and not self._follows(self.home.etag()):
            with self.locked() as work:
                self.follow_home(work)
        return self.look()

    def manifest(self, definition: Definition) -> Path:
        """The folder of a snapshot's manifest, brought back from DVC's cache or the home where it is missing.

        Raises:
            SnapshotDamaged: it is nowhere.
        """
        folder = plain.folder_of(self.folder, definition.snapshot) / "manifest"
        if not plain.has_manifest(folder):
            with self.locked() as work:
                if not plain.has_manifest(folder):
                    self.restore(work, definition)
        return folder

    def restore(self, work: Work, definition: Definition) -> None:
        """Brings the manifest of a snapshot back.

        Raises:
            SnapshotDamaged: it is nowhere, or the definition of a home says what it is not.
        """
        name = definition.snapshot
        folder = plain.folder_of(self.folder, name) / "manifest"
        tracked = plain.Tracked.from_dvc(self.tracked(name), where=str(name))
        stores = [self.cache] + ([] if self.home is None else [self.home.objects()])
        for store in stores:
            staged = work.staged("restored")
            try:
                store.fetch(tracked, into=staged, name=str(name))
                check_manifest(staged, definition)
                break
            except SnapshotDamaged as error:
                reason = error
        else:
            hint = "If it was pushed before: datacat snapshot pull --remote REMOTE"
            raise SnapshotDamaged(
                f"its manifest is in no cache: {reason.what}", where=str(name), hint=hint
            ) from reason
        if self.home is not None:  # whose bundle may come from anybody
            check_facts(staged, definition)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(folder):
            self.set_aside(folder)
        staged.replace(folder)
        plain.sync(folder.parent)

    @contextmanager
    def locked(self) -> Iterator[Work]:
        """The folder to ourselves, with an empty staging folder."""
        try:
            if self.folder.is_symlink():
                raise guard.refusal("is a link to elsewhere", path=self.folder, folder=self.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            lock = os.open(self.folder / ".lock", flags, 0o666)
            staging = self.folder / ".staging"
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                _emptied(staging)
                history = History(self.folder, workspace=staging, author=self._author, lock=lock)
                try:
                    yield Work(staging, history, lock)
                finally:
                    shutil.rmtree(staging, ignore_errors=True)
            finally:
                os.close(lock)
        except OSError as error:
            if isinstance(error, DatacatError):
                raise
            raise LocationError(f"cannot be written: {cause_of(error)}", where=str(self.folder)) from error

    def look(self) -> Survey:
        return survey(
            self.folder,
            pins=self.pins,
            home_problem=self.home_problem,
            is_clone=self.home is not None,
        )

    def tracked(self, name: SnapshotName) -> bytes:
        """manifest.dvc of a snapshot: from its folder, else from its pin."""
        path = plain.folder_of(self.folder, name) / "manifest.dvc"
        try:
            content = plain.read(path, limit=plain.MAX_TRACKED_BYTES)
            plain.Tracked.from_dvc(content, where=str(path))
        except SnapshotDamaged:
            if name not in self.pins.names():
                raise
            return self.pins.read(name).tracked
        return content

    def manifest_of(self, work: Work, definition: Definition) -> Path:
        """As `manifest`, for who holds the lock."""
        folder = plain.folder_of(self.folder, definition.snapshot) / "manifest"
        if not plain.has_manifest(folder):
            self.restore(work, definition)
        return folder

    def entry(self, name: SnapshotName, folder: Path) -> Entry:
        """What git is to keep of the snapshot in `folder`.

        Raises:
            SnapshotDamaged: it cannot be read.
        """
        content = plain.read(folder / "definition.json", limit=plain.MAX_DEFINITION_BYTES)
        tracked = plain.read(folder / "manifest.dvc", limit=plain.MAX_TRACKED_BYTES)
        plain.Tracked.from_dvc(tracked, where=str(folder))
        return Entry(plain.checked(content, name=name), content, tracked)

    def place(self, staged: Mapping[SnapshotName, Path]) -> None:
        """Puts whole snapshots where they belong."""
        for name, folder in staged.items():
            place = plain.folder_of(self.folder, name)
            place.parent.mkdir(exist_ok=True)
            plain.sync(folder)
            if os.path.lexists(place):  # of a clone, where the home knows of no such snapshot
                self.set_aside(place)
            folder.replace(place)
            plain.sync(place.parent)
            plain.sync(self.folder)

    def set_aside(self, path: Path) -> Path:
        """Moves something out of the way without deleting it; returns where it is now."""
        above = self.folder / ".aside"
        above.mkdir(exist_ok=True)
        name = "-".join(path.relative_to(self.folder).parts).lstrip(".")
        number = 1
        while os.path.lexists(above / f"{name}-{number}"):
            number += 1
        return path.rename(above / f"{name}-{number}")

    def followed(self) -> str | None:
        """The etag of the bundle that the clone equals; None where it never equalled one."""
        path = self.folder / _HOME_STATE
        return path.read_text().partition("\n")[0] if path.is_file() else None

    def note_followed(self, etag: str | None, *, refs: Refs) -> None:
        """Notes that the clone equals the bundle with this etag."""
        plain.write(self.folder / _HOME_STATE, f"{etag or ''}\n{_digest(refs)}".encode())

    def _follows(self, etag: str | None) -> bool:
        """Whether the clone equals the bundle with this etag, and has all that came of it."""
        path = self.folder / _HOME_STATE
        if etag is None or not path.is_file():
            return False
        refs = read_refs(self.folder / ".git")
        return not refs.problem and path.read_text() == f"{etag}\n{_digest(refs)}"

    def follow_home(self, work: Work) -> None:
        """Makes the clone equal to the home's bundle, and notes why where it cannot be read."""
        if self.home is None:
            return
        self.home_problem = ""
        bundle = work.staging / "home.bundle"
        etag = self.home.etag()
        if etag is None:
            if self.followed() is not None or self.pins.names():
                self.home_problem = f"{self.home.bundle} is gone, and snapshots were there"
            return
        if self._follows(etag):
            return
        if (self.folder / ".git").exists() and read_refs(self.folder / ".git").problem:
            self.set_aside(self.folder / ".git")
        work.history.make()
        etag = self.home.fetch(bundle)
        try:
            refs = work.history.unbundled(bundle)
            entries = work.history.entries(refs, refs.tags, is_incoming=True)
        except SnapshotDamaged as error:
            self.home_problem = f"{self.home.bundle}: {error.what}"
            return
        for entry in entries:
            self._take_over(work, entry)
        work.history.take_in(refs)
        self.note_followed(etag, refs=refs)

    def _take_over(self, work: Work, entry: Entry) -> None:
        """Puts what the home has of a snapshot into the clone; the manifest comes when it is asked for."""
        name = entry.definition.snapshot
        place = plain.folder_of(self.folder, name)
        try:
            if plain.definition_of(self.folder, name) == entry.definition:
                return
        except SnapshotDamaged:
            pass
        staged = work.staged("taken-over")
        plain.write(staged / "definition.json", entry.content)
        plain.write(staged / "manifest.dvc", entry.tracked)
        if os.path.lexists(place):
            self.set_aside(place)
        self.place({name: staged})


def _digest(refs: Refs) -> str:
    return hashlib.sha256(refs.lines().encode()).hexdigest()


def _emptied(staging: Path) -> None:
    """Makes an empty folder of what only ever holds our own unfinished work."""
    if staging.is_symlink() or staging.is_file():
        staging.unlink()
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
