"""One line of a YOLO label file: what its numbers are, told by their range and not by their count alone."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from datacat.ingest.geometry import Shape, polygon_bounds

Kind = Literal["label", "odd", "other"]

_LINE = re.compile(r"\d+(\.0*)?(\s+-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?){4,}\s*")
_CORNERS = re.compile(r"(-?\d+(\.\d+)?\s+){8}\S+(\s+\d+)?\s*")
_DOTA_HEAD = re.compile(r"\s*(imagesource|gsd)\s*:", re.IGNORECASE)
_NUMBERISH = re.compile(r"[-+]?(nan|inf(inity)?|(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)", re.IGNORECASE)
_BOX = 5  # words of a line that says a box
# Boxes reach a little over the edge (-0.07 in real files), pixels are far beyond.
_LEAST, _MOST = -1.0, 2.0


@dataclass(frozen=True, slots=True)
class Names:
    """Class names by index; how many keypoints an object has, and numbers a keypoint."""

    classes: dict[int, str] = field(default_factory=dict)
    keypoints: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of numbers, or of a corner list with its class; `tracked`: other lines of the file have track numbers."""

    text: str
    names: Names
    size: tuple[int, int] | None
    tracked: bool = False


def kind_of(text: str) -> Kind:
    """`label`: a line of YOLO; `odd`: nearly one, with numbers missing, in pixels or misspelt; `other`: neither."""
    text = text.strip()
    if _LINE.fullmatch(text):
        values = [float(word) for word in text.split()[1:]]
        is_one = _are_as_many(len(values)) and _are_fractions(values[:4] if len(values) <= 6 else values)
        return "label" if is_one else "odd"
    if _CORNERS.fullmatch(text):
        return "label"
    first, *rest = re.split(r"[\s,;]+", text)
    is_odd = len(rest) >= 3 and all(map(_NUMBERISH.fullmatch, rest))
    return "odd" if is_odd and (first.isdigit() or len(rest) == 4) else "other"


def is_dota_head(text: str) -> bool:
    """Whether a line is one of those above DOTA's lists of corners, which say where the picture came from."""
    return bool(_DOTA_HEAD.match(text))


def is_cut_off(lines: Sequence[str]) -> bool:
    """Whether the last of the lines of a file has no line end and is shorter than others, as none of them is."""
    counts = [len(line.split()) for line in lines if line.strip() and not is_dota_head(line)]
    return (
        bool(lines[-1].strip())
        and counts[-1] < max(counts[:-1], default=_BOX)
        and counts[-1] not in counts[:-1]
    )


def has_tracks(lines: Sequence[str]) -> bool:
    """Whether the number behind some box is whole and over 1: no confidence, but the number of a track."""
    words = (line.split() for line in lines)
    behind = (found[5] for found in words if len(found) == 6 and _NUMBERISH.fullmatch(found[5]))
    return any(1 < float(word) < math.inf and float(word).is_integer() for word in behind)


def class_of(text: str, names: Names) -> str | None:
    """The class that a line begins with, where that can be told."""
    word = text.split()[0]
    return names.classes.get(int(word), str(int(word))) if word.isdecimal() and len(word) < 10 else None


def statement(line: Line) -> dict[str, Any]:
    """The columns of one line; `index` is its class's number where `names` has no name for it.

    Raises:
        ValueError: not numbers, not in fractions of the picture, or not as many as a box, a polygon or keypoints have.
    """
    words = line.text.split()
    if (
        len(words) in (9, 10)
        and _CORNERS.fullmatch(line.text.strip())
        and not _LINE.fullmatch(line.text.strip())
    ):
        difficult = b'{"difficult": %d}' % int(words[9]) if len(words) == 10 else None
        return {"class_": words[8], "shape": _polygon(list(map(_number, words[:8]))), "attributes": difficult}
    numbers = [_number(word) for word in words]
    if numbers[0] != int(numbers[0]) or numbers[0] < 0:
        raise ValueError(f"{words[0]} is no class number")
    index = int(numbers[0])
    columns = _measures(numbers[1:], line)
    return {"class_": line.names.classes.get(index, str(index)), "is_relative": line.size is None, **columns}


def _number(word: str) -> float:
    if not _NUMBERISH.fullmatch(word):
        hint = ", in which a comma stands for the point" if re.fullmatch(r"-?\d+,\d+", word) else ""
        raise ValueError(f"{word[:40]!r} is no number{hint}")
    value = float(word)
    if not math.isfinite(value):
        raise ValueError("a number that is not finite")
    return value


def _measures(values: list[float], line: Line) -> dict[str, Any]:
    size = line.size or (1, 1)
    count, step = line.names.keypoints or (0, 0)
    if count and step:
        whole = 4 + count * step
        if whole <= len(values) <= whole + 2:
            shape = _keypoints(values[:whole], step, size=size)
            return {"shape": shape, **_behind_all(values[whole:], line)}
        if not _is_box(values):
            told = f"{whole}, or 4 of a box alone"
            raise ValueError(
                f"{len(values)} numbers after the class, where kpt_shape: [{count}, {step}] says {told}"
            )
    if _is_box(values):
        return {"shape": _box(values, size), **_behind_all(values[4:], line)}
    if len(values) >= 6 and len(values) % 2 == 0:
        _check_fractions(values)
        return {"shape": _polygon([value * size[at % 2] for at, value in enumerate(values)])}
    raise ValueError(
        f"{len(values)} numbers after the class: neither box (4), box and confidence (5) nor polygon"
    )


def _is_box(values: list[float]) -> bool:
    """Whether the numbers are those of a box, with a confidence, the number of a track or both behind it."""
    return len(values) in (4, 5) or (len(values) == 6 and _are_tracked(values[4:]))


def _are_tracked(values: list[float]) -> bool:
    confidence, track = values
    return 0 <= confidence <= 1 < track and track.is_integer()


def _behind_all(values: list[float], line: Line) -> dict[str, Any]:
    """What up to two numbers behind a box or its keypoints say."""
    if len(values) < 2:
        return _behind(values[0], line) if values else {}
    if not _are_tracked(values):
        raise ValueError("the two numbers behind the keypoints are no confidence and number of a track")
    return {"confidence": values[0], "track": str(int(values[1])), "kind": "prediction"}


def _behind(value: float, line: Line) -> dict[str, Any]:
    """What the one number behind a box says: a confidence, or the number of a track."""
    if value.is_integer() and value >= 0 and line.tracked:
        return {"track": str(int(value))}
    if 0 <= value <= 1:
        return {"confidence": value, "kind": "prediction"}
    raise ValueError(f"{value:g} behind a box is neither a confidence (0 to 1) nor the number of a track")


def _keypoints(values: list[float], step: int, *, size: tuple[int, int]) -> Shape:
    points = [
        [point[0] * size[0], point[1] * size[1], *point[2:]]
        for point in (values[at : at + step] for at in range(4, len(values), step))
    ]
    geometry = msgspec.json.encode({"points": points}).decode()
    return _box(values, size)._replace(type="keypoints", geometry=geometry)


def _box(values: list[float], size: tuple[int, int]) -> Shape:
    _check_fractions(values[:4])
    x, y, w, h = values[:4]
    width, height = size
    return Shape(
        "box", (x - w / 2) * width, (y - h / 2) * height, w * width, h * height, w * h * width * height
    )


def _polygon(ring: list[float]) -> Shape:
    box, area = polygon_bounds([ring])
    return Shape("polygon", *box, area, msgspec.json.encode([ring]).decode())


def _are_as_many(count: int) -> bool:
    """Whether a box, a polygon or key points of two or three numbers each have so many numbers."""
    return count in (4, 5) or count % 2 == 0 or (count - 4) % 3 == 0


def _are_fractions(values: Sequence[float]) -> bool:
    return all(_LEAST <= value <= _MOST for value in values)


def _check_fractions(values: Sequence[float]) -> None:
    if not _are_fractions(values):
        odd = next(value for value in values if not _LEAST <= value <= _MOST)
        raise ValueError(
            f"{odd:g} is no fraction of the picture's size: the numbers are pixels, or of another kind"
        )
