"""Boxes and polygons cut at the edges of their picture, in fractions of its size or in pixels."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import partial

Corners = tuple[float, float, float, float]  # left, top, right, bottom
_Point = tuple[float, float]
_ROUNDING = 1e-6  # so far outside lies what was inside before it was computed with


def clipped_box(corners: Corners) -> tuple[Corners | None, bool]:
    """What of a box lies within the picture (None: no area), and whether something was cut off."""
    if not all(map(math.isfinite, corners)):
        return None, True
    left, top, right, bottom = corners
    if right <= left or bottom <= top:
        return None, False
    inside = (max(left, 0.0), max(top, 0.0), min(right, 1.0), min(bottom, 1.0))
    if inside[2] <= inside[0] or inside[3] <= inside[1]:
        return None, True
    return inside, any(abs(new - old) > _ROUNDING for new, old in zip(inside, corners, strict=True))


def clipped_polygon(
    ring: Sequence[float], *, sides: tuple[float, float] = (1.0, 1.0)
) -> tuple[list[float] | None, bool]:
    """What of a polygon (x, y, x, y, …) lies within the picture (None: no area), and whether something was cut off.

    By Sutherland and Hodgman: a polygon that leaves the picture and comes back is joined along the edge.

    Args:
        ring: in fractions, or in the units of `sides`.
        sides: width and height of the picture, infinite where they are unknown.
    """
    if not all(map(math.isfinite, ring)):
        return None, True
    points: list[_Point] = list(zip(ring[0::2], ring[1::2], strict=True))
    is_cut = any(not -_ROUNDING <= value <= sides[at % 2] + _ROUNDING for at, value in enumerate(ring))
    for axis, side in enumerate(sides):
        points = _cut(points, axis=axis, edge=0.0, is_inside=lambda value: value >= 0)
        points = _cut(points, axis=axis, edge=side, is_inside=partial(operator.ge, side))
    twice = sum(
        before[0] * after[1] - after[0] * before[1]
        for before, after in zip([*points[-1:], *points[:-1]], points, strict=True)
    )
    if len(points) < 3 or twice == 0:
        return None, is_cut
    return [value for point in points for value in point], is_cut


def _cut(points: list[_Point], *, axis: int, edge: float, is_inside: Callable[[float], bool]) -> list[_Point]:
    """The part of a polygon on one side of a line."""
    found: list[_Point] = []
    for before, point in zip([*points[-1:], *points[:-1]], points, strict=True):
        if is_inside(before[axis]) != is_inside(point[axis]):
            share = (edge - before[axis]) / (point[axis] - before[axis])
            other = before[1 - axis] + share * (point[1 - axis] - before[1 - axis])
            found.append((edge, other) if axis == 0 else (other, edge))
        if is_inside(point[axis]):
            found.append(point)
    return found
