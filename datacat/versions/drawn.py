"""Annotations that were drawn on another size of a picture than it has, brought to the picture.

Tools show people a smaller copy, or a picture as its EXIF turns it; label files then state that size. A manifest keeps
coordinates as they were drawn and the size beside them (`drawn`), and who writes them for others scales them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from datacat.ingest.export import Losses

Size = tuple[int, int]
_TURNED = "annotations drawn on a picture as its EXIF turns it, beside others that are not: as drawn"
_MASK = "masks drawn on another size of their picture, of which their box was kept"
_ROTATED = "turned boxes drawn on another shape of their picture, of which their box was kept"


def on_pictures(assets: pa.Table, annotations: pa.Table) -> tuple[pa.Table, pa.Table, list[str]]:
    """A manifest in which all coordinates are pixels of their picture; and what was lost by it.

    Of a picture whose annotations were all drawn on it as its EXIF turns it, width and height change places: so it is
    shown by whoever heeds EXIF.

    Args:
        assets: schema `MANIFEST["assets"]`.
        annotations: schema `MANIFEST["annotations"]`.
    """
    is_drawn = pc.is_valid(annotations["drawn"])
    if not pc.any(is_drawn).as_py():
        return assets, annotations, []
    losses = Losses()
    concerned = pc.is_in(assets["uri"], value_set=annotations.filter(is_drawn)["uri"].combine_chunks())
    near = assets.filter(concerned).select(["uri", "width", "height"]).to_pylist()
    sizes = {row["uri"]: (row["width"], row["height"]) for row in near if row["width"] and row["height"]}
    turned = _turned(annotations, sizes)
    batches = []
    for batch in annotations.to_batches():
        rows = [
            _brought(row, sizes.get(row["uri"]), turned=turned, losses=losses) for row in batch.to_pylist()
        ]
        batches.append(pa.RecordBatch.from_pylist(rows, schema=annotations.schema))
    return (
        _with_turned(assets, turned),
        pa.Table.from_batches(batches, schema=annotations.schema),
        losses.lines(),
    )


def size_of(drawn: str) -> Size:
    """`640x480` as two numbers."""
    width, _, height = drawn.partition("x")
    return int(width), int(height)


def scaled(row: dict[str, Any], factors: tuple[float, float], *, losses: Losses) -> dict[str, Any]:
    """One annotation with other coordinates: times the first factor to the right, times the second down."""
    across, down = factors
    sides = {"x": across, "y": down, "w": across, "h": down, "area": across * down}
    found = {**row, **{side: row[side] * by for side, by in sides.items() if row[side] is not None}}
    if row["geometry"] is None:
        return found
    geometry, type_ = json.loads(row["geometry"]), row["geometry_type"]
    if type_ == "polygon":
        geometry = [_points(ring, factors) for ring in geometry]
    elif type_ == "polyline":
        geometry = _points(geometry, factors)
    elif type_ == "keypoints":
        geometry["points"] = [[p[0] * across, p[1] * down, *p[2:]] for p in geometry["points"]]
    elif type_ == "rotated" and abs(across - down) <= 0.01 * across:
        geometry["center"] = _points(geometry["center"], factors)
        geometry["size"] = _points(geometry["size"], factors)
    elif type_ in ("mask", "rotated"):
        losses.add(_MASK if type_ == "mask" else _ROTATED)
        return {**found, "geometry_type": "box", "geometry": None}
    return {**found, "geometry": json.dumps(geometry)}


def _points(flat: Sequence[float], factors: tuple[float, float]) -> list[float]:
    return [value * factors[at % 2] for at, value in enumerate(flat)]


def _brought(row: dict[str, Any], size: Size | None, *, turned: set[str], losses: Losses) -> dict[str, Any]:
    if row["drawn"] is None or size is None or row["is_relative"] or row["uri"] in turned:
        return row
    width, height = size_of(row["drawn"])
    if (height, width) == size:
        losses.add(_TURNED)
        return row
    return scaled(row, (size[0] / width, size[1] / height), losses=losses)


def _turned(annotations: pa.Table, sizes: dict[str, Size]) -> set[str]:
    """The pictures of which all that has coordinates was drawn with their sides swapped."""
    placed = annotations.filter(pc.is_in(annotations["uri"], value_set=pa.array(list(sizes), pa.string())))
    ways: dict[str, set[bool]] = {}
    for row in placed.select(["uri", "drawn", "geometry_type", "is_relative"]).to_pylist():
        if row["geometry_type"] not in ("none", "span", "range") and not row["is_relative"]:
            is_swapped = row["drawn"] is not None and size_of(row["drawn"]) == sizes[row["uri"]][::-1]
            ways.setdefault(row["uri"], set()).add(is_swapped)
    return {uri for uri, said in ways.items() if said == {True}}


def _with_turned(assets: pa.Table, turned: set[str]) -> pa.Table:
    if not turned:
        return assets
    is_turned = pc.is_in(assets["uri"], value_set=pa.array(sorted(turned), pa.string()))
    columns = {
        "width": pc.if_else(is_turned, assets["height"], assets["width"]),
        "height": pc.if_else(is_turned, assets["width"], assets["height"]),
    }
    for name, column in columns.items():
        assets = assets.set_column(assets.column_names.index(name), assets.schema.field(name), column)
    return assets
