"""Local copies of the immutable data files of a remote catalog."""

from __future__ import annotations

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
from datacat.tables.state import DataFile

_DOWNLOADS = 8


class Cache:
    """A file never changes once it has its name, so a copy of that name and size is trusted."""

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

    def forget(self, keep: Set[str], *, grace_s: float) -> None:
        """Removes copies that are not in `keep` (paths below the log) and older than the grace."""
        newest = time.time() - grace_s
        for path in self.folder.rglob("*"):
            relative = path.relative_to(self.folder).as_posix()
            if path.is_file() and relative not in keep and path.stat().st_mtime < newest:
                path.unlink(missing_ok=True)

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
            os.replace(temporary, target)
        except FileNotFoundError as error:
            raise CatalogError("a data file of this state is gone", where=str(place), hint=_HINT) from error
        except store_errors() as error:
            raise LocationError(f"cannot be read: {error}", where=str(place)) from error
        finally:
            temporary.unlink(missing_ok=True)


_HINT = "It may be of a state that `datacat gc` was told to forget; else see `datacat doctor`."
