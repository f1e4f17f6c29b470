"""Pictures of every kind -> RGB, or the reason why there is none."""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from datacat.config import Settings
from datacat.errors import DatacatError, LocationError
from datacat.sources.exif import orientation_of, turned
from datacat.sources.reading import read_bytes

MISSING = "cannot be read"
CHANGED = "changed since it was ingested"
DAMAGED = "damaged"
NO_PICTURE = "not a picture that can be read"
TOO_LARGE = "too large"

# Where Pillow itself takes a picture for a decompression bomb; 537 MB as RGB.
_PIXELS = 178_956_970
_BYTES = 1 << 30


class NoPicture(DatacatError):
    """Why there is no picture; `what` is one of the reasons of this module."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences Pillow about odd but readable pictures; for the whole process, so not from several threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_picture(uri: str, settings: Settings, *, digest: str | None = None) -> tuple[Image.Image, str]:
    """The picture (RGB, turned as its EXIF says, the first of several) and the sha256 of the file's bytes.

    Args:
        uri: a path or s3:// URI.
        settings: how S3 is reached.
        digest: what the bytes must be; None: anything.

    Raises:
        NoPicture: there is none, and why.
    """
    try:
        content = read_bytes(uri, settings, end=_BYTES + 1)
    except LocationError as error:
        raise NoPicture(MISSING, where=uri, hint=error.what) from error
    if len(content) > _BYTES:
        raise NoPicture(TOO_LARGE, where=uri, hint=f"It has more than {_BYTES >> 20} MiB.")
    found = hashlib.sha256(content).hexdigest()
    if digest not in (None, found):
        raise NoPicture(CHANGED, where=uri, hint="Run `datacat ingest` again.")
    return decoded(content, uri=uri), found


def decoded(content: bytes, *, uri: str) -> Image.Image:
    """The picture in `content` as RGB. Raises NoPicture; `uri` is for its message."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > _PIXELS:
                raise NoPicture(TOO_LARGE, where=uri, hint=f"It has more than {_PIXELS:,} pixels.")
            orientation = orientation_of(picture)
            picture.load()
            return _as_rgb(turned(picture, orientation))
    except NoPicture:
        raise
    except Image.DecompressionBombError as error:
        raise NoPicture(TOO_LARGE, where=uri, hint=str(error)) from error
    except UnidentifiedImageError as error:
        raise NoPicture(NO_PICTURE, where=uri) from error
    except (
        Exception
    ) as error:  # Pillow's decoders raise what damaged bytes provoke: struct.error, IndexError, …
        raise NoPicture(DAMAGED, where=uri, hint=str(error)) from error


def _as_rgb(picture: Image.Image) -> Image.Image:
    """Transparency becomes white; what has more than 8 bits a channel is scaled, where Pillow would clip it."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        low, high = (0.0, 65535.0) if picture.mode.startswith("I;16") else _extent(picture)
        scale = 255.0 / (high - low) if high > low else 0.0
        return (
            picture.convert("F").point(lambda value: value * scale - low * scale).convert("L").convert("RGB")
        )
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture.convert("RGB")


def _extent(picture: Image.Image) -> tuple[float, float]:
    low, high = picture.getextrema()
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    return float(low), float(high)
