"""Whether a place lies in a circle or a polygon, told in another way than the engine's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_EARTH_KM = 6371.0088


def lies_within(place: Any, corners: Sequence[tuple[float, float]], *, km: float | None) -> bool:
    """Whether (latitude, longitude) lies within `km` of the only corner, or in the polygon of all corners."""
    if km is not None:
        one, other = _unit(place), _unit(corners[0])
        cosine = sum(a * b for a, b in zip(one, other, strict=True))
        return _EARTH_KM * math.acos(max(-1, min(1, cosine))) <= km
    turned = 0.0  # a polygon winds around what lies in it
    for start, end in zip(corners, (*corners[1:], corners[0]), strict=True):
        (y1, x1), (y2, x2) = ((corner[0] - place[0], corner[1] - place[1]) for corner in (start, end))
        turned += math.atan2(x1 * y2 - x2 * y1, x1 * x2 + y1 * y2)
    return abs(turned) > math.pi


def _unit(place: Any) -> tuple[float, float, float]:
    latitude, longitude = map(math.radians, place)
    across = math.cos(latitude)
    return across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)
