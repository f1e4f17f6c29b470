"""Bytes and text of a URI, the same from disk and from S3."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from datacat.config import Settings
from datacat.errors import LocationError, cause_of
from datacat.sources.inside import check_inside, open_inside
from datacat.sources.location import Location, filesystem, has_magic, store_errors

BLOCK = 4 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_T = TypeVar("_T")


def read_bytes(uri: str, settings: Settings, *, start: int = 0, end: int | None = None) -> bytes:
    """The bytes from `start` up to `end` (None: to the end of the object).

    Raises:
        LocationError: it is not there, cannot be read, or lies where `settings.reads` does not allow it.
    """
    location = Location(uri)
    if not location.is_s3:
        return _translated(lambda: _read_local(uri, settings, start=start, end=end), uri)
    check_inside(uri, settings.reads)
    if end is not None and end <= start:
        return b""
    return _translated(lambda: _read_s3(location, settings, start=start, end=end), uri)


def read_many(uris: Sequence[str], settings: Settings) -> Iterator[tuple[str, bytes | LocationError]]:
    """The bytes of small objects, or why they cannot be read, in the order given; from S3 concurrently."""
    # Of several names fsspec takes those with [ * ? for patterns.
    distant = [uri for uri in uris if uri.startswith("s3://") and not has_magic(uri)]
    fetched: dict[str, object] = {}
    if distant:
        system = filesystem(Location(distant[0]), settings)
        fetched = (
            system.cat([Location(uri).path for uri in distant], on_error="return") if len(distant) > 1 else {}
        )
    for uri in uris:
        content = fetched.pop(Location(uri).path, None)
        try:
            yield uri, content if isinstance(content, bytes) else read_bytes(uri, settings)
        except LocationError as error:
            yield uri, error


def blocks(uri: str, settings: Settings, *, size: int, block: int = BLOCK) -> Iterator[bytes]:
    """The first `size` bytes of an object, `block` bytes at a time."""
    for start in range(0, size, block):
        yield read_bytes(uri, settings, start=start, end=min(start + block, size))


def sha256(uri: str, settings: Settings, *, size: int) -> str:
    """The digest of an object's bytes, hex."""
    digest = hashlib.sha256()
    for block in blocks(uri, settings, size=size):
        digest.update(block)
    return digest.hexdigest()


def size_of(uri: str, settings: Settings) -> int:
    """How many bytes an object has.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it cannot be reached, or may not be read.
    """
    location = Location(uri)
    if location.is_s3:
        check_inside(uri, settings.reads)
        return int(filesystem(location, settings).info(location.path)["size"])
    with open_inside(uri, settings.reads) as file:
        return os.fstat(file.fileno()).st_size


def encoding_mark(head: bytes) -> tuple[str, int]:
    """The encoding that a byte order mark names (else utf-8) and the mark's length in bytes."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    if len(head) >= 4 and head[1] == 0 and head[0] and head[3] == 0:
        return "utf-16-le", 0
    if len(head) >= 4 and head[0] == 0 and head[1] and head[2] == 0:
        return "utf-16-be", 0
    return "utf-8", 0


def decoded(content: bytes) -> tuple[str, str | None]:
    """Text with `\\n` line ends, and a note where the encoding had to be guessed or mended."""
    encoding, mark = encoding_mark(content[:4])
    note = None
    try:
        text = content[mark:].decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        note = f"not valid {encoding.upper()}: read as Windows-1252"
    return text.replace("\r\n", "\n").replace("\r", "\n"), note


def _read_local(path: str, settings: Settings, *, start: int, end: int | None) -> bytes:
    with open_inside(path, settings.reads) as file:
        if start:
            file.seek(start)
        return file.read() if end is None else file.read(max(0, end - start))


def _read_s3(location: Location, settings: Settings, *, start: int, end: int | None) -> bytes:
    system = filesystem(location, settings)
    try:
        return bytes(system.cat_file(location.path, start=start, end=end))
    except OSError as error:
        # A range that begins behind the last byte is refused (416), as any is of an empty object.
        if error.errno == errno.EINVAL and system.size(location.path) <= start:
            return b""
        raise


def _translated(read: Callable[[], _T], uri: str) -> _T:
    try:
        return read()
    except LocationError as error:
        if error.where == uri:
            raise
        raise LocationError(f"cannot be read: {error}", where=uri) from error
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise LocationError(f"cannot be read: {cause_of(error)}", where=uri) from error
    except store_errors() as error:
        raise LocationError(f"cannot be read: {cause_of(error)}", where=uri) from error
