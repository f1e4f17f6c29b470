"""Pictures of every kind become RGB, or say why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datacat.config import Settings
from datacat.embeddings.decoding import NoPicture, decoded, read_picture
from tests.embeddings.lakes import encoded


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "gif", "tiff", "webp", "ppm"])
def test_kinds(kind: str) -> None:
    found = decoded(encoded(Image.new("RGB", (20, 10), (200, 100, 50)), kind), uri="a")
    assert (found.mode, found.size) == ("RGB", (20, 10))
    assert np.allclose(np.asarray(found)[5, 5], (200, 100, 50), atol=8)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I", "F", "I;16"])
def test_modes(mode: str) -> None:
    kind = "tiff" if mode in ("CMYK", "F", "LA", "I") else "png"
    found = decoded(encoded(Image.new(mode, (8, 6)), kind), uri="a")
    assert (found.mode, found.size) == ("RGB", (8, 6))


def test_sixteen_bits_are_scaled_not_cut() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    grey = np.asarray(decoded(encoded(Image.fromarray(ramp)), uri="a"))[..., 0].ravel()
    assert (grey[0], grey[-1]) == (0, 255)
    assert np.all(np.diff(grey.astype(int)) >= 0)
    assert len(set(grey.tolist())) > 200


def test_what_is_transparent_is_white() -> None:
    found = decoded(encoded(Image.new("RGBA", (2, 2), (255, 0, 0, 0))), uri="a")
    assert found.getpixel((0, 0)) == (255, 255, 255)


def test_turned_as_exif_says() -> None:
    image = Image.new("RGB", (20, 10))
    image.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    found = decoded(encoded(image, "tiff", exif=exif), uri="a")
    assert found.size == (10, 20)
    assert found.getpixel((9, 0)) == (255, 255, 255)


def test_the_first_of_several_pictures() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "gif", save_all=True, append_images=frames[1:])
    assert decoded(content, uri="a").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "tiff", "webp", "bmp"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9])
def test_cut_off_anywhere_is_no_picture(kind: str, share: float) -> None:
    whole = encoded(Image.effect_noise((64, 64), 80).convert("RGB"), kind)
    with pytest.raises(NoPicture) as caught:
        decoded(whole[: int(len(whole) * share)], uri="/lake/a")
    assert caught.value.what in ("damaged", "not a picture that can be read")
    assert caught.value.where == "/lake/a"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_are_not_unpacked() -> None:
    for side in (13_400, 20_000):
        with pytest.raises(NoPicture, match="too large"):
            decoded(encoded(Image.new("1", (side, side))), uri="a")


def test_reading_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(NoPicture, match="cannot be read"):
        read_picture(str(tmp_path / "gone.png"), Settings())
    (tmp_path / "a.png").write_bytes(encoded(Image.new("RGB", (2, 2))))
    _, digest = read_picture(str(tmp_path / "a.png"), Settings())
    assert read_picture(str(tmp_path / "a.png"), Settings(), digest=digest)[1] == digest
    with pytest.raises(NoPicture, match="changed since"):
        read_picture(str(tmp_path / "a.png"), Settings(), digest="0" * 64)
