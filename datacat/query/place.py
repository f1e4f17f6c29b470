"""`within:48.13,11.57,5` -> a circle of 5 km; `within:"48.1,11.5;48.2,11.5;48.2,11.7"` -> a polygon."""

from __future__ import annotations

import re

from datacat.query import meaning as m
from datacat.query.scope import Scope
from datacat.query.tree import Token
from datacat.query.values import Value

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_CIRCLE = re.compile(rf"({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*(?:km)?")
_CORNER = re.compile(rf"({_NUMBER})\s*,\s*({_NUMBER})")
_WKT = re.compile(r"POLYGON\s*\(\(([^()]+)\)\)", re.IGNORECASE)
_MOST_CORNERS = 1_000
_HINT = 'As in within:48.13,11.57,5 (latitude, longitude, km) or within:"48.1,11.5;48.2,11.5;48.2,11.7".'


def bind_place(value: Token, *, scope: Scope) -> m.Within:
    """Reads a circle or a polygon: corners `lat,lon` between semicolons, or WKT (`POLYGON((lon lat, …))`).

    Raises:
        QueryError: it is neither, or lies off the globe.
    """
    shown = f"within:{Value(value.text, value.is_quoted)}"
    circle = _CIRCLE.fullmatch(value.text.strip())
    corners = [(float(circle[1]), float(circle[2]))] if circle else _polygon(value.text)
    if not circle and len(corners) < 3:
        scope.stop("that is neither a circle nor a polygon", value.span, hint=_HINT)
    if len(corners) > _MOST_CORNERS:
        scope.stop(f"a polygon has at most {_MOST_CORNERS} corners", value.span)
    for latitude, longitude in corners:
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            scope.stop(f"{latitude:g},{longitude:g} is no place on earth", value.span, hint=_HINT)
    km = float(circle[3]) if circle else None
    if km is not None and km <= 0:
        scope.stop("a circle has a radius above 0", value.span, hint=_HINT)
    return m.Within(tuple(corners), km, shown)


def _polygon(text: str) -> list[tuple[float, float]]:
    """The corners as (latitude, longitude); none where the text is no polygon. A closing corner is dropped."""
    wkt = _WKT.fullmatch(text.strip())
    if wkt:
        pairs = [corner.split() for corner in wkt[1].split(",")]
        try:
            corners = [(float(latitude), float(longitude)) for longitude, latitude in pairs]
        except ValueError:
            return []
    else:
        matches = [_CORNER.fullmatch(corner.strip()) for corner in text.strip().strip(";").split(";")]
        corners = [(float(match[1]), float(match[2])) for match in matches if match]
        if len(corners) < len(matches):
            return []
    return corners[:-1] if len(corners) > 1 and corners[0] == corners[-1] else corners
