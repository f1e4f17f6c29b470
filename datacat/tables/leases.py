"""Who is writing: `gc` leaves the data files of whoever holds a lease alone.

A writer puts `<root>/leases/<id>.json` before its first data file and takes it away after its commit. The names of
its data files begin with that id, so it is known whose a file is, and no clock has a say in it. Whether a writer is
dead is asked of its own operating system where that is ours; else its lease, which it renews every `RENEW_S`, must
be older than `EXPIRE_S` by the clock of the store itself.

A lease may say more: whoever freezes a snapshot names the state that it rests on (`state`) until the snapshot is
pinned, and `gc --forget-before` the states that it is about to forget (`forgets_before`). Each puts its own lease
first and looks at those of the others then; so of two who begin at the same moment, at least one sees the other.

`gc` takes the lease of a dead writer away, then reads the log, then removes files. So a writer that was only thought
to be dead (a machine that slept) finds out: it looks after its lease before it commits and again afterwards.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import threading
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError
from datacat.sources.conditional import conditional_put
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables.durable import made_folder

RENEW_S = 30.0
EXPIRE_S = 600.0
_held: ContextVar[Lease | None] = ContextVar("lease", default=None)


@dataclass(frozen=True, slots=True)
class Found:
    """A lease that lies there.

    Attributes:
        id: the lease's.
        place: where it lies.
        size: bytes.
        changed_s: when it was put or renewed last, since 1970 by the clock of the store.
        is_alive: whether its writer is at work, as far as can be told.
        state: the state that its holder rests on; None: none in particular.
        forgets_before: the holder removes what only states before this one need; None: it does not.
    """

    id: str
    place: Location
    size: int
    changed_s: float
    is_alive: bool
    state: int | None = None
    forgets_before: int | None = None


class Lease:
    """The right to have data files that no state has yet. Take one with `held`."""

    def __init__(
        self,
        root: Location,
        settings: Settings,
        *,
        state: int | None = None,
        forgets_before: int | None = None,
    ) -> None:
        about = {"state": state, "forgets_before": forgets_before}
        self._about = {name: number for name, number in about.items() if number is not None}
        self.id = uuid.uuid4().hex[:16]
        self._place = _folder(root).child(f"{self.id}.json")
        self._settings = settings
        self._etag = ""
        self._is_kept = False

    def confirm(self) -> None:
        """Makes sure that nobody took this writer for dead.

        Raises:
            CatalogError: somebody did, and may have removed its files.
        """
        try:
            is_there = filesystem(self._place, self._settings).exists(self._place.path)
        except store_errors() as error:
            raise LocationError(f"cannot be read: {error}", where=str(self._place)) from error
        if not is_there:
            raise CatalogError(
                "`datacat gc` took this writer for dead and may have removed its files; nothing was committed",
                where=str(self._place),
                hint="Run the command again.",
            )

    def keep(self) -> None:
        """Leaves the lease to expire, as nobody knows whether the store will still carry out the commit."""
        self._is_kept = True

    def take(self) -> None:
        """Puts the lease.

        Raises:
            LocationError: nothing can be written there.
        """
        try:
            if not self._place.is_s3:
                made_folder(os.path.dirname(self._place.path))
                Path(self._place.path).write_bytes(self._content(_process()))
            else:
                self._etag = self._put(_process(), IfNoneMatch="*")
        except store_errors() as error:
            raise LocationError(f"cannot be written: {error}", where=str(self._place)) from error

    def renew_until(self, stop: threading.Event) -> None:
        """Renews the lease until `stop` is set; a lease that was taken away is not put again."""
        while not stop.wait(RENEW_S):
            with contextlib.suppress(*store_errors()):  # the line is down: for the files, too
                self._renew()

    def release(self) -> None:
        """Takes the lease away; one that stays behind is removed by gc."""
        with contextlib.suppress(*store_errors()):
            if not self._is_kept:
                filesystem(self._place, self._settings).rm_file(self._place.path)
            elif self._place.is_s3:
                self._put(None, IfMatch=self._etag)  # that this process ends proves nothing any more

    def _renew(self) -> None:
        if self._place.is_s3:
            self._etag = self._put(_process(), IfMatch=self._etag) or self._etag
        else:
            os.utime(self._place.path)

    def _put(self, process: str | None, **condition: str) -> str:
        content = self._content(process)
        etag = conditional_put(self._place, content, settings=self._settings, **condition)
        return etag or str(filesystem(self._place, self._settings).info(self._place.path)["ETag"])

    def _content(self, process: str | None) -> bytes:
        by = f"{_user()}@{platform.node()}, process {os.getpid()}"
        said = {"by": by, "process": process, "renewed": uuid.uuid4().hex, **self._about}
        return json.dumps(said).encode()


@contextlib.contextmanager
def held(
    root: Location,
    settings: Settings,
    *,
    state: int | None = None,
    forgets_before: int | None = None,
) -> Iterator[Lease]:
    """Holds a lease of its own; `current` names it within.

    Args:
        root: the catalog's.
        settings: how its store is reached.
        state: the state that must stay meanwhile.
        forgets_before: the states that are about to be forgotten are those before this one.

    Raises:
        LocationError: nothing can be written there.
    """
    lease = Lease(root, settings, state=state, forgets_before=forgets_before)
    stop = threading.Event()
    lease.take()
    renewing = threading.Thread(target=lease.renew_until, args=(stop,), daemon=True)
    renewing.start()
    before = _held.set(lease)
    try:
        yield lease
    finally:
        _held.reset(before)
        stop.set()
        renewing.join()
        lease.release()


def current() -> Lease | None:
    """The lease that is held here."""
    return _held.get()


def owner_of(path: str) -> str:
    """The id of the lease under which a data file was written, as its name says; of other files any text."""
    return path.rsplit("/", 1)[-1].split("-", 1)[0]


def found(root: Location, settings: Settings) -> list[Found]:
    """The leases that lie there, with what is known of their writers.

    Raises:
        LocationError: they cannot be listed.
    """
    folder = _folder(root)
    fs = filesystem(folder, settings)
    try:
        listed = fs.find(folder.path, detail=True)
    except FileNotFoundError:
        return []
    except store_errors() as error:
        raise LocationError(f"cannot be listed: {error}", where=str(folder)) from error
    places = {name: folder.child(name.rsplit("/", 1)[1]) for name in listed if name.endswith(".json")}
    now_s = store_time(root, settings) if places else 0.0
    leases = []
    for name, place in places.items():
        size, changed_s, said = int(listed[name]["size"]), changed(listed[name]), _said(place, settings)
        if said is not None:  # else it was given back meanwhile
            is_alive = _is_alive(said.get("process"), age_s=now_s - changed_s)
            about = (_number(said, "state"), _number(said, "forgets_before"))
            leases.append(Found(place.name.removesuffix(".json"), place, size, changed_s, is_alive, *about))
    return leases


def store_time(root: Location, settings: Settings) -> float:
    """Now, by the clock that dates the files of the store; seconds since 1970."""
    fs = filesystem(root, settings)
    if root.is_s3:
        bucket, _, key = root.child("ids/0000000000.json").path.partition("/")
        try:
            answer: dict[str, Any] = fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=key, MaxKeys=1)
            return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
        except (KeyError, TypeError, ValueError) as error:
            raise LocationError("the server does not say what time it is", where=str(root)) from error
        except store_errors() as error:
            raise LocationError(f"cannot be listed: {error}", where=str(root)) from error
    made_folder(_folder(root).path)
    path = Path(_folder(root).path) / f"clock-{uuid.uuid4().hex}.tmp"
    try:
        path.touch()
        return path.stat().st_mtime
    except OSError as error:
        raise LocationError(f"cannot be written: {error.strerror}", where=str(path)) from error
    finally:
        path.unlink(missing_ok=True)


def changed(facts: dict[str, Any]) -> float:
    """When a listed file changed, seconds since 1970 by the clock of the store."""
    if "mtime" in facts:
        return float(facts["mtime"])
    try:
        return float(facts["LastModified"].timestamp())
    except (KeyError, AttributeError) as error:
        raise LocationError("the server does not say when it changed", where=facts.get("name")) from error


def _folder(root: Location) -> Location:
    return root.child("leases")


def _said(place: Location, settings: Settings) -> dict[str, Any] | None:
    """What a lease says; nothing where it cannot be understood, None where it is gone."""
    try:
        said = json.loads(filesystem(place, settings).cat_file(place.path))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    except store_errors() as error:
        raise LocationError(f"cannot be read: {error}", where=str(place)) from error
    return said if isinstance(said, dict) else {}


def _number(said: dict[str, Any], name: str) -> int | None:
    number = said.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _is_alive(process: object, *, age_s: float) -> bool:
    kernel = _kernel()
    if kernel and isinstance(process, str) and process.startswith(f"{kernel} "):
        pid = process.split(" ")[-2]
        return pid.isdigit() and _process(int(pid)) == process
    return age_s <= EXPIRE_S


def _kernel() -> str:
    """Names the running system and which of its processes we can see; empty where it does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _process(pid: int | None = None) -> str | None:
    """A name that only one process ever has; None where the system gives none, or there is no such process."""
    kernel, pid = _kernel(), pid or os.getpid()
    try:
        # Behind the command's name, which may hold anything: the state first, the time of its start as 20th.
        facts = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return f"{kernel} {pid} {facts[19]}" if kernel and facts[0] not in "ZX" else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return str(os.getuid())
