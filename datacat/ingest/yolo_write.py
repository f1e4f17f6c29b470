"""Writes YOLO: labels/<split>/<name>.txt, a list of pictures per split, and data.yaml."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import yaml

from datacat.config import Settings
from datacat.ingest.export import Losses, grouped, indexed, place_media, rows, splits, unique_stems

_UNHELD = (
    *("confidence", "annotator", "created", "status", "text", "model", "track"),
    *("external_id", "attributes"),
)


def write(
    assets: pa.Table,
    annotations: pa.Table,
    folder: Path,
    *,
    media: str = "reference",
    settings: Settings | None = None,
    classes: Mapping[str, int] | None = None,
) -> list[str]:
    """Writes a manifest; returns what YOLO cannot hold.

    Args:
        assets: schema `MANIFEST["assets"]`.
        annotations: schema `MANIFEST["annotations"]`.
        folder: an empty folder.
        media: `reference`: the lists name URIs; `copy` or `link`: the picture lies in images/<split>/.
        settings: how pictures on S3 are reached.
        classes: the index from 0 of each class; by default in alphabetical order.
    """
    losses = Losses()
    stems = unique_stems(assets)
    indexes = indexed(annotations) if classes is None else classes
    places: dict[str, str] = {}
    lists: dict[str, list[str]] = {split: [] for split in splits(assets)}
    said = grouped(rows(annotations))
    for row in rows(assets.sort_by("uri")):
        split, stem = row["split"] or "all", stems[row["uri"]]
        places[row["uri"]] = f"images/{split}/{stem}{posixpath.splitext(row['uri'])[1]}"
        lists[split].append(row["uri"] if media == "reference" else f"./{places[row['uri']]}")
        path = folder / "labels" / split / f"{stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [_line(item, row, indexes=indexes, losses=losses) for item in said.get(row["uri"], [])]
        path.write_text("".join(f"{line}\n" for line in lines if line), "utf-8")
    targets = {uri: folder / place for uri, place in places.items()}
    place_media(assets, targets, media=media, losses=losses, settings=settings or Settings())
    for split, names in lists.items():
        (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), "utf-8")
    described: dict[str, Any] = {"path": ".", **{split: f"{split}.txt" for split in lists}}
    described["names"] = {index: name for name, index in indexes.items()}
    (folder / "data.yaml").write_text(yaml.safe_dump(described, sort_keys=False, allow_unicode=True), "utf-8")
    return losses.lines()


def _line(
    row: dict[str, Any], asset: dict[str, Any], *, indexes: Mapping[str, int], losses: Losses
) -> str | None:
    """One annotation, or None where YOLO has no line for it."""
    width, height = (1, 1) if row["is_relative"] else (asset["width"], asset["height"])
    if row["class"] is None or row["w"] is None:
        losses.add("annotations without class or box")
        return None
    if not width or not height:
        losses.add("annotations of pictures of unknown size")
        return None
    for column in _UNHELD:
        if row[column] is not None:
            losses.add(f"{column} of annotations")
    if row["is_crowd"]:
        losses.add("that an annotation is a crowd")
    index = indexes[row["class"]]
    if row["geometry_type"] == "polygon":
        rings = msgspec.json.decode(row["geometry"], type=list[list[float]])
        if len(rings) == 1 and len(rings[0]) >= 6:
            sides = (width, height)
            return " ".join(
                [str(index), *(_short(value / sides[at % 2]) for at, value in enumerate(rings[0]))]
            )
        losses.add("polygons of several parts, of which their box was kept")
    elif row["geometry_type"] != "box":
        losses.add(f"geometry {row['geometry_type']}, of which its box was kept")
    x, y, w, h = (row[side] for side in "xywh")
    values = ((x + w / 2) / width, (y + h / 2) / height, w / width, h / height)
    return " ".join([str(index), *(_short(value) for value in values)])


def _short(value: float) -> str:
    return f"{value:.12g}"
