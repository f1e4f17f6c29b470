"""EXIF: when and where, and never an error."""

from __future__ import annotations

import io
import random
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from datacat.config import Settings
from datacat.sources.listing import listed
from datacat.sources.location import Location
from datacat.sources.media import MediaFacts, measured

NORTH_WEST = {1: "N", 2: (48, 8, 15.0), 3: "W", 4: (11, 34, 30.0)}


def save(path: Path, *, facts: dict[int, Any] | None = None, gps: dict[int, Any] | None = None) -> Path:
    """A picture with EXIF."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "maker"
    exif.get_ifd(0x8769).update(facts or {})
    exif.get_ifd(0x8825).update(gps or {})
    read = Image.Exif()  # as Pillow writes TIFF only of what it has read
    read.load(exif.tobytes())
    Image.new("RGB", (40, 30), (9, 9, 9)).save(path, exif=read if path.suffix == ".tif" else exif)
    return path


def facts_of(path: Path) -> MediaFacts:
    (entry,) = listed(Location(str(path)), Settings())
    return measured(entry, Settings())


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_time_and_place_are_read(tmp_path: Path, ending: str) -> None:
    path = save(
        tmp_path / f"a.{ending}", facts={36867: "2013:11:14 17:02:52", 36881: "+02:00"}, gps=NORTH_WEST
    )
    found = facts_of(path)
    assert found.captured == datetime(2013, 11, 14, 15, 2, 52, tzinfo=UTC)
    assert (found.latitude, found.longitude) == (pytest.approx(48.1375), pytest.approx(-11.575))
    assert (found.width, found.fault) == (40, None)


def test_a_time_without_offset_is_utc(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", facts={36867: "2013:11:14 17:02:52", 36881: "summer"})
    assert facts_of(path).captured == datetime(2013, 11, 14, 17, 2, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "2013-11-14", "\0" * 20]
)
def test_no_time_is_none(tmp_path: Path, written: str) -> None:
    found = facts_of(save(tmp_path / "a.jpg", facts={36867: written}))
    assert (found.captured, found.width) == (None, 40)


@pytest.mark.parametrize(
    "gps",
    [
        {1: "N", 2: (IFDRational(0, 0),) * 3, 3: "E", 4: (IFDRational(0, 0),) * 3},
        {1: "N", 2: (91, 0, 0), 3: "E", 4: (1, 0, 0)},
        {1: "N", 2: (48, 0, 0)},
        {1: "N", 2: (48, 0, 0), 3: "E", 4: (181, 0, 0)},
    ],
)
def test_no_place_is_none(tmp_path: Path, gps: dict[int, Any]) -> None:
    found = facts_of(save(tmp_path / "a.jpg", gps=gps))
    assert (found.latitude, found.longitude, found.width) == (None, None, 40)


def test_the_south_is_below_zero(tmp_path: Path) -> None:
    found = facts_of(save(tmp_path / "a.jpg", gps={1: "S", 2: (33, 30, 0), 3: "E", 4: (70, 0, 0)}))
    assert (found.latitude, found.longitude) == (-33.5, 70.0)


def test_damaged_exif_is_no_fault(tmp_path: Path) -> None:
    whole = save(
        tmp_path / "a.jpg", facts={36867: "2013:11:14 17:02:52", 37500: b"\1" * 60}, gps=NORTH_WEST
    ).read_bytes()
    first, end = whole.index(b"Exif\0\0") + 6, whole.index(b"\xff\xdb")
    dice = random.Random(1)
    for number in range(200):
        damaged = bytearray(whole)
        for _ in range(dice.randrange(1, 30)):
            damaged[dice.randrange(first, end)] = dice.randrange(256)
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(damaged)
        found = facts_of(path)
        assert (found.width, found.fault) == (40, None)
        assert found.latitude is None or -90 <= found.latitude <= 90


def _jpeg(tiff: bytes) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 48)).save(made, "JPEG")
    segment = b"Exif\0\0" + tiff
    return (
        made.getvalue()[:2]
        + b"\xff\xe1"
        + struct.pack(">H", len(segment) + 2)
        + segment
        + made.getvalue()[2:]
    )


def _directory(*entries: tuple[int, int, int, int], after: int) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + struct.pack("<I", after)


@pytest.mark.parametrize(
    "tiff",
    [
        _directory((0x0112, 3, 1, 1), after=8),
        _directory((0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0xA005, 4, 1, 8), after=8),
        _directory((0x9003, 2, 0xFFFFFFFF, 0xFFFFFFF0), (0x0112, 5, 0x7FFFFFFF, 4), after=0),
        b"II*\0" + struct.pack("<I", 0xFFFFFFF0),
        b"II*\0" + struct.pack("<IH", 8, 0xFFFF) + b"\1" * 40_000,
    ],
)
def test_directories_that_loop_or_lie_are_left_and_the_size_is_known(tiff: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(_jpeg(tiff))
    found = facts_of(tmp_path / "a.jpg")
    assert (found.width, found.height, found.fault) == (64, 48, None)
