"""What a media file is: kind, size, duration and the sha256 of its bytes, or why they could not be read."""

from __future__ import annotations

import hashlib
import io
import posixpath
import warnings
import wave
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from datacat.config import Settings
from datacat.errors import LocationError
from datacat.sources.listing import Entry
from datacat.sources.reading import read_bytes

_KINDS = {
    "image": "jpg jpeg jpe jfif png bmp gif tif tiff webp avif heic heif jp2 ppm pgm pbm pnm tga dcm exr jxl",
    "audio": "wav mp3 flac ogg oga opus m4a aac aiff aif wma",
    "video": "mp4 avi mov mkv webm mpg mpeg m4v wmv flv ts",
    "cloud": "pcd ply las laz bin",
}
_KIND_OF = {f".{suffix}": kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}
_TEXTS = (".txt", ".text", ".md", ".markdown", ".rst", ".html", ".htm")
_HEAD = 64 << 10
_WHOLE = 64 << 20  # a file up to here is read once for header and digest


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """One row of the staged table `media`: width and height of a picture as it is shown, turned as its EXIF says."""

    uri: str
    media: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    size: int | None = None
    etag: str | None = None
    modified: datetime | None = None
    digest: str | None = None
    is_missing: bool = False
    fault: str | None = None
    captured: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    orientation: int | None = None


def media_kind(uri: str) -> str | None:
    """image, audio, video or cloud by the name's ending; None where the name says nothing of the kind."""
    return _KIND_OF.get(posixpath.splitext(uri.lower())[1])


def is_text(uri: str) -> bool:
    """Whether a name is that of a text. Such a file is a medium only where a label names it."""
    return posixpath.splitext(uri.lower())[1] in _TEXTS


def named_kind(uri: str) -> str:
    """The kind of what a label names by this name: text, too, and `other` where the name says nothing."""
    return media_kind(uri) or ("text" if is_text(uri) else "other")


def measured(entry: Entry, settings: Settings) -> MediaFacts:
    """Reads the object once; a file that cannot be read has a `fault` instead of raising."""
    kind = named_kind(entry.uri)
    known = {"size": entry.size, "etag": entry.etag, "modified": entry.modified}
    if entry.fault:
        return MediaFacts(entry.uri, kind, fault=entry.fault, **known)  # type: ignore[arg-type]
    digest = hashlib.sha256()
    try:
        head = read_bytes(entry.uri, settings, end=_WHOLE)
        digest.update(head)
        for start in range(len(head), entry.size, _WHOLE):
            for block in (read_bytes(entry.uri, settings, start=start, end=start + _WHOLE),):
                digest.update(block)
    except LocationError as error:
        return MediaFacts(entry.uri, kind, fault=error.what, **known)  # type: ignore[arg-type]
    header = _header(kind, head, uri=entry.uri)
    return MediaFacts(entry.uri, kind, digest=digest.hexdigest(), **known, **header._asdict())  # type: ignore[arg-type]


def upright_size(uri: str, settings: Settings) -> tuple[int, int] | None:
    """Width and height in pixels of a picture as it is shown, read from few bytes; None where its header has none."""
    try:
        for end in (_HEAD, None):
            head = read_bytes(uri, settings, end=end)
            header = _picture(head)
            if header.width and header.height and not header.fault:
                return header.width, header.height
    except LocationError:
        pass
    return None


class _Header(NamedTuple):
    """What stands in a file's first bytes; see MediaFacts."""

    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    captured: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    orientation: int | None = None
    fault: str | None = None


def _header(kind: str, head: bytes, *, uri: str) -> _Header:
    if not head:
        return _Header(fault="the file is empty")
    if kind == "image":
        return _picture(head)
    return _wave(head) if uri.lower().endswith(".wav") else _Header()


def _picture(head: bytes) -> _Header:
    from PIL import Image

    from datacat.sources.exif import orientation_of, taken

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd but readable pictures
            with Image.open(io.BytesIO(head)) as picture:
                orientation = orientation_of(picture)
                sides = picture.size
                if orientation in (5, 6, 7, 8) and picture.format != "TIFF":  # of which Pillow says it turned
                    sides = sides[1], sides[0]
                captured, latitude, longitude = taken(picture, head)
                return _Header(*sides, None, captured, latitude, longitude, orientation)
    except Image.DecompressionBombError:
        return _Header(fault="the picture claims an unreasonable size")
    except Exception as error:  # Pillow lets through whatever its parsers raise
        is_plain = isinstance(error, OSError | SyntaxError) and "cannot identify" not in str(error)
        return _Header(fault=str(error) if is_plain and str(error) else "not a picture that can be read")


def _wave(head: bytes) -> _Header:
    try:
        with wave.open(io.BytesIO(head)) as sound:
            return _Header(duration_s=sound.getnframes() / sound.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError) as error:
        return _Header(fault=f"not a sound that can be read: {error}")
