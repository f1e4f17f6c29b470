"""Coordinates of one annotation, brought from the size of a picture that its label file states to the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Factors = tuple[float, float]
_SIDES = ("x", "y", "w", "h", "area")


def brought_box(row: dict[str, Any], by: Factors) -> dict[str, Any]:
    """The columns of the box and the area, times the first factor to the right and times the second down."""
    across, down = by
    factors = dict(zip(_SIDES, (across, down, across, down, across * down), strict=True))
    return {side: None if row[side] is None else row[side] * factors[side] for side in _SIDES}


def brought_geometry(type_: str, geometry: Any, *, by: Factors) -> Any:
    """A geometry as its type has it, brought likewise.

    A mask stays: it says itself of how many pixels it is. None for a turned box that would be none any more, as the
    one side is scaled otherwise than the other.
    """
    if type_ == "polygon":
        return [_points(ring, by) for ring in geometry]
    if type_ == "polyline":
        return _points(geometry, by)
    if type_ == "keypoints":
        points = [[x * by[0], y * by[1], *more] for x, y, *more in geometry["points"]]
        return {**geometry, "points": points}
    if type_ == "rotated":
        is_alike = abs(by[0] - by[1]) <= 0.01 * by[0]
        return _rotated(geometry, by) if is_alike else None
    return geometry


def _rotated(geometry: dict[str, Any], by: Factors) -> dict[str, Any]:
    return {**geometry, "center": _points(geometry["center"], by), "size": _points(geometry["size"], by)}


def _points(flat: Sequence[float], by: Factors) -> list[float]:
    return [value * by[at % 2] for at, value in enumerate(flat)]
