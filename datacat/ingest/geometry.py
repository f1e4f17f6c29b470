"""Shapes of label files as boxes, areas and the JSON of `annotations.geometry`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

_DECODER = msgspec.json.Decoder()
_POLYGONS = msgspec.json.Decoder(list[list[float]])


Box = tuple[float | None, float | None, float | None, float | None]


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
        lists = decoder.decode(text)
        if type_ in ("polygon", "polyline") and not _are_points(lists if type_ == "polygon" else [lists]):
            raise ValueError("an odd number of coordinates, or none")
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"geometry of a {type_} is {form}: {error}") from error


def _are_points(lists: Sequence[Sequence[float]]) -> bool:
    return bool(lists) and all(items and len(items) % 2 == 0 for items in lists)


def coco_shape(bbox: list[float] | None, segmentation: bytes, *, area: float | None) -> Shape:
    """The shape of a COCO annotation; box and area are computed where the file gives none.

    Raises:
        ValueError: a box without four numbers, or no segmentation that COCO knows.
    """
    box: Box = (None, None, None, None)
    if bbox:
        if len(bbox) != 4:
            raise ValueError(f"bbox has {len(bbox)} numbers, not 4")
        box = (bbox[0], bbox[1], bbox[2], bbox[3])
    if segmentation in (b"", b"[]", b"null", b"[[]]"):
        if not bbox:
            return Shape(area=area)
        if area is None:
            area = max(bbox[2], 0.0) * max(bbox[3], 0.0)
        return Shape("box", *box, area, None)
    kind, text = _segmentation(segmentation)
    if area is None or not bbox:
        found, measured = _measured(kind, text)
        box = box if bbox else found
        area = measured if area is None else area
    return Shape(kind, *box, area, text)


def _segmentation(raw: bytes) -> tuple[str, str]:
    text = raw.decode("utf-8").strip()
    if text.startswith("{"):
        return "mask", text
    if text.startswith("["):
        return "polygon", text if text[1:].lstrip().startswith("[") else f"[{text}]"
    raise ValueError("segmentation is neither a list of polygons nor RLE")


def _measured(kind: str, text: str) -> tuple[Box, float | None]:
    if kind == "polygon":
        return polygon_bounds(_POLYGONS.decode(text))
    return mask_bounds(_DECODER.decode(text))


def polygon_bounds(rings: Sequence[Sequence[float]]) -> tuple[Box, float | None]:
    """Bounding box (x, y, w, h) and the sum of the rings' areas (shoelace formula), px and px²."""
    xs = [value for ring in rings for value in ring[0::2]]
    ys = [value for ring in rings for value in ring[1::2]]
    if not xs or any(len(ring) % 2 for ring in rings):
        raise ValueError("a polygon with an odd number of coordinates, or with none")
    area = 0.0
    for ring in rings:
        x, y = ring[0::2], ring[1::2]
        twice = sum(x[i - 1] * y[i] - x[i] * y[i - 1] for i in range(len(x)))
        area += abs(twice) / 2
    return (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)), area


def mask_bounds(mask: Any) -> tuple[Box, float | None]:
    """Bounding box and area of COCO's RLE: run lengths down the columns, beginning with background."""
    if not isinstance(mask, dict) or not isinstance(mask.get("size"), list) or len(mask["size"]) != 2:
        raise ValueError("RLE without size")
    height = int(mask["size"][0])
    counts = mask.get("counts")
    runs = run_lengths(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or height <= 0:
        raise ValueError("RLE without counts")
    at, area = 0, 0
    columns: list[int] = []
    top, bottom = height, 0
    for number, run in enumerate(runs):
        if number % 2 and run:
            area += run
            first, last = at, at + run - 1
            columns += [first // height, last // height]
            if first // height != last // height:
                top, bottom = 0, height
            else:
                top, bottom = min(top, first % height), max(bottom, last % height + 1)
        at += run
    if not columns:
        return (0.0, 0.0, 0.0, 0.0), 0.0
    left, right = min(columns), max(columns) + 1
    return (float(left), float(top), float(right - left), float(bottom - top)), float(area)


DERIVED = ("polygon", "polyline", "keypoints", "mask", "rotated")
"""Types of geometry whose box follows from their points."""


def derived_box(type_: str, text: str) -> tuple[Box, float | None]:
    """The bounding box (x, y, w, h) and area, in the unit of the geometry, of what `check_geometry` lets pass.

    Args:
        type_: one of `DERIVED`.
        text: its JSON.

    Raises:
        ValueError: a mask whose runs make no mask.
    """
    said = _DECODER.decode(text)
    match type_:
        case "polygon":
            return polygon_bounds(said)
        case "mask":
            return mask_bounds(said)
        case "rotated":
            width, height = said["size"]
            shape = rotated_shape(tuple(said["center"]), (width, height), degrees=said["degrees"])
            return (shape.x, shape.y, shape.w, shape.h), shape.area
        case "keypoints":
            seen = [point[:2] for point in said["points"] if point[2] > 0]
            flat = [number for point in seen for number in point]
        case _:
            flat = said
    return (polygon_bounds([flat])[0] if flat else (None, None, None, None)), None


def run_lengths(counts: str) -> list[int]:
    """COCO's compressed RLE as run lengths (source: `rleFrString` in cocoapi's maskApi.c)."""
    runs: list[int] = []
    at = 0
    while at < len(counts):
        value, shift, more = 0, 0, True
        while more:
            if at >= len(counts):
                raise ValueError("RLE counts end in the middle")
            code = ord(counts[at]) - 48
            value |= (code & 0x1F) << shift
            more = bool(code & 0x20)
            at, shift = at + 1, shift + 5
            if not more and code & 0x10:
                value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs


def keypoints_geometry(
    raw: bytes, *, names: list[str] | None, edges: list[list[int]] | None, also: str | None
) -> str:
    """COCO's flat x, y, v list as the JSON of `geometry`; edges count from 1, as in COCO's skeleton.

    `also` is the segmentation of the same annotation, kept beside the points.
    """
    flat = _DECODER.decode(raw)
    if not isinstance(flat, list) or len(flat) % 3:
        raise ValueError("keypoints are not a list of x, y, v")
    document: dict[str, Any] = {"points": [flat[i : i + 3] for i in range(0, len(flat), 3)]}
    if names:
        document["names"] = names
    if edges:
        document["edges"] = edges
    if also:
        document["segmentation"] = msgspec.Raw(also.encode())
    return msgspec.json.encode(document).decode()


def rotated_shape(center: tuple[float, float], size: tuple[float, float], *, degrees: float) -> Shape:
    """A rectangle turned clockwise about its centre; the box columns hold its upright bounds."""
    angle = math.radians(degrees)
    w, h = size
    across = abs(w * math.cos(angle)) + abs(h * math.sin(angle))
    down = abs(w * math.sin(angle)) + abs(h * math.cos(angle))
    geometry = msgspec.json.encode({"center": list(center), "size": [w, h], "degrees": degrees}).decode()
    return Shape("rotated", center[0] - across / 2, center[1] - down / 2, across, down, abs(w * h), geometry)
