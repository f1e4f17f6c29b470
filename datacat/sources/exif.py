"""When and where a picture was taken and which way up, as its EXIF says; cameras, phones and editors write rubbish."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from PIL import ExifTags, Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Taken(NamedTuple):
    """A time in UTC, and degrees of WGS 84; null where EXIF does not say, or nothing that can be read."""

    captured: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None


def taken(picture: Image.Image, content: bytes) -> Taken:
    """What the EXIF of an opened picture says; its pixels are not decoded, and nothing is raised.

    A time without OffsetTimeOriginal is taken for UTC.

    Args:
        picture: the picture.
        content: its file, or the beginning of it.
    """
    try:
        exif = _exif(picture, content)
        captured = _captured(exif.get_ifd(ExifTags.IFD.Exif))
        return Taken(captured, *_place(exif.get_ifd(ExifTags.IFD.GPSInfo)))
    except (
        Exception
    ):  # Pillow lets through whatever its parsers raise: struct.error, KeyError, SyntaxError, …
        return Taken()


def orientation_of(picture: Image.Image) -> int | None:
    """How EXIF turns a picture that was opened and not decoded yet, from 2 to 8; None where it does not.

    Of WebP it does not, as browsers show it (chromium 2026); nor where it stands behind the pixels of a PNG.
    """
    if picture.format == "WEBP" or (picture.format == "PNG" and "exif" not in picture.info):
        return None
    try:
        said = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # as above
        return None
    return said if isinstance(said, int) and 2 <= said <= 8 else None


def turned(picture: Image.Image, orientation: int | None) -> Image.Image:
    """The picture as it is shown; `orientation` as `orientation_of` says. TIFF is turned by Pillow as it decodes it."""
    if orientation is None or picture.format == "TIFF":
        return picture
    return picture.transpose(_TURNS[orientation])


def _exif(picture: Image.Image, content: bytes) -> Image.Exif:
    if picture.format != "PNG" or "exif" in picture.info:
        return picture.getexif()
    exif = Image.Exif()  # Pillow decodes all pixels of a PNG to look for a chunk behind them
    place = content.rfind(b"eXIf")
    if place >= 4:
        size = int.from_bytes(content[place - 4 : place], "big")
        exif.load(b"Exif\0\0" + content[place + 4 : place + 4 + size])
    return exif


def _captured(facts: dict[int, Any]) -> datetime | None:
    written = str(facts.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
    offset = str(facts.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
    try:
        time = datetime.strptime(written, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    try:
        return datetime.strptime(f"{written} {offset}", "%Y:%m:%d %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return time


def _place(facts: dict[int, Any]) -> tuple[float | None, float | None]:
    """Half a place is none."""
    gps = ExifTags.GPS
    latitude = _degrees(facts, gps.GPSLatitude, sign=gps.GPSLatitudeRef, negative="S", limit=90)
    longitude = _degrees(facts, gps.GPSLongitude, sign=gps.GPSLongitudeRef, negative="W", limit=180)
    return (None, None) if latitude is None or longitude is None else (latitude, longitude)


def _degrees(facts: dict[int, Any], value: int, *, sign: int, negative: str, limit: int) -> float | None:
    """Degrees, minutes and seconds; a camera without a fix writes 0/0, which is no number."""
    try:
        parts = [float(part) for part in facts[value]]
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    degrees: float = sum(part / 60.0**power for power, part in enumerate(parts[:3]))
    if not parts or not 0 <= degrees <= limit:
        return None
    return -degrees if str(facts.get(sign, "")).strip("\0 ").upper().startswith(negative) else degrees
