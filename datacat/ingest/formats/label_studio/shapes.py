"""Where on its medium a result stands: per cent as pixels, turned boxes, characters and seconds."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from datacat.ingest.geometry import Shape, derived_bounds, polygon_bounds, rotated_shape
from datacat.ingest.reasons import kind_name

Item = dict[str, Any]
Size = tuple[int, int]

# Which part of a medium a result speaks of; results of one region repeat it.
PLACES = frozenset(
    {"x", "y", "width", "height", "rotation", "points", "radiusX", "radiusY", "start", "end", "startOffset"}
    | {"endOffset", "globalOffsets", "rle", "vertices", "sequence", "ranges", "imageDataURL", "channel"}
)
_GEOMETRIES = ("rectangle", "polygon", "keypoint", "brush", "ellipse", "video", "vector", "bitmask")
_WITH_BOX = ("rectangle", "polygon", "keypoint")
_OVER_TIME = ("video", "timeline")  # one region over several frames


def place_of(item: Item) -> dict[str, Any]:
    """Where a result says that it stands; empty where it speaks of the whole medium."""
    value = item.get("value")
    if not isinstance(value, dict):
        return {}
    place = {key: value[key] for key in PLACES & value.keys()}
    if place.get("rotation") == 0:
        del place["rotation"]
    return place


def is_shape(item: Item) -> bool:
    """Whether a result draws something itself, rather than say something of what another drew."""
    type_ = str(item.get("type", ""))
    return type_.startswith(_GEOMETRIES) or (type_.endswith("labels") and bool(place_of(item)))


def is_over_time(item: Item) -> bool:
    """Whether it is one thing over several frames."""
    return str(item.get("type")).startswith(_OVER_TIME)


def kind_of_medium(item: Item) -> str | None:
    """On what kind of medium such a result can stand; None: on any."""
    place, type_ = place_of(item), str(item.get("type", ""))
    if is_over_time(item) or place.keys() & {"sequence", "ranges"}:
        return "video"
    if type_.startswith(("hypertext", "paragraph")) or (
        "start" in place and "text" in item["value"] and "channel" not in place
    ):
        return "text"
    if "channel" in place or "original_length" in item:
        return "audio"
    return "image" if place.keys() & {"x", "points", "rle", "vertices"} else None


def size_of(item: Item) -> Size | None:
    """The size in pixels of the picture that it was drawn on, where the result tells.

    Raises:
        ValueError: it tells no numbers.
    """
    sides = item.get("original_width"), item.get("original_height")
    width, height = (int(float(side)) if side else 0 for side in sides)
    return (width, height) if 0 < width < 1 << 31 and 0 < height < 1 << 31 else None


def shape_of(item: Item, size: Size | None) -> tuple[Shape, bool]:
    """The geometry columns, and whether they are fractions.

    Args:
        item: a result.
        size: of the picture, in pixels; None: it is unknown.

    Raises:
        ValueError, TypeError, KeyError, OverflowError: what should be a number is none.
    """
    value = item.get("value")
    if not isinstance(value, dict):
        return Shape(), False
    width, height = size or (1, 1)
    if {"x", "y", "width", "height"} <= value.keys() and not _type(item).startswith("keypoint"):
        return _box(value, size)
    if isinstance(value.get("points"), list):
        pairs = [(number_of(x, "points"), number_of(y, "points")) for x, y in value["points"]]
        ring = [number for x, y in pairs for number in (x * width / 100, y * height / 100)]
        box, area = polygon_bounds([ring])
        return Shape("polygon", *box, area, msgspec.json.encode([ring]).decode()), size is None
    if _type(item).startswith("keypoint"):
        x, y = (number_of(value[key], key) for key in ("x", "y"))
        geometry = msgspec.json.encode({"points": [[x * width / 100, y * height / 100, 2]]}).decode()
        box, area = derived_bounds("keypoints", geometry)
        return Shape("keypoints", *box, area, geometry), size is None
    if "start" in value:
        return _stretch(item, value), False
    if is_shape(item) or place_of(item):
        return Shape("other", geometry=msgspec.json.encode(value).decode()), False
    return Shape(), False


def number_of(value: Any, key: str) -> float:
    """A number of a result.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"`{key}` is {kind_name(value)} where a number belongs")
    return float(value)


def lacks_numbers(item: Item, shape: Shape) -> bool:
    """Whether a rectangle, polygon or point does not say where it is, so that it was kept without a box."""
    return shape.w is None and _type(item).startswith(_WITH_BOX)


def _type(item: Item) -> str:
    return str(item.get("type"))


def _box(value: Item, size: Size | None) -> tuple[Shape, bool]:
    width, height = size or (1, 1)
    x, y, w, h = (number_of(value[key], key) / 100 for key in ("x", "y", "width", "height"))
    x, y, w, h = x * width, y * height, w * width, h * height
    if not all(map(math.isfinite, (x, y, w, h))):
        raise ValueError("a box with a number that is not finite")
    degrees = number_of(value.get("rotation") or 0, "rotation")
    if degrees and size:
        return _turned(x, y, w=w, h=h, degrees=degrees), False
    if degrees:  # a turn has no meaning in fractions of unequal sides
        return Shape("other", x, y, w, h, None, msgspec.json.encode(value).decode()), True
    return Shape("box", x, y, w, h, max(w, 0.0) * max(h, 0.0)), size is None


def _turned(x: float, y: float, *, w: float, h: float, degrees: float) -> Shape:
    """Label Studio turns clockwise about the upper left corner."""
    angle = math.radians(degrees)
    center = (
        x + w / 2 * math.cos(angle) - h / 2 * math.sin(angle),
        y + w / 2 * math.sin(angle) + h / 2 * math.cos(angle),
    )
    return rotated_shape(center, (w, h), degrees=degrees)


def _stretch(item: Item, value: Item) -> Shape:
    """Characters of a text, or seconds of a recording."""
    offsets = value.get("globalOffsets")
    start, end = (
        (offsets["start"], offsets["end"])
        if isinstance(offsets, dict)
        else (value["start"], value.get("end"))
    )
    if "text" in value and isinstance(start, int) and isinstance(end, int):
        return Shape("span", geometry=msgspec.json.encode({"start": start, "end": end}).decode())
    is_sound = "channel" in value or "original_length" in item or "timeseries" in _type(item)
    if isinstance(start, int | float) and isinstance(end, int | float):
        if is_sound or isinstance(start, float) or isinstance(end, float):
            return Shape("range", geometry=msgspec.json.encode({"start_s": start, "end_s": end}).decode())
        return Shape("span", geometry=msgspec.json.encode({"start": start, "end": end}).decode())
    return Shape("other", geometry=msgspec.json.encode(value).decode())
