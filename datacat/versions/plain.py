"""A snapshot as plain files, which is what it is: nothing here needs git or DVC.

    <name>/<version>/definition.json    what was frozen
    <name>/<version>/manifest.dvc       the name of the manifest in DVC's cache
    <name>/<version>/manifest/          Parquet files

Whatever lies there may come from anybody: only regular files of bounded size are read, links are not followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from datacat.errors import NameInvalid, SnapshotDamaged, cause_of
from datacat.model.names import SnapshotName
from datacat.model.snapshot import MANIFEST, Definition
from datacat.versions.manifest import file_of

MAX_DEFINITION_BYTES = 16 * 2**20
MAX_TRACKED_BYTES = 4096
_TRACKED_KEYS = {"md5", "size", "nfiles", "hash", "path"}
_NEEDED_KEYS = {"md5", "size", "nfiles", "path"}
_FOLDER_MD5 = re.compile(r"[0-9a-f]{32}\.dir")


@dataclass(frozen=True, slots=True)
class Tracked:
    """What manifest.dvc says: the md5 of the folder's listing in DVC's cache, and the size of its files in bytes."""

    md5: str
    size: int

    @classmethod
    def from_dvc(cls, content: bytes, *, where: str) -> Tracked:
        """Reads manifest.dvc, which must be just as DVC writes it for us: no path but `manifest`, no command.

        Raises:
            SnapshotDamaged: it says anything else.
        """
        lines = content.decode(errors="replace").splitlines()
        said: dict[str, str] = {}
        if len(content) <= MAX_TRACKED_BYTES and lines[:1] == ["outs:"]:
            for number, line in enumerate(lines[1:]):
                key, colon, value = line.removeprefix("- " if not number else "  ").partition(": ")
                if not colon or key in said or not line.startswith("- " if not number else "  "):
                    said = {}
                    break
                said[key] = value
        if (
            not _NEEDED_KEYS <= said.keys() <= _TRACKED_KEYS
            or said["path"] != "manifest"
            or not _FOLDER_MD5.fullmatch(said["md5"])
            or said.get("hash", "md5") != "md5"
            or not re.fullmatch(r"\d{1,15}", said["size"])
        ):
            raise SnapshotDamaged(
                "manifest.dvc is not what datacat writes: one output, `path: manifest`, with its md5, size and nfiles",
                where=where,
            )
        if said["nfiles"] != str(len(MANIFEST)):
            what = f"manifest.dvc says that there are {said['nfiles'][:20]} files, and a manifest has {len(MANIFEST)}"
            raise SnapshotDamaged(what, where=where)
        return cls(said["md5"], int(said["size"]))

    def check_size(self, size: int) -> None:
        """Compares the size of all files of the manifest, in bytes, with what manifest.dvc says.

        Raises:
            SnapshotDamaged: it is another one.
        """
        if size != self.size:
            raise SnapshotDamaged(f"manifest.dvc says {self.size:,} bytes, and its files have {size:,}")


def names(folder: Path) -> Iterator[SnapshotName]:
    """The snapshots that have a folder below `folder`, by name and version."""
    found = []
    for above in _folders(folder):
        for below in _folders(folder / above):
            try:
                name = SnapshotName.parse(f"{above}@{below}")
            except NameInvalid:
                continue
            if str(name) == f"{above}@{below}":
                found.append(name)
    return iter(sorted(found))


def _folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [
        item.name
        for item in os.scandir(folder)
        if item.is_dir(follow_symlinks=False) and not item.name.startswith(".")
    ]


def folder_of(folder: Path, name: SnapshotName) -> Path:
    """Where the files of a snapshot lie."""
    return folder / name.name / str(name.version)


def definition_of(folder: Path, name: SnapshotName) -> Definition:
    """What the definition.json of a snapshot says.

    Raises:
        SnapshotDamaged: it is not there, cannot be read, or is of another snapshot.
    """
    path = folder_of(folder, name) / "definition.json"
    return checked(read(path, limit=MAX_DEFINITION_BYTES), name=name)


def tracked_of(folder: Path, name: SnapshotName) -> Tracked:
    """What the manifest.dvc of a snapshot says.

    Raises:
        SnapshotDamaged: it is not there, or not what we write.
    """
    path = folder_of(folder, name) / "manifest.dvc"
    return Tracked.from_dvc(read(path, limit=MAX_TRACKED_BYTES), where=str(path))


def checked(content: bytes, *, name: SnapshotName) -> Definition:
    """A definition that was found as that of `name`.

    Raises:
        SnapshotDamaged: it is of another one, or cannot be read.
    """
    found = Definition.from_json(content, where=str(name))
    if found.snapshot != name:
        raise SnapshotDamaged(f"its definition.json is that of {found.snapshot}", where=str(name))
    return found


def has_manifest(folder: Path) -> bool:
    """Whether the folder of a manifest has its files, as regular files."""
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return False
        return all(stat.S_ISREG(file_of(folder, table).lstat().st_mode) for table in MANIFEST)
    except FileNotFoundError:
        return False


def read(path: Path, *, limit: int) -> bytes:
    """The bytes of a regular file.

    Raises:
        SnapshotDamaged: it is not there, no regular file, or longer than `limit` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SnapshotDamaged("is no regular file", where=str(path))
            content = file.read(limit + 1)
    except FileNotFoundError as error:
        raise SnapshotDamaged("is gone", where=str(path)) from error
    except OSError as error:
        raise SnapshotDamaged(f"cannot be read: {cause_of(error)}", where=str(path)) from error
    if len(content) > limit:
        raise SnapshotDamaged(f"is longer than {limit:,} bytes", where=str(path))
    return content


def write(path: Path, content: bytes, *, via: Path | None = None) -> None:
    """Puts a file in its place in one step (made in the folder `via`); it is on the disk when this returns."""
    staged = (via or path.parent) / f".{path.name}.new"
    staged.unlink(missing_ok=True)
    with staged.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Makes the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
