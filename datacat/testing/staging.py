"""Staged values from plain Python rows, as an ingest would leave them; a small catalog of three label
sets."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datacat.model.coverage import CoverageClaim
from datacat.model.names import LabelSetName
from datacat.model.report import IngestReport, Tally
from datacat.model.schemas import STAGED
from datacat.tables import Tables
from datacat.tables.staged import FileFacts
from datacat.testing.corpus import leaves

Row = dict[str, Any]


@dataclass(slots=True)
class LabelFile:
    """A label file: what it says of which assets.

    Attributes:
        uri: its name.
        assets: rows of `listed`; a text stands for {"uri": text}, whose key is the URI. `metadata` is an object.
        annotations: rows of `annotations`, each with `key`; `attributes` is a nested object.
        classes: names that it declares.
        rejects: rows of `rejects`.
        coverage: rows of `coverage`.
        is_exhaustive: whether all of its classes are labelled on all of its assets.
    """

    uri: str
    assets: Sequence[str | Row] = ()
    annotations: Sequence[Row] = ()
    classes: Sequence[str] = ()
    rejects: Sequence[Row] = ()
    coverage: Sequence[Row] = ()
    is_exhaustive: bool = False

    @property
    def digest(self) -> str:
        """Of all it says."""
        said = [self.assets, self.annotations, self.classes, self.rejects, self.coverage, self.is_exhaustive]
        return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PlainStaged:
    """A Staged, see `datacat.tables.staged`."""

    folder: Path
    format: str
    files: tuple[FileFacts, ...]
    read: tuple[int, ...]
    gone: tuple[str, ...]
    tally: Tally = field(default_factory=Tally)
    skipped: tuple[tuple[str, str], ...] = ()
    exhaustive: Mapping[tuple[str, ...], Sequence[int]] = field(default_factory=dict)

    def paths(self, kind: str, /) -> list[str]:
        """The Parquet files of one kind."""
        return sorted(str(path) for path in self.folder.glob(f"{kind}-*.parquet"))


def staged_from(
    files: Sequence[LabelFile],
    *,
    folder: Path,
    media: Mapping[str, Row] | None = None,
    known: Mapping[str, FileFacts] | None = None,
) -> PlainStaged:
    """Writes what the files say below `folder`, those that differ from `known`.

    Args:
        files: all label files that there are now.
        folder: a new folder is made in it.
        media: facts by URI; the others are pictures of 640 × 480 whose digest is that of their URI.
        known: what the label set's files were.
    """
    known = known or {}
    facts = tuple(
        FileFacts(file.uri, 100, file.digest[:8], datetime(2026, 1, 1, tzinfo=UTC), file.digest, "plain")
        for file in files
    )
    read = tuple(n for n, f in enumerate(facts) if f.uri not in known or known[f.uri].digest != f.digest)
    into = folder / uuid.uuid4().hex
    into.mkdir(parents=True)
    for kind, rows in _rows(files, facts, read=read, media=media or {}).items():
        pq.write_table(pa.Table.from_pylist(rows, schema=STAGED[kind]), into / f"{kind}-0.parquet")
    present = {file.uri for file in files}
    exhaustive: dict[tuple[str, ...], list[int]] = {}
    for number in read:
        if files[number].is_exhaustive:
            exhaustive.setdefault(tuple(files[number].classes), []).append(number)
    gone = tuple(sorted(uri for uri in known if uri not in present))
    return PlainStaged(into, "plain", facts, read, gone, exhaustive=exhaustive)


def ingest(
    tables: Tables,
    label_set: str,
    *,
    files: Sequence[LabelFile],
    folder: Path,
    media: Mapping[str, Row] | None = None,
    claim: CoverageClaim | None = None,
) -> IngestReport:
    """Stages and links, as `Catalog.ingest` does."""
    name = LabelSetName.parse(label_set)
    known = tables.known_files(tables.state(), name)
    staged = staged_from(files, folder=folder, media=media, known=known)
    return tables.link(staged, label_set=name, location="lake", claim=claim, author="test", message="")


def box(key: str, class_name: str | None, **columns: Any) -> Row:
    """An annotation with a box."""
    place = {"geometry_type": "box", "x": 1.0, "y": 2.0, "w": 30.0, "h": 40.0, "area": 1200.0}
    return {"key": key, "class": class_name, **place, **columns}


def corpus(tables: Tables, *, folder: Path) -> dict[str, IngestReport]:
    """Fills a catalog: three label sets on overlapping assets, nested attributes, a missing asset."""
    slate = {"material": "slate", "condition": {"score": 0.83, "inspector": {"name": "insp7"}}}
    tile = {"material": "tile", "condition": {"score": 0.4}, "tags": ["old", "red"]}
    a, b, c, d = (f"/lake/{name}.png" for name in "abcd")
    said = {
        "mapping/roofs": LabelFile(
            "/labels/roofs.json",
            [a, b, c],
            [box(a, "Roof", attributes=slate), box(a, "tree"), box(b, "Roof", attributes=tile)],
            ["Roof", "tree", "pool"],
        ),
        "claims/damage": LabelFile(
            "/labels/damage.json", [b, d], [box(b, "rooftop", attributes=slate), box(d, "car")]
        ),
        "driving/street": LabelFile(
            "/labels/street.txt", [c, d], [box(d, "car", confidence=0.5), box(d, "person")]
        ),
    }
    media = {d: {"uri": d, "media": "image", "is_missing": True}}
    return {
        name: ingest(tables, name, files=[file], folder=folder, media=media) for name, file in said.items()
    }


def _rows(
    files: Sequence[LabelFile], facts: Sequence[FileFacts], *, read: Sequence[int], media: Mapping[str, Row]
) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {kind: [] for kind in STAGED}
    rows["files"] = [
        {"file": number, **{name: getattr(item, name) for name in FileFacts.__slots__}}
        for number, item in enumerate(facts)
    ]
    for number in read:
        file = files[number]
        for position, asset in enumerate(file.assets):
            named = {"uri": asset} if isinstance(asset, str) else asset
            _list_asset(rows, named, file=number, position=position)
        for position, annotation in enumerate(file.annotations):
            _add_annotation(rows, annotation, file=number, position=position)
        rows["classes"] += [{"file": number, "class": name, "source_id": name} for name in file.classes]
        rows["rejects"] += [{"file": number} | reject for reject in file.rejects]
        rows["coverage"] += [{"file": number} | answer for answer in file.coverage]
    spoken = {row["uri"] for row in rows["listed"]} | set(media)
    rows["media"] = [dict(media[uri]) if uri in media else _picture(uri) for uri in sorted(spoken)]
    return rows


def _list_asset(rows: dict[str, list[Row]], asset: Row, *, file: int, position: int) -> None:
    row = {"file": file, "key": asset["uri"], "position": f"asset {position}"} | asset
    metadata = row.get("metadata")
    rows["listed"].append(row | {"metadata": None if metadata is None else json.dumps(metadata)})
    rows["listed_leaves"] += [
        {"file": file, "key": row["key"], "path": path, "text": text, "number": number}
        for path, text, number in leaves(metadata or {})
    ]


def _add_annotation(rows: dict[str, list[Row]], annotation: Row, *, file: int, position: int) -> None:
    row = len(rows["annotations"])
    attributes = annotation.get("attributes")
    plain = {"kind": "annotation", "geometry_type": "none", "is_relative": False, "is_crowd": False}
    own = {"file": file, "row": row, "position": f"annotation {position}"}
    text = None if attributes is None else json.dumps(attributes)
    rows["annotations"].append({**plain, **own, **annotation, "attributes": text})
    rows["leaves"] += [
        {"row": row, "path": path, "text": value, "number": number}
        for path, value, number in leaves(attributes or {})
    ]


def _picture(uri: str) -> Row:
    digest = hashlib.sha256(uri.encode()).hexdigest()
    size = {"width": 640, "height": 480, "size": 1000}
    return {"uri": uri, "media": "image", **size, "etag": digest[:8], "digest": digest, "is_missing": False}
