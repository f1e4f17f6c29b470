"""Which files of this machine may be read, and how they are opened so that nothing else is.

A lake is written by others: a name in it may be a symbolic link to `/etc/passwd`, a pipe that never ends, a device.
So what is below a place is read only where the path, with every link followed, still lies below one of the places
that were named; it is opened part by part without following another link, and it must be a regular file.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

import duckdb

from datacat.config import Settings
from datacat.errors import LocationError, PlaceRefused
from datacat.sources.location import Location

OUTSIDE = "a link, or a path, that leads outside of the places that are read"
NO_FILE = "no regular file"
_HINT = "Ingest the place that it lies in, or name that as the media root."
_NEVER = ("/proc", "/sys", "/dev")  # no lake: reading there may act
_SEPARATOR = re.compile(r":(?!//)")
# A folder is passed through with the right to search it alone, where the system can.
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def limited(settings: Settings, *places: Location | str) -> Settings:
    """Settings with which nothing but what lies below `places` is read of lakes."""
    return replace(settings, reads=tuple(str(place) for place in places))


def limited_to_sources(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> Settings:
    """The same with the places that the sources of a catalog name, or in their stead the setting `media_roots`.

    Args:
        cursor: with the view `sources`.
        settings: the user's.
    """
    if settings.media_roots:
        return limited_to_roots(settings)
    return limited(settings, *source_places(cursor))


def source_places(cursor: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Where the label files and the media of a catalog's sources lie.

    Args:
        cursor: with the view `sources`.
    """
    found = cursor.execute("SELECT DISTINCT location, options FROM sources").fetchall()
    places = (place for location, options in found for place in _places(location or "", options or "{}"))
    return tuple(dict.fromkeys(places))


def limited_to_roots(settings: Settings) -> Settings:
    """The same with the places that the setting `media_roots` names; nothing is read where it names none."""
    return limited(
        settings, *(Location.parse(text) for text in _SEPARATOR.split(settings.media_roots) if text)
    )


def check_inside(uri: str, reads: Sequence[str] | None) -> None:
    """Refuses what may not be read; None allows every place.

    Raises:
        PlaceRefused: it lies elsewhere.
        LocationError: it is no regular file.
    """
    if uri.startswith("s3://"):
        if reads is not None and not any(_is_below(uri, place) for place in reads):
            raise PlaceRefused(OUTSIDE, where=uri, hint=_HINT)
        return
    os.close(_opened(uri, reads))


def open_inside(path: str, reads: Sequence[str] | None) -> BinaryIO:
    """Opens a local file of the lake for reading.

    Args:
        path: as the catalog or a listing names it.
        reads: the places that may be read; None: all.

    Raises:
        PlaceRefused: it lies elsewhere.
        LocationError: it is no regular file.
        OSError: it is not there, or cannot be opened.
    """
    return os.fdopen(_opened(path, reads), "rb")


def lie_outside(uris: Iterable[str], reads: Sequence[str] | None) -> list[str]:
    """Those of some addresses that are there and that nothing is read of, as they lie elsewhere.

    An address below one of `reads` costs no call of the operating system; what a link there leads to is found when it
    is opened.
    """
    if reads is None:
        return []
    within = tuple(f"{place.rstrip('/')}/" for place in reads)
    bases = [os.path.realpath(place) for place in reads if not place.startswith("s3://")]
    named, known, found = frozenset(reads), dict[str, bool](), []
    for uri in uris:
        folder = uri[: uri.rfind("/") + 1]
        if folder not in known:
            known[folder] = folder.startswith(within)
        if known[folder] or uri in named:
            continue
        if uri.startswith("s3://") or (os.path.lexists(uri) and not _is_inside(uri, bases)):
            found.append(uri)
    return found


def lies_below(uri: str, places: Iterable[str]) -> bool:
    """Whether an address, as it is written, is that of one of `places` or of something below it."""
    return any(_is_below(uri, place) for place in places)


def any_leads_below(uris: Iterable[str], folder: str) -> bool:
    """Whether one of some local addresses, with every link followed, is that of something below a folder.

    What leads to a folder is resolved once for all that lies there, as it costs a call for each of its parts; but a
    file that is a link itself is followed.

    Args:
        uris: those of a store are passed over.
        folder: with every link followed.
    """
    known: dict[str, bool] = {}
    for uri in uris:
        if uri.startswith("s3://"):
            continue
        parent = os.path.dirname(uri)
        if parent not in known:
            known[parent] = _is_below(os.path.realpath(parent), folder)
        if known[parent] or (os.path.islink(uri) and _is_below(os.path.realpath(uri), folder)):
            return True
    return False


def leads_inside(path: str, places: Sequence[str]) -> bool:
    """Whether a path, with every link followed, lies below one of `places` (or is one)."""
    return _is_inside(path, [os.path.realpath(place) for place in places])


def _is_inside(path: str, bases: Iterable[str]) -> bool:
    real = os.path.realpath(path)
    return not _is_never(real) and any(_is_below(real, base) for base in bases)


def _opened(path: str, reads: Sequence[str] | None) -> int:
    real = os.path.realpath(path)
    if reads is None:
        return _regular(real, folder=None, path=path)
    # The place that the path begins with is tried first: of hundreds only that one is looked at.
    for place in sorted(reads, key=lambda place: not _is_below(path, place)):
        base = os.path.realpath(place)
        if _is_below(real, base) and not _is_never(real):
            return _walked(base, real[len(base) :], path=path)
    if not os.path.lexists(path):
        raise FileNotFoundError(2, "No such file or directory", path)
    raise PlaceRefused(OUTSIDE, where=path, hint=_HINT)


def _walked(base: str, below: str, *, path: str) -> int:
    """Opens `base/below` part by part: what has become a link since it was looked at is refused."""
    parts = [part for part in below.split("/") if part]
    if not parts:
        return _regular(base, folder=None, path=path)
    folder = os.open(base, _FOLDER)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return _regular(parts[-1], folder=folder, path=path)
    finally:
        os.close(folder)


def _regular(name: str, *, folder: int | None, path: str) -> int:
    """Opens a regular file. Whatever else it is is not even opened: a pipe would wait, a device might act."""
    kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(21, "Is a directory", path)
    if not stat.S_ISREG(kind):
        raise LocationError(NO_FILE, where=path)
    file = os.open(name, _FILE, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise LocationError(NO_FILE, where=path)
    return file


def _places(location: str, options: str) -> Iterator[str]:
    """Where the media of a source lie: see `ingest.pipeline`."""
    yield location
    place = Location(location)
    if "." in place.name and (place.is_s3 or not os.path.isdir(location)):  # a label file: media beside it
        yield place.parent.uri
        yield place.parent.parent.child("images").uri
    try:
        media_root = json.loads(options).get("media_root")
    except (ValueError, AttributeError):
        return
    if isinstance(media_root, str):
        yield media_root


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def _is_never(path: str) -> bool:
    return lies_below(path, _NEVER)
