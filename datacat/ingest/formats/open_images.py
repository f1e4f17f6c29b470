"""Open Images: CSV files of boxes, of classes that people verified on whole images, and of image ids.

What people verified as absent is coverage, not an annotation. Class names and their hierarchy stand in files of
their own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from datacat.errors import FormatError
from datacat.ingest.batches import CUT_OFF, Sheets, Statements
from datacat.ingest.blank import name_of
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample
from datacat.ingest.geometry import Shape
from datacat.ingest.json_stream import Range
from datacat.ingest.limits import check_size, csv_values
from datacat.ingest.reasons import reason_of
from datacat.sources.listing import Entry
from datacat.sources.media import media_kind, upright_size
from datacat.sources.reading import decoded

_SPLIT = re.compile(r"(?:oidv\d+-)?(train|validation|test)-")
_CLASS_LINE = re.compile(r"/[a-z]/\w+,.*")
# Columns in any order, of which one line is enough to know a file; beside LabelName alone, much else may stand.
_HEADERS = (
    {"ImageID", "LabelName", "Confidence"},
    {"ImageID", "LabelName", "XMin"},
    {"ImageID", "LabelName", "MaskPath"},
    {"ImageID", "Subset"},
)
_FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")
_MAPPED = frozenset({"ImageID", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", "BoxID"})
_BOXES = (("XMin", "XMax", "YMin", "YMax"), ("BoxXMin", "BoxXMax", "BoxYMin", "BoxYMax"))
_TRUTHS = {"1": True, "true": True, "0": False, "false": False, "-1": None, "": None}
_LEAST, _MOST = -1.0, 2.0  # of fractions
_SPELT = {name.lower(): name for name in (*_MAPPED, *_FLAGS, *_BOXES[1], "Source", "MaskPath", "Subset")}
_CONTEXT_BYTES = 64 << 20  # class descriptions and hierarchies; those of V7 have 0.6 MB
_MOST_MEASURED = 100_000  # of more pictures none is looked at for its size; their boxes stay fractions
_Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Shared:
    """Class names by identifier; pictures by their name without ending."""

    names: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Part:
    """A range of lines, what the header calls their columns, and what stands between those."""

    range: Range
    columns: tuple[str, ...]
    delimiter: str


class OpenImages:
    """See the module's docstring and docs/formats/open_images.md."""

    name = "open_images"
    says_who_looked = True
    title = "Open Images CSV: boxes, verified image labels, hierarchy"
    writes = False

    def sniff(self, sample: Sample) -> Role | None:
        """A CSV file with one of the headers of Open Images; its class descriptions, its hierarchy."""
        head = sample.head.decode("utf-8", errors="replace").lstrip()
        if head.startswith("{"):
            is_hierarchy = '"LabelName"' in head and ('"Subcategory"' in head or '"Part"' in head)
            return "context" if is_hierarchy else None
        lines = head.splitlines()[:20]
        if not lines or not sample.name.lower().endswith(".csv"):
            return None
        if _is_header(_columns(lines[0])[0]):
            return "labels"
        named = lines[1:] if lines[0].strip() == "LabelName,DisplayName" else lines
        return "context" if all(map(_CLASS_LINE.fullmatch, named)) else None

    def plan(self, dataset: Dataset) -> Plan:
        """Class names, their parents, and the pictures."""
        names: dict[str, str] = {}
        described: dict[str, list[str]] = {}
        parents: dict[str, dict[str, None]] = {}
        faults: dict[str, str] = {}
        for entry in dataset.context:
            try:
                check_size(entry.size, limit=_CONTEXT_BYTES, where=entry.uri)
                text = decoded(dataset.read(entry.uri))[0]
                if text.lstrip().startswith("{"):
                    _walk(text, parents=parents, where=entry.uri)
                    continue
                own = _described(text, where=entry.uri)
            except FormatError as error:
                faults[entry.uri] = error.what
                dataset.tally.note(f"{posixpath.basename(entry.uri)} cannot be read")
                continue
            names.update(own)
            described[entry.uri] = list(own)
        if not names:
            dataset.tally.assume("no class descriptions found: classes are named by their identifiers")
        classes = {uri: _classes(own, names=names, parents=parents) for uri, own in described.items()}
        return Plan(shared=_Shared(names, _pictures(dataset.media)), classes=classes, faults=faults)

    def survey(self, document: Document, sheets: Sheets) -> list[_Part]:
        """Ranges of lines."""
        ranges = [part for section in document.layout("lines").sections for part in section.ranges()]
        head = decoded(document.bytes(0, 64 << 10))[0].lstrip("\ufeff").split("\n", 1)[0]
        columns, delimiter = _columns(head)
        if not _is_header(columns):
            raise FormatError("its first line is no header of Open Images", where=document.uri)
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise FormatError(f"its header has the column {twice[0]} twice", where=document.uri)
        return [_Part(part, columns, delimiter) for part in ranges]

    def read(self, document: Document, part: _Part, *, sheets: Sheets) -> None:
        """A line an annotation, an absence, or an image."""
        reader, longest = _Reader(document, sheets), 0
        for line, text, has_end in _lines(document, part):
            place, values = f"line {line}", []
            try:
                values = csv_values(text, delimiter=part.delimiter)
                if not has_end and len(values) < longest:
                    raise ValueError(f"the file ends in the middle of it: {len(values)} values of {longest}")
                longest = max(longest, len(values))
                if len(values) < min(3, len(part.columns)) or len(values) > len(part.columns):
                    raise ValueError(f"{len(values)} values for {len(part.columns)} columns")
                reader.add(dict(zip(part.columns, values, strict=False)), place=place)
            except (ValueError, KeyError) as error:
                row = dict(zip(part.columns, values, strict=False))
                key, class_ = row.get("ImageID", "").strip() or None, reader.class_of(row)
                if not has_end and len(values) < len(part.columns):
                    sheets.damaged(document.file, reason=CUT_OFF)
                    key = class_ = None  # what it says of them may itself be cut off
                elif "\0" in text:
                    sheets.damaged(document.file, reason="NUL bytes in the middle of it")
                sheets.reject(document.file, place, reason=error, excerpt=text, key=key, class_=class_)
        reader.flush()


class _Reader:
    """Reads the lines of one part."""

    def __init__(self, document: Document, sheets: Sheets) -> None:
        self._document = document
        self._sheets = sheets
        self._shared: _Shared = document.shared
        self._rows = Statements(sheets, document.file)
        self._sizes: dict[str, tuple[int, int] | None] = {}
        self._coverage: dict[tuple[str, str | None], str] = {}
        self._split = _split_of(document.uri)
        if self._split:
            sheets.tally.assume("splits by the label files' names (train-annotations-bbox.csv: train)")

    def add(self, row: _Row, *, place: str) -> None:
        """Takes in one line.

        Raises:
            ValueError: it has no image, or no numbers where there should be.
        """
        key = row["ImageID"].strip()
        if not key:
            raise ValueError("no ImageID")
        if "LabelName" in row and name_of(row["LabelName"]) is None:
            raise ValueError("no LabelName")
        is_statement = "LabelName" in row
        self._list(key, {} if is_statement else row, place=place)
        columns = self._statement(key, row) if is_statement else None
        if columns is not None:
            self._rows.add(key, position=place, **columns)

    def class_of(self, row: _Row) -> str | None:
        """The class that a line speaks of."""
        label = row.get("LabelName", "").strip()
        return self._shared.names.get(label, label) or None

    def flush(self) -> None:
        """Writes what was collected."""
        self._rows.flush()
        said = self._coverage
        self._sheets.add(
            "coverage", len(said), file=self._document.file, key=[key for key, _ in said],
            answer=list(said.values()), **{"class": [name for _, name in said]},
        )  # fmt: skip

    def _list(self, key: str, row: _Row, *, place: str) -> None:
        """The image, the first time that it is spoken of."""
        if key in self._sizes:
            if row:
                self._sheets.tally.note("a second line of one image id in a list of images: the first counts")
            return
        uri = self._shared.pictures.get(key)
        self._sizes[key] = size = upright_size(uri, self._document.settings) if uri else None
        width, height = size or (None, None)
        metadata = {name: value for name, value in row.items() if value and name not in ("ImageID", "Subset")}
        self._sheets.add(
            "named", 1, file=self._document.file, key=key, name=f"{key}.jpg", uri=uri, width=width, height=height,
            split=row.get("Subset") or self._split, position=place,
            metadata=msgspec.json.encode(metadata).decode() if metadata else None,
        )  # fmt: skip

    def _statement(self, key: str, row: _Row) -> dict[str, Any] | None:
        """The columns of an annotation; None where the line says that a class is absent."""
        sides = next((names for names in _BOXES if names[0] in row), None)
        name = self._shared.names.get(row["LabelName"], row["LabelName"])
        if self._shared.names and row["LabelName"] not in self._shared.names:
            self._sheets.tally.note("a class without a description: it is named by its identifier")
        confidence = _number(row, "Confidence") if "Confidence" in row else None
        if confidence is not None and not 0 <= confidence <= 1:
            raise ValueError(f"Confidence is {row['Confidence']!r}, not between 0 and 1")
        is_machine = row.get("Source") == "machine"
        if sides is None and confidence == 0 and not is_machine:
            self._coverage[key, name] = "absent"
            return None
        attributes = self._flags(row)
        others = row.keys() - _MAPPED - set(_FLAGS) - set(sides or ())
        attributes |= {other: row[other] for other in sorted(others) if row[other]}
        shape, is_relative = (Shape(), False) if sides is None else self._box(key, row, sides=sides)
        is_crowd = attributes.get("IsGroupOf") is True
        if sides == _BOXES[0]:
            # Boxes are drawn around all things of a class that was verified, but for groups.
            self._coverage[key, None] = "exhaustive"
            if is_crowd:
                self._coverage[key, name] = "not_exhaustive"
        return {
            "class_": name,
            "kind": "prediction" if is_machine else "annotation",
            "shape": shape._replace(type="other", geometry=_mask(row)) if "MaskPath" in row else shape,
            "is_relative": is_relative,
            "is_crowd": is_crowd,
            "confidence": confidence,
            "external_id": row.get("BoxID") or None,
            "attributes": msgspec.json.encode(attributes) if attributes else None,
        }

    def _flags(self, row: _Row) -> dict[str, Any]:
        """True and false; -1 and nothing say that it is unknown, and what is neither is kept as it is."""
        found: dict[str, Any] = {}
        for flag in _FLAGS:
            said = row.get(flag, "").strip()
            value = _TRUTHS.get(said.lower(), said)
            if isinstance(value, str):
                self._sheets.tally.note(f"{flag} that is neither 0 nor 1 (nor -1: unknown): kept as text")
            if value is not None:
                found[flag] = value
        return found

    def _box(self, key: str, row: _Row, *, sides: Sequence[str]) -> tuple[Shape, bool]:
        """Fractions become pixels where the size of the picture is known."""
        left, right, top, bottom = (_fraction(row, side) for side in sides)
        size = self._sizes[key]
        width, height = size or (1, 1)
        x, y, w, h = left * width, top * height, (right - left) * width, (bottom - top) * height
        return Shape("box", x, y, w, h, max(w, 0.0) * max(h, 0.0)), size is None


def _columns(head: str) -> tuple[tuple[str, ...], str]:
    """The columns that a header names, spelt as Open Images does, and what stands between them."""
    delimiter = max(",;\t", key=head.count)
    try:
        names = [name.strip() for name in csv_values(head, delimiter=delimiter)]
    except ValueError:
        return (), delimiter
    return tuple(_SPELT.get(name.lower(), name) for name in names), delimiter


def _is_header(columns: Sequence[str]) -> bool:
    return any(wanted <= set(columns) for wanted in _HEADERS)


def _split_of(uri: str) -> str | None:
    """As Open Images calls its files: train-annotations-bbox.csv, oidv6-train-…, validation-…, test-…."""
    found = _SPLIT.match(uri.rsplit("/", 1)[-1].lower())
    return found[1].replace("validation", "val") if found else None


def _lines(document: Document, part: _Part) -> Iterator[tuple[int, str, bool]]:
    """Line numbers from 1, the lines without the header, and whether each has its line end."""
    check_size(part.range.end - part.range.start, where=document.uri, what="a line")
    lines = decoded(document.bytes(part.range.start, part.range.end))[0].split("\n")
    last = part.range.first + len(lines)
    for number, line in enumerate(lines, start=part.range.first + 1):
        if number > 1 and line.strip():
            yield number, line, number < last


def _number(row: _Row, name: str) -> float:
    try:
        value = float(row[name])
    except (ValueError, KeyError) as error:
        raise ValueError(f"{name} is {row.get(name)!r}, no number") from error
    if not abs(value) < 1e300:
        raise ValueError(f"{name} is {row[name]!r}, not finite")
    return value


def _fraction(row: _Row, name: str) -> float:
    """Boxes reach a little over the edge; pixels are far beyond."""
    value = _number(row, name)
    if not _LEAST <= value <= _MOST:
        raise ValueError(f"{name} is {row[name]}, no fraction of the picture's size: pixels?")
    return value


def _mask(row: _Row) -> str:
    return msgspec.json.encode({"mask_path": row["MaskPath"]}).decode()


def _described(text: str, *, where: str) -> dict[str, str]:
    try:
        rows = [row for row in map(csv_values, text.splitlines()) if len(row) >= 2]
    except ValueError as error:
        raise FormatError(str(error), where=where) from error
    return {row[0].strip(): row[1].strip() for row in rows if row[0].startswith("/") and name_of(row[1])}


def _walk(text: str, *, parents: dict[str, dict[str, None]], where: str) -> None:
    """Notes under which classes each class of a hierarchy stands."""
    try:
        nodes = [msgspec.json.decode(text)]
        for node in nodes:  # grows while it is walked
            for child in node.get("Subcategory", ()):
                parents.setdefault(child["LabelName"], {})[node["LabelName"]] = None
                nodes.append(child)
    except (msgspec.MsgspecError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise FormatError(f"no hierarchy of Open Images: {reason_of(error)}", where=where) from error


def _classes(
    identifiers: Sequence[str], *, names: Mapping[str, str], parents: Mapping[str, dict[str, None]]
) -> list[tuple[str, str, str | None]]:
    """Identifier, name and parent; a class below several has a row for each."""
    found: list[tuple[str, str, str | None]] = []
    for identifier in identifiers:
        above: list[str | None] = [names[parent] for parent in parents.get(identifier, ()) if parent in names]
        found += [(identifier, names[identifier], parent) for parent in above or [None]]
    return found


def _pictures(media: Sequence[Entry]) -> dict[str, str]:
    images = [entry.uri for entry in media if media_kind(entry.uri) == "image"]
    if len(images) > _MOST_MEASURED:
        return {}
    by_name: dict[str, list[str]] = {}
    for uri in images:
        by_name.setdefault(posixpath.splitext(posixpath.basename(uri))[0], []).append(uri)
    return {name: uris[0] for name, uris in by_name.items() if len(uris) == 1}


FORMAT = OpenImages()
