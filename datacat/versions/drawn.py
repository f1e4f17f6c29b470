"""Annotations that were drawn on another size of a picture than it has, brought to the picture.

Tools show people a smaller copy, or a picture as it is stored and not as its EXIF turns it; label files then state that
size. A manifest keeps coordinates as they were drawn and the size beside them (`drawn`), and who writes them for others
brings them to the picture that is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from datacat.ingest.export import Losses
from datacat.query.drawn import QUARTER_TURNS, Size, Way, is_of_stored, way_of

_SWAPPED = "annotations drawn on a picture with its sides swapped, beside others that are not: as drawn"
_MASK = "masks drawn on another size of their picture, of which their box was kept"
_TURNED_MASK = "masks drawn on a picture before its EXIF turns it, of which their box was kept"
_ROTATED = "turned boxes drawn on another shape of their picture, of which their box was kept"
# What changes where an annotation is brought to its picture.
_CHANGED = ("x", "y", "w", "h", "area", "geometry_type", "geometry")
_READ = ["uri", "drawn", "is_relative", *_CHANGED]
_PLACELESS = ("none", "span", "range")


class _Picture(NamedTuple):
    """One picture: its size as shown, how EXIF turns it, and whether its sides change places in what is written.

    They do where all that has a place was drawn so: on the picture as it is stored, or on one with swapped sides
    that no EXIF explains.
    """

    size: Size
    orientation: int | None
    is_swapped: bool = False

    def way(self, row: dict[str, Any]) -> Way | None:
        """How an annotation comes to what is written."""
        stated = None if row["drawn"] is None else size_of(row["drawn"])
        is_relative = bool(row["is_relative"])
        if not self.is_swapped:
            return way_of(stated, shown=self.size, orientation=self.orientation, is_relative=is_relative)
        return way_of(stated, shown=self.size[::-1], orientation=None, is_relative=is_relative)


def on_pictures(
    assets: pa.Table, annotations: pa.Table, *, keeps_stored: bool
) -> tuple[pa.Table, pa.Table, list[str]]:
    """A manifest in which all coordinates are of their picture as it is shown; and what was lost by it.

    Args:
        assets: schema `MANIFEST["assets"]`.
        annotations: schema `MANIFEST["annotations"]`.
        keeps_stored: of a picture on which all was drawn as it is stored, before its EXIF turns it, width and height
            become those of the stored one, and coordinates stay its.
    """
    is_drawn = pc.is_valid(annotations["drawn"])
    if not pc.any(is_drawn).as_py():
        return assets, annotations, []
    losses = Losses()
    concerned = pc.is_in(assets["uri"], value_set=annotations.filter(is_drawn)["uri"].combine_chunks())
    pictures = _pictures(assets.filter(concerned), annotations, keeps_stored=keeps_stored)
    known = pa.array(pictures, pa.string())
    brought = [annotations.schema.empty_table()]
    for batch in map(pa.table, annotations.to_batches()):
        is_other = pc.and_(pc.is_valid(batch["drawn"]), pc.is_in(batch["uri"], value_set=known))
        others = batch.filter(is_other).select(_READ).to_pylist()
        rows = [_brought(row, pictures[row["uri"]], losses=losses) for row in others]
        brought.append(_put_back(batch, is_other, rows, names=_CHANGED))
    swapped = sorted(uri for uri, picture in pictures.items() if picture.is_swapped)
    return (
        _with_swapped(assets, swapped),
        pa.concat_tables(brought),
        losses.lines(),
    )


def upright_boxes(assets: pa.Table, rows: pa.Table) -> pa.Table:
    """Rows of annotations, those drawn on a picture as it is stored with their boxes turned as its EXIF turns it.

    Args:
        assets: schema `MANIFEST["assets"]`.
        rows: some columns of annotations, the box and `drawn` among them; `drawn` is null of what was turned.
    """
    is_drawn = rows["drawn"].is_valid()
    if not pc.any(is_drawn).as_py():
        return rows
    turns = pa.array(QUARTER_TURNS, assets.schema.field("orientation").type)
    pictures = _known(assets.filter(pc.is_in(assets["orientation"], value_set=turns)))
    is_other = pc.and_(is_drawn, pc.is_in(rows["uri"], value_set=pa.array(pictures, pa.string())))
    names = ("x", "y", "w", "h", "drawn")
    found = []
    for row in rows.filter(is_other).select(["uri", "is_relative", *names]).to_pylist():
        way = pictures[row["uri"]].way(row)
        is_turned = way is not None and way.turn is not None
        found.append({**row, **_box(row, way), "drawn": None} if way and is_turned else row)
    return _put_back(rows, is_other, found, names=names)


def size_of(drawn: str) -> Size:
    """`640x480` as two numbers."""
    width, _, height = drawn.partition("x")
    return int(width), int(height)


def _box(row: dict[str, Any], way: Way) -> dict[str, Any]:
    box = way.box({"area": None, **row})
    return {name: value for name, value in box.items() if name in row}


def _put_back(
    table: pa.Table, is_other: pa.ChunkedArray, rows: Sequence[Mapping[str, Any]], *, names: Sequence[str]
) -> pa.Table:
    """A table with `rows` in the place of those where `is_other` holds, of which only the columns `names` differ.

    All other rows stay what they are in Arrow: as Python's objects a million of them are a gigabyte.
    """
    for name in names if rows else ():
        field = table.schema.field(name)
        values = pa.array([row[name] for row in rows], field.type)
        column = pc.replace_with_mask(table[name].combine_chunks(), is_other.combine_chunks(), values)
        table = table.set_column(table.schema.get_field_index(name), field, column)
    return table


def _brought(row: dict[str, Any], picture: _Picture, *, losses: Losses) -> dict[str, Any]:
    way = picture.way(row)
    if way is None:
        is_other = size_of(row["drawn"]) == picture.size[::-1] and not picture.is_swapped
        losses.add(_SWAPPED, int(is_other and not row["is_relative"]))
        return row
    found = {**row, **_box(row, way)}
    if row["geometry"] is None:
        return found
    type_, geometry = row["geometry_type"], json.loads(row["geometry"])
    if type_ == "mask":
        if way.turn is None and set(way.by) == {1.0}:
            return found
        losses.add(_MASK if way.turn is None else _TURNED_MASK)
        return {**found, "geometry_type": "box", "geometry": None}
    geometry = way.geometry(type_, geometry)
    if geometry is None:
        losses.add(_ROTATED)
        return {**found, "geometry_type": "box", "geometry": None}
    if type_ == "keypoints" and isinstance(geometry.get("segmentation"), dict):
        losses.add(_MASK if way.turn is None else _TURNED_MASK)
        del geometry["segmentation"]
    return {**found, "geometry": json.dumps(geometry)}


def _known(assets: pa.Table) -> dict[str, _Picture]:
    """The pictures of known size by URI."""
    return {
        row["uri"]: _Picture((row["width"], row["height"]), row["orientation"])
        for row in assets.select(["uri", "width", "height", "orientation"]).to_pylist()
        if row["width"] and row["height"]
    }


def _pictures(near: pa.Table, annotations: pa.Table, *, keeps_stored: bool) -> dict[str, _Picture]:
    """The pictures of known size by URI, with what becomes of their sides."""
    known = _known(near)
    placed = annotations.filter(pc.is_in(annotations["uri"], value_set=pa.array(list(known), pa.string())))
    ways: dict[str, set[str]] = {}
    # Few, of many rows.
    kinds = placed.group_by(["uri", "drawn", "geometry_type", "is_relative"]).aggregate([])
    for row in kinds.to_pylist():
        if row["geometry_type"] not in _PLACELESS:
            ways.setdefault(row["uri"], set()).add(_frame(row, known[row["uri"]]))
    found = {}
    for uri, picture in known.items():
        frames = ways.get(uri, set()) - {"any"}
        is_swapped = frames == {"swapped"} or (keeps_stored and frames == {"stored"})
        found[uri] = picture._replace(is_swapped=is_swapped)
    return found


def _frame(row: dict[str, Any], picture: _Picture) -> str:
    """On which of a picture's two ways an annotation was drawn; "any" where both give the same numbers."""
    stated = None if row["drawn"] is None else size_of(row["drawn"])
    if stated is not None and is_of_stored(stated, shown=picture.size, orientation=picture.orientation):
        return "stored"
    if row["is_relative"]:
        return "shown" if picture.orientation else "any"
    return "swapped" if stated == picture.size[::-1] and stated != picture.size else "shown"


def _with_swapped(assets: pa.Table, uris: list[str]) -> pa.Table:
    if not uris:
        return assets
    is_swapped = pc.is_in(assets["uri"], value_set=pa.array(uris, pa.string()))
    columns = {
        "width": pc.if_else(is_swapped, assets["height"], assets["width"]),
        "height": pc.if_else(is_swapped, assets["width"], assets["height"]),
    }
    for name, column in columns.items():
        assets = assets.set_column(assets.column_names.index(name), assets.schema.field(name), column)
    return assets
