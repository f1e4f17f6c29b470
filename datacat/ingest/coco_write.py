"""Writes COCO, the same bytes for the same tables.

annotations/instances_<split>.json      objects: a class and a box; every image of the split
annotations/image_labels_<split>.json   a class without a box: readers of objects need one
annotations/captions_<split>.json       without a class: pycocotools takes no such annotation beside categories
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datacat.config import Settings
from datacat.ingest.attributes import composed
from datacat.ingest.coco_context import Categories, Licences, Said, image_metadata
from datacat.ingest.coco_outline import outlined
from datacat.ingest.export import (
    Losses,
    ending_of,
    indexed,
    place_media,
    rows,
    splits,
    unique_stems,
)
from datacat.model.snapshot import Described

_UNHELD = ("annotator", "created", "status", "said_class")
_KINDS = ("instances", "image_labels", "captions")
_json = msgspec.json.encode


def write(
    assets: pa.Table,
    annotations: pa.Table,
    folder: Path,
    *,
    media: str = "reference",
    settings: Settings | None = None,
    classes: Mapping[str, int] | None = None,
    described: Described | None = None,
) -> list[str]:
    """Writes a manifest; returns what COCO cannot hold.

    Args:
        assets: schema `MANIFEST["assets"]`.
        annotations: schema `MANIFEST["annotations"]`.
        folder: an empty folder.
        media: `reference`: `file_name` is the URI; `copy` or `link`: the picture lies in images/<split>/.
        settings: how pictures on S3 are reached.
        classes: the index from 0 of each class; by default in alphabetical order.
        described: what label sets say of themselves and their classes.
    """
    losses, described = Losses(), described or Described()
    names = _names(assets, folder, media=media)
    targets = {uri: folder / name for uri, name in names.items()}
    place_media(assets, targets, media=media, losses=losses, settings=settings or Settings())
    said = Said(assets, losses)
    indexes = indexed(annotations) if classes is None else classes
    categories = Categories(indexes, annotations, said=said, described=described, losses=losses)
    licences = Licences(assets, said, described)
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    annotations = annotations.append_column("place", pa.array(range(len(annotations)), pa.int64()))
    _count_assets(assets, described, losses=losses)
    _count_annotations(annotations, losses=losses)
    has_objects = bool(categories.numbers) or not len(annotations)
    for split in splits(assets):
        chosen = assets.filter(pc.equal(pc.fill_null(assets.column("split"), "all"), split)).sort_by("uri")
        theirs = annotations.filter(
            pc.is_in(annotations.column("uri"), chosen.column("uri").combine_chunks())
        )
        theirs = theirs.sort_by([("uri", "ascending"), ("place", "ascending")])
        for kind, those in _by_kind(theirs, has_objects=has_objects):
            images = chosen
            if kind == "instances":
                _count_bare(those, losses=losses)
            if kind != "instances" and has_objects:
                images = chosen.filter(pc.is_in(chosen["uri"], those["uri"].combine_chunks()))
            part = _File(images, names, said, categories, licences, losses)
            with (folder / "annotations" / f"{kind}_{split}.json").open("wb") as file:
                part.fill(file, those, has_categories=kind != "captions")
    return losses.lines()


def _by_kind(annotations: pa.Table, *, has_objects: bool) -> Iterator[tuple[str, pa.Table]]:
    """The files of a split: objects always, unless there are captions alone; the others where there are any."""
    has_class, has_box = annotations["class"].is_valid(), annotations["w"].is_valid()
    masks = (pc.and_(has_class, has_box), pc.and_(has_class, pc.invert(has_box)), pc.invert(has_class))
    for kind, mask in zip(_KINDS, masks, strict=True):
        those = annotations.filter(mask)
        if len(those) or kind == ("instances" if has_objects else "captions"):
            yield kind, those


@dataclass(frozen=True, slots=True)
class _File:
    """One file of an export, of the images `assets`."""

    assets: pa.Table
    names: Mapping[str, str]
    said: Said
    categories: Categories
    licences: Licences
    losses: Losses

    def fill(self, file: IO[bytes], annotations: pa.Table, *, has_categories: bool) -> None:
        """Writes the document."""
        uris = self.assets.column("uri").to_pylist()
        numbers = {uri: number for number, uri in enumerate(uris, start=1)}
        sizes = {row["uri"]: row for row in rows(self.assets.select(["uri", "width", "height"]))}
        file.write(b'{"info": {"description": "written by datacat"}, "licenses": [')
        _joined(file, self.licences.items())
        file.write(b'],\n"images": [')
        _joined(file, (self._image(row, numbers[row["uri"]]) for row in rows(self.assets)))
        if has_categories:
            file.write(b'],\n"categories": [')
            _joined(file, self.categories.items())
        file.write(b'],\n"annotations": [')
        ids = iter(_ids(annotations, losses=self.losses))
        written = (
            self._annotation(next(ids), row, image=numbers[row["uri"]], size=sizes[row["uri"]])
            for row in rows(annotations)
        )
        _joined(file, (item for item in written if item is not None))
        file.write(b"]}\n")

    def _image(self, row: dict[str, Any], number: int) -> bytes:
        document = {"id": number, "file_name": self.names[row["uri"]]}
        document |= {side: row[side] for side in ("width", "height") if row[side]}
        if row["digest"]:
            document["sha256"] = row["digest"]
        more = image_metadata(
            self.said.of(row["uri"]), licences=self.licences, categories=self.categories, losses=self.losses
        )
        return composed([*((key, _json(value)) for key, value in document.items()), *more])

    def _annotation(
        self, number: int, row: dict[str, Any], *, image: int, size: Mapping[str, Any]
    ) -> bytes | None:
        """One annotation; None where its box cannot be written."""
        losses = self.losses
        outline = outlined(row, size=size, losses=losses)
        if outline is None:
            return None
        parts: list[tuple[str, bytes]] = [("id", _json(number)), ("image_id", _json(image))]
        if row["class"] is not None:
            parts.append(("category_id", _json(self.categories.numbers[row["class"]])))
        for name, value in (("bbox", outline.box), ("area", outline.area)):
            if value is not None:
                parts.append((name, _json(value)))
        parts.append(("iscrowd", _json(int(row["is_crowd"] or False))))
        parts += _keypoints(row, self.categories, size=size, losses=losses)
        if outline.segmentation is not None:
            parts.append(("segmentation", outline.segmentation))
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


def _ids(annotations: pa.Table, *, losses: Losses) -> list[int]:
    """The source's ids where they are numbers above 0, each once; else new ones, from 1."""
    said = annotations.column("external_id").to_pylist()
    numbers = [
        int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else 0 for text in said
    ]
    is_kept = (
        all(str(number) == text for number, text in zip(numbers, said, strict=True)) and 0 not in numbers
    )
    if is_kept and len(set(numbers)) == len(numbers):
        return numbers
    known = sum(text is not None for text in said)
    if known:
        losses.add("ids of annotations, numbered anew from 1", known)
    return list(range(1, len(said) + 1))


def _count_assets(assets: pa.Table, described: Described, *, losses: Losses) -> None:
    for text, mask in (
        ("that an asset is missing from the lake", pc.fill_null(assets["is_missing"], False)),
        ("durations of assets", assets["duration_s"].is_valid()),
        (
            "widths and heights of images, unknown",
            pc.invert(pc.and_(assets["width"].is_valid(), assets["height"].is_valid())),
        ),
    ):
        count = pc.sum(mask.cast(pa.int64())).as_py() or 0
        if count:
            losses.add(text, count)
    if any(facts.get("format") == "coco" for facts in described.label_sets.values()):
        losses.add("ids of images, numbered anew from 1", len(assets))


def _count_annotations(annotations: pa.Table, *, losses: Losses) -> None:
    if pc.count_distinct(annotations["label_set"]).as_py() > 1:
        losses.add("label sets of annotations: who said them", len(annotations))


def _count_bare(annotations: pa.Table, *, losses: Losses) -> None:
    """Counts, beside annotations with an outline, those without: pycocotools asks each of a file for it."""
    types, geometry = annotations["geometry_type"], pc.fill_null(annotations["geometry"], "")
    has_keypoints = pc.and_(pc.equal(types, "keypoints"), pc.match_substring(geometry, '"segmentation"'))
    is_drawn = pc.and_(pc.is_in(types, pa.array(["polygon", "mask"])), pc.not_equal(geometry, ""))
    outlined = pc.sum(pc.or_(is_drawn, has_keypoints)).as_py() or 0
    if outlined:
        losses.add(
            "no outline, beside annotations that have one: annToRLE and COCOeval's segm end at such a box",
            len(annotations) - outlined,
        )


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


def _keypoints(
    row: dict[str, Any], categories: Categories, *, size: Mapping[str, Any], losses: Losses
) -> list[tuple[str, bytes]]:
    """Keypoints; of what else COCO cannot hold, the loss is counted."""
    type_, geometry = row["geometry_type"], row["geometry"]
    if geometry is None or type_ in ("none", "box", "mask", "polygon"):
        return []
    if type_ != "keypoints":
        losses.add(
            f"geometry {type_}, of which its box was kept" if row["w"] is not None else f"geometry {type_}"
        )
        return []
    if row["is_relative"] and not (size["width"] and size["height"]):
        losses.add("keypoints in fractions of a picture of unknown size, left out")
        return []
    document = msgspec.json.decode(geometry, type=dict[str, msgspec.Raw])
    points = msgspec.json.decode(document["points"])
    named = tuple(msgspec.json.decode(document.get(key, b"null")) for key in ("names", "edges"))
    if any(named) and (row["class"] is None or named != categories.keypoints(row["class"])):
        losses.add("names and edges of keypoints that are not those of their class")
    across, down = (size["width"], size["height"]) if row["is_relative"] else (1, 1)
    flat = [number for x, y, *v in points for number in (x * across, y * down, v[0] if v else 2)]
    return [("keypoints", _json(flat)), ("num_keypoints", _json(sum(value > 0 for value in flat[2::3])))]
