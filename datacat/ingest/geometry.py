"""Shapes of label files as boxes, areas and the JSON of `annotations.geometry`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from datacat.ingest.rle import mask_bounds, runs_of

_DECODER = msgspec.json.Decoder()
_LEAST_RING = 6  # numbers of a triangle
NEAR_PX, NEAR_SHARE = 2.0, 0.02
"""So many pixels, and so much of the longer side, may a box differ from its shape and be meant as the one around it."""
_POLYGONS = msgspec.json.Decoder(list[list[float]])


Box = tuple[float | None, float | None, float | None, float | None]
_NO_BOX: Box = (None, None, None, None)


class Shape(NamedTuple):
    """The geometry columns of one annotation."""

    type: str = "none"
    x: float | None = None
    y: float | None = None
    w: float | None = None
    h: float | None = None
    area: float | None = None
    geometry: str | None = None


class _Keypoints(msgspec.Struct):
    points: list[tuple[float, float, float]]
    names: list[str] | None = None
    edges: list[tuple[int, int]] | None = None


class _Mask(msgspec.Struct):
    size: tuple[int, int]
    counts: str | list[int]


class _Rotated(msgspec.Struct):
    center: tuple[float, float]
    size: tuple[float, float]
    degrees: float


class _Span(msgspec.Struct):
    start: int
    end: int


class _Range(msgspec.Struct):
    start_s: float
    end_s: float


# What `geometry` is for each type that has one, and how people are told.
_GEOMETRIES: dict[str, tuple[msgspec.json.Decoder[Any], str]] = {
    "polygon": (_POLYGONS, "[[x, y, x, y, …], …]"),
    "polyline": (msgspec.json.Decoder(list[float]), "[x, y, x, y, …]"),
    "keypoints": (msgspec.json.Decoder(_Keypoints), '{"points": [[x, y, v], …]}'),
    "mask": (msgspec.json.Decoder(_Mask), '{"size": [height, width], "counts": …}'),
    "rotated": (msgspec.json.Decoder(_Rotated), '{"center": [x, y], "size": [w, h], "degrees": …}'),
    "span": (msgspec.json.Decoder(_Span), '{"start": 3, "end": 9}'),
    "range": (msgspec.json.Decoder(_Range), '{"start_s": 1.5, "end_s": 2.0}'),
}


def check_geometry(type_: str, text: str | None) -> None:
    """Raises ValueError where the JSON of `annotations.geometry` is not what its type needs."""
    if type_ not in _GEOMETRIES:
        return
    decoder, form = _GEOMETRIES[type_]
    try:
        if text is None:
            raise ValueError("there is none")
        said = decoder.decode(text)
        if type_ == "polygon":
            check_rings(said)
        elif type_ == "polyline" and (not said or len(said) % 2):
            raise ValueError("an odd number of coordinates, or none")
        elif type_ == "mask":
            runs_of(_DECODER.decode(text))
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"geometry of a {type_} is {form}: {error}") from error


def check_rings(rings: Sequence[Sequence[float]]) -> None:
    """Raises ValueError where a polygon has no ring, or one that is none: three points are the least."""
    if not rings:
        raise ValueError("no ring")
    for ring in rings:
        if len(ring) % 2 == 0 and len(ring) >= _LEAST_RING:
            continue
        if len(ring) % 2 or not ring:
            raise ValueError("an odd number of coordinates, or none")
        raise ValueError(f"{len(ring) // 2} points, which make no polygon")


def coco_shape(
    bbox: list[float] | None, segmentation: bytes, *, area: float | None
) -> tuple[Shape, str | None]:
    """The shape of a COCO annotation; box and area are computed where the file gives none.

    Returns:
        The shape, and what became of a segmentation that is broken (None: it is none of that kind).

    Raises:
        ValueError: a box without four numbers, or a broken segmentation and no box that could be kept.
    """
    if bbox and len(bbox) != 4:
        raise ValueError(f"bbox has {len(bbox)} numbers, not 4")
    box: Box = (bbox[0], bbox[1], bbox[2], bbox[3]) if bbox else _NO_BOX
    if segmentation in (b"", b"[]", b"null"):
        return _plain_shape(box, area), None
    try:
        kind, text, said = _segmentation(segmentation)
        if bbox and area is not None:  # three times as fast as measuring what nobody asks for
            return Shape(kind, *box, area, text), None
        found, measured = mask_bounds(said) if kind == "mask" else polygon_bounds(said)
    except ValueError as error:
        if bbox:
            return _plain_shape(box, area), _broken(segmentation)
        raise ValueError(f"{error}; and there is no bbox") from error
    return Shape(kind, *(box if bbox else found), measured if area is None else area, text), None


def _plain_shape(box: Box, area: float | None) -> Shape:
    _, _, w, h = box
    if w is None or h is None:
        return Shape(area=area)
    return Shape("box", *box, max(w, 0.0) * max(h, 0.0) if area is None else area, None)


def _broken(segmentation: bytes) -> str:
    if segmentation.startswith(b"{"):
        return "a mask that does not cover its size, of which the box was kept"
    return (
        "a broken polygon (odd coordinates, fewer than three points, no numbers or too large ones), "
        "of which the box was kept"
    )


def _segmentation(raw: bytes) -> tuple[str, str, Any]:
    """Type, JSON and what it says.

    Raises:
        ValueError: it is neither rings nor RLE.
    """
    text = raw.decode("utf-8").strip()
    if text.startswith("{"):
        mask = _DECODER.decode(text)
        runs_of(mask)
        return "mask", text, mask
    if not text.startswith("["):
        raise ValueError("segmentation is neither a list of polygons nor RLE")
    text = text if text[1:].lstrip().startswith("[") else f"[{text}]"
    try:
        rings = _POLYGONS.decode(text)
    except msgspec.MsgspecError:
        raise ValueError("segmentation is neither a list of polygons nor RLE") from None
    try:
        check_rings(rings)
    except ValueError as error:
        raise ValueError(f"a polygon with {error}") from None
    return "polygon", text, rings


def polygon_bounds(rings: Sequence[Sequence[float]]) -> tuple[Box, float | None]:
    """Bounding box (x, y, w, h) and the sum of the rings' areas (shoelace formula), px and px².

    Raises:
        ValueError: there are no points, half a point, or some so far apart that no number holds the box or the area.
    """
    xs = [value for ring in rings for value in ring[0::2]]
    ys = [value for ring in rings for value in ring[1::2]]
    if not xs or any(len(ring) % 2 for ring in rings):
        raise ValueError("a polygon with an odd number of coordinates, or with none")
    area = 0.0
    for ring in rings:
        x, y = ring[0::2], ring[1::2]
        twice = sum(x[i - 1] * y[i] - x[i] * y[i - 1] for i in range(len(x)))
        area += abs(twice) / 2
    box = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    _check_finite("polygon", (*box, area))
    return box, area


def keypoints_geometry(
    raw: bytes, *, names: list[str] | None, edges: list[list[int]] | None, also: str | None
) -> str:
    """COCO's flat x, y, v list as the JSON of `geometry`; edges count from 1, as in COCO's skeleton.

    `also` is the segmentation of the same annotation, kept beside the points.

    Raises:
        ValueError: it is no list of x, y, v.
    """
    flat = _DECODER.decode(raw)
    is_flat = isinstance(flat, list) and all(type(number) in (int, float) for number in flat)
    if not is_flat or len(flat) % 3:
        raise ValueError("keypoints are not a list of x, y, v")
    document: dict[str, Any] = {"points": [flat[i : i + 3] for i in range(0, len(flat), 3)]}
    if names:
        document["names"] = names
    if edges:
        document["edges"] = edges
    if also:
        document["segmentation"] = msgspec.Raw(also.encode())
    return msgspec.json.encode(document).decode()


def derived_bounds(type_: str, geometry: str | None) -> tuple[Box, float | None]:
    """The upright box around a geometry and its area, in the units of the geometry (px and px²).

    Args:
        type_: of `GEOMETRY_TYPES`.
        geometry: the JSON of `annotations.geometry`, of the form that `check_geometry` takes.

    Returns:
        x, y, w, h (None, None, None, None: it has no place in a picture), and the area (None: it has none).

    Raises:
        ValueError: it is of another form, or not finite.
    """
    if geometry is None or type_ not in _BOUNDS:
        return _NO_BOX, None
    try:
        box, area = _BOUNDS[type_](msgspec.json.decode(geometry))
    except (msgspec.MsgspecError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise ValueError(f"geometry of a {type_} is {_GEOMETRIES[type_][1]}: {error}") from error
    _check_finite(type_, (*box, area))
    return box, area


def _check_finite(type_: str, numbers: Sequence[float | None]) -> None:
    if not all(number is None or math.isfinite(number) for number in numbers):
        raise ValueError(f"geometry of a {type_} reaches beyond all numbers")


def _around(xs: Sequence[float], ys: Sequence[float]) -> Box:
    if not xs or not ys:
        return _NO_BOX
    left, top = float(min(xs)), float(min(ys))
    return left, top, float(max(xs)) - left, float(max(ys)) - top


def _keypoints_bounds(said: Any) -> tuple[Box, float | None]:
    """Around the points that were placed: with v = 0, COCO's x and y mean nothing."""
    if "segmentation" in said:  # of the same thing, and more of it than its joints
        return _segmentation_bounds(said["segmentation"])
    placed = [point for point in said["points"] if len(point) < 3 or point[2] > 0]
    return _around([point[0] for point in placed], [point[1] for point in placed]), None


def _segmentation_bounds(said: Any) -> tuple[Box, float | None]:
    return mask_bounds(said) if isinstance(said, dict) else polygon_bounds(said)


def _rotated_bounds(said: Any) -> tuple[Box, float | None]:
    shape = rotated_shape(tuple(said["center"]), tuple(said["size"]), degrees=said["degrees"])
    return (shape.x, shape.y, shape.w, shape.h), shape.area


_BOUNDS: dict[str, Callable[[Any], tuple[Box, float | None]]] = {
    "polygon": polygon_bounds,
    "polyline": lambda said: (_around(said[0::2], said[1::2]), None),
    "keypoints": _keypoints_bounds,
    "mask": mask_bounds,
    "rotated": _rotated_bounds,
}


def scaled(box: Box, by: tuple[float, float]) -> Box:
    """A box with its x and w times the first number, y and h times the second."""
    x, y, w, h = box
    if x is None or y is None or w is None or h is None:
        return _NO_BOX
    return x * by[0], y * by[1], w * by[0], h * by[1]


def rotated_shape(center: tuple[float, float], size: tuple[float, float], *, degrees: float) -> Shape:
    """A rectangle turned clockwise about its centre; the box columns hold its upright bounds.

    Raises:
        ValueError: no number holds them.
    """
    angle = math.radians(degrees)
    w, h = size
    across = abs(w * math.cos(angle)) + abs(h * math.sin(angle))
    down = abs(w * math.sin(angle)) + abs(h * math.cos(angle))
    geometry = msgspec.json.encode({"center": list(center), "size": [w, h], "degrees": degrees}).decode()
    box = (center[0] - across / 2, center[1] - down / 2, across, down)
    _check_finite("rotated", (*box, w * h))
    return Shape("rotated", *box, abs(w * h), geometry)
