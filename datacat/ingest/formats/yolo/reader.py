"""YOLO: a text file a picture, a line an object, numbers as fractions of the picture's size.

Boxes, polygons, keypoints (`kpt_shape` in data.yaml), predictions with confidence and track, and the eight-corner
lines of DOTA and Roboflow's OBB export, which are in pixels. Classes come from data.yaml, *.names
or classes.txt.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from datacat.config import Settings
from datacat.errors import FormatError
from datacat.ingest.batches import CUT_OFF, Sheets, Statements
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample
from datacat.ingest.formats.yolo.lines import (
    Line,
    Names,
    class_of,
    has_tracks,
    is_cut_off,
    is_dota_head,
    kind_of,
    statement,
)
from datacat.ingest.formats.yolo.names import NAME_FILES, described, nearest, note_differences
from datacat.ingest.formats.yolo.pictures import Pictures, is_in_label_folder, made
from datacat.ingest.formats.yolo.splits import Splits
from datacat.ingest.limits import check_size
from datacat.ingest.yolo_write import NEEDS_MEDIA, write
from datacat.sources.listing import Entry
from datacat.sources.media import media_kind, upright_size
from datacat.sources.reading import decoded

_LOOKED_AT = 30  # lines of a file by which it is recognised


@dataclass(frozen=True, slots=True)
class _Own:
    """What a label file belongs to."""

    picture: str
    is_present: bool
    size: tuple[int, int] | None
    split: str | None
    classes: str | None  # the file that names them


class Yolo:
    """See the module's docstring and docs/formats/yolo.md."""

    name = "yolo"
    title = "YOLO text files: boxes, polygons, keypoints, OBB"
    writes = True
    is_exhaustive = True
    is_file_each = True
    states_sizes = False  # those that are listed are the pictures' own
    default_media = "link"
    needs_media = NEEDS_MEDIA

    def sniff(self, sample: Sample) -> Role | None:
        """Lines of numbers; data.yaml with `names`; lists of names or of pictures."""
        name = sample.name.lower()
        head = sample.head.decode("utf-8", errors="replace")
        if name.endswith((".yaml", ".yml")):
            return "context" if re.search(r"^names\s*:", head, re.MULTILINE) else None
        if name.endswith(".names") or name in NAME_FILES:
            return "context"
        if name.endswith(".data"):
            return "context" if re.search(r"^\s*names\s*=", head, re.MULTILINE) else None
        return _text_role(head, sample.uri) if name.endswith(".txt") else None

    def doubt(self, sample: Sample) -> str | None:
        """Why a file that looks like one of YOLO at first is none."""
        lines = _first_lines(sample.head.decode("utf-8", errors="replace"))
        if (
            not sample.name.lower().endswith(".txt")
            or not lines
            or {kind_of(line) for line in lines} != {"odd"}
        ):
            return None
        return "not YOLO: its numbers are no fractions of a picture's size (pixels, frames or something else)"

    def plan(self, dataset: Dataset) -> Plan:
        """Pairs label files with pictures, and finds names and splits."""
        said, faults = described(dataset)
        names = {uri: known.names for uri, known in said.items() if known.names is not None}
        note_differences(names, dataset.tally)
        images = [entry for entry in dataset.media if media_kind(entry.uri) == "image"]
        pictures = Pictures(images, dataset.tally)
        pairs, idle = _paired(dataset, pictures)
        uris = {picture.uri if picture else uri for _, picture, uri in pairs}
        splits = Splits(dataset, said, pictures=[*(entry.uri for entry in images), *sorted(uris)])
        own: dict[str, _Own] = {}
        for entry, picture, uri in pairs:
            size = dataset.known_size(picture) if picture else None
            named = nearest(entry.uri, names) or splits.stated_by.get(uri)
            split = splits.of(uri, label=entry.uri)
            own[entry.uri] = _Own(uri, picture is not None, size, split, named if named in names else None)
        _say_names(own, dataset)
        loose = _loose(dataset, pictures, splits=splits, used=uris)
        classes = {
            uri: [(str(n), name) for n, name in sorted(known.classes.items())] for uri, known in names.items()
        }
        declared_by = {uri: own_.classes for uri, own_ in own.items()}
        return Plan(names, own, loose, idle, classes, declared_by, faults)

    def survey(self, document: Document, sheets: Sheets) -> list[Any]:
        """One part."""
        return [None]

    def read(self, document: Document, part: Any, *, sheets: Sheets) -> None:
        """A line an annotation."""
        own: _Own = document.own
        names: Names = document.shared.get(own.classes, Names())
        size = own.size or (upright_size(own.picture, document.settings) if own.is_present else None)
        if size is None:
            sheets.tally.note("a picture's size is unknown: its boxes are kept as fractions")
        width, height = size or (None, None)
        place = {"width": width, "height": height, "split": own.split, "name": own.picture}
        sheets.add("named", 1, file=document.file, key="0", uri=own.picture, position="", **place)
        try:
            check_size(document.size, where=document.uri)
            lines = _lines(document, sheets)
        except FormatError as error:
            sheets.reject(document.file, "the whole file", reason=error.what, key="0")
            return
        rows, tracked, good = Statements(sheets, document.file), has_tracks(lines), 0
        if tracked:
            sheets.tally.assume("whole numbers over 1 behind a box are the numbers of tracks")
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            if is_dota_head(line):
                sheets.tally.note("a line `imagesource:` or `gsd:` of DOTA, which is not kept")
                continue
            place_ = f"line {number}"
            try:
                columns = statement(Line(line, names, size, tracked))
            except (ValueError, OverflowError) as error:
                is_end = number == len(lines) and is_cut_off(lines)
                if is_end:  # any class may have stood behind it
                    sheets.damaged(document.file, reason=CUT_OFF)
                class_ = None if is_end else class_of(line, names)
                sheets.reject(document.file, place_, reason=error, excerpt=line, key="0", class_=class_)
                continue
            good += 1
            _note_oddities(line, names, sheets=sheets, columns=columns)
            rows.add("0", position=place_, **columns)
        rows.flush()
        if not good and any(line.strip() and not is_dota_head(line) for line in lines):
            sheets.tally.note("a label file of which no line can be read: its picture is kept")

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


def _first_lines(head: str) -> list[str]:
    lines = [line for line in head.replace("\r", "\n").split("\n") if line.strip() and not is_dota_head(line)]
    return lines[:_LOOKED_AT]


def _text_role(head: str, uri: str) -> Role | None:
    lines = _first_lines(head)
    if not lines:
        return "perhaps"
    kinds = [kind_of(line) for line in lines]
    good, odd = kinds.count("label"), kinds.count("odd")
    # Below labels/ a file of lines that are nearly labels is one: each line is a reject then, with its number.
    if good * 2 >= len(lines) or (is_in_label_folder(uri) and (good + odd) * 2 >= len(lines)):
        return "labels"
    if all(media_kind(line.strip()) == "image" for line in lines):
        return "context"
    return "perhaps" if good or odd * 2 >= len(lines) else None


def _paired(
    dataset: Dataset, pictures: Pictures
) -> tuple[list[tuple[Entry, Entry | None, str]], dict[str, str]]:
    """Each label file with its picture and that one's URI; and those that are none, with the reason."""
    pairs, idle = [], {}
    for entry in dataset.labels:
        picture = pictures.of(entry.uri)
        if picture is None and entry.size == 0:
            idle[entry.uri] = "empty, and no picture of that name"
        elif picture is None and not _has_label(entry, dataset):
            idle[entry.uri] = "no line is one of YOLO, and no picture has that name"
        else:
            pairs.append((entry, picture, picture.uri if picture else made(entry.uri, dataset)))
    return pairs, idle


def _has_label(entry: Entry, dataset: Dataset) -> bool:
    check_size(entry.size, where=entry.uri)
    lines = _first_lines(decoded(dataset.read(entry.uri))[0])
    return any(kind_of(line) == "label" for line in lines)


def _say_names(own: Mapping[str, _Own], dataset: Dataset) -> None:
    """Reports where class names come from."""
    used = sorted({own_.classes for own_ in own.values() if own_.classes})
    without = sum(own_.classes is None for own_ in own.values())
    if not used:
        dataset.tally.assume("no class names found: classes are named by their numbers")
    elif without:
        dataset.tally.note(
            "no file in a label file's folder or above names its classes: they are named by their numbers",
            without,
        )
    for uri in used:
        dataset.tally.assume(f"class names from {uri.removeprefix(str(dataset.location)).lstrip('/')}")


def _loose(
    dataset: Dataset, pictures: Pictures, *, splits: Splits, used: set[str]
) -> list[tuple[Entry, str | None]]:
    """Pictures of the data set's own folders that no label file speaks of, and their split."""
    below = f"{str(dataset.location).rstrip('/')}/"
    folders = {posixpath.dirname(uri) for uri in used}
    return [
        (entry, splits.of(entry.uri, label=None))
        for entry in pictures.entries
        if entry.uri not in used
        and entry.uri.startswith(below)  # elsewhere, others' pictures lie among them
        and (
            posixpath.dirname(entry.uri) in folders
            or entry.uri in splits.stated
            or pictures.are_ours(entry.uri)
        )
    ]


def _lines(document: Document, sheets: Sheets) -> list[str]:
    """Raises FormatError where it is no text."""
    text, note = decoded(document.bytes())
    if "\0" in text:
        raise FormatError("binary, no label lines", where=document.uri)
    if note:
        sheets.tally.note(note)
    return text.split("\n")


def _note_oddities(line: str, names: Names, *, sheets: Sheets, columns: dict[str, Any]) -> None:
    """Notes of a line that was read what may be otherwise than it looks."""
    words, shape = line.split(), columns["shape"].type
    if words[0].isdecimal() or re.fullmatch(r"\d+\.0*", words[0]):
        index = int(words[0].partition(".")[0][:20])
        if columns["class_"] != names.classes.get(index, str(index)):
            return  # a list of corners begins with a coordinate
        if index not in names.classes:
            sheets.tally.note(f"class {index} has no name; its number was kept as the class")
        elif "." in words[0]:
            sheets.tally.note("a class number is written as a fraction, as 0.0")
    if names.keypoints and shape == "box":
        sheets.tally.note("a box without keypoints, where kpt_shape says that there are some")
    if shape == "polygon" and len(words) == 7 and words[-1].isdecimal():
        sheets.tally.note("a line of 6 numbers that ends in a whole one was read as a polygon of 3 points")


FORMAT = Yolo()
