"""One writer at a time for a space.

On a disk: a lock that the operating system takes back when the process ends, however it ends. On S3: an object
put where there is none, renewed while the writer lives; one that was not renewed for `LEASE_S` may be replaced.
Ages are differences of the server's own clock. Should a writer be overtaken, its rows are merely repeated ones.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import platform
import threading
import uuid
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from datacat.config import Settings
from datacat.errors import EmbeddingError
from datacat.sources.conditional import conditional_put
from datacat.sources.location import Location, filesystem, store_errors

LEASE_S = 60.0


@contextlib.contextmanager
def sole_writer(folder: Location, space: str, *, settings: Settings) -> Iterator[Callable[[], None]]:
    """Holds the right to write `space`; yields what to call before each write.

    Raises:
        EmbeddingError: another process holds it, or (from what is yielded) has taken it over.
    """
    if folder.is_s3:
        with _leased(folder.child(f"{space}.lease"), settings) as confirm:
            yield confirm
        return
    with _locked(folder.child(f"{space}.lock").path, space):
        yield lambda: None


@contextlib.contextmanager
def _locked(path: str, space: str) -> Iterator[None]:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError as error:
        raise EmbeddingError(f"cannot be written: {error.strerror}", where=path) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise _busy(space, file.read()) from error
        file.truncate(0)
        file.write(_self())
        file.flush()
        yield


@contextlib.contextmanager
def _leased(place: Location, settings: Settings) -> Iterator[Callable[[], None]]:
    lease = _Lease(place, settings)
    lease.take()
    stop = threading.Event()
    renewing = threading.Thread(target=lease.renew_until, args=(stop,), daemon=True)
    renewing.start()
    try:
        yield lease.confirm
    finally:
        stop.set()
        renewing.join()
        lease.give_back()


class _Lease:
    def __init__(self, place: Location, settings: Settings) -> None:
        self._place = place
        self._settings = settings
        self._system = filesystem(place, settings)
        self._bucket, _, self._key = place.path.partition("/")
        self._etag = ""
        self._lost: str | None = None

    def take(self) -> None:
        if self._put(IfNoneMatch="*"):
            return
        found = self._found()
        if found is None:
            free = self._put(IfNoneMatch="*")
        else:
            etag, age_s, holder = found
            if age_s < LEASE_S:
                raise _busy(self._place.name.removesuffix(".lease"), holder)
            free = self._put(IfMatch=etag)
        if not free:
            raise _busy(self._place.name.removesuffix(".lease"), "")

    def confirm(self) -> None:
        """Raises EmbeddingError where somebody else has taken over."""
        if self._lost:
            raise EmbeddingError(
                f"the right to write was lost: {self._lost}",
                where=str(self._place),
                hint="What was embedded until now is kept; run the command again.",
            )

    def renew_until(self, stop: threading.Event) -> None:
        while not stop.wait(LEASE_S / 4):
            try:
                if not self._put(IfMatch=self._etag):
                    self._lost = "another process took it over"
                    return
            except EmbeddingError:
                continue  # the line is down, for the vectors too; once it is up, this says who has the lease

    def give_back(self) -> None:
        found = None
        with contextlib.suppress(EmbeddingError):
            found = self._found()
        if found is not None and found[0] == self._etag:
            with contextlib.suppress(*store_errors()):
                self._system.call_s3("delete_object", Bucket=self._bucket, Key=self._key)

    def _put(self, **condition: str) -> bool:
        try:
            # Each body is another one, so that its ETag is, too.
            body = f"{_self()} {uuid.uuid4().hex}".encode()
            etag = conditional_put(self._place, body, settings=self._settings, **condition)
        except store_errors() as error:
            raise EmbeddingError(f"cannot be written: {error}", where=str(self._place)) from error
        self._etag = etag or self._etag
        return etag is not None

    def _found(self) -> tuple[str, float, str] | None:
        """ETag, age in seconds and holder of the lease that is there."""
        try:
            answer: dict[str, Any] = self._system.call_s3("head_object", Bucket=self._bucket, Key=self._key)
            content = self._system.cat_file(self._place.path)
            now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        except FileNotFoundError:
            return None
        except store_errors() as error:
            raise EmbeddingError(f"cannot be read: {error}", where=str(self._place)) from error
        except (KeyError, TypeError, ValueError) as error:
            what = "the server does not say what time it is"
            raise EmbeddingError(what, where=str(self._place)) from error
        return (
            answer["ETag"],
            (now - answer["LastModified"]).total_seconds(),
            content.decode().rsplit(" ", 1)[0],
        )


def _self() -> str:
    return f"{getpass.getuser()}@{platform.node()}, process {os.getpid()}"


def _busy(space: str, holder: str) -> EmbeddingError:
    by = f" ({holder.strip()})" if holder.strip() else ""
    return EmbeddingError(
        f"another process is embedding into {space}{by}",
        hint="Wait until it has finished. (On S3 one that was killed is in the way for a minute.)",
    )
