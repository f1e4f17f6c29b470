"""Boxes and areas that a label file states beside a shape, against each other.

Nothing is changed by it: the box and the area that are stated count, and what differs is noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from datacat.ingest.geometry import NEAR_PX, NEAR_SHARE
from datacat.model.positions import first
from datacat.model.report import Tally

_Numbers = npt.NDArray[np.float64]
_Truths = npt.NDArray[np.bool_]
_ROWS = 8192  # of long polygons these are many numbers
# What is written is rounded, to whole pixels at worst, and ends at the first or behind the last one. In 470 polygons of
# 19 real files boxes were within 0.1 px and areas within 5 % of their polygons', but for one that was wrong.
_AREA_SHARE = (
    0.25  # an area that was counted in pixels is another than by corners, where a shape is small or thin
)
# In bulk: DuckDB parses the rings, numpy looks for their ends. The rings of one shape may be parts or holes.
_POLYGONS = """
    SELECT file, row, x, y, w, h, area, len(rings) AS rings, flatten(rings) AS numbers
    FROM (SELECT *, from_json(geometry, '[["DOUBLE"]]') AS rings FROM annotations
        WHERE geometry_type = 'polygon' AND NOT is_relative AND x IS NOT NULL AND w IS NOT NULL AND h IS NOT NULL
            AND ({which}))
"""
# To compare very many polygons would take 5 % of an ingest. So first a part of them is compared, and those whose area
# cannot lie in their box; all, where one of these differs.
_LOOKED_AT = 40_000
_ODD = "row % {step} = 0 OR area > 1.1 * (w + 2) * (h + 2)"
_LARGE = """
    SELECT count(*), arg_min(file, (file, row)), arg_min(row, (file, row)) FROM annotations
    WHERE geometry_type <> 'polygon' AND NOT is_relative AND area > 1.1 * (w + 2) * (h + 2)
"""
# Boxes without a polygon, of which the area alone says what was meant.
_CORNERS = """
    SELECT file FROM annotations
    WHERE geometry_type = 'box' AND NOT is_relative AND area > 0
    GROUP BY file HAVING 2 * count(*) FILTER (
        w > x AND h > y AND abs(area - (w - x) * (h - y)) <= 0.01 * area AND abs(area - w * h) > 0.1 * area) > count(*)
"""
_DISPUTES = f"""
    SELECT reason, sum("count"), min(file), {first("position", after="file, ")} FROM disputes GROUP BY reason ORDER BY 1
"""  # noqa: S608 - our own words
_AS_CORNERS = (
    "a label file of which most boxes fit their polygons or areas as if bbox were x1,y1,x2,y2 "
    "and not x,y,width,height"
)


@dataclass(slots=True)
class _Found:
    """How many annotations differ, and file and row of the first."""

    count: int = 0
    first: tuple[int, int] | None = None

    def add(self, files: npt.NDArray[Any], rows: npt.NDArray[Any], *, differ: _Truths) -> None:
        """Takes in those rows of a batch that differ."""
        if not differ.any():
            return
        self.count += int(differ.sum())
        files, rows = files[differ], rows[differ]
        at = int(np.lexsort((rows, files))[0])
        found = int(files[at]), int(rows[at])
        self.first = found if self.first is None else min(self.first, found)


@dataclass(slots=True)
class _Seen:
    """What was found of polygons; `fits` has how many each file has, fit their box, and fit it taken for corners."""

    boxes: _Found = field(default_factory=_Found)
    areas: _Found = field(default_factory=_Found)
    fits: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((3, 0), np.int64))

    def count(self, files: npt.NDArray[Any], *which: _Truths) -> None:
        """Adds to the numbers of each file."""
        most = max(self.fits.shape[1], int(files.max()) + 1)
        self.fits = np.pad(self.fits, ((0, 0), (0, most - self.fits.shape[1])))
        for counts, chosen in zip(self.fits, which, strict=True):
            counts += np.bincount(files[chosen], minlength=most)

    def with_corners(self) -> list[int]:
        """The files of which most boxes are corners."""
        together, right, corners = self.fits
        return [int(file) for file in np.flatnonzero((corners * 2 > together) & (right * 2 <= together))]


def note_bounds(db: duckdb.DuckDBPyConnection, tally: Tally, *, names: Sequence[str]) -> None:
    """Notes boxes and areas of the view `annotations` of `db` that differ from the shape beside them, in pixels.

    And what the view `disputes` has, see `batches.DISPUTES`.

    Args:
        db: as `Census` has it.
        tally: where the notes go.
        names: the label files by their numbers.
    """
    seen = _seen(db)
    ((count, file, row),) = db.execute(_LARGE).fetchall()
    for what, found in (
        ("a box that is not the one around its polygon: the box counts", seen.boxes),
        ("an area that is not that of its polygon: the area counts", seen.areas),
        (
            "an area that is larger than its box: the area counts",
            _Found(count, (file, row) if count else None),
        ),
    ):
        if found.first:
            tally.note(f"{what} (first: {_place(db, found.first, names=names)})", found.count)
    for what, number, file, position in db.execute(_DISPUTES).fetchall():
        tally.note(f"{what} (first: {names[file]}, {position})", int(number))
    corners = sorted({*seen.with_corners(), *(number for (number,) in db.execute(_CORNERS).fetchall())})
    if corners:
        tally.note(f"{_AS_CORNERS} (first: {names[corners[0]]})", len(corners))


def _seen(db: duckdb.DuckDBPyConnection) -> _Seen:
    """What comparing the polygons finds: all of them, or those that may differ where none of a part does."""
    ((count,),) = db.execute("SELECT count(*) FROM annotations WHERE geometry_type = 'polygon'").fetchall()
    if count > _LOOKED_AT:
        seen = _compared(db, _ODD.format(step=count // _LOOKED_AT + 1))
        if not (seen.boxes.count or seen.areas.count):
            return seen
    return _compared(db, "true") if count else _Seen()


def _compared(db: duckdb.DuckDBPyConnection, which: str) -> _Seen:
    """What comparing some polygons finds; `which` is a condition."""
    seen = _Seen()
    for batch in db.execute(_POLYGONS.format(which=which)).to_arrow_reader(_ROWS):
        counts = pc.list_value_length(batch.column("numbers"))
        if counts.null_count or pc.any(pc.equal(counts, 0)).as_py():
            batch = batch.filter(pc.greater(counts, 0))
        if batch.num_rows:
            with np.errstate(all="ignore"):  # of coordinates near the largest number
                _compare(batch, seen)
    return seen


def _place(db: duckdb.DuckDBPyConnection, which: tuple[int, int], *, names: Sequence[str]) -> str:
    """The file of an annotation and where in it."""
    said = db.execute("SELECT position FROM annotations WHERE file = ? AND row = ?", list(which)).fetchone()
    return f"{names[which[0]]}, {said[0]}" if said else names[which[0]]


def _compare(batch: Any, seen: _Seen) -> None:
    """Compares the polygons of a batch with their boxes and areas."""
    names = ("file", "row", "x", "y", "w", "h", "area", "rings")
    files, rows, x, y, w, h, area, rings = (
        batch.column(name).to_numpy(zero_copy_only=False) for name in names
    )
    (left, top, right, bottom), inside = _measured(batch.column("numbers"))
    width, height = right - left, bottom - top
    near = NEAR_PX + NEAR_SHARE * np.maximum(width, height)
    fits = _are_near((x, y, x + w, y + h), (left, top, right, bottom), near)
    seen.boxes.add(files, rows, differ=~fits)
    seen.count(files, np.ones_like(fits), fits, _are_near((x, y, w, h), (left, top, right, bottom), near))
    apart = _AREA_SHARE * np.maximum(area, inside) + width + height
    is_far = (np.abs(area - inside) > apart) | (np.isfinite(area) & ~np.isfinite(inside))
    is_of_box = np.isfinite(w * h) & (np.abs(area - w * h) <= 0.01 * w * h + 1)  # as many tools write it
    is_larger = area > 1.1 * (width + NEAR_PX) * (height + NEAR_PX)
    seen.areas.add(files, rows, differ=np.where(rings == 1, is_far & ~(fits & is_of_box), is_larger))


def _measured(lists: Any) -> tuple[tuple[_Numbers, _Numbers, _Numbers, _Numbers], _Numbers]:
    """Of each list of x, y, x, y, …: the least x and y and the greatest, and the area within, if it is one ring."""
    numbers = lists.flatten().to_numpy(zero_copy_only=False)
    offsets = lists.offsets.to_numpy()
    bounds = (offsets - offsets[0]) // 2
    starts, last = bounds[:-1], bounds[1:] - 1
    xs, ys = numbers[0::2], numbers[1::2]
    least, most = np.minimum.reduceat, np.maximum.reduceat
    next_x, next_y = np.roll(xs, -1), np.roll(ys, -1)
    next_x[last], next_y[last] = xs[starts], ys[starts]
    inside = np.abs(np.add.reduceat(xs * next_y - next_x * ys, starts)) / 2
    return (least(xs, starts), least(ys, starts), most(xs, starts), most(ys, starts)), inside


def _are_near(one: Sequence[_Numbers], other: Sequence[_Numbers], near: _Numbers) -> _Truths:
    """Whether all sides of two boxes are near each other, for each row; to what is endless nothing is."""
    apart = [np.abs(a - b) for a, b in zip(one, other, strict=True)]
    found: _Truths = np.logical_and.reduce([np.isfinite(near), *(each <= near for each in apart)])
    return found
