"""One asset with everything that is said of it."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, fields, replace
from typing import Any

import duckdb

from datacat.errors import NotFound
from datacat.query.compare import Sql
from datacat.query.drawn import way_of
from datacat.query.likeness import assets_named
from datacat.query.match import object_of, value_of
from datacat.query.pairs import numbered
from datacat.query.run import arrow, rows
from datacat.query.stated import LISTED, other_sizes

_LINE = 60  # characters of a value in a table for people


@dataclass(frozen=True, slots=True)
class Listing:
    """What a label set says of the asset itself."""

    label_set: str
    key: str | None  # what its label file calls the asset
    split: str | None
    metadata: dict[str, Any] | None
    file: str | None  # URI of that label file


@dataclass(frozen=True, slots=True)
class Statement:
    """One annotation of the asset, as `model.schemas` describes the columns.

    In pixels of the picture as it is shown, turned as its EXIF says, also where it was drawn on it as it is stored, or
    on another size of it, as its label file states; but a mask is as its own size says, and of a turned box that is
    none any more on the picture, as its sides are scaled differently, there is its box: `geometry_type` is then `box`.
    """

    annotation: int
    label_set: str
    class_name: str | None
    kind: str
    geometry_type: str
    x: float | None
    y: float | None
    w: float | None
    h: float | None
    is_relative: bool | None
    starts: float | None  # seconds of a range, characters of a span
    ends: float | None
    area: float | None
    is_crowd: bool | None
    confidence: float | None
    annotator: str | None
    model: str | None
    track: str | None
    created: datetime.datetime | None
    status: str | None
    text: str | None
    external_id: str | None
    geometry: Any  # rings, points or an object, as its type has them
    attributes: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class AssetView:
    """An asset, who speaks of it, and what they say.

    `width` and `height` are of the picture as it is shown, turned by `orientation` of its EXIF, 2 to 8.
    `equal` are its other addresses: URIs with the same bytes.
    """

    asset: int
    uri: str
    media: str | None
    width: int | None
    height: int | None
    duration_s: float | None
    size: int | None
    modified: datetime.datetime | None
    digest: str | None
    is_missing: bool
    fault: str | None
    orientation: int | None
    equal: tuple[str, ...]
    label_sets: tuple[Listing, ...]
    annotations: tuple[Statement, ...]

    def facts(self) -> dict[str, Any]:
        """What is known of the asset itself, by name."""
        own = {field.name: getattr(self, field.name) for field in fields(self)[:12]}
        splits = [f"{item.label_set}: {item.split}" for item in self.label_sets if item.split]
        metadata = [f"{item.label_set}: {_json(item.metadata)}" for item in self.label_sets if item.metadata]
        own["label_sets"] = list(dict.fromkeys(item.label_set for item in self.label_sets)) or None
        own["splits"] = splits or None
        own["metadata"] = metadata or None
        own["same_bytes_as"] = list(self.equal) or None
        return own

    def annotation_rows(self) -> list[dict[str, Any]]:
        """The annotations in few columns, for people; those of films and models only where one has them."""
        found = [
            {
                "label_set": item.label_set,
                "class": item.class_name,
                "geometry": item.geometry_type,
                "box": _box(item),
                "from_to": _range(item),
                "track": item.track,
                "model": item.model,
                "confidence": item.confidence,
                "text": _cut(item.text),
                "attributes": _cut(_json(item.attributes) if item.attributes else None),
            }
            for item in self.annotations
        ]
        empty = {name for name in ("from_to", "track", "model") if all(row[name] is None for row in found)}
        return [{name: value for name, value in row.items() if name not in empty} for row in found]


def show(cursor: duckdb.DuckDBPyConnection, name: str) -> AssetView:
    """Everything about the asset of that number, URI, or unique end of a URI.

    Raises:
        NotFound: no asset is so called, or several are.
    """
    found = assets_named(cursor, name)
    if not found:
        raise NotFound(f"no asset is called {name!r}", hint="Give its number, its URI or the end of its URI.")
    if len(found) > 1:
        raise NotFound(
            f"several assets are called {name!r}",
            hint=f"Say more of it: {', '.join(uri for _, uri in found[:3])} …",
        )
    asset = found[0][0]
    own = (
        "SELECT asset, uri, media, width, height, duration_s, size, modified, digest, is_missing, fault, "
        "orientation FROM assets WHERE asset = ?"
    )
    equal = (
        "SELECT uri FROM assets WHERE asset <> ? AND digest = (SELECT digest FROM assets WHERE asset = ?) "
        "UNION SELECT uri FROM other_addresses WHERE asset = ? ORDER BY uri"
    )
    said = (
        "SELECT annotation, team || '/' || name AS label_set_name, class, kind, geometry_type, x, y, w, h, "
        "is_relative, starts, ends, area, is_crowd, confidence, annotator, model, track, "
        "annotations.created, status, text, external_id, geometry, attributes, "
        "label_set AS of_set, source_file, address FROM annotations "
        "JOIN label_sets USING (label_set) WHERE asset = ? ORDER BY annotation"
    )
    (facts,) = _timed_rows(cursor, Sql(own, (asset,)))
    equals = tuple(uri for (uri,) in rows(cursor, Sql(equal, (asset, asset, asset))))
    stated = other_sizes({asset: facts[3:5]}, rows(cursor, LISTED.filled(numbered("asset", [asset]))))
    annotations = tuple(
        _statement(
            row,
            stated.get((row["of_set"], row["source_file"], row["address"])),
            shown=facts[3:5],
            orientation=facts[-1],
        )
        for row in arrow(cursor, Sql(said, (asset,))).to_pylist()
    )
    return AssetView(*(*facts, equals, _listings(cursor, asset), annotations))


def _statement(
    row: dict[str, Any], stated: Any, *, shown: tuple[int | None, int | None], orientation: int | None
) -> Statement:
    columns = list(row.values())[:-3]
    said = Statement(*(*columns[:-2], value_of(columns[-2]), object_of(columns[-1])))
    way = way_of(stated, shown=shown, orientation=orientation, is_relative=bool(said.is_relative))
    if way is None:
        return said
    geometry = None if said.geometry is None else way.geometry(said.geometry_type, said.geometry)
    is_lost = geometry is None and said.geometry is not None
    type_ = "box" if is_lost else said.geometry_type  # as an export has it
    return replace(said, geometry_type=type_, geometry=geometry, **way.box(row))


def _listings(cursor: duckdb.DuckDBPyConnection, asset: int) -> tuple[Listing, ...]:
    listed = (
        "SELECT team || '/' || name, listed.key, listed.split, listed.metadata, files.uri "
        "FROM label_set_assets AS listed JOIN label_sets USING (label_set) "
        "LEFT JOIN source_files AS files ON files.source_file = listed.source_file "
        "WHERE asset = ? ORDER BY ALL"
    )
    return tuple(
        Listing(name, key, split, object_of(metadata), file)
        for name, key, split, metadata, file in rows(cursor, Sql(listed, (asset,)))
    )


def _timed_rows(cursor: duckdb.DuckDBPyConnection, sql: Sql) -> list[tuple[Any, ...]]:
    """All rows, read through Arrow: DuckDB itself needs pytz to hand out times with a zone."""
    return [tuple(row.values()) for row in arrow(cursor, sql).to_pylist()]


def _box(item: Statement) -> str | None:
    if item.x is None or item.y is None or item.w is None or item.h is None:
        return None
    unit = "" if item.is_relative else " px"
    return f"{item.x:g}, {item.y:g}, {item.w:g} × {item.h:g}{unit}"


def _range(item: Statement) -> str | None:
    return None if item.starts is None or item.ends is None else f"{item.starts:g} to {item.ends:g}"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LINE else text[: _LINE - 1] + "…"
