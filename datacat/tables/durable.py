"""Bytes that survive a power cut, and names that only one of many writers gets.

Nobody syncs for us: delta-rs and DuckDB's COPY make no single fsync call.
"""

from __future__ import annotations

import contextlib
import os
import uuid

from datacat.config import Settings
from datacat.errors import LocationError, cause_of
from datacat.sources.conditional import conditional_put
from datacat.sources.location import Location, store_errors


def sync_file(path: str) -> None:
    """Makes a file's bytes survive a power cut."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: str) -> None:
    """Makes new names in a folder survive a power cut."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def made_folder(path: str) -> None:
    """Makes a folder with those above it; the new names survive a power cut."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    made_folder(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)
    sync_folder(above)


def put_if_absent(place: Location, content: bytes, *, settings: Settings) -> bool:
    """Writes an object unless there is one; whether it was written. Of S3, see `conditional_put`.

    Raises:
        LocationError: nothing can be written there.
    """
    try:
        if place.is_s3:
            return conditional_put(place, content, settings=settings, IfNoneMatch="*") is not None
        return _link_if_absent(place, content)
    except store_errors() as error:
        raise LocationError(f"cannot be written: {cause_of(error)}", where=str(place)) from error


def _link_if_absent(place: Location, content: bytes) -> bool:
    made_folder(os.path.dirname(place.path))
    temporary = f"{place.path}.{uuid.uuid4().hex}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(temporary, place.path)
    except FileExistsError:
        return False
    finally:
        os.unlink(temporary)
    sync_folder(os.path.dirname(place.path))
    return True


def _sync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
