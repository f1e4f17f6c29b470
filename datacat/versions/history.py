"""The git half of a folder of snapshots: a commit and an annotated tag `name@version` for each.

It says who froze what and when, travels as a bundle, and can be made anew from the plain files. What refs say is
read from their files here; git itself runs in a repository folder made for the call (see `commands`), with a copy
of the refs, and what it made of them is written back file by file.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datacat.errors import NameInvalid, SnapshotDamaged, SnapshotError
from datacat.model.names import SnapshotName
from datacat.model.snapshot import Definition
from datacat.versions import plain
from datacat.versions.commands import Git, identity

MAIN = "refs/heads/main"
TAGS = "refs/tags/"
REPAIR = "Run: datacat snapshot repair"
_DVC_CONFIG = "[core]\n    analytics = false\n    check_update = false\n[cache]\n    type = reflink,copy\n"
_IGNORED = "/*/*/manifest/\n/.lock\n/.staging/\n/.aside/\n"
_BASE = {
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvc/config": _DVC_CONFIG,
    ".dvcignore": "",
    ".gitignore": _IGNORED,
}
_OBJECT = re.compile(r"[0-9a-f]{40}")
_MAX_REF_BYTES = 256
_MAX_PACKED_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Refs:
    """What the refs of a repository say.

    Attributes:
        main: the newest commit; None where there is none.
        tags: the tags by snapshot.
        problem: why they cannot be taken for all that there was.
    """

    main: str | None = None
    tags: Mapping[SnapshotName, str] = field(default_factory=dict)
    problem: str = ""

    def lines(self) -> str:
        """As git keeps packed refs."""
        pairs = [(f"{TAGS}{name}", item) for name, item in self.tags.items()]
        if self.main:
            pairs.append((MAIN, self.main))
        return "".join(f"{item} {ref}\n" for ref, item in sorted(pairs))


@dataclass(frozen=True, slots=True)
class Entry:
    """What git keeps of one snapshot."""

    definition: Definition
    content: bytes  # of definition.json
    tracked: bytes  # of manifest.dvc


def read_refs(git: Path) -> Refs:
    """Reads the refs of a repository from their files."""
    if not git.is_dir():
        return Refs(problem=f"{git} is gone")
    problems: list[str] = []
    found: dict[str, str] = {}
    try:
        found = _packed(git, problems) | _loose(git, problems)
        if plain.read(git / "HEAD", limit=_MAX_REF_BYTES) != b"ref: refs/heads/main\n":
            problems.append(f"{git / 'HEAD'} is damaged")
    except SnapshotDamaged as error:
        problems.append(f"{error.where} {error.what}")
    main, tags = found.get(MAIN), {}
    for ref in (ref for ref in found if ref.startswith(TAGS)):
        try:
            tags[_tagged(ref)] = found[ref]
        except NameInvalid as error:
            problems.append(f"{git}: {error.what}")
    if main is None and (tags or _has_objects(git)):
        problems.append(f"{git / MAIN} is gone or damaged")
    if (main or tags) and not _has_objects(git):
        problems.append(f"{git / 'objects'} is gone or empty")
    return Refs(main, tags, "; ".join(dict.fromkeys(problems)))


def _packed(git: Path, problems: list[str]) -> dict[str, str]:
    path, found = git / "packed-refs", {}
    if path.is_file():
        for line in plain.read(path, limit=_MAX_PACKED_BYTES).decode("ascii", "replace").splitlines():
            item, _, ref = line.partition(" ")
            if _OBJECT.fullmatch(item):
                found[ref] = item
            elif not line.startswith(("#", "^")):
                problems.append(f"{path} is damaged")
    return found


def _loose(git: Path, problems: list[str]) -> dict[str, str]:
    found = {}
    for path in [git / MAIN, *_files(git / "refs" / "tags")]:
        if path.is_file():
            item = plain.read(path, limit=_MAX_REF_BYTES).decode("ascii", "replace").strip()
            if _OBJECT.fullmatch(item):
                found[path.relative_to(git).as_posix()] = item
            else:
                problems.append(f"{path} is damaged: it names no commit")
    return found


def _tagged(ref: str) -> SnapshotName:
    name = SnapshotName.parse(ref.removeprefix(TAGS))
    if f"{TAGS}{name}" != ref:
        raise NameInvalid(f"{ref!r} is the tag of no snapshot")
    return name


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if not path.name.endswith((".lock", ".new"))]


def _has_objects(git: Path) -> bool:
    return any(path.is_file() for path in (git / "objects").rglob("*"))


class History:
    """The repository in `folder`, seen from the staging folder `workspace`; the caller holds the lock."""

    def __init__(self, folder: Path, *, workspace: Path, author: str, lock: int | None) -> None:
        self._git = folder / ".git"
        self._folder = folder
        self._workspace = workspace
        self._incoming = workspace / "incoming-objects"
        self._author = author
        self._lock = lock

    def refs(self) -> Refs:
        """What its refs say; no problem where it was never made."""
        found = read_refs(self._git)
        return found if self._git.exists() else dataclasses.replace(found, problem="")

    def make(self) -> None:
        """Makes an empty repository where there is none; its parts appear together."""
        if self._git.exists():
            return
        made = self._opened(Refs(), at="made")
        (made.folder / "packed-refs").unlink()
        config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
        (made.folder / "config").write_text(config)
        made.folder.replace(self._git)
        for path, text in _BASE.items():
            place = self._folder / path
            if not place.exists():
                place.parent.mkdir(exist_ok=True)
                plain.write(place, text.encode())

    def record(self, entries: Iterable[Entry], *, refs: Refs) -> Refs:
        """Makes a commit and a tag for each of `entries` on top of `refs`; returns the new refs.

        They are in the workspace only: `keep` writes them into the repository.

        Raises:
            SnapshotDamaged: objects that `refs` need are gone or damaged.
        """
        git = self._opened(refs)
        script = [_frozen(entry) for entry in entries]
        script.insert(0, b"" if refs.main else _begin(self._author))
        if refs.main and len(script) > 1:
            script[0] = f"reset {MAIN}\nfrom {refs.main}\n\n".encode()
        if any(script):
            try:
                git.run("fast-import", "--quiet", "--date-format=raw", stdin=b"".join(script))
            except SnapshotError as error:
                if problem := self.check(refs):
                    what = f"git's part is damaged: {problem}"
                    raise SnapshotDamaged(what, where=str(self._git), hint=REPAIR) from error
                raise
        return self._listed(git)

    def keep(self, refs: Refs) -> None:
        """Writes refs into the repository, and an index that equals its newest commit."""
        git = self._opened(refs)
        if refs.main:
            git.run("read-tree", refs.main)
            (git.folder / "index").replace(self._git / "index")
        known = read_refs(self._git)
        (self._git / "refs" / "heads").mkdir(parents=True, exist_ok=True)
        (self._git / "refs" / "tags").mkdir(parents=True, exist_ok=True)
        if refs.main and refs.main != known.main:
            plain.write(self._git / MAIN, f"{refs.main}\n".encode(), via=self._workspace)
        for name, item in refs.tags.items():
            if known.tags.get(name) != item:
                plain.write(self._git / f"{TAGS}{name}", f"{item}\n".encode(), via=self._workspace)

    def bundle(self, path: Path, *, refs: Refs) -> None:
        """Writes all of `refs` with their history into one file."""
        main = ("main",) if refs.main else ()
        self._opened(refs).run("bundle", "create", "-q", str(path), *main, "--tags")

    def union(self, path: Path, *, theirs: Refs, added: Refs) -> None:
        """Writes a bundle of the tags that came in with the last bundle, and of ours in `added`."""
        git = self._opened(Refs(tags={**theirs.tags, **added.tags}))
        (self._incoming / "pack").mkdir(parents=True, exist_ok=True)
        git = dataclasses.replace(git, objects=self._incoming, also=self._git / "objects")
        git.run("bundle", "create", "-q", str(path), "--tags")

    def unbundled(self, path: Path) -> Refs:
        """Unpacks a bundle into a store of its own, which ends with the workspace, and returns its refs.

        They are nobody's until they are checked, and until `take_in` is called.

        Raises:
            SnapshotDamaged: it cannot be read, or holds no snapshot.
        """
        shutil.rmtree(self._incoming, ignore_errors=True)
        (self._incoming / "pack").mkdir(parents=True)
        git = dataclasses.replace(self._opened(Refs()), objects=self._incoming)
        heads = ("+refs/heads/main:refs/heads/main", "+refs/tags/*:refs/tags/*")
        try:
            listed = git.run("bundle", "list-heads", str(path)).decode().split("\n")
            wanted = heads if any(line.endswith(f" {MAIN}") for line in listed) else heads[1:]
            git.run("fetch", "-q", "--no-tags", str(path), *wanted)
        except SnapshotError as error:
            raise SnapshotDamaged(f"the bundle of snapshots cannot be read: {error.what}") from error
        found = self._listed(git)
        if found.problem or not found.tags:
            why = found.problem or "it holds no snapshot"
            raise SnapshotDamaged(f"the bundle of snapshots cannot be used: {why}")
        return found

    def take_in(self, refs: Refs) -> None:
        """Makes the objects of the last bundle ours, and `refs` our refs."""
        kept = self._git / "objects" / "pack"
        kept.mkdir(parents=True, exist_ok=True)
        for pack in sorted(
            (self._incoming / "pack").iterdir(), reverse=True
        ):  # git looks for .idx, so .pack is first
            pack.replace(kept / pack.name)
        plain.sync(kept)
        self.keep(refs)

    def entries(self, refs: Refs, names: Iterable[SnapshotName], *, is_incoming: bool = False) -> list[Entry]:
        """What the tags of some snapshots (`is_incoming`: of the last bundle) hold, checked.

        Raises:
            SnapshotDamaged: a tag holds anything but definitions and manifest.dvc as regular files, an object
                is gone, or a definition is not what we write.
        """
        git = self._opened(refs)
        if is_incoming:
            git = dataclasses.replace(git, objects=self._incoming)
        return [self._entry(git, name, refs.tags[name]) for name in names]

    def check(self, refs: Refs) -> str:
        """Why the objects that refs need are not whole; "" where they are."""
        try:
            self._opened(refs).run("fsck", "--no-progress", "--no-dangling", "--connectivity-only")
            for name in refs.tags:
                self.entries(refs, [name])
        except SnapshotError as error:
            return error.what
        return ""

    def _entry(self, git: Git, name: SnapshotName, tag: str) -> Entry:
        try:
            listed = git.run("ls-tree", "-r", "-z", "-l", "--full-tree", tag).decode(errors="replace")
            own = f"{name.name}/{name.version}"
            wanted = {f"{own}/definition.json": b"", f"{own}/manifest.dvc": b""}
            for line in filter(None, listed.split("\0")):
                facts, _, path = line.partition("\t")
                mode, kind, item, size = facts.split()
                _check_entry(path, mode=mode, kind=kind, size=size, tag=str(name))
                if path in wanted:
                    wanted[path] = git.run("cat-file", "blob", item)
        except SnapshotDamaged:
            raise
        except SnapshotError as error:
            raise SnapshotDamaged(f"its tag cannot be read: {error.what}", where=str(name)) from error
        content, tracked = wanted.values()
        if not content or not tracked:
            raise SnapshotDamaged("its tag has no definition.json with a manifest.dvc", where=str(name))
        plain.Tracked.from_dvc(tracked, where=str(name))
        return Entry(plain.checked(content, name=name), content, tracked)

    def _opened(self, refs: Refs, *, at: str = "git") -> Git:
        """A repository folder of our own with these refs and the repository's objects."""
        folder = self._workspace / at
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("refs/heads", "refs/tags", "objects/info", "objects/pack"):
            (folder / name).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/main\n")
        (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        (folder / "packed-refs").write_text(refs.lines())
        kept = self._git / "objects"
        return Git(folder, kept if kept.is_dir() else folder / "objects", self._lock)

    def _listed(self, git: Git) -> Refs:
        """What git has made of the refs in our repository folder."""
        found = git.run("for-each-ref", "--format=%(objectname) %(refname)").decode("ascii", "replace")
        tags, main, problem = {}, None, ""
        for line in found.splitlines():
            item, _, ref = line.partition(" ")
            try:
                if ref == MAIN:
                    main = item
                elif ref.startswith(TAGS):
                    tags[_tagged(ref)] = item
            except NameInvalid as error:
                problem = error.what
        return Refs(main, tags, problem)


_KEPT = re.compile(r"([^/]+)/(\d+)/(definition\.json|manifest\.dvc)")


def _check_entry(path: str, *, mode: str, kind: str, size: str, tag: str) -> None:
    """Refuses what a tag must not hold."""
    match = _KEPT.fullmatch(path)
    known = path in _BASE
    if match:
        try:
            known = f"{match[1]}@{match[2]}" == str(SnapshotName(match[1], int(match[2])))
        except NameInvalid:
            known = False
    if not known or kind != "blob" or mode != "100644":
        what = "a link" if mode == "120000" else "a submodule" if kind == "commit" else f"mode {mode}"
        said = "" if mode == "100644" else f" ({what})"
        raise SnapshotDamaged(f"its tag holds {path!r}{said}, which is no file of a snapshot", where=tag)
    limit = plain.MAX_TRACKED_BYTES if path.endswith(".dvc") else plain.MAX_DEFINITION_BYTES
    if not size.isdigit() or int(size) > limit:
        raise SnapshotDamaged(f"its tag holds {path!r} of {size} bytes, more than {limit:,}", where=tag)


def _begin(author: str) -> bytes:
    name, email = identity(author)
    who = f"{name} <{email}> {_seconds('')} +0000"
    files = "".join(
        f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n" for path, text in _BASE.items()
    )
    return f"commit {MAIN}\ncommitter {who}\ndata 6\nBegin\n\n{files}\n".encode()


def _frozen(entry: Entry) -> bytes:
    """What makes git keep one snapshot: a commit on main with its two files, and its tag."""
    found = entry.definition
    name, email = identity(found.author)
    who = f"{name} <{email}> {_seconds(found.time)} +0000".encode()
    subject = f"Freeze {found.snapshot}"
    message = f"{subject}\n\n{found.question.text}\ndigest {found.digest}\n".encode()
    folder = f"{found.name}/{found.version}".encode()
    files = (("definition.json", entry.content), ("manifest.dvc", entry.tracked))
    return b"".join(
        [
            b"commit %s\ncommitter %s\n%s" % (MAIN.encode(), who, _data(message)),
            *(b"M 100644 inline %s/%s\n%s" % (folder, file.encode(), _data(held)) for file, held in files),
            b"\ntag %s\nfrom %s\ntagger %s\n" % (str(found.snapshot).encode(), MAIN.encode(), who),
            _data(f"{subject}\n".encode()),
        ]
    )


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _seconds(time: str) -> int:
    """Seconds since 1970 of an ISO time; of none, or one that is none, now."""
    import datetime

    try:
        seconds = int(datetime.datetime.fromisoformat(time).timestamp())
    except ValueError:
        seconds = int(datetime.datetime.now(datetime.UTC).timestamp())
    return max(0, seconds)
