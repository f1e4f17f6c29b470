"""Refuses what somebody else has put into a folder of snapshots.

Our own calls never read any of it, but whoever runs git or DVC in the folder would obey it, and so would an
older datacat. So nothing is written into a folder that has more than we write, and doctor says what it is.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from datacat.errors import SnapshotError

_GIT_KEYS = {
    "core.repositoryformatversion": {"0"},
    "core.bare": {"false"},
    "core.filemode": {"true", "false"},
    "core.logallrefupdates": {"true", "false"},
    "core.ignorecase": {"true", "false"},
    "core.precomposeunicode": {"true", "false"},
    "core.symlinks": {"true", "false"},
}
_DVC_KEYS = {
    "core.analytics": {"false"},
    "core.check_update": {"false"},
    "cache.type": {"reflink,copy"},
}
_REMOTE_KEYS = re.compile(r"remote\.(home|share)\.(url|region|endpointurl)")
_IN_GIT = {
    "COMMIT_EDITMSG", "FETCH_HEAD", "HEAD", "ORIG_HEAD", "branches", "config", "datacat-home", "description",
    "gc.log", "gc.pid", "hooks", "index", "info", "logs", "objects", "packed-refs", "refs",
}  # fmt: skip
_IN_DVC = {".gitignore", "cache", "config", "config.local", "tmp"}
_FOREIGN = {".gitattributes", ".gitmodules", "dvc.lock", "dvc.yaml"}
_FOREIGN_BELOW = _FOREIGN | {".git", ".gitignore", ".dvc", ".dvcignore"}
_OTHER_OBJECTS = {"alternates", "http-alternates"}
_HEADER = re.compile(r"""\[\s*([A-Za-z0-9.-]+)(?:\s+"([^"\\]*)")?\s*\]|\['([a-z]+) "([^"\\]*)"'\]""")
_MAX_CONFIG_BYTES = 65_536


def check(folder: Path) -> None:
    """Refuses a folder of snapshots that has what we do not write.

    Raises:
        SnapshotError: the first such thing, with its place.
    """
    for what, path in foreign(folder):
        raise refusal(what, path=path, folder=folder)


def refusal(what: str, *, path: Path, folder: Path) -> SnapshotError:
    """The error that says what is foreign in `folder`."""
    hint = (
        f"datacat writes no such thing into {folder}. If you know who did, take it away; else run "
        "`datacat snapshot repair`, which makes the repository anew from the snapshots and keeps the old one aside."
    )
    return SnapshotError(what, where=str(path), hint=hint)


def foreign(folder: Path) -> Iterator[tuple[str, Path]]:
    """What is in `folder` and not ours: what it is, and where."""
    if folder.is_symlink():
        yield "is a link to elsewhere", folder
        return
    if not folder.is_dir():
        return
    for entry in sorted(os.scandir(folder), key=lambda item: item.name):
        path = Path(entry.path)
        if entry.is_symlink():
            yield "is a link to elsewhere", path
        elif entry.name in _FOREIGN:
            yield "would be obeyed by git or DVC", path
        elif entry.name == ".git":
            yield from _in_git(path)
        elif entry.name == ".dvc":
            yield from _in_dvc(path)
        elif not entry.name.startswith(".") and entry.is_dir():
            yield from _below(path)


def _in_git(git: Path) -> Iterator[tuple[str, Path]]:
    if not git.is_dir():
        yield "is no folder, so the repository would be elsewhere", git
        return
    yield from _links(git)
    for name in sorted(os.listdir(git)):
        if name not in _IN_GIT and not name.endswith(".lock"):
            yield "is nothing that datacat lets git write", git / name
    for below, allowed in (("info", {"exclude", "refs"}), ("refs", {"heads", "tags", "incoming"})):
        for name in _names(git / below):
            if name not in allowed:
                yield "is nothing that datacat lets git write", git / below / name
    for name in _names(git / "objects" / "info"):
        if name in _OTHER_OBJECTS:
            yield "names objects outside the repository", git / "objects" / "info" / name
    for name in _names(git / "hooks"):
        if not name.endswith(".sample"):
            yield "is a hook, which git would run", git / "hooks" / name
    for key, value in options(git / "config"):
        if value not in _GIT_KEYS.get(key, ()):
            yield f"sets {key} = {value}", git / "config"


def _in_dvc(dvc: Path) -> Iterator[tuple[str, Path]]:
    if not dvc.is_dir():
        yield "is no folder", dvc
        return
    yield from _links(dvc)
    for name in sorted(os.listdir(dvc)):
        if name not in _IN_DVC:
            yield "is nothing that datacat lets DVC write", dvc / name
    for key, value in options(dvc / "config"):
        if value not in _DVC_KEYS.get(key, ()):
            yield f"sets {key} = {value}", dvc / "config"
    for key, value in options(dvc / "config.local"):  # which older versions of datacat wrote
        if not _REMOTE_KEYS.fullmatch(key):
            yield f"sets {key} = {value}", dvc / "config.local"


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """In the folders of the snapshots of one name."""
    yield from _links(folder)
    for place, _, _ in os.walk(folder):
        for name in _names(Path(place)):
            if name in _FOREIGN_BELOW:
                yield "would be obeyed by git or DVC", Path(place) / name


def _names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def _links(folder: Path) -> Iterator[tuple[str, Path]]:
    """Links, pipes and devices below `folder`."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                yield "is a link to elsewhere", path
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                yield "is no regular file", path


def options(path: Path) -> Iterator[tuple[str, str]]:
    """The options in a file of git's or DVC's kind, as `section.name.key` and value.

    It is stricter than they are: what it does not understand is an option of no known name.
    """
    if not path.is_file() or path.is_symlink():
        return
    with path.open("rb") as file:
        text = file.read(_MAX_CONFIG_BYTES).decode(errors="replace")
    section = ""
    for line in (line.strip() for line in text.splitlines()):
        if not line or line.startswith(("#", ";")):
            continue
        header = _HEADER.fullmatch(line)
        if header:
            section = ".".join(part for part in header.groups() if part)
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        yield f"{section}.{key.lower()}", value if equals else "(nothing)"
