"""YOLO: a text file a picture, a line an object, numbers as fractions of the picture's size.

Boxes, polygons, keypoints (`kpt_shape` in data.yaml), predictions with confidence, and the eight-corner
lines of DOTA and Roboflow's OBB export, which are in pixels. Classes come from data.yaml, *.names
or classes.txt.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import yaml

from datacat.config import Settings
from datacat.errors import FormatError
from datacat.ingest.batches import Sheets, Statements
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample
from datacat.ingest.geometry import Shape, polygon_bounds
from datacat.ingest.splits import split_of
from datacat.ingest.yolo_write import write
from datacat.sources.listing import Entry
from datacat.sources.media import media_kind, picture_size
from datacat.sources.reading import decoded

_LINE = re.compile(r"\d+(\.0)?(\s+-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?){4,}\s*")
_CORNERS = re.compile(r"(-?\d+(\.\d+)?\s+){8}\S+(\s+\d+)?\s*")
_LISTS = ("train.txt", "val.txt", "valid.txt", "test.txt")
_NAME_FILES = ("classes.txt", "labels.txt", "_darknet.labels", "darknet.labels")
_LABEL_FOLDERS = {"labels", "labeltxt", "annotations"}
_PICTURE_FOLDERS = ("images", "Images", "JPEGImages", "img")


@dataclass(frozen=True, slots=True)
class _Own:
    """What a label file belongs to."""

    picture: str
    is_present: bool
    size: tuple[int, int] | None
    split: str | None
    classes: str | None  # the file that names them


@dataclass(frozen=True, slots=True)
class _Names:
    classes: dict[int, str]
    keypoints: tuple[int, int] | None = None


class Yolo:
    """See the module's docstring and docs/formats/yolo.md."""

    name = "yolo"
    title = "YOLO text files: boxes, polygons, keypoints, OBB"
    writes = True
    is_exhaustive = True

    def sniff(self, sample: Sample) -> Role | None:
        """Lines of numbers; data.yaml with `names`; lists of names or of pictures."""
        name = sample.name.lower()
        head = sample.head.decode("utf-8", errors="replace")
        if name.endswith((".yaml", ".yml")):
            return "context" if re.search(r"^names\s*:", head, re.MULTILINE) else None
        if name.endswith(".names") or name in _NAME_FILES:
            return "context"
        if name.endswith(".data"):
            return "context" if re.search(r"^\s*names\s*=", head, re.MULTILINE) else None
        return _text_role(head) if name.endswith(".txt") else None

    def plan(self, dataset: Dataset) -> Plan:
        """Pairs label files with pictures, and finds names and splits."""
        names = {entry.uri: _names(entry, dataset) for entry in dataset.context if _is_name_file(entry.uri)}
        lists = _split_lists(dataset)
        pictures = _Pictures([entry for entry in dataset.media if media_kind(entry.uri) == "image"])
        own, idle, used = {}, {}, set()
        below = str(dataset.location)
        for entry in dataset.labels:
            picture = pictures.of(entry.uri)
            if picture is None and entry.size == 0:
                idle[entry.uri] = "empty, and no picture of that name"
                continue
            uri = picture.uri if picture else _made(entry.uri, dataset)
            used.add(uri)
            split = lists.get(posixpath.basename(uri)) or split_of(entry.uri, below=below)
            size = dataset.known_size(picture) if picture else None
            own[entry.uri] = _Own(uri, picture is not None, size, split, _nearest(entry.uri, names))
        if not any(own_.classes for own_ in own.values()):
            dataset.tally.assume("no class names found: classes are named by their numbers")
        for uri in sorted({own_.classes for own_ in own.values() if own_.classes}):
            dataset.tally.assume(f"class names from {uri.removeprefix(below).lstrip('/')}")
        folders = {posixpath.dirname(own_.picture) for own_ in own.values()}
        loose = [
            (entry, lists.get(posixpath.basename(entry.uri)) or split_of(entry.uri, below=below))
            for entry in pictures.entries
            if entry.uri not in used
            and posixpath.dirname(entry.uri) in folders
            and entry.uri.startswith(f"{below.rstrip('/')}/")  # elsewhere, others' pictures lie among them
        ]
        classes = {
            uri: [(str(n), name) for n, name in sorted(known.classes.items())] for uri, known in names.items()
        }
        declared_by = {uri: own_.classes for uri, own_ in own.items()}
        return Plan(names, own, loose, idle, classes, declared_by)

    def survey(self, document: Document, sheets: Sheets) -> list[Any]:
        """One part."""
        return [None]

    def read(self, document: Document, part: Any, *, sheets: Sheets) -> None:
        """A line an annotation."""
        own: _Own = document.own
        names: _Names = document.shared.get(own.classes, _Names({}))
        text, note = decoded(document.bytes())
        if "\0" in text:
            raise FormatError("binary, no label lines", where=document.uri)
        if note:
            sheets.tally.note(note)
        size = own.size or (picture_size(own.picture, document.settings) if own.is_present else None)
        if size is None:
            sheets.tally.note("a picture's size is unknown: its boxes are kept as fractions")
        width, height = size or (None, None)
        place = {"width": width, "height": height, "split": own.split, "name": own.picture}
        sheets.add("named", 1, file=document.file, key="0", uri=own.picture, position="", **place)
        rows = Statements(sheets, document.file)
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                columns = _statement(line, names, size=size, sheets=sheets)
            except (ValueError, OverflowError) as error:
                sheets.reject(document.file, f"line {number}", reason=str(error), excerpt=line)
                continue
            rows.add("0", position=f"line {number}", **columns)
        rows.flush()

    def write(
        self,
        assets: pa.Table,
        annotations: pa.Table,
        folder: Path,
        *,
        media: str = "reference",
        settings: Settings | None = None,
        classes: Mapping[str, int] | None = None,
    ) -> list[str]:
        """See `datacat.ingest.yolo_write.write`."""
        return write(assets, annotations, folder, media=media, settings=settings, classes=classes)


def _text_role(head: str) -> Role | None:
    lines = [line for line in head.replace("\r", "\n").split("\n") if line.strip()]
    if not lines:
        return "perhaps"
    lines = lines[:30]
    fits = sum(bool(_LINE.fullmatch(line.strip()) or _CORNERS.fullmatch(line.strip())) for line in lines)
    if fits * 2 >= len(lines):
        return "labels"
    if all(media_kind(line.strip()) == "image" for line in lines):
        return "context"
    return "perhaps" if fits else None


def _statement(line: str, names: _Names, *, size: tuple[int, int] | None, sheets: Sheets) -> dict[str, Any]:
    """The columns of one line.

    Raises:
        ValueError: not numbers, or not as many as a box, a polygon or keypoints have.
    """
    words = line.split()
    if len(words) in (9, 10) and _CORNERS.fullmatch(line.strip()) and not _LINE.fullmatch(line.strip()):
        ring = [float(word) for word in words[:8]]
        difficult = b'{"difficult": %d}' % int(words[9]) if len(words) == 10 else None
        return {"class_": words[8], "shape": _polygon(ring), "attributes": difficult}
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f"not a line of numbers: {error}") from error
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is not finite")
    if numbers[0] != int(numbers[0]) or numbers[0] < 0:
        raise ValueError(f"{words[0]} is no class number")
    index = int(numbers[0])
    if index not in names.classes:
        sheets.tally.note(f"class {index} has no name; its number was kept as the class")
    columns = _measures(numbers[1:], names.keypoints, size=size or (1, 1))
    return {"class_": names.classes.get(index, str(index)), "is_relative": size is None, **columns}


def _measures(
    values: list[float], keypoints: tuple[int, int] | None, *, size: tuple[int, int]
) -> dict[str, Any]:
    width, height = size
    if keypoints and len(values) == 4 + keypoints[0] * keypoints[1]:
        step = keypoints[1]
        points = [
            [point[0] * width, point[1] * height, *point[2:]]
            for point in (values[at : at + step] for at in range(4, len(values), step))
        ]
        geometry = msgspec.json.encode({"points": points}).decode()
        return {"shape": _box(values, size)._replace(type="keypoints", geometry=geometry)}
    if len(values) == 4:
        return {"shape": _box(values, size)}
    if len(values) == 5:
        return {"shape": _box(values, size), "confidence": values[4], "kind": "prediction"}
    if len(values) >= 6 and len(values) % 2 == 0:
        ring = [value * size[at % 2] for at, value in enumerate(values)]
        return {"shape": _polygon(ring)}
    raise ValueError(
        f"{len(values)} numbers after the class: neither box (4), box and confidence (5) nor polygon"
    )


def _box(values: list[float], size: tuple[int, int]) -> Shape:
    x, y, w, h = values[:4]
    width, height = size
    return Shape(
        "box", (x - w / 2) * width, (y - h / 2) * height, w * width, h * height, w * h * width * height
    )


def _polygon(ring: list[float]) -> Shape:
    box, area = polygon_bounds([ring])
    return Shape("polygon", *box, area, msgspec.json.encode([ring]).decode())


class _Pictures:
    """Pictures by folder and by name without ending."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self._exact: dict[str, Entry] = {posixpath.splitext(entry.uri)[0]: entry for entry in entries}
        self._by_stem: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self._by_stem[posixpath.splitext(posixpath.basename(entry.uri))[0]].append(entry)

    def of(self, label: str) -> Entry | None:
        """Beside the label file, in images/ instead of labels/, or the only one of that name anywhere."""
        base = posixpath.splitext(label)[0]
        if base in self._exact:
            return self._exact[base]
        parts = base.split("/")
        for at in range(len(parts) - 2, 0, -1):
            if parts[at].lower() in _LABEL_FOLDERS:
                for folder in _PICTURE_FOLDERS:
                    found = self._exact.get("/".join([*parts[:at], folder, *parts[at + 1 :]]))
                    if found:
                        return found
        same = self._by_stem.get(parts[-1], [])
        return same[0] if len(same) == 1 else None


def _made(label: str, dataset: Dataset) -> str:
    """The URI of a picture that is not there."""
    dataset.tally.assume("pictures that were not found are called .jpg")
    dataset.tally.note("an asset's media was not found")
    parts = posixpath.splitext(label)[0].split("/")
    for at in range(len(parts) - 2, 0, -1):
        if parts[at].lower() == "labels":
            parts[at] = "images"
            break
    if dataset.media_root:
        parts = [str(dataset.media_root), parts[-1]]
    return "/".join(parts) + ".jpg"


def _names(entry: Entry, dataset: Dataset) -> _Names:
    text, _ = decoded(dataset.read(entry.uri))
    if not entry.uri.lower().endswith((".yaml", ".yml")):
        lines = text.rstrip("\n").split("\n")
        return _Names({number: line.strip() for number, line in enumerate(lines) if line.strip()})
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise FormatError(f"not valid YAML: {str(error).splitlines()[0]}", where=entry.uri) from error
    tree = tree if isinstance(tree, dict) else {}
    names = tree.get("names")
    items = names.items() if isinstance(names, dict) else enumerate(names or [])
    shape = tree.get("kpt_shape")
    try:
        keypoints = (int(shape[0]), int(shape[1])) if shape else None
        return _Names({int(number): str(name) for number, name in items}, keypoints)
    except (ValueError, TypeError, IndexError) as error:
        raise FormatError(f"`names` or `kpt_shape` cannot be understood: {error}", where=entry.uri) from error


def _is_name_file(uri: str) -> bool:
    return not uri.endswith((".txt", ".data")) or posixpath.basename(uri) in _NAME_FILES


def _nearest(label: str, names: dict[str, _Names]) -> str | None:
    """The name file in the nearest folder above; the only one there is, otherwise."""
    folder = posixpath.dirname(label)
    while True:
        here = sorted(
            (uri for uri in names if posixpath.dirname(uri) == folder),
            key=lambda uri: (not uri.endswith("data.yaml"), uri),
        )
        if here:
            return here[0]
        above = posixpath.dirname(folder)
        if above == folder or not above:
            return next(iter(names)) if len(names) == 1 else None
        folder = above


def _split_lists(dataset: Dataset) -> dict[str, str]:
    """Picture names in train.txt, val.txt, … and the split they are given."""
    found: dict[str, str] = {}
    for entry in dataset.context:
        split = split_of(posixpath.basename(entry.uri))
        if not entry.uri.endswith(".txt") or posixpath.basename(entry.uri) in _NAME_FILES or not split:
            continue
        dataset.tally.assume(f"split {split} from {posixpath.basename(entry.uri)}")
        for line in decoded(dataset.read(entry.uri))[0].split("\n"):
            if line.strip():
                found[posixpath.basename(line.strip().replace("\\", "/"))] = split
    return found


FORMAT = Yolo()
