"""The box, area and outline of an annotation in COCO, which agree also where the picture's edge cuts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from datacat.ingest.clip import clipped_polygon
from datacat.ingest.export import Losses, boxed
from datacat.ingest.geometry import NEAR_PX, NEAR_SHARE, check_rings, derived_bounds, polygon_bounds

_RINGS = msgspec.json.Decoder(list[list[float]])
_ROUNDED = 1e-3  # pixels; of a box that was computed in fractions
_VANISHED = "polygons of which nothing lies in their picture: their box alone was kept"

Box = tuple[float, ...]
_Rings = Sequence[Sequence[float]]


class Outline(NamedTuple):
    """What is written of where an annotation is, in pixels; None: nothing of that."""

    box: Box | None = None
    area: float | None = None
    segmentation: bytes | None = None


def outlined(row: dict[str, Any], *, size: Mapping[str, Any], losses: Losses) -> Outline | None:
    """The place of an annotation; its polygon is cut where its box is.

    Args:
        row: an annotation.
        size: `width` and `height` of its picture, None where they are unknown.
        losses: counts what is cut or left out.

    Returns:
        None where it has a box that cannot be written.
    """
    text = _segmentation(row)
    if row["w"] is None:  # captions and labels of whole images have no area, which is not 0
        is_placed = text and not (row["is_relative"] and not (size["width"] and size["height"]))
        return Outline(None, row["area"], _in_pixels(text, row, size=size) if text and is_placed else None)
    box = boxed(row, size, losses=losses)
    if box is None:
        return None
    is_cut = _is_cut(row, box, size=size)
    rings = _rings(text, row, size=size) if text and is_cut else None
    if rings is not None:
        return _cut(row, box, rings=rings, size=size, losses=losses)
    area = _area(row, box, size=size)
    if row["geometry_type"] == "box" or (is_cut and text is None):
        area = min(area, box[2] * box[3])
    return Outline(box, area, _in_pixels(text, row, size=size) if text else None)


def _segmentation(row: dict[str, Any]) -> bytes | None:
    """The rings or the mask of an annotation, as JSON; None where COCO has no outline of it."""
    type_, geometry = row["geometry_type"], row["geometry"]
    if geometry is None:
        return None
    if type_ in ("mask", "polygon"):
        return bytes(geometry.encode())
    if type_ == "keypoints":
        said = msgspec.json.decode(geometry, type=dict[str, msgspec.Raw]).get("segmentation")
        return None if said is None else bytes(said).strip()
    return None


def _is_cut(row: dict[str, Any], box: Box, *, size: Mapping[str, Any]) -> bool:
    """Whether a box was larger than what is written of it."""
    across, down = (size["width"], size["height"]) if row["is_relative"] else (1, 1)
    return bool(max(row["w"] * across - box[2], row["h"] * down - box[3]) > _ROUNDED)


def _cut(row: dict[str, Any], box: Box, *, rings: _Rings, size: Mapping[str, Any], losses: Losses) -> Outline:
    """What of a polygon lies in its picture; around that is the box, if it was around the whole."""
    sides = tuple(float(size[side] or "inf") for side in ("width", "height"))
    kept = [ring for ring, _ in (clipped_polygon(ring, sides=(sides[0], sides[1])) for ring in rings) if ring]
    try:
        around, area = polygon_bounds(kept)
        whole, _ = polygon_bounds(rings)
    except ValueError:  # nothing is left, or it reaches beyond all numbers
        losses.add(_VANISHED)
        return Outline(box, box[2] * box[3])
    if _is_around(row, whole, size=size):
        box = tuple(float(value or 0) for value in around)
    return Outline(box, min(area or 0.0, box[2] * box[3]), msgspec.json.encode(kept))


def _is_around(row: dict[str, Any], whole: Sequence[float | None], *, size: Mapping[str, Any]) -> bool:
    """Whether the box that is stated is the one around the whole polygon."""
    across, down = (size["width"], size["height"]) if row["is_relative"] else (1, 1)
    x, y, w, h = row["x"] * across, row["y"] * down, row["w"] * across, row["h"] * down
    left, top, width, height = (value or 0.0 for value in whole)
    near = NEAR_PX + NEAR_SHARE * max(width, height)
    apart = (x - left, y - top, x + w - left - width, y + h - top - height)
    return bool(max(map(abs, apart)) <= near)


def _area(row: dict[str, Any], box: Box, *, size: Mapping[str, Any]) -> float:
    """Pixels of the whole annotation, as stated or measured; those of its box where it has no other."""
    area: float | None = row["area"]
    if area is None and row["geometry"] is not None:
        try:
            area = derived_bounds(row["geometry_type"], row["geometry"])[1]
        except ValueError:  # of another form than its type; written by another release
            area = None
    if area is None:
        return box[2] * box[3]
    if row["is_relative"] and row["geometry_type"] != "mask":
        area *= size["width"] * size["height"]
    return area


def _in_pixels(text: bytes, row: dict[str, Any], *, size: Mapping[str, Any]) -> bytes:
    """Rings in pixels, or a mask; as they are written where they are in pixels."""
    rings = _rings(text, row, size=size) if row["is_relative"] else None
    return text if rings is None else msgspec.json.encode(rings)


def _rings(text: bytes, row: dict[str, Any], *, size: Mapping[str, Any]) -> list[list[float]] | None:
    """The rings of a polygon, in pixels; None where it is a mask, or of another form (beside keypoints)."""
    sides = (size["width"], size["height"]) if row["is_relative"] else (1, 1)
    try:
        rings = _RINGS.decode(text)
        check_rings(rings)
    except (msgspec.MsgspecError, ValueError):
        return None
    return [[number * sides[at % 2] for at, number in enumerate(ring)] for ring in rings]
