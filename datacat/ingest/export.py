"""What the writers of formats share: media beside the labels, names that do not collide, losses."""

from __future__ import annotations

import itertools
import math
import os
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from datacat.config import Settings
from datacat.errors import LocationError
from datacat.model.snapshot import Described
from datacat.sources.content import HEAD, media_type
from datacat.sources.location import Location
from datacat.sources.reading import BLOCK, read_bytes

LIES_AT = "lies_at"
"""A column beside those of a manifest's assets: where a picture's bytes are, if not at its `uri`."""
_UNFILEABLE = re.compile(r"[\x00-\x1f\x7f/\\]")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,10}")
_NO_PICTURES = ("text", "series")  # media that stand in label files, or are no files that a picture could be
_NAME_BYTES = 180  # of the 255 that most file systems allow, with room for a number and an ending
_ROUNDED = 1e-3  # pixels: a box at the edge that was computed in fractions


class Losses:
    """Counts what a format cannot hold."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, text: str, count: int = 1) -> None:
        """`count` more of `text`."""
        if count:
            self._counts[text] += count

    def lines(self) -> list[str]:
        """One line a kind of loss, as in `12 × masks`."""
        return [f"{count:,} × {text}" for text, count in sorted(self._counts.items())]


def undescribed(assets: pa.Table, described: Described) -> list[str]:
    """What a format loses that holds nothing but pictures, annotations and names of classes."""
    losses = Losses()
    metadata = assets.num_rows - assets.column("metadata").null_count
    durations = assets.num_rows - assets.column("duration_s").null_count
    entries = [item for facts in described.label_sets.values() for item in facts.get("classes", [])]
    licensed = sum(bool(facts.get("licence")) for facts in described.label_sets.values())
    for text, count in (
        ("metadata of assets (dates, licences, addresses, …)", metadata),
        ("durations of assets", durations),
        ("what is said of classes (supercategory, keypoints, …)", sum(map(_is_described, entries))),
        ("licences of label sets", licensed),
    ):
        if count:
            losses.add(text, count)
    return losses.lines()


def _is_described(item: Mapping[str, Any]) -> bool:
    return bool(item.get("parent") or item.get("details"))


def indexed(annotations: pa.Table) -> dict[str, int]:
    """The index from 0 of each class, in alphabetical order."""
    found = annotations.column("class").unique().to_pylist()
    return {name: index for index, name in enumerate(sorted(name for name in found if name is not None))}


def boxed(row: dict[str, Any], asset: Mapping[str, Any], *, losses: Losses) -> tuple[float, ...] | None:
    """The box of an annotation in pixels, x, y, w, h, cut at the edges of its picture.

    Args:
        row: an annotation with a box.
        asset: its `width` and `height`, None where they are unknown.
        losses: where it is counted that a box was cut, or left out.

    Returns:
        None where nothing of it lies in the picture, or its place in pixels is not known.
    """
    x, y, w, h = (float(row[side]) for side in "xywh")
    width, height = asset["width"], asset["height"]
    if row["is_relative"]:
        if not width or not height:
            losses.add("boxes in fractions of a picture of unknown size, left out")
            return None
        x, y, w, h = x * width, y * height, w * width, h * height
    if not (w > 0 and h > 0 and all(map(math.isfinite, (x, y, w, h)))):
        losses.add("boxes of no size, left out")
        return None
    left, top = max(x, 0.0), max(y, 0.0)
    right = min(x + w, float(width)) if width else x + w
    bottom = min(y + h, float(height)) if height else y + h
    if right <= left or bottom <= top:
        losses.add("boxes outside of their picture, left out")
        return None
    if max(left - x, top - y, x + w - right, y + h - bottom) <= _ROUNDED:
        return (left, top, min(w, right - left), min(h, bottom - top)) if row["is_relative"] else (x, y, w, h)
    losses.add("boxes cut at the edge of their picture")
    return left, top, right - left, bottom - top


def rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a table, a batch at a time."""
    for batch in table.to_batches(max_chunksize=8192):
        yield from batch.to_pylist()


def unique_stems(assets: pa.Table, *, losses: Losses | None = None) -> dict[str, str]:
    """A name without ending for each URI that any file may have; `-2`, … behind those that collide within their split.

    Args:
        assets: with `uri` and `split`.
        losses: counts the names that had to be changed, but for collisions.
    """
    used: set[tuple[str, str]] = set()
    stems: dict[str, str] = {}
    for row in assets.select(["uri", "split"]).sort_by("uri").to_pylist():
        written = posixpath.splitext(posixpath.basename(row["uri"]))[0]
        stem = _fileable(written)
        if losses is not None and stem != written:
            losses.add("names of pictures that no file can have, written otherwise")
        name, number = stem, 1
        while (row["split"] or "", name.casefold()) in used:
            number += 1
            name = f"{stem}-{number}"
        used.add((row["split"] or "", name.casefold()))
        stems[row["uri"]] = name
    return stems


def ending_of(uri: str) -> str:
    """The ending of a name with its point; "" where it is none, as behind the query of an address."""
    ending = posixpath.splitext(uri)[1]
    return ending if _ENDING.fullmatch(ending) else ""


def _fileable(name: str) -> str:
    """A name of at most 180 bytes, without control characters, separators of folders, or points around it."""
    plain = _UNFILEABLE.sub("_", name).strip(" .")
    return plain.encode("utf-8", errors="replace")[:_NAME_BYTES].decode("utf-8", errors="ignore") or "unnamed"


def place_media(
    assets: pa.Table, names: Mapping[str, Path], *, media: str, losses: Losses, settings: Settings
) -> None:
    """Copies or links each picture to `names[uri]`, from where `LIES_AT` says; `reference` leaves it where it lies."""
    if media == "reference":
        return
    columns = [name for name in ("uri", "media", "is_missing", LIES_AT) if name in assets.column_names]
    for row in rows(assets.select(columns)):
        target = names[row["uri"]]
        target.parent.mkdir(parents=True, exist_ok=True)
        if row["media"] in _NO_PICTURES:
            losses.add("assets that are no pictures")
        elif row["is_missing"]:
            losses.add("pictures that are missing from the lake")
        else:
            try:
                _place(row.get(LIES_AT) or row["uri"], target, media=media, settings=settings)
            except LocationError as error:
                losses.add(f"pictures that are left out: {error.what}")


def _place(uri: str, target: Path, *, media: str, settings: Settings) -> None:
    """Puts one picture at `target`.

    Raises:
        LocationError: it may not be read, or is no media by its content.
    """
    if media_type(read_bytes(uri, settings, end=HEAD), name=uri) is None:
        raise LocationError("no picture, sound, film or cloud of points by their content", where=uri)
    if media == "link" and not Location(uri).is_s3:
        os.symlink(uri, target)
        return
    with target.open("wb") as file:
        for start in itertools.count(0, BLOCK):
            block = read_bytes(uri, settings, start=start, end=start + BLOCK)
            file.write(block)
            if len(block) < BLOCK:
                return


def splits(assets: pa.Table) -> list[str]:
    """The splits in order; assets without one are in `all`."""
    return sorted({split or "all" for split in assets.column("split").unique().to_pylist()})


def grouped(annotations: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Annotations by URI."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in annotations:
        found.setdefault(row["uri"], []).append(row)
    return found
