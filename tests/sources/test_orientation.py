"""Which way up a picture is shown, and of what size: as browsers do it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from datacat.config import Settings
from datacat.sources.exif import orientation_of, turned
from datacat.sources.listing import Entry
from datacat.sources.media import measured, upright_size


def _saved(path: Path, orientation: int) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.new("RGB", (64, 48), "white")
    picture.paste("black", (0, 0, 32, 24))
    picture.save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ("name", "orientation", "size", "said"),
    [
        ("a.jpg", 1, (64, 48), None),
        ("a.jpg", 3, (64, 48), 3),
        ("a.jpg", 6, (48, 64), 6),
        ("a.png", 6, (48, 64), 6),
        ("a.tif", 8, (48, 64), 8),
        ("a.avif", 5, (48, 64), 5),
        ("a.webp", 6, (64, 48), None),
        ("a.jpg", 9, (64, 48), None),
    ],
)
def test_a_picture_is_as_large_as_it_is_shown(
    tmp_path: Path, name: str, orientation: int, size: tuple[int, int], said: int | None
) -> None:
    path = _saved(tmp_path / name, orientation)
    facts = measured(Entry(str(path), path.stat().st_size, "1", datetime.now(UTC)), Settings())
    assert ((facts.width, facts.height), facts.orientation) == (size, said)
    assert upright_size(str(path), Settings()) == size
    with Image.open(path) as picture:
        assert turned(picture, orientation_of(picture)).convert("RGB").size == size


def test_what_stands_behind_the_pixels_of_a_png_turns_nothing(tmp_path: Path) -> None:
    whole = _saved(tmp_path / "a.png", 6).read_bytes()
    start = whole.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(whole[start : start + 4], "big")
    moved = whole[:start] + whole[end:-12] + whole[start:end] + whole[-12:]
    (tmp_path / "b.png").write_bytes(moved)
    assert upright_size(str(tmp_path / "b.png"), Settings()) == (64, 48)
