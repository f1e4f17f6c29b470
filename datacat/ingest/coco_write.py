"""Writes COCO: `annotations/instances_<split>.json`, the same bytes for the same tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datacat.config import Settings
from datacat.ingest.attributes import composed
from datacat.ingest.export import Losses, ending_of, indexed, place_media, rows, splits, unique_stems

_UNHELD = ("annotator", "created", "status")
_json = msgspec.json.encode


def write(
    assets: pa.Table,
    annotations: pa.Table,
    folder: Path,
    *,
    media: str = "reference",
    settings: Settings | None = None,
    classes: Mapping[str, int] | None = None,
) -> list[str]:
    """Writes a manifest; returns what COCO cannot hold.

    Args:
        assets: schema `MANIFEST["assets"]`.
        annotations: schema `MANIFEST["annotations"]`.
        folder: an empty folder.
        media: `reference`: `file_name` is the URI; `copy` or `link`: the picture lies in images/<split>/.
        settings: how pictures on S3 are reached.
        classes: the index from 0 of each class; by default in alphabetical order.
    """
    losses = Losses()
    names = _names(assets, folder, media=media)
    targets = {uri: folder / name for uri, name in names.items()}
    place_media(assets, targets, media=media, losses=losses, settings=settings or Settings())
    indexes = indexed(annotations) if classes is None else classes
    categories = {name: index + 1 for name, index in indexes.items()}
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    annotations = annotations.append_column("place", pa.array(range(len(annotations)), pa.int64()))
    for split in splits(assets):
        chosen = assets.filter(pc.equal(pc.fill_null(assets.column("split"), "all"), split)).sort_by("uri")
        numbers = {uri: number for number, uri in enumerate(chosen.column("uri").to_pylist(), start=1)}
        theirs = annotations.filter(
            pc.is_in(annotations.column("uri"), chosen.column("uri").combine_chunks())
        )
        theirs = theirs.sort_by([("uri", "ascending"), ("place", "ascending")])
        with (folder / "annotations" / f"instances_{split}.json").open("wb") as file:
            file.write(b'{"info": {"description": "written by datacat"}, "images": [')
            _joined(file, (_image(row, numbers, names=names) for row in rows(chosen)))
            file.write(b'],\n"categories": [')
            _joined(file, (_json({"id": number, "name": name}) for name, number in categories.items()))
            file.write(b'],\n"annotations": [')
            numbered = enumerate(rows(theirs), start=1)
            _joined(
                file,
                (
                    _annotation(n, row, numbers=numbers, categories=categories, losses=losses)
                    for n, row in numbered
                ),
            )
            file.write(b"]}\n")
    return losses.lines()


def _joined(file: IO[bytes], items: Iterator[bytes]) -> None:
    for number, item in enumerate(items):
        file.write((b",\n" if number else b"\n") + item)


def _names(assets: pa.Table, folder: Path, *, media: str) -> dict[str, str]:
    if media == "reference":
        return {uri: uri for uri in assets.column("uri").to_pylist()}
    stems = unique_stems(assets)
    return {
        row["uri"]: f"images/{row['split'] or 'all'}/{stems[row['uri']]}{ending_of(row['uri'])}"
        for row in assets.select(["uri", "split"]).to_pylist()
    }


def _image(row: dict[str, Any], numbers: dict[str, int], *, names: dict[str, str]) -> bytes:
    document = {"id": numbers[row["uri"]], "file_name": names[row["uri"]]}
    document |= {side: row[side] for side in ("width", "height") if row[side]}
    if row["digest"]:
        document["sha256"] = row["digest"]
    return _json(document)


def _annotation(
    number: int, row: dict[str, Any], *, numbers: dict[str, int], categories: dict[str, int], losses: Losses
) -> bytes:
    parts: list[tuple[str, bytes]] = [("id", _json(number)), ("image_id", _json(numbers[row["uri"]]))]
    if row["class"] is not None:
        parts.append(("category_id", _json(categories[row["class"]])))
    if row["w"] is not None:
        parts.append(("bbox", _json([row[side] for side in "xywh"])))
        if row["is_relative"]:
            losses.add("boxes in fractions of a picture of unknown size, written as they are")
    if row["area"] is not None:
        parts.append(("area", _json(row["area"])))
    parts.append(("iscrowd", _json(int(row["is_crowd"] or False))))
    parts += _geometry(row, losses)
    for column, name in (("text", "caption"), ("confidence", "score"), ("model", "model")):
        if row[column] is not None:
            parts.append((name, _json(row[column])))
    if row["track"] is not None:
        is_number = row["track"].isdecimal() and str(int(row["track"])) == row["track"]
        parts.append(("track_id", _json(int(row["track"]) if is_number else row["track"])))
    if row["attributes"] is not None:
        parts.append(("attributes", row["attributes"].encode()))
    for column in _UNHELD:
        if row[column] is not None:
            losses.add(f"{column} of annotations")
    is_read_so = row["model"] is not None and row["confidence"] is not None
    if (row["kind"] == "prediction") is not is_read_so:
        losses.add(f"that an annotation is {'no' if is_read_so else 'a'} prediction")
    return composed(parts)


def _geometry(row: dict[str, Any], losses: Losses) -> list[tuple[str, bytes]]:
    type_, geometry = row["geometry_type"], row["geometry"]
    if geometry is None or type_ in ("none", "box"):
        return []
    if type_ in ("polygon", "mask"):
        return [("segmentation", geometry.encode())]
    if type_ != "keypoints":
        losses.add(
            f"geometry {type_}, of which its box was kept" if row["w"] is not None else f"geometry {type_}"
        )
        return []
    document = msgspec.json.decode(geometry, type=dict[str, msgspec.Raw])
    points = msgspec.json.decode(document["points"])
    if document.keys() & {"names", "edges"}:
        losses.add("names and edges of keypoints")
    flat = [value for point in points for value in (*point[:2], point[2] if len(point) > 2 else 2)]
    pieces = [("keypoints", _json(flat)), ("num_keypoints", _json(sum(value > 0 for value in flat[2::3])))]
    if "segmentation" in document:
        pieces.append(("segmentation", bytes(document["segmentation"])))
    return pieces
