"""The number of the newest state, kept apart from the log: it tells a log that lost its end from a shorter one.

Each writer puts it into `<root>/ids/newest.json` once its entry has reached the disk. Who opens the catalog reads it
first and lists the log then. So it may lag behind the log (a writer was killed in between, or another was faster),
which means nothing; it is never ahead of a log that is whole. Nothing is synced, for the same reason. Catalogs of
earlier releases have none until their next commit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from pathlib import Path

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError
from datacat.sources.location import Location, filesystem, store_errors


def place(root: Location) -> Location:
    """Where a catalog keeps it."""
    return root.child("ids/newest.json")


def recorded(root: Location, settings: Settings) -> int:
    """The newest state that was said to be committed; -1 where nothing is kept or nobody can tell what.

    Raises:
        LocationError: the store does not answer.
    """
    number = _parsed(_content(root, settings) or b"")
    return -1 if number is None else number


def is_damaged(root: Location, settings: Settings) -> bool:
    """Whether there is a record that nobody can read.

    Raises:
        LocationError: the store does not answer.
    """
    content = _content(root, settings)
    return content is not None and _parsed(content) is None


def record(root: Location, number: int, *, settings: Settings) -> None:
    """Keeps that `number` was committed, unless a later one is kept; never fails, as the commit has happened."""
    with contextlib.suppress(LocationError, *store_errors()):
        if recorded(root, settings) >= number:
            return
        content = json.dumps({"state": number, "check": _check(number)}).encode()
        kept = place(root)
        if kept.is_s3:
            filesystem(kept, settings).pipe_file(kept.path, content)
            return
        temporary = Path(f"{kept.path}.{uuid.uuid4().hex}.tmp")
        try:
            temporary.write_bytes(content)
            os.replace(temporary, kept.path)
        finally:
            temporary.unlink(missing_ok=True)


def lost(root: Location, *, left: int, newest: int) -> CatalogError:
    """The error that says that the states behind `left`, up to `newest`, were committed and are gone."""
    states = f"state {newest} is" if newest == left + 1 else f"states {left + 1} to {newest} are"
    return CatalogError(
        f"{states} lost: state {newest} was committed, yet the log ends with {left}",
        where=str(root.child("log/_delta_log")),
        hint=f"Restore the entries behind {left:020}.json from a backup; `--at {left}` reads what is left. "
        f"Without a backup: delete ids/newest.json to go on from state {left}. `datacat gc` then removes what the "
        "lost states held, so copy the catalog before.",
    )


def _content(root: Location, settings: Settings) -> bytes | None:
    kept = place(root)
    try:
        content: bytes = filesystem(kept, settings).cat_file(kept.path)
        return content
    except (FileNotFoundError, NotADirectoryError):
        return None
    except store_errors() as error:
        raise LocationError(f"cannot be read: {error}", where=str(kept)) from error


def _parsed(content: bytes) -> int | None:
    try:
        said = json.loads(content)
        number = said["state"]
        is_whole = type(number) is int and number >= 0 and said["check"] == _check(number)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return number if is_whole else None


def _check(number: int) -> str:
    """By what a changed bit is found: the number alone would be another one, and raise a false alarm."""
    return hashlib.sha256(f"datacat state {number}".encode()).hexdigest()[:16]
