"""What a file is by its first bytes, whatever it calls itself: the media types that may leave the lake.

A name is what somebody wrote; `photo.jpg` may be a page with a script, or a password file. What is not recognised
here as a picture, a sound, a film or a cloud of points is not served and not copied.
"""

from __future__ import annotations

import array
import math
import re

HEAD = 4096  # bytes that are looked at

# (offset, bytes, media type): what may stand at the start; the first that fits counts.
_SIGNS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"II+\0", "image/tiff"),
    (0, b"MM\0+", "image/tiff"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/jp2"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"v/1\x01", "image/x-exr"),
    (128, b"DICM", "application/dicom"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"ADIF", "audio/aac"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (0, b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\0\0\x01\xba", "video/mpeg"),
    (0, b"\0\0\x01\xb3", "video/mpeg"),
    (4, b"moov", "video/quicktime"),
    (4, b"mdat", "video/quicktime"),
    (4, b"wide", "video/quicktime"),
    (0, b"LASF", "application/vnd.las"),
    (0, b"ply\n", "application/x-ply"),
    (0, b"ply\r\n", "application/x-ply"),
    (0, b"# .PCD", "application/x-pcd"),
)
_RIFF = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo", b"WEBP": "image/webp"}
_BRANDS = (
    (b"avif avis", "image/avif"),
    (b"heic heix hevc hevx heim heis mif1 msf1", "image/heic"),
    (b"M4A  M4B  M4P ", "audio/mp4"),
    (b"qt  ", "video/quicktime"),
)
_PNM = re.compile(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d+\s+(#[^\n]*\n\s*)*\d+\s")
_MP3_FRAMES = frozenset((0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3))
_FARTHEST = 1e5  # of a point, metres
_NEAREST = 1e-6  # what is smaller and not 0 is no coordinate but some other bytes


def media_type(head: bytes, *, name: str = "") -> str | None:
    """The media type of a file by its first bytes; None: no picture, sound, film or cloud of points.

    Args:
        head: its first `HEAD` bytes.
        name: of the file; only its ending counts, and only for what has no sign of its own (`.bin`, `.tga`).
    """
    for offset, sign, found in _SIGNS:
        if head[offset : offset + len(sign)] == sign:
            return found
    return _boxed(head) or _framed(head) or _bare(head, ending=name.lower().rpartition(".")[2])


def _boxed(head: bytes) -> str | None:
    """Containers that say what they hold at byte 8."""
    kind = head[8:12]
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(kind)
    if head[:4] == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head[4:8] != b"ftyp" or len(kind) < 4:
        return None
    return next((found for brands, found in _BRANDS if kind in brands), "video/mp4")


def _framed(head: bytes) -> str | None:
    """What has no header but frames."""
    if len(head) > 2 and head[0] == 0xFF and head[1] in _MP3_FRAMES and head[2] >> 4 not in (0, 15):
        return "audio/mpeg"
    if len(head) > 2 and head[0] == 0xFF and head[1] in (0xF0, 0xF1, 0xF8, 0xF9):
        return "audio/aac"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "video/mp2t"
    if head[:2] == b"BM" and len(head) >= 26 and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    return "image/x-portable-anymap" if _PNM.match(head) else None


def _bare(head: bytes, *, ending: str) -> str | None:
    if ending == "bin" and _is_points(head):
        return "application/octet-stream"
    is_tga = ending == "tga" and len(head) >= 18 and head[1] < 2 and head[2] in (1, 2, 3, 9, 10, 11)
    return "image/x-tga" if is_tga and head[16] in (8, 15, 16, 24, 32) else None


def _is_points(head: bytes) -> bool:
    """Whether these are coordinates as lidars write them: 32-bit numbers of a likely size, one after another."""
    numbers = array.array("f", head[: len(head) // 4 * 4])
    return len(numbers) >= 4 and all(
        math.isfinite(n) and (n == 0 or _NEAREST <= abs(n) <= _FARTHEST) for n in numbers
    )
