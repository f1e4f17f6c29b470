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
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from datacat.config import Settings
from datacat.errors import SnapshotDamaged, cause_of
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
            SnapshotDamaged: one is not there, has other bytes than its name says, or is no file of a manifest; or they
                are not as long as manifest.dvc says.
        """
        total = 0
        for file, md5 in self._listing(tracked, name=name).items():
            total += self._copy(md5, into=into / file, limit=tracked.size - total, name=name)
        tracked.check_size(total)

    def amiss(self, tracked: plain.Tracked, *, name: str, is_deep: bool) -> str | None:
        """What of a manifest is not here as it was put, in words; None where all of it is.

        Args:
            tracked: what manifest.dvc says.
            name: of the snapshot.
            is_deep: compares each file with the md5 in its name; else only their sizes with that of all.
        """
        try:
            sizes = {
                md5: self._size(md5, is_deep=is_deep, name=name)
                for md5 in self._listing(tracked, name=name).values()
            }
        except SnapshotDamaged as error:
            return error.what
        total = sum(sizes.values())
        if total != tracked.size:
            return f"its files in {self.place} have {total:,} bytes, not {tracked.size:,}"
        return None

    def add(self, tracked: plain.Tracked, *, folder: Path) -> None:
        """Takes in the files of a manifest that lie in `folder`, also in place of what is here and damaged.

        Raises:
            SnapshotDamaged: they are not what manifest.dvc says.
        """
        files, text = _listed(folder)
        if _dir_name(text) != tracked.md5:
            raise SnapshotDamaged("manifest.dvc names other files than lie beside it", where=str(folder))
        for file, md5 in files.items():
            self._put(md5, folder / file)
        self._put(tracked.md5, text)

    def _listing(self, tracked: plain.Tracked, *, name: str) -> dict[str, str]:
        """The files of a manifest with their md5."""
        with self._opened(tracked.md5, name=name) as file:
            content = file.read(_MAX_LISTING_BYTES + 1)
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != tracked.md5[:32]:
            raise SnapshotDamaged(
                f"the list of its files in {self.place} is damaged: it is not that of its md5", where=name
            )
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
        with self._telling(place, name=name):
            if not place.is_s3 and not Path(place.path).is_file():
                raise FileNotFoundError
            opened: Any = filesystem(place, self._settings).open(place.path, "rb")
        return opened  # type: ignore[no-any-return]  # fsspec is not typed

    @contextmanager
    def _telling(self, place: Location, *, name: str) -> Iterator[None]:
        """Tells why an object of the snapshot `name` is not had."""
        try:
            yield
        except FileNotFoundError as error:
            raise SnapshotDamaged(f"its manifest is not in {self.place}", where=name) from error
        except store_errors() as error:
            what = f"its manifest cannot be read: {cause_of(error)}"
            raise SnapshotDamaged(what, where=str(place)) from error

    def _of(self, md5: str) -> Location:
        return self.place.child(f"files/md5/{md5[:2]}/{md5[2:]}")

    def _size(self, md5: str, *, is_deep: bool, name: str) -> int:
        """The bytes of an object; compared with its name, where it is to be `deep`."""
        place, total = self._of(md5), 0
        if not is_deep:
            with self._telling(place, name=name):
                return int(filesystem(place, self._settings).info(place.path)["size"])
        digest = hashlib.md5(usedforsecurity=False)
        with self._opened(md5, name=name) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                total += len(block)
        _check_md5(digest.hexdigest(), md5, name=name)
        return total

    def _put(self, md5: str, content: Path | bytes) -> None:
        """Writes a file, or bytes, here, unless they are here as the name says: what is damaged here is nobody's."""
        place, files = self._of(md5), filesystem(self.place, self._settings)
        if not place.is_s3 and _is(Path(place.path), md5):
            return
        staged = (
            place.path if place.is_s3 else f"{place.path}.new"
        )  # an object on S3 is there whole or not at all
        if not place.is_s3:
            os.makedirs(place.parent.path, exist_ok=True)
        if isinstance(content, bytes):
            files.pipe_file(staged, content)
        else:
            files.put_file(str(content), staged)
        if not place.is_s3:
            os.replace(staged, place.path)


def is_as_tracked(folder: Path, tracked: plain.Tracked) -> bool:
    """Whether the files of the manifest in `folder` have the bytes, and the size, that manifest.dvc names."""
    try:
        size = sum((folder / file).stat().st_size for file in _FILES)
        return size == tracked.size and _dir_name(_listed(folder)[1]) == tracked.md5
    except OSError:
        return False


def _listed(folder: Path) -> tuple[dict[str, str], bytes]:
    """The md5 of each file of a manifest, and DVC's listing of them."""
    files = {file: _md5_of(folder / file) for file in sorted(_FILES)}
    return files, json.dumps([{"md5": md5, "relpath": file} for file, md5 in files.items()]).encode()


def _dir_name(listing: bytes) -> str:
    return f"{hashlib.md5(listing, usedforsecurity=False).hexdigest()}.dir"


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _is(path: Path, md5: str) -> bool:
    return path.is_file() and not path.is_symlink() and _md5_of(path) == md5.removesuffix(".dir")


def _check_md5(found: str, stated: str, *, name: str) -> None:
    if found != stated:
        what = f"a file of its manifest is damaged: its bytes have the md5 {found}, not {stated}"
        raise SnapshotDamaged(what, where=name)
