"""The folder of snapshots: a git repository in which DVC keeps the manifests.

    <name>/<version>/definition.json    in git
    <name>/<version>/manifest.dvc       in git; tracks the folder beside it
    <name>/<version>/manifest/          Parquet files, kept by DVC in .dvc/cache

A snapshot exists when its annotated tag `name@version` does; nothing else is ever listed. All that writes
holds one lock and begins by taking back what a killed process left. Under an s3:// root this folder is a
clone in the cache; the truth is the `Share` at <root>/snapshots, and a snapshot exists when its bundle has
been replaced there.
"""

from __future__ import annotations

import dataclasses
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from datacat.errors import (
    CommitConflict,
    DatacatError,
    LocationError,
    SnapshotDamaged,
    SnapshotError,
    SnapshotExists,
)
from datacat.model.names import SnapshotName
from datacat.model.snapshot import MANIFEST, Definition
from datacat.versions.commands import Commands
from datacat.versions.manifest import Contents, file_of
from datacat.versions.share import Share

_DVC_CONFIG = "[core]\n    analytics = false\n    check_update = false\n[cache]\n    type = reflink,copy\n"
_IGNORED = "/*/*/manifest/\n/.lock\n/.staging/\n"
_ATTEMPTS = 50  # each loses only to somebody who succeeded
_HOME_STATE = Path(".git") / "datacat-home"  # the etag of the bundle that the clone equals
_STALE = (".git/*.lock", ".git/refs/**/*.lock", ".dvc/tmp/rwlock")


class Repository:
    """The snapshots in `folder`; `home` is where they truly are, if that is elsewhere."""

    def __init__(self, folder: Path, *, author: str, home: Share | None = None) -> None:
        self.folder = folder
        self._author = author
        self._home = home

    def definitions(self) -> tuple[Definition, ...]:
        """What is frozen, by name and version.

        Raises:
            SnapshotDamaged: a definition cannot be read.
        """
        if self._home is not None:
            with self._locked() as run:
                self._follow_home(run)
        return self._tagged(Commands(self.folder))

    def manifest(self, name: SnapshotName) -> Path:
        """The folder of a snapshot's manifest, brought back from DVC's cache or the home where it is missing.

        Raises:
            SnapshotDamaged: it is nowhere.
        """
        folder = self._of(name) / "manifest"
        if all(file_of(folder, table).is_file() for table in MANIFEST):
            return folder
        with self._locked() as run:
            self._heal(run)
            tracked = f"{folder.relative_to(self.folder)}.dvc"
            try:
                if self._home is not None:
                    self._remotes(home=self._home)
                    run.dvc("fetch", "-q", "-r", "home", tracked)
                run.dvc("checkout", "-q", "--force", tracked)
            except SnapshotError as error:
                hint = "Run: datacat snapshot pull, if it was pushed before."
                raise SnapshotDamaged("its manifest is in no cache", where=str(name), hint=hint) from error
        return folder

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
            The definition and whether it is new; the latest version, and False, where its digest is the same.
        """
        with self._locked() as run:
            self._begin(run)
            staged = self._staging() / "manifest"
            staged.mkdir()
            contents = write(staged)
            for _ in range(_ATTEMPTS):
                versions = [known for known in self._tagged(run) if known.name == name]
                if versions and versions[-1].digest == contents.digest:
                    return versions[-1], False
                definition = define(versions[-1] if versions else None, contents)
                self._commit(run, definition, staged=staged)
                if self._publish(run):
                    return definition, True
                os.replace(self._of(definition.snapshot) / "manifest", staged)
                self._begin(run, keep_staged=True)
        raise CommitConflict(f"{_ATTEMPTS} others froze something first", hint="Try again.")

    def push(self, share: Share) -> tuple[SnapshotName, ...]:
        """Sends all snapshots to `share`; what it has already stays.

        Raises:
            SnapshotExists: it has another snapshot of the same name and version.
        """
        with self._locked() as run:
            self._begin(run)
            ours = self._tagged(run)
            if not ours:
                return ()
            self._remotes(home=self._home, share=share)
            if self._home is not None:
                run.dvc("fetch", "-q", "-r", "home")
            run.dvc("push", "-q", "-r", "share")
            for _ in range(_ATTEMPTS):
                etag, theirs = self._incoming(run, share)
                missing = _missing(ours, theirs, place=share)
                if not missing:
                    return ()
                bundle = self._union_bundle(run, missing)
                if share.replace(bundle, expected=etag) is not None:
                    return tuple(item.snapshot for item in missing)
        raise CommitConflict(f"{_ATTEMPTS} others pushed first", where=str(share.location), hint="Try again.")

    def pull(self, share: Share) -> tuple[SnapshotName, ...]:
        """Takes in the snapshots of `share` that are not here.

        Raises:
            SnapshotExists: here is another snapshot of the same name and version.
            SnapshotError: nothing was ever pushed there.
        """
        with self._locked() as run:
            for _ in range(_ATTEMPTS):
                self._begin(run)
                etag, theirs = self._incoming(run, share)
                if etag is None:
                    raise SnapshotError("no snapshot was ever pushed here", where=str(share.location))
                missing = _missing(theirs, self._tagged(run), place=share)
                if missing:
                    self._take_in(run, missing, share=share)
                if not missing or self._publish(run):
                    return tuple(item.snapshot for item in missing)
        raise CommitConflict(f"{_ATTEMPTS} others froze something first", hint="Try again.")

    def _of(self, name: SnapshotName) -> Path:
        return self.folder / name.name / str(name.version)

    def _staging(self) -> Path:
        return self.folder / ".staging"

    @contextmanager
    def _locked(self) -> Iterator[Commands]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._remove_stale_locks()
                try:
                    yield Commands(self.folder, author=self._author, lock=lock.fileno())
                finally:
                    shutil.rmtree(self._staging(), ignore_errors=True)
        except OSError as error:
            if isinstance(error, DatacatError):
                raise
            raise LocationError(f"cannot be written: {error}", where=str(self.folder)) from error

    def _remove_stale_locks(self) -> None:
        """We hold the lock, so nobody who made one of these is alive."""
        for pattern in _STALE:
            for lock in self.folder.glob(pattern):
                lock.unlink()

    def _tagged(self, run: Commands, *, refs: str = "refs/tags/") -> tuple[Definition, ...]:
        """The definitions that the tags below `refs` stand for."""
        if not (self.folder / ".git" / "HEAD").is_file():
            return ()
        listed = run.git("for-each-ref", "--format=%(refname)", refs).split()
        names = sorted(SnapshotName.parse(ref.removeprefix(refs)) for ref in listed)
        wanted = "".join(f"{refs}{name}:{name.name}/{name.version}/definition.json\n" for name in names)
        rest = run.git("cat-file", "--batch", stdin=wanted).encode()
        found = []
        for name in names:  # of each a line `<object> blob <size>`, its content, a line feed
            head, _, rest = rest.partition(b"\n")
            size = head.rpartition(b" ")[2]
            if not size.isdigit():
                raise SnapshotDamaged("it has no definition.json", where=str(name))
            found.append(Definition.from_json(rest[: int(size)], where=str(name)))
            rest = rest[int(size) + 1 :]
        return tuple(found)

    def _begin(self, run: Commands, *, keep_staged: bool = False) -> None:
        """Makes the folder a repository at its last whole snapshot, with an empty staging folder."""
        self._follow_home(run)
        if not self._is_made(run):
            self._make(run)
        self._heal(run)
        if not keep_staged:
            shutil.rmtree(self._staging(), ignore_errors=True)
            self._staging().mkdir()

    def _is_made(self, run: Commands) -> bool:
        if not (self.folder / ".git").is_dir():
            return False
        return bool(run.git("for-each-ref", "--format=%(refname)", "refs/heads/main"))

    def _make(self, run: Commands) -> None:
        for name in (".git", ".dvc"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        run.git("init", "-q", "-b", "main")
        run.dvc("init", "-q")
        (self.folder / ".dvc" / "config").write_text(_DVC_CONFIG)
        (self.folder / ".gitignore").write_text(_IGNORED)
        run.git("add", "--", ".dvc", ".dvcignore", ".gitignore")
        run.git("commit", "-q", "-m", "Begin")

    def _heal(self, run: Commands) -> None:
        """Makes the folder hold what the tags say: takes back what a killed process left without one."""
        run.git("reset", "-q", "--hard", "main")
        tags = set(run.git("for-each-ref", "--format=%(refname:strip=2)", "refs/tags/").split())
        tracked = self._tracked(run)
        stray = sorted(SnapshotName.parse(name) for name in tracked - tags)
        if stray:
            run.git("rm", "-r", "-q", "--", *(f"{name.name}/{name.version}" for name in stray))
            run.git("commit", "-q", "-m", f"Take back {', '.join(map(str, stray))}")
        for folder in self.folder.glob("[!.]*/*"):
            if f"{folder.parent.name}@{folder.name}" not in tags:
                shutil.rmtree(folder)
        lost = sorted(SnapshotName.parse(name) for name in tags - tracked)
        if lost:
            self._check_out(run, lost, refs="refs/tags/")

    def _tracked(self, run: Commands) -> set[str]:
        """The snapshots that are committed, as name@version."""
        paths = run.git("ls-files", "--", "*/definition.json").split()
        return {"{}@{}".format(*path.split("/")) for path in paths}

    def _check_out(self, run: Commands, names: list[SnapshotName], *, refs: str) -> None:
        """Commits what the refs of these snapshots hold."""
        for name in names:
            run.git("checkout", "-q", f"{refs}{name}", "--", f"{name.name}/{name.version}")
        run.git("commit", "-q", "-m", f"Take in {', '.join(map(str, names))}")

    def _commit(self, run: Commands, definition: Definition, *, staged: Path) -> None:
        """Turns the staged manifest into a tagged commit."""
        folder = self._of(definition.snapshot)
        folder.mkdir(parents=True)
        (folder / "definition.json").write_text(definition.to_json(), "utf-8")
        os.replace(staged, folder / "manifest")
        relative = str(folder.relative_to(self.folder))
        run = dataclasses.replace(run, author=definition.author)
        run.dvc("add", "-q", f"{relative}/manifest")
        run.git("add", "--", f"{relative}/definition.json", f"{relative}/manifest.dvc")
        subject = f"Freeze {definition.snapshot}"
        run.git("commit", "-q", "-m", f"{subject}\n\n{definition.question.text}\ndigest {definition.digest}")
        run.git("tag", "-a", "-m", subject, str(definition.snapshot))

    # What goes to and comes from elsewhere.

    def _remotes(self, **shares: Share | None) -> None:
        """Tells DVC where the named shares are; in the file that git does not track."""
        sections = [share.dvc_config(name) for name, share in shares.items() if share is not None]
        (self.folder / ".dvc" / "config.local").write_text("".join(sections))

    def _follow_home(self, run: Commands) -> None:
        """Makes the clone equal to the home's bundle."""
        if self._home is None:
            return
        state = self.folder / _HOME_STATE
        etag = self._home.etag()
        if etag is None:
            shutil.rmtree(self.folder / ".git", ignore_errors=True)
            return
        if state.is_file() and state.read_text() == etag:
            return
        if not (self.folder / ".git" / "HEAD").is_file():
            run.git("init", "-q", "-b", "main")
        bundle = self.folder / ".incoming.bundle"
        etag = self._home.fetch(bundle)
        heads = ("+refs/heads/main:refs/heads/main", "+refs/tags/*:refs/tags/*")
        run.git("fetch", "-q", "--prune", "--force", "--update-head-ok", str(bundle), *heads)
        self._heal(run)
        bundle.unlink()
        state.write_text(etag or "")

    def _publish(self, run: Commands) -> bool:
        """Sends everything home; False where somebody else was faster."""
        if self._home is None:
            return True
        state = self.folder / _HOME_STATE
        expected = state.read_text() if state.is_file() else None
        state.unlink(
            missing_ok=True
        )  # from here on the clone is ahead; killed now, it falls back to the home
        self._remotes(home=self._home)
        run.dvc("push", "-q", "-r", "home")
        bundle = self._staging() / "repo.bundle"
        run.git("bundle", "create", "-q", str(bundle), "main", "--tags")
        etag = self._home.replace(bundle, expected=expected)
        if etag is None:
            return False
        state.write_text(etag)
        return True

    def _incoming(self, run: Commands, share: Share) -> tuple[str | None, tuple[Definition, ...]]:
        """Fetches what `share` has into refs/incoming/; returns the bundle's etag and the definitions."""
        for ref in run.git("for-each-ref", "--format=%(refname)", "refs/incoming/").split():
            run.git("update-ref", "-d", ref)
        bundle = self._staging() / "incoming.bundle"
        etag = share.fetch(bundle)
        if etag is None:
            return None, ()
        run.git("fetch", "-q", "--no-tags", str(bundle), "+refs/tags/*:refs/incoming/*")
        return etag, self._tagged(run, refs="refs/incoming/")

    def _union_bundle(self, run: Commands, added: tuple[Definition, ...]) -> Path:
        """A bundle of what came in and of our tags `added`, made in a repository that borrows our objects."""
        union = Commands(self._staging() / "union", lock=run.lock)
        shutil.rmtree(union.folder, ignore_errors=True)
        run.git("init", "-q", "--bare", str(union.folder))
        (union.folder / "objects" / "info" / "alternates").write_text(f"{self.folder / '.git' / 'objects'}\n")
        ours = [f"refs/tags/{item.snapshot}" for item in added]
        refs = run.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/incoming/", *ours)
        tags = "".join(f"create refs/tags/{line.split('/', 2)[2]}\n" for line in refs.splitlines())
        union.git("update-ref", "--stdin", stdin=tags)
        bundle = self._staging() / "union.bundle"
        union.git("bundle", "create", "-q", str(bundle), "--tags")
        return bundle

    def _take_in(self, run: Commands, added: tuple[Definition, ...], *, share: Share) -> None:
        """Makes incoming snapshots ours: their files, their manifests, and last their tags."""
        self._check_out(run, [item.snapshot for item in added], refs="refs/incoming/")
        self._remotes(home=self._home, share=share)
        manifests = (f"{item.name}/{item.version}/manifest.dvc" for item in added)
        run.dvc("pull", "-q", "-r", "share", *manifests)
        tags = (f"create refs/tags/{item.snapshot} refs/incoming/{item.snapshot}\n" for item in added)
        run.git("update-ref", "--stdin", stdin="".join(tags))


def _missing(
    there: tuple[Definition, ...], here: tuple[Definition, ...], *, place: Share
) -> tuple[Definition, ...]:
    """What is `there` and not `here`, given that what is in both is the same."""
    known = {item.snapshot: item.digest for item in here}
    for item in there:
        if known.get(item.snapshot, item.digest) != item.digest:
            raise SnapshotExists(
                f"{item.snapshot} here and there hold different things",
                where=str(place.location),
                hint="Freeze yours again under another name.",
            )
    return tuple(item for item in there if item.snapshot not in known)
