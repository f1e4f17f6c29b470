"""What a crash or a careless store leaves behind: torn log entries, S3 without conditional PUT.

A power cut can leave the last entry empty or cut off: its name is there before its bytes are. delta-rs opens
an empty one as if that commit had changed nothing. Here it does not count, and the next writer moves it
aside.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError, StorageUnsafe
from datacat.sources.conditional import conditional_put
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables.durable import put_if_absent, sync_folder

_ENTRY = re.compile(r"(\d{20})\.json$")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint.*\.parquet$")
# How many actions a commit holds, in its own metadata: shows an entry that was cut off at the end of a line.
ACTION_COUNT = "actionCount"
# What they say, in its own metadata, too: shows an entry whose bytes changed since.
ACTIONS_DIGEST = "actionsDigest"


@dataclass(frozen=True, slots=True)
class Entry:
    """A log entry that was not cut off: what it says of itself, the files it added with their sizes, those it removed.

    `is_changed`: it is not what was committed; what it says is not to be relied on.
    """

    info: dict[str, Any]
    added: tuple[tuple[str, int], ...]
    removed: tuple[str, ...]
    digest: str = ""  # sha256 of its bytes
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries and the checkpoints that lie in a log: number -> bytes (of several files, of the smallest)."""

    entries: Mapping[int, int]
    checkpoints: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class End:
    """The newest state: its number, its entry (None where only a checkpoint is left), and what lies in the log."""

    number: int
    entry: Entry | None
    listing: Listing


class EndUnreadable(CatalogError):
    """The last two entries cannot be read, though only the last can have been torn; `newest` is its number."""

    def __init__(self, newest: int, *, where: str) -> None:
        super().__init__(
            f"log entries {newest - 1} and {newest} cannot be read: only the last could have been cut off",
            where=where,
            hint="Restore these files from a backup of the catalog, or ingest again into a new one.",
        )
        self.newest = newest


def listed(log: Location, settings: Settings) -> Listing:
    """What lies in a log; nothing where there is none.

    Raises:
        LocationError: the store does not answer.
    """
    try:
        found = filesystem(log, settings).ls(log.child("_delta_log").path, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return Listing({}, {})
    except store_errors() as error:
        raise LocationError(f"cannot be listed: {error}", where=str(log)) from error
    entries: dict[int, int] = {}
    checkpoints: dict[int, int] = {}
    for facts in found:
        for pattern, sizes in ((_ENTRY, entries), (_CHECKPOINT, checkpoints)):
            if match := pattern.search(facts["name"]):
                number, size = int(match[1]), int(facts["size"] or 0)
                sizes[number] = min(size, sizes.get(number, size))
    return Listing(entries, checkpoints)


def committed_end(log: Location, settings: Settings) -> End | None:
    """The last state that was committed; None where there is no log.

    Only the last entry can have been torn, as each commit syncs the one that it stands on.

    Raises:
        EndUnreadable: the entry before a torn one cannot be read either.
    """
    listing = listed(log, settings)
    newest, top = max(listing.entries, default=-1), max(listing.checkpoints, default=-1)
    for number in (newest, newest - 1):
        if number <= top:
            entry = read_entry(log, top, settings=settings) if top >= 0 else None
            return End(top, entry, listing) if top >= 0 else None
        entry = read_entry(log, number, settings=settings)
        if entry is not None:
            return End(number, entry, listing)
    raise EndUnreadable(newest, where=str(entry_place(log, newest - 1)))


def torn_entries(log: Location, settings: Settings) -> list[int]:
    """The entry after the last whole one, if there is one."""
    end = committed_end(log, settings)
    return sorted(n for n in listed(log, settings).entries if end is None or n > end.number)


def read_entry(log: Location, number: int, *, settings: Settings) -> Entry | None:
    """An entry; None where it is absent or torn.

    Raises:
        LocationError: the store does not answer.
    """
    place = entry_place(log, number)
    try:
        content: bytes = filesystem(log, settings).cat_file(place.path)
        entry = _parsed(content)
        # S3 has objects whole or not at all: half of one was cut on its way, and says nothing of the log.
        if entry is None and log.is_s3 and filesystem(log, settings).info(place.path)["size"] != len(content):
            raise OSError("only a part of it came; try again")
    except FileNotFoundError:
        return None
    except store_errors() as error:
        raise LocationError(f"cannot be read: {error}", where=str(place)) from error
    return entry


def entry_place(log: Location, number: int) -> Location:
    """Where a log keeps an entry."""
    return log.child(f"_delta_log/{number:020}.json")


def checkpoint_place(log: Location, number: int) -> Location:
    """Where a log keeps a checkpoint."""
    return log.child(f"_delta_log/{number:020}.checkpoint.parquet")


def make_room(
    log: Location, number: int, *, settings: Settings, metadata: Mapping[str, Any] | None = None
) -> None:
    """Moves a torn entry aside, so that a commit can take its number.

    Only one writer may do it, and only while it is torn, else a good entry of somebody faster would go. On S3
    an entry that changes nothing, with `metadata`, takes its place (a PUT that the server refuses unless it is
    still torn).
    """
    place = entry_place(log, number)
    if log.is_s3:
        _replace_torn(log, number, content=_nothing(metadata or {}), settings=settings)
        return
    if not os.path.exists(place.path) or read_entry(log, number, settings=settings) is not None:
        return
    with _locked(os.path.dirname(place.path)):
        if os.path.exists(place.path) and read_entry(log, number, settings=settings) is None:
            os.rename(place.path, f"{place.path}.torn-{uuid.uuid4().hex[:8]}")
            sync_folder(os.path.dirname(place.path))


def _replace_torn(log: Location, number: int, *, content: bytes, settings: Settings) -> None:
    place = entry_place(log, number)
    try:
        etag = filesystem(log, settings).info(place.path)["ETag"]  # before it is read: a good one has another
        if read_entry(log, number, settings=settings) is None:
            conditional_put(place, content, settings=settings, IfMatch=etag)
    except FileNotFoundError:
        return
    except store_errors() as error:
        raise LocationError(f"cannot be mended: {error}", where=str(place)) from error


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


def actions_digest(added: Iterable[tuple[str, int, str]], removed: Iterable[str]) -> str:
    """The sha256 of what a commit does: paths, bytes and statistics of the files it adds, paths of those it removes."""
    said = [sorted(map(list, added)), sorted(removed)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _parsed(content: bytes) -> Entry | None:
    digest = hashlib.sha256(content).hexdigest()
    try:
        actions = _actions(content)
    except _Garbled:
        return Entry({}, (), (), digest, is_changed=True)
    except ValueError:
        return None
    try:
        info = next(action["commitInfo"] for action in actions if "commitInfo" in action)
        added = [action["add"] for action in actions if "add" in action]
        removed = [action["remove"] for action in actions if "remove" in action]
        if len(actions) < info.get(ACTION_COUNT, 0) + 1:
            return None
        paths = tuple((add["path"], int(add["size"])) for add in added)
        gone = tuple(remove["path"] for remove in removed)
        stated = (info.get(ACTION_COUNT), info.get(ACTIONS_DIGEST))
        said = [(add["path"], add["size"], add.get("stats") or "") for add in added]
        found = (len(added) + len(removed), actions_digest(said, gone))
        is_changed = any(is_ is not None and is_ != was for is_, was in zip(stated, found, strict=True))
        return Entry(info, paths, gone, digest, is_changed)
    except StopIteration:
        return Entry({}, (), (), digest, is_changed=True) if actions else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return Entry({}, (), (), digest, is_changed=True)


class _Garbled(ValueError):
    """Something in the middle is no JSON, so it was not cut off."""


def _actions(content: bytes) -> list[Any]:
    """The lines of an entry; a ValueError where it ends before its end, as a power cut leaves it."""
    lines = [line for line in content.splitlines() if line.strip()]
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            if (number < len(lines) and b"\0" not in content) or _is_in_the_middle(error, line):
                raise _Garbled from error
            raise
    return found


def _is_in_the_middle(error: ValueError, line: bytes) -> bool:
    """Whether a line is no JSON although more comes behind the fault: it was changed, and not cut off."""
    if b"\0" in line:
        return False
    if isinstance(error, UnicodeDecodeError):
        return error.end < len(line)
    if not isinstance(error, json.JSONDecodeError) or error.msg.startswith("Unterminated string"):
        return False
    return error.pos < len(error.doc.rstrip()) and error.doc.rstrip().endswith("}}")


def _nothing(metadata: Mapping[str, Any]) -> bytes:
    info = {
        **metadata,
        "timestamp": int(time.time() * 1000),
        "operation": "WRITE",
        "operationParameters": {},
        "author": "datacat",
        "message": "in place of a torn log entry",
        ACTION_COUNT: 0,
    }
    return json.dumps({"commitInfo": info}).encode()


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
