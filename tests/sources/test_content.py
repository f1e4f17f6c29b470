"""What may be handed out is told by bytes; a name says nothing."""

from __future__ import annotations

import array
import io
import wave

import pytest
from PIL import Image

from datacat.sources.content import HEAD, media_type


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 7), (1, 2, 3)).save(buffer, kind)
    return buffer.getvalue()[:HEAD]


def sound() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(b"\0\0" * 80)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("JPEG2000", "image/jp2"),
        ("PPM", "image/x-portable-anymap"),
    ],
)
def test_pictures_are_known_by_their_bytes(kind: str, expected: str) -> None:
    assert media_type(picture(kind), name="passwd") == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (sound(), "audio/wav"),
        (b"ID3\x04\0\0", "audio/mpeg"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x01", "video/x-matroska"),
        (b"ply\nformat ascii 1.0\n", "application/x-ply"),
        (b"# .PCD v0.7 - Point Cloud Data\n", "application/x-pcd"),
        (b"\0" * 128 + b"DICM", "application/dicom"),
    ],
)
def test_sounds_films_and_clouds(head: bytes, expected: str) -> None:
    assert media_type(head) == expected


def test_a_cloud_without_a_sign_is_known_by_its_numbers() -> None:
    points = array.array("f", [12.5, -3.25, 0.0, 0.5, 80.1, 2.0, -1.7, 0.25]).tobytes()
    assert media_type(points, name="000001.bin") == "application/octet-stream"
    assert media_type(points, name="000001.png") is None


@pytest.mark.parametrize(
    "content",
    [
        b"root:x:0:0:root:/root:/bin/bash\n" * 20,
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n",
        b"SQLite format 3\0" + b"\0" * 84,
        b"\x7fELF\x02\x01\x01" + b"\0" * 57,
        b"PK\x03\x04\x14\0\0\0",
        b"",
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a.bin", "a.tga", "a.wav"])
def test_nothing_else_is_media(content: bytes, name: str) -> None:
    assert media_type(content, name=name) is None
