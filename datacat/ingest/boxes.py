"""The one place through which the box of every annotation of every format passes: no side of it is below 0."""

from __future__ import annotations

import math
from typing import Any

from datacat.ingest.metadata import spread
from datacat.model.report import Tally

_SIDES = ("x", "y", "w", "h", "area")


def upright(count: int, columns: dict[str, Any], *, tally: Tally) -> dict[str, Any]:
    """The columns of `count` annotations, with corners the right way round and no area below 0 or infinite.

    A box of negative width or height spans the same two corners, taken the other way round.

    Args:
        count: rows.
        columns: of `annotations`, as `Sheets.add` takes them.
        tally: where the notes go.
    """
    widths, heights, areas = (spread(columns.get(name), count) for name in ("w", "h", "area"))
    odd = [
        number
        for number, sides in enumerate(zip(widths, heights, areas, strict=True))
        if any(side is not None and not 0 <= side < math.inf for side in sides)
    ]
    if not odd:
        return columns
    sides = {name: list(spread(columns.get(name), count)) for name in _SIDES}
    for number in odd:
        x, y, w, h, area = _turned(*(sides[name][number] for name in _SIDES), tally=tally)
        for name, value in zip(_SIDES, (x, y, w, h, area), strict=True):
            sides[name][number] = value
    return {**columns, **sides}


def _turned(
    x: float | None, y: float | None, w: float | None, h: float | None, area: float | None, *, tally: Tally
) -> tuple[float | None, ...]:
    if not (x is None or y is None or w is None or h is None) and (w < 0 or h < 0):
        tally.note("a box of negative width or height: its corners were taken the other way round")
        area = abs(w * h) if area is None or area <= 0 else area
        x, y, w, h = min(x, x + w), min(y, y + h), abs(w), abs(h)
    if area is not None and not 0 <= area < math.inf:
        what = "below 0" if area < 0 else "beyond all numbers"
        tally.note(f"an area {what}: taken as unknown")
        area = None
    return x, y, w, h, area
