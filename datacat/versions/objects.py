"""The manifests as DVC keeps them: bytes under their md5, in a cache or a remote, read without DVC.

    files/md5/<2 digits>/<30 digits>        a file
    files/md5/<2 digits>/<30 digits>.dir    the listing of a folder, JSON: its files, each with its md5

Whoever can write into such a place can put anything there under any name. So a listing may name the files of a
manifest and nothing else, each byte is digested as it comes, and it comes into a staging folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from datacat.config import Settings
from datacat.errors import SnapshotDamaged
from datacat.model.snapshot import MANIFEST
from datacat.sources.location import Location, filesystem, store_errors
from datacat.versions import plain
from datacat.versions.manifest import file_of

_MD5 = re.compile(r"[0-9a-f]{32}")
_MAX_LISTING_BYTES = 65_536
_BLOCK = 2**20
_FILES = {file_of(Path(), table).name for table in MANIFEST}


class Objects:
    """The objects below `place`, a folder or an s3:// prefix."""

    def __init__(self, place: Location, settings: Settings) -> None:
        self.place = place
        self._settings = settings

    def fetch(self, tracked: plain.Tracked, *, into: Path, name: str) -> None:
        """Writes the files of a manifest into the empty folder `into`.

        Raises:
            SnapshotDamaged: one is not there, has other bytes than its name says, or is no file of a manifest.
        """
        total = 0
        for file, md5 in self._listing(tracked, name=name).items():
            total += self._copy(md5, into=into / file, limit=tracked.size - total, name=name)

    def has(self, tracked: plain.Tracked, *, name: str) -> bool:
        """Whether all of a manifest is here; its bytes are not compared."""
        try:
            listing = self._listing(tracked, name=name)
        except SnapshotDamaged:
            return False
        files = filesystem(self.place, self._settings)
        return all(files.exists(self._of(md5).path) for md5 in listing.values())

    def add(self, tracked: plain.Tracked, *, folder: Path) -> None:
        """Takes in the files of a manifest that lie in `folder`; only into a folder on this machine.

        Raises:
            SnapshotDamaged: they are not what manifest.dvc says.
        """
        listing = []
        for file in sorted(_FILES):
            content = folder / file
            with content.open("rb") as opened:
                md5 = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            listing.append({"md5": md5, "relpath": file})
            self._put(md5, content)
        text = json.dumps(listing).encode()
        found = f"{hashlib.md5(text, usedforsecurity=False).hexdigest()}.dir"
        if found != tracked.md5:
            raise SnapshotDamaged("manifest.dvc names other files than lie beside it", where=str(folder))
        self._put_bytes(found, text)

    def _listing(self, tracked: plain.Tracked, *, name: str) -> dict[str, str]:
        """The files of a manifest with their md5."""
        with self._opened(tracked.md5, name=name) as file:
            content = file.read(_MAX_LISTING_BYTES + 1)
        _check_md5(hashlib.md5(content, usedforsecurity=False).hexdigest(), tracked.md5[:32], name=name)
        try:
            listing = {str(item["relpath"]): str(item["md5"]) for item in json.loads(content)}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SnapshotDamaged("the list of its files cannot be read", where=name) from error
        if listing.keys() != _FILES or not all(_MD5.fullmatch(md5) for md5 in listing.values()):
            shown = ", ".join(repr(file)[:80] for file in sorted(listing)[:5])
            raise SnapshotDamaged(
                f"its files should be {', '.join(sorted(_FILES))}, and are {shown}", where=name
            )
        return listing

    def _copy(self, md5: str, *, into: Path, limit: int, name: str) -> int:
        digest, copied = hashlib.md5(usedforsecurity=False), 0
        with self._opened(md5, name=name) as file, into.open("xb") as copy:
            while block := file.read(_BLOCK):
                copied += len(block)
                if copied > limit:
                    raise SnapshotDamaged(f"{into.name} is longer than manifest.dvc says", where=name)
                digest.update(block)
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
        _check_md5(digest.hexdigest(), md5, name=name)
        return copied

    def _opened(self, md5: str, *, name: str) -> AbstractContextManager[IO[bytes]]:
        place = self._of(md5)
        try:
            if not place.is_s3 and not Path(place.path).is_file():
                raise SnapshotDamaged(f"its manifest is not in {self.place}", where=name)
            opened: Any = filesystem(place, self._settings).open(place.path, "rb")
        except FileNotFoundError as error:
            raise SnapshotDamaged(f"its manifest is not in {self.place}", where=name) from error
        except store_errors() as error:
            raise SnapshotDamaged(f"its manifest cannot be read: {error}", where=str(place)) from error
        return opened  # type: ignore[no-any-return]  # fsspec is not typed

    def _of(self, md5: str) -> Location:
        return self.place.child(f"files/md5/{md5[:2]}/{md5[2:]}")

    def _put(self, md5: str, content: Path) -> None:
        place = Path(self._of(md5).path)
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            staged = place.with_name(f"{place.name}.new")
            shutil.copyfile(content, staged)
            staged.replace(place)

    def _put_bytes(self, md5: str, content: bytes) -> None:
        place = Path(self._of(md5).path)
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            plain.write(place, content)


def _check_md5(found: str, stated: str, *, name: str) -> None:
    if found != stated:
        raise SnapshotDamaged(f"a file of its manifest has the md5 {found}, not {stated}", where=name)
