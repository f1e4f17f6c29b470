"""What a crash or a careless store leaves behind: torn log entries, S3 without conditional PUT.

A power cut can leave the last entry empty or cut off: its name is there before its bytes are. delta-rs opens
an empty one as if that commit had changed nothing. Here it does not count, and the next writer moves it
aside.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from datacat.config import Settings
from datacat.errors import LocationError, StorageUnsafe
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables.durable import conditional_put, put_if_absent, sync_folder

_ENTRY = re.compile(r"(\d{20})\.json$")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint.*\.parquet$")
# How many actions a commit holds, in its own metadata: shows an entry that was cut off at the end of a line.
ACTION_COUNT = "actionCount"


@dataclass(frozen=True, slots=True)
class Entry:
    """A whole log entry: what it says of itself, the files it added with their sizes, those it removed."""

    info: dict[str, Any]
    added: tuple[tuple[str, int], ...]
    removed: tuple[str, ...]


def committed_end(log: Location, settings: Settings) -> int | None:
    """The number of the last whole entry; None where there is no log."""
    entries, checkpoints = _numbers(log, settings)
    for number in sorted(entries, reverse=True):
        if number in checkpoints or read_entry(log, number, settings=settings) is not None:
            return number
    return max(checkpoints, default=None)


def torn_entries(log: Location, settings: Settings) -> list[int]:
    """Entries after the last whole one."""
    end = committed_end(log, settings)
    entries, _ = _numbers(log, settings)
    return sorted(number for number in entries if end is None or number > end)


def read_entry(log: Location, number: int, *, settings: Settings) -> Entry | None:
    """An entry; None where it is absent or torn.

    Raises:
        LocationError: the store does not answer.
    """
    try:
        content: bytes = filesystem(log, settings).cat_file(_place(log, number).path)
    except FileNotFoundError:
        return None
    except store_errors() as error:
        raise LocationError(f"cannot be read: {error}", where=str(_place(log, number))) from error
    return _parsed(content)


def entry_path(log: Location, number: int) -> str:
    """Where a local log keeps an entry."""
    return _place(log, number).path


def make_room(log: Location, number: int, *, settings: Settings) -> None:
    """Moves a torn entry aside, so that a commit can take its number.

    Only one writer may do it, and only while it is torn, else a good entry of somebody faster would go. On S3
    an entry that changes nothing takes its place (a PUT that the server refuses unless it is still torn).
    """
    place = _place(log, number)
    if log.is_s3:
        fs = filesystem(log, settings)
        if fs.exists(place.path) and _parsed(fs.cat_file(place.path)) is None:
            etag = fs.info(place.path)["ETag"]
            conditional_put(place, _nothing(), settings=settings, IfMatch=etag)
        return
    if not os.path.exists(place.path) or read_entry(log, number, settings=settings) is not None:
        return
    with _locked(os.path.dirname(place.path)):
        if os.path.exists(place.path) and read_entry(log, number, settings=settings) is None:
            os.rename(place.path, f"{place.path}.torn-{uuid.uuid4().hex[:8]}")
            sync_folder(os.path.dirname(place.path))


def probe(root: Location, settings: Settings) -> None:
    """Puts one object twice with `If-None-Match: *`; the second must be refused.

    Raises:
        StorageUnsafe: it was not: of two commits at the same moment one would be lost there.
        LocationError: nothing can be written there.
    """
    if not root.is_s3:
        return
    place = root.child(f"ids/probe-{uuid.uuid4().hex}")
    try:
        first = put_if_absent(place, b"1", settings=settings)
        second = put_if_absent(place, b"2", settings=settings)
    finally:
        with contextlib.suppress(*store_errors()):
            filesystem(root, settings).rm_file(place.path)
    if not first or second:
        raise StorageUnsafe(
            "this S3 server ignores If-None-Match: of two commits at the same moment one would be lost",
            where=str(root),
            hint="Use a server with conditional PUT (AWS S3, MinIO, Ceph) or a local folder.",
        )


def _parsed(content: bytes) -> Entry | None:
    try:
        actions = [json.loads(line) for line in content.splitlines() if line.strip()]
        info = next(action["commitInfo"] for action in actions if "commitInfo" in action)
        added = [action["add"] for action in actions if "add" in action]
        removed = [action["remove"] for action in actions if "remove" in action]
        is_whole = info.get(ACTION_COUNT, len(added) + len(removed)) == len(added) + len(removed)
        if not is_whole:
            return None
        paths = tuple((add["path"], int(add["size"])) for add in added)
        return Entry(info, paths, tuple(remove["path"] for remove in removed))
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration):
        return None


def _nothing() -> bytes:
    info = {
        "timestamp": int(time.time() * 1000),
        "operation": "WRITE",
        "operationParameters": {},
        "author": "datacat",
        "message": "in place of a torn log entry",
        ACTION_COUNT: 0,
    }
    return json.dumps({"commitInfo": info}).encode()


def _place(log: Location, number: int) -> Location:
    return log.child(f"_delta_log/{number:020}.json")


def _numbers(log: Location, settings: Settings) -> tuple[set[int], set[int]]:
    try:
        names = filesystem(log, settings).ls(log.child("_delta_log").path, detail=False)
    except (FileNotFoundError, NotADirectoryError):
        return set(), set()
    except store_errors() as error:
        raise LocationError(f"cannot be listed: {error}", where=str(log)) from error
    entries = {int(found[1]) for name in names if (found := _ENTRY.search(name))}
    checkpoints = {int(found[1]) for name in names if (found := _CHECKPOINT.search(name))}
    return entries, checkpoints


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
