"""What lies below a location: every object with size, etag and time."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from datacat.config import Settings
from datacat.errors import LocationError
from datacat.sources.catalogs import Catalogs
from datacat.sources.inside import OUTSIDE, leads_inside
from datacat.sources.location import Location, filesystem

SPECIAL = "a pipe, a socket or a device"
LOOP = "a link that leads back to itself"
NO_UTF8 = "a name that is not UTF-8"
_HALF = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are no UTF-8
_LITTER = ("__MACOSX", "Thumbs.db")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One object. `etag` changes whenever the bytes do; of a local file it is `<mtime ns>-<size>`.

    What may not be read has a `fault`: a symbolic link that leads outside, as itself, of a folder only the link; a
    pipe, a socket or a device; a link that leads back to itself; a name that is not UTF-8, which `uri` then has in
    escapes.
    """

    uri: str
    size: int
    etag: str
    modified: datetime
    fault: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies at a place, in URI order; `catalogs` are folders of catalogs' own that were left out."""

    entries: list[Entry]
    catalogs: tuple[str, ...] = ()


def listed(location: Location, settings: Settings) -> list[Entry]:
    """Everything at or below `location` in URI order; hidden files and folders are left out.

    A symbolic link is followed where it leads to something below one of `settings.reads`, or where there are
    none, of `location`.

    Raises:
        LocationError: there is nothing at that place, or it cannot be listed.
    """
    entries = _found(location, settings, catalogs=None)
    if not entries and location.is_s3:
        raise LocationError("there is nothing at this place", where=str(location))
    return entries


def look_over(location: Location, settings: Settings) -> Listing:
    """What may be label files or media at or below `location`: as `listed`, without what is a catalog's own.

    Raises:
        LocationError: there is nothing at that place, or it cannot be listed.
    """
    catalogs = Catalogs(filesystem(location, settings).exists if location.is_s3 else os.path.isdir)
    entries = _found(location, settings, catalogs=catalogs)
    own = sorted(f"s3://{folder}" if location.is_s3 else folder for folder in catalogs.own)
    if not entries and own:
        raise LocationError(
            "nothing lies here but what belongs to a datacat catalog",
            where=str(location),
            hint="Name a place of label files. A snapshot is written as label files by `datacat snapshot export`.",
        )
    if not entries and location.is_s3:
        raise LocationError("there is nothing at this place", where=str(location))
    return Listing(entries, tuple(own))


def _found(location: Location, settings: Settings, *, catalogs: Catalogs | None) -> list[Entry]:
    """What lies there; without what belongs to `catalogs`, which are found on the way."""
    if location.is_s3:
        return sorted(_listed_s3(location, settings, catalogs=catalogs))
    return sorted(_listed_local(location, settings.reads, catalogs=catalogs))


def _listed_local(
    location: Location, reads: tuple[str, ...] | None, *, catalogs: Catalogs | None
) -> Iterator[Entry]:
    if os.path.isfile(location.path):
        if not (catalogs and catalogs.hold(os.path.realpath(location.path))):
            yield _local_entry(location.path, os.stat(location.path))
        return
    if not os.path.isdir(location.path):
        raise LocationError("no such file or folder", where=str(location))
    folders, seen, places = [location.path], set[str](), reads or (location.path,)
    while folders:
        folder = folders.pop()
        real = os.path.realpath(folder)
        if real in seen or (
            catalogs and catalogs.hold(real)
        ):  # a symbolic link that leads back; a catalog's own
            continue
        seen.add(real)
        try:
            with os.scandir(folder) as items:
                for item in items:
                    if _is_litter(item.name):
                        continue
                    if (not item.is_symlink() or leads_inside(item.path, places)) and _is_folder(item):
                        folders.append(item.path)
                        continue
                    if catalogs and item.is_symlink() and catalogs.hold(os.path.realpath(item.path)):
                        continue
                    with contextlib.suppress(FileNotFoundError):  # it was taken away meanwhile
                        yield _entry(item, places)
        except OSError as error:
            raise LocationError(f"cannot be listed: {error.strerror}", where=folder) from error


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _local_entry(path: str, stat: os.stat_result) -> Entry:
    modified = datetime.fromtimestamp(stat.st_mtime_ns // 1000 / 1e6, UTC)
    return Entry(path, stat.st_size, f"{stat.st_mtime_ns}-{stat.st_size}", modified)


def _leads_nowhere(item: os.DirEntry[str]) -> bool:
    try:
        item.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _entry(item: os.DirEntry[str], places: Sequence[str]) -> Entry:
    """What is no folder; with a fault where it must not be opened."""
    if item.is_symlink() and _leads_nowhere(item):
        fault = LOOP
    elif item.is_symlink() and not leads_inside(item.path, places):
        fault = OUTSIDE
    elif not item.is_file() and os.path.exists(item.path):
        fault = SPECIAL
    elif _HALF.search(item.path):
        fault = NO_UTF8
    else:
        return _local_entry(item.path, item.stat())
    path = os.fsencode(item.path).decode("utf-8", errors="backslashreplace")
    return replace(_local_entry(path, item.stat(follow_symlinks=False)), size=0, fault=fault)


def _listed_s3(location: Location, settings: Settings, *, catalogs: Catalogs | None) -> Iterator[Entry]:
    try:
        found = filesystem(location, settings).find(location.path, detail=True)
        if catalogs:
            catalogs.note(sorted(found), below=location.path)
            found = {
                path: facts for path, facts in found.items() if not catalogs.hold(path.rpartition("/")[0])
            }
    except OSError as error:
        raise LocationError(f"cannot be listed: {error}", where=str(location)) from error
    root = len(location.path) + 1
    for path, facts in found.items():
        if facts.get("type") != "file" or any(_is_litter(part) for part in path[root:].split("/")):
            continue
        modified = facts.get("LastModified") or datetime.fromtimestamp(0, UTC)
        yield Entry(f"s3://{path}", int(facts["size"]), str(facts.get("ETag", "")).strip('"'), modified)


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name in _LITTER
