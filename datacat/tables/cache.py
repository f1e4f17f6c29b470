"""Local copies of the immutable data files of a remote catalog."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables.leases import owner_of
from datacat.tables.state import DataFile

_DOWNLOADS = 8
_DOWNLOAD_S = 3600.0


class Cache:
    """A file never changes once it has its name, so a copy of that name and size is trusted.

    What is downloaded is compared with the digest in its name.
    """

    def __init__(self, log: Location, settings: Settings) -> None:
        self._log = log
        self._settings = settings
        self.folder = settings.cache_path / "files" / hashlib.sha256(log.uri.encode()).hexdigest()[:16]

    def fetch(self, files: Iterable[DataFile]) -> None:
        """Makes sure that there is a local copy of each.

        Raises:
            CatalogError: a file is gone from the store, or is not what was committed.
        """
        wanted = [file for file in files if not self._has(file)]
        if wanted:
            with ThreadPoolExecutor(_DOWNLOADS) as pool:
                list(pool.map(self._download, wanted))

    def forget(self, keep: Set[str], *, writers: Set[str], grace_s: float) -> None:
        """Removes copies that are neither in `keep` (paths below the log) nor of writers at work, past the grace.

        Half a download is spared for `_DOWNLOAD_S` at least: somebody may be at it.
        """
        now = time.time()
        for path in self.folder.rglob("*"):
            relative = path.relative_to(self.folder).as_posix()
            spared_s = max(grace_s, _DOWNLOAD_S) if path.suffix == ".tmp" else grace_s
            with contextlib.suppress(FileNotFoundError):
                if (
                    path.is_file()
                    and relative not in keep
                    and owner_of(relative) not in writers
                    and path.stat().st_mtime < now - spared_s
                ):
                    path.unlink()

    def damaged(self, file: DataFile) -> str | None:
        """The place of a copy whose bytes are not those that were committed; None where all is well."""
        path = self.folder / file.path
        if file.digest is None or not self._has(file) or _digest(path) == file.digest:
            return None
        return str(path)

    def _has(self, file: DataFile) -> bool:
        path = self.folder / file.path
        return path.exists() and path.stat().st_size == file.size

    def _download(self, file: DataFile) -> None:
        target, place = self.folder / file.path, self._log.child(file.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(f"{target}.{uuid.uuid4().hex}.tmp")
        try:
            filesystem(self._log, self._settings).get_file(place.path, str(temporary))
            size = temporary.stat().st_size
            if size != file.size:
                raise CatalogError(
                    f"the file has {size:,} bytes, not {file.size:,}", where=str(place), hint=_HINT
                )
            if file.digest is not None and _digest(temporary) != file.digest:
                raise CatalogError(
                    "the bytes that came are not those that were committed",
                    where=str(place),
                    hint="Try again; if it stays, see `datacat doctor --deep`.",
                )
            os.replace(temporary, target)
        except FileNotFoundError as error:
            raise CatalogError("a data file of this state is gone", where=str(place), hint=_HINT) from error
        except store_errors() as error:
            raise LocationError(f"cannot be read: {error}", where=str(place)) from error
        finally:
            temporary.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_HINT = "It may be of a state that `datacat gc` was told to forget; else see `datacat doctor`."
