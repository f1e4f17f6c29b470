"""A place that snapshots are sent to and fetched from: a folder or an s3:// prefix.

<place>/repo.bundle    git's history in one file, replaced by compare-and-swap
<place>/dvc/           a DVC remote with the manifests
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from datacat.config import Settings, size_bytes
from datacat.errors import LocationError, SnapshotDamaged, SnapshotError, cause_of
from datacat.sources.conditional import conditional_put
from datacat.sources.location import Location, filesystem, s3_address, store_errors
from datacat.versions import plain
from datacat.versions.objects import Objects

_UNQUOTABLE = re.compile(r'["\r\n]|%\(')
_MAX_BUNDLE_BYTES = 2**30  # some 500,000 snapshots


class Share:
    """The place at `location`."""

    def __init__(self, location: Location, settings: Settings) -> None:
        self.location = location
        self._settings = settings
        self.bundle = location.child("repo.bundle")

    def objects(self) -> Objects:
        """The manifests that were sent here."""
        return Objects(self.location.child("dvc"), self._settings)

    def check_fetched(self, size: int, *, into: Path) -> None:
        """Refuses to fetch manifests that together say to have `size` bytes where those are too many.

        Raises:
            SnapshotError: more than `pull_limit`, or than there is room for in the folder `into`.
        """
        limit, free = size_bytes(self._settings.pull_limit), shutil.disk_usage(into).free
        if size <= min(limit, free):
            return
        than = f"the {limit:,} of pull_limit" if size > limit else f"the {free:,} that are free"
        raise SnapshotError(
            f"what is not here yet says to have {size:,} bytes, more than {than}; nothing was taken in",
            where=str(self.location),
            hint="If you expect so much, set pull_limit or make room." if size > limit else "Make room.",
        )

    def check_writable(self) -> None:
        """Refuses a place that nothing can be sent to, with the reason that the place gives.

        Raises:
            LocationError: there is no such bucket, it is no folder, it may not be written, or a part of it is a link.
        """
        self._refuse_links()
        probe = self.location.child(f"dvc/.probe-{uuid.uuid4().hex}")
        try:
            if self.location.is_s3:
                self._check_bucket()
            else:
                Path(probe.path).parent.mkdir(parents=True, exist_ok=True)
            self._files.pipe_file(probe.path, b"")
            self._files.rm_file(probe.path)
        except LocationError:
            raise
        except (NotADirectoryError, FileExistsError) as error:
            raise LocationError("is not a folder", where=str(self.location)) from error
        except store_errors() as error:
            raise LocationError(f"cannot be written: {cause_of(error)}", where=str(self.location)) from error

    def _refuse_links(self) -> None:
        """Makes sure that what is written into a folder stays there. The folder itself may be reached by a link."""
        if self.location.is_s3:
            return
        above = Path(self.location.path)
        for path in (above / ".lock", above / "dvc", *_below(above / "dvc")):
            if path.is_symlink():
                raise LocationError(
                    "is a link, and what it leads to is no part of the remote; nothing was sent",
                    where=str(path),
                    hint="Put the folder or file itself in its place, or take the link away.",
                )

    def _check_bucket(self) -> None:
        bucket = self.location.path.partition("/")[0]
        try:
            self._files.call_s3("head_bucket", Bucket=bucket)
        except FileNotFoundError as error:
            raise LocationError(f"there is no bucket {bucket}", where=str(self.location)) from error

    def set_aside(self) -> None:
        """Keeps a copy of a bundle that cannot be read, under a name of its own beside it."""
        if self.etag() is not None:
            aside = self.location.child(f"repo.bundle.aside-{uuid.uuid4().hex[:8]}")
            try:
                self._files.cp_file(self.bundle.path, aside.path)
            except store_errors() as error:
                raise LocationError(f"cannot be written: {cause_of(error)}", where=str(aside)) from error

    def dvc_config(self, *, workspace: Path) -> str:
        """The section of DVC's configuration in `workspace` that makes this place the remote `share`.

        A folder is named by a link in the workspace: its path may hold what begins a comment there.

        Raises:
            SnapshotError: DVC cannot be told of such a prefix.
        """
        lines = ["['remote \"share\"']"]
        place = self.location.child("dvc")
        if not self.location.is_s3:
            own = workspace / ".dvc"
            own.mkdir(exist_ok=True)
            (own / "share").symlink_to(place.path)
            return "\n".join([*lines, "    url = share"]) + "\n"
        if _UNQUOTABLE.search(place.uri):
            raise SnapshotError("DVC cannot be told of a prefix with quotes or %(", where=str(place))
        endpoint, region = s3_address(self._settings)
        patience = self._settings.s3_timeout_s
        lines += [f'    url = "{place}"', f'    region = "{region}"']
        lines += [f"    connect_timeout = {patience}", f"    read_timeout = {patience}"]
        if endpoint:
            lines.append(f'    endpointurl = "{endpoint}"')
        return "\n".join(lines) + "\n"

    def etag(self) -> str | None:
        """What tells this bundle from all others; None where there is no bundle."""
        try:
            if self.location.is_s3:
                return str(self._files.info(self.bundle.path)["ETag"])
            path = Path(self.bundle.path)
            if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
                raise SnapshotDamaged("is no regular file", where=str(self.bundle))
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None
        except NotADirectoryError as error:
            raise LocationError("is not a folder", where=str(self.location)) from error
        except store_errors() as error:
            raise LocationError(f"cannot be read: {cause_of(error)}", where=str(self.bundle)) from error

    def fetch(self, path: Path) -> str | None:
        """Copies the bundle to `path` and returns its etag; None where there is none."""
        while (etag := self.etag()) is not None:
            try:
                size = self._files.info(self.bundle.path)["size"]
                if size > _MAX_BUNDLE_BYTES:
                    what = f"has {size:,} bytes, more than {_MAX_BUNDLE_BYTES:,}"
                    raise SnapshotDamaged(what, where=str(self.bundle))
                end = _MAX_BUNDLE_BYTES
                path.write_bytes(self._files.cat_file(self.bundle.path, start=0, end=end) if size else b"")
            except store_errors() as error:
                raise LocationError(f"cannot be read: {cause_of(error)}", where=str(self.bundle)) from error
            if self.etag() == etag:
                break  # else it was replaced while we read
        return etag

    def replace(self, path: Path, *, expected: str | None) -> str | None:
        """Puts the bundle at `path` in the place of the one with the etag `expected` (None: of none).

        Returns:
            Its etag, or None where somebody else was faster and nothing was written.
        """
        try:
            return (
                self._put(path.read_bytes(), expected) if self.location.is_s3 else self._move(path, expected)
            )
        except store_errors() as error:
            raise LocationError(f"cannot be written: {cause_of(error)}", where=str(self.bundle)) from error

    def _put(self, content: bytes, expected: str | None) -> str | None:
        condition = {"IfMatch": expected} if expected else {"IfNoneMatch": "*"}
        return conditional_put(self.bundle, content, settings=self._settings, **condition)

    def _move(self, path: Path, expected: str | None) -> str | None:
        folder = Path(self.location.path)
        folder.mkdir(parents=True, exist_ok=True)
        with _opened_lock(folder / ".lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.etag() != expected:
                return None
            plain.write(Path(self.bundle.path), path.read_bytes())
            return self.etag()

    @property
    def _files(self) -> Any:
        return filesystem(self.location, self._settings)


def _opened_lock(path: Path) -> IO[bytes]:
    """The file that writers lock, made where there is none; a link is not followed, nor a pipe waited for."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        yield from (Path(place) / name for name in (*folders, *files))
