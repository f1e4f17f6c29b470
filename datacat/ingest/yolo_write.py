"""Writes YOLO: pictures and labels by split, a list of pictures per split, and data.yaml.

Its reader is Ultralytics, by whose rules this is laid out. It looks for the labels of images/train/7.jpg in
labels/train/7.txt, so pictures lie beside the labels. It drops a picture for one line that mixes boxes with
polygons or lies outside, and takes data.yaml without `path` as relative to itself.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import yaml

from datacat.config import Settings
from datacat.ingest.clip import clipped_box, clipped_polygon
from datacat.ingest.export import Losses, ending_of, grouped, indexed, place_media, rows, splits, unique_stems

NEEDS_MEDIA = (
    "YOLO is trained on the labels that lie beside its pictures, so a list of pictures elsewhere has others"
)
_UNHELD = (
    *("confidence", "annotator", "created", "status", "text", "model", "track"),
    *("external_id", "attributes", "said_class"),
)
_SEEN = frozenset(
    (
        "avif",
        "bmp",
        "dng",
        "heic",
        "heif",
        "jp2",
        "jpeg",
        "jpeg2000",
        "jpg",
        "mpo",
        "png",
        "tif",
        "tiff",
        "webp",
    )
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
        media: `copy` or `link`: the picture lies in images/<split>/; `reference`: the lists name URIs, which only
            datacat reads back.
        settings: how pictures on S3 are reached.
        classes: the index from 0 of each class; by default in alphabetical order.
    """
    losses = Losses()
    stems = unique_stems(assets, losses=losses)
    indexes = indexed(annotations) if classes is None else classes
    names = {
        row["uri"]: f"{row['split'] or 'all'}/{stems[row['uri']]}"
        for row in assets.select(["uri", "split"]).to_pylist()
    }
    places = {uri: f"images/{name}{ending_of(uri)}" for uri, name in names.items()}
    targets = {uri: folder / place for uri, place in places.items()}
    place_media(assets, targets, media=media, losses=losses, settings=settings or Settings())
    lists: dict[str, list[str]] = {split: [] for split in splits(assets)}
    said = grouped(rows(annotations))
    for row in rows(assets.sort_by("uri")):
        uri = row["uri"]
        if media != "reference" and not os.path.lexists(targets[uri]):
            losses.add("annotations of pictures that are left out", len(said.get(uri, [])))
            continue
        if places[uri].rpartition(".")[2].lower() not in _SEEN:
            losses.add("assets that Ultralytics does not look at, by their ending")
        lists[row["split"] or "all"].append(uri if media == "reference" else f"./{places[uri]}")
        path = folder / "labels" / f"{names[uri]}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = _lines(said.get(uri, []), row, indexes=indexes, losses=losses)
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    described = _described(folder, lists, losses=losses)
    described["names"] = {index: name for name, index in sorted(indexes.items(), key=lambda item: item[1])}
    (folder / "data.yaml").write_text(yaml.safe_dump(described, sort_keys=False, allow_unicode=True), "utf-8")
    return losses.lines()


def _described(folder: Path, lists: Mapping[str, list[str]], *, losses: Losses) -> dict[str, Any]:
    """Writes the lists of pictures; which of them data.yaml names, with `train` and `val` always among them."""
    filled = {split: names for split, names in lists.items() if names}
    for split, names in lists.items():
        (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), "utf-8")
    others = [split for split in filled if split not in ("train", "val", "test")]
    train = (
        ["train"]
        if "train" in filled
        else others or [split for split in ("val", "test") if split in filled][:1]
    )
    found: dict[str, Any] = {"train": _one([f"{split}.txt" for split in train]), "val": "val.txt"}
    if "train" not in filled and train:
        losses.add(f"data.yaml without a split train, for which {', '.join(train)} stands")
    if "val" not in filled:
        found["val"] = found["train"]
        losses.add("data.yaml without a split val, for which the pictures of train stand")
    return found | {split: f"{split}.txt" for split in filled if split not in ("train", "val")}


def _one(paths: list[str]) -> list[str] | str:
    return paths[0] if len(paths) == 1 else paths


def _lines(
    said: list[dict[str, Any]], asset: dict[str, Any], *, indexes: Mapping[str, int], losses: Losses
) -> list[str]:
    """The lines of one picture: all of them boxes, or all of them polygons."""
    found = [(row, _ring(row, asset, losses=losses)) for row in said]
    shapes = [(indexes[row["class"]], ring) for row, ring in found if ring is not None]
    if any(len(ring) != 4 for _, ring in shapes):
        boxes = sum(len(ring) == 4 for _, ring in shapes)
        losses.add("boxes beside polygons of the same picture, written as polygons", boxes)
        shapes = [(index, ring if len(ring) != 4 else _corners(ring)) for index, ring in shapes]
    lines = [" ".join([str(index), *map(_short, ring)]) for index, ring in shapes]
    _count_equal(lines, [row for row, ring in found if ring is not None], losses=losses)
    return list(dict.fromkeys(lines))


def _count_equal(lines: Sequence[str], said: Sequence[dict[str, Any]], *, losses: Losses) -> None:
    """Counts annotations whose line is there already: what is said twice, and what only looks so in this format.

    Two shapes of one geometry type are two things (`model.shapes`); but Ultralytics takes equal lines for one.
    """
    if len(set(lines)) == len(lines):
        return
    alike: dict[str, list[dict[str, Any]]] = {}
    for line, row in zip(lines, said, strict=True):
        alike.setdefault(line, []).append(row)
    for equal in alike.values():
        shapes = Counter(kind for kind, _ in {(row["geometry_type"], row["geometry"]) for row in equal})
        things = max(shapes.values())
        losses.add("annotations whose line another one of the picture has too", len(equal) - things)
        losses.add("shapes whose line another one of the picture has too: their boxes are equal", things - 1)


def _ring(row: dict[str, Any], asset: dict[str, Any], *, losses: Losses) -> list[float] | None:
    """One annotation as a box (centre and size) or a polygon; None where YOLO has no line for it."""
    width, height = (1, 1) if row["is_relative"] else (asset["width"], asset["height"])
    if row["class"] is None or row["w"] is None:
        losses.add("annotations without class or box")
        return None
    if not width or not height:
        losses.add("annotations of pictures of unknown size")
        return None
    ring = _polygon(row, (width, height), losses=losses)
    kind = "polygons" if ring else "boxes"
    inside, is_cut = clipped_polygon(ring) if ring else _box(row, width=width, height=height)
    if inside is None:
        losses.add(f"{kind} without area within their picture, left out")
        return None
    if is_cut:
        losses.add(f"{kind} that reach outside their picture, cut at its edge")
    for column in _UNHELD:
        if row[column] is not None:
            losses.add(f"{column} of annotations")
    if row["is_crowd"]:
        losses.add("that an annotation is a crowd")
    if row["kind"] == "prediction":
        losses.add("that an annotation is a prediction")
    return inside


def _polygon(row: dict[str, Any], sides: tuple[int, int], *, losses: Losses) -> list[float] | None:
    """The polygon of an annotation in fractions; None where its box is to be written."""
    if row["geometry_type"] == "polygon" and row["geometry"]:
        rings = msgspec.json.decode(row["geometry"], type=list[list[float]])
        if len(rings) == 1 and len(rings[0]) >= 6 and len(rings[0]) % 2 == 0:
            return [value / sides[at % 2] for at, value in enumerate(rings[0])]
        losses.add("polygons of several parts, of which their box was kept")
    elif row["geometry_type"] != "box":
        losses.add(f"geometry {row['geometry_type']}, of which its box was kept")
    return None


def _box(row: dict[str, Any], *, width: int, height: int) -> tuple[list[float] | None, bool]:
    x, y, w, h = (row[side] for side in "xywh")
    corners, is_cut = clipped_box((x / width, y / height, (x + w) / width, (y + h) / height))
    if corners is None:
        return None, is_cut
    if not is_cut:
        return [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height], False
    left, top, right, bottom = corners
    return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], True


def _corners(box: list[float]) -> list[float]:
    x, y, w, h = box
    left, top, right, bottom = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return [left, top, right, top, right, bottom, left, bottom]


def _short(value: float) -> str:
    return f"{value:.12g}"
