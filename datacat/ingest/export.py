"""What the writers of formats share: media beside the labels, names that do not collide, losses."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from datacat.config import Settings
from datacat.sources.location import Location
from datacat.sources.reading import read_bytes


class Losses:
    """Counts what a format cannot hold."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """One more of `text`."""
        self._counts[text] += 1

    def lines(self) -> list[str]:
        """One line a kind of loss, as in `12 × masks`."""
        return [f"{count:,} × {text}" for text, count in sorted(self._counts.items())]


def indexed(annotations: pa.Table) -> dict[str, int]:
    """The index from 0 of each class, in alphabetical order."""
    found = annotations.column("class").unique().to_pylist()
    return {name: index for index, name in enumerate(sorted(name for name in found if name is not None))}


def rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a table, a batch at a time."""
    for batch in table.to_batches(max_chunksize=8192):
        yield from batch.to_pylist()


def unique_stems(assets: pa.Table) -> dict[str, str]:
    """A name without ending for each URI; `-2`, `-3`, … behind those that collide within their split."""
    used: set[tuple[str, str]] = set()
    stems: dict[str, str] = {}
    for row in assets.select(["uri", "split"]).sort_by("uri").to_pylist():
        stem = posixpath.splitext(posixpath.basename(row["uri"]))[0] or "unnamed"
        name, number = stem, 1
        while (row["split"] or "", name.casefold()) in used:
            number += 1
            name = f"{stem}-{number}"
        used.add((row["split"] or "", name.casefold()))
        stems[row["uri"]] = name
    return stems


def place_media(
    assets: pa.Table, names: Mapping[str, Path], *, media: str, losses: Losses, settings: Settings
) -> None:
    """Copies or links each picture to `names[uri]`; `reference` leaves it where it lies."""
    if media == "reference":
        return
    for row in rows(assets.select(["uri", "is_missing"])):
        target = names[row["uri"]]
        target.parent.mkdir(parents=True, exist_ok=True)
        if row["is_missing"]:
            losses.add("pictures that are missing from the lake")
        elif Location(row["uri"]).is_s3:
            target.write_bytes(read_bytes(row["uri"], settings))
        elif media == "link":
            os.symlink(row["uri"], target)
        else:
            shutil.copyfile(row["uri"], target)


def splits(assets: pa.Table) -> list[str]:
    """The splits in order; assets without one are in `all`."""
    return sorted({split or "all" for split in assets.column("split").unique().to_pylist()})


def grouped(annotations: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Annotations by URI."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in annotations:
        found.setdefault(row["uri"], []).append(row)
    return found
