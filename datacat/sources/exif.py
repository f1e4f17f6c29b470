"""When and where a picture was taken, as its EXIF says; cameras, phones and editors write all sorts of rubbish."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from PIL import ExifTags, Image


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
