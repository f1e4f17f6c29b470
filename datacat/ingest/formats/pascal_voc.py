"""Pascal VOC: an XML file a picture; which split it is in stands in ImageSets/*/*.txt."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

import msgspec

from datacat.errors import FormatError
from datacat.ingest.batches import Sheets, Statements
from datacat.ingest.blank import name_of
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample
from datacat.ingest.geometry import Shape, polygon_bounds, rotated_shape
from datacat.ingest.limits import XML_BYTES, check_size, read_xml
from datacat.ingest.splits import folder_split
from datacat.sources.listing import Entry
from datacat.sources.media import media_kind
from datacat.sources.reading import decoded

_ROOT = re.compile(rb"<annotation[\s>]")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_SHAPES = ("name", "bndbox", "robndbox")
_SETS = ("train", "val", "test", "trainval", "valid")
_OURS = (b"<size>", b"bndbox", b"<object>", b"<filename>")
_ASSET = ("filename", "size", "object")


class PascalVoc:
    """See docs/formats/pascal_voc.md."""

    name = "pascal_voc"
    title = "Pascal VOC XML with its image sets"
    writes = False
    is_file_each = True

    def sniff(self, sample: Sample) -> Role | None:
        """`<annotation>` with a size, objects or a file name; text files below ImageSets."""
        if "/ImageSets/" in sample.uri and sample.name.endswith(".txt"):
            return "context"
        if not sample.name.lower().endswith(".xml") or not _ROOT.search(sample.head[:2000]):
            return None
        is_labelme = b"<sourceImage>" in sample.head or (
            b"<polygon>" in sample.head and b"bndbox" not in sample.head
        )
        is_ours = any(tag in sample.head for tag in _OURS)
        return "labels" if is_ours and not is_labelme else None

    def plan(self, dataset: Dataset) -> Plan:
        """The split of each file, from the image sets or from its folder; pictures that only image sets name."""
        splits = _image_sets(dataset)
        below, own, folders = str(dataset.location), {}, set()
        stems = set()
        for entry in dataset.labels:
            stem = _stem(entry.uri)
            stems.add(stem)
            folder = folder_split(entry.uri, below=below)
            own[entry.uri] = splits.get(stem) or folder
            folders |= {folder} if folder and stem not in splits else set()
        for folder in sorted(folders):
            dataset.tally.assume(f"split {folder} from the name of a folder")
        alone = {stem: split for stem, split in splits.items() if stem not in stems}
        return Plan(each=own, unlabelled=_unlabelled(dataset, alone))

    def survey(self, document: Document, sheets: Sheets) -> list[Any]:
        """One part."""
        return [None]

    def read(self, document: Document, part: Any, *, sheets: Sheets) -> None:
        """An object an annotation."""
        check_size(document.size, limit=XML_BYTES, where=document.uri)
        root = read_xml(document.bytes(), where=document.uri)
        if root.tag != "annotation":
            raise FormatError(f"<{root.tag}> instead of <annotation>", where=document.uri)
        stem = _stem(document.uri)
        name = (root.findtext("filename") or "").strip() or stem
        if stem not in (_stem(name.replace("\\", "/")), name):
            sheets.tally.note("a file whose <filename> is another than its own name: <filename> counts")
        for tag in ("filename", "size"):
            if len(root.findall(tag)) > 1:
                sheets.tally.note(f"a second <{tag}> of one file: the first counts")
        width, height = (_pixels(root.findtext(f"size/{side}")) for side in ("width", "height"))
        if not width or not height:
            sheets.tally.note("a file gives no size of its picture")
        metadata = _values(child for child in root if child.tag not in _ASSET)
        sheets.add(
            "named", 1, file=document.file, key="0", name=name, width=width, height=height,
            split=document.own,
            metadata=msgspec.json.encode(metadata).decode() if metadata else None, position="",
        )  # fmt: skip
        rows = Statements(sheets, document.file)
        for number, item in enumerate(root.iter("object")):
            place = f"object[{number}]"
            try:
                _add(item, place, rows=rows, sheets=sheets)
            except (ValueError, OverflowError) as error:
                excerpt = ElementTree.tostring(item, encoding="unicode")
                class_ = (item.findtext("name") or "").strip() or None
                sheets.reject(document.file, place, reason=error, excerpt=excerpt, key="0", class_=class_)
        rows.flush()


def _stem(uri: str) -> str:
    return posixpath.splitext(posixpath.basename(uri))[0]


def _image_sets(dataset: Dataset) -> dict[str, str]:
    """The split of each picture that an image set names, by the picture's name without ending."""
    splits: dict[str, str] = {}
    again: set[str] = set()
    for entry in sorted(dataset.context, key=lambda entry: "trainval" not in entry.uri):
        set_name = _stem(entry.uri)
        if set_name not in _SETS:
            is_of_class = set_name.rpartition("_")[2] in _SETS
            what = "a list of one class (dog_train.txt)" if is_of_class else "an image set of another name"
            dataset.tally.note(f"{what} in ImageSets, which is not read")
            continue
        if set_name != "trainval":
            dataset.tally.assume(f"split {set_name} from ImageSets/…/{set_name}.txt")
        check_size(entry.size, where=entry.uri)
        for line in decoded(dataset.read(entry.uri))[0].split("\n"):
            if line.split():
                stem = posixpath.basename(line.split()[0])
                again |= {stem} if splits.get(stem, set_name) not in (set_name, "trainval") else set()
                splits[stem] = set_name
    if again:
        dataset.tally.note("a picture that stands in two image sets: the last is kept", len(again))
    return splits


def _unlabelled(dataset: Dataset, alone: Mapping[str, str]) -> list[tuple[Entry, str | None]]:
    """The pictures of names that image sets have and no label file has, and their split."""
    if not alone:
        return []
    found: dict[str, list[Entry]] = {}
    for entry in dataset.media:
        if _stem(entry.uri) in alone and media_kind(entry.uri) == "image":
            found.setdefault(_stem(entry.uri), []).append(entry)
    sole = {stem: entries[0] for stem, entries in found.items() if len(entries) == 1}
    if len(alone) > len(sole):
        dataset.tally.note(
            "an image set names a picture of which there is no label file, nor one picture of that name",
            len(alone) - len(sole),
        )
    return [(entry, alone[stem]) for stem, entry in sorted(sole.items())]


def _add(item: ElementTree.Element, place: str, *, rows: Statements, sheets: Sheets) -> None:
    """One object; of several boxes in it each is an annotation.

    Raises:
        ValueError: it has no shape that can be read.
    """
    names = [text for text in ((name.text or "").strip() for name in item.findall("name")) if name_of(text)]
    if len(names) > 1:
        sheets.tally.note("a second <name> of one object: the first counts")
    extra = _values(child for child in item if child.tag not in _SHAPES)
    attributes = msgspec.json.encode(extra) if extra else None
    shapes = _shapes(item)
    if len(shapes) > 1:
        sheets.tally.note("a further box of one object: each is an annotation of its own", len(shapes) - 1)
    if item.find("part") is not None:
        sheets.tally.note("an object has <part>s: they are attributes, not annotations")
    with rows.record():
        for number, shape in enumerate(shapes):
            where = f"{place}, box[{number}]" if number else place
            rows.add(
                "0", position=where, class_=names[0] if names else None, shape=shape, attributes=attributes
            )


def _shapes(item: ElementTree.Element) -> list[Shape]:
    turned = [_rotated(box) for box in item.findall("robndbox")]
    boxes = turned or [_box(box) for box in item.findall("bndbox")]
    if boxes:
        return boxes
    polygons = [_polygon(polygon) for polygon in item.findall("polygon")]
    if not polygons:
        raise ValueError("an object without bndbox")
    return polygons


def _rotated(box: ElementTree.Element) -> Shape:
    cx, cy, w, h, angle = (_number(box, side) for side in ("cx", "cy", "w", "h", "angle"))
    return rotated_shape((cx, cy), (w, h), degrees=angle * 180 / 3.141592653589793)


def _box(box: ElementTree.Element) -> Shape:
    left, top, right, bottom = (_number(box, side) for side in ("xmin", "ymin", "xmax", "ymax"))
    w, h = right - left, bottom - top
    return Shape("box", left, top, w, h, max(w, 0.0) * max(h, 0.0))


def _polygon(polygon: ElementTree.Element) -> Shape:
    ring = [_finite(child.text, child.tag) for child in polygon]
    box, area = polygon_bounds([ring])
    return Shape("polygon", *box, area, msgspec.json.encode([ring]).decode())


def _number(box: ElementTree.Element, side: str) -> float:
    return _finite(box.findtext(side), side)


def _finite(text: str | None, side: str) -> float:
    try:
        value = float(text or "")
    except ValueError as error:
        raise ValueError(f"<{side}> is {(text or '')[:40]!r}, no number") from error
    if not abs(value) < 1e300:
        raise ValueError(f"<{side}> is {(text or '')[:40]!r}, not finite")
    return value


def _pixels(text: str | None) -> int | None:
    try:
        value = int(float(text or ""))
    except (ValueError, OverflowError):
        return None
    return value if 0 < value < 1 << 31 else None


def _values(items: Iterable[ElementTree.Element]) -> dict[str, Any]:
    """Elements by name, several of one name as a list."""
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(item.tag, []).append(_value(item))
    return {tag: values if len(values) > 1 else values[0] for tag, values in found.items()}


def _value(item: ElementTree.Element) -> Any:
    """An element as JSON: its children by name; text that is a number as one."""
    if len(item):
        return _values(item)
    text = (item.text or "").strip()
    return msgspec.Raw(text.encode()) if _NUMBER.fullmatch(text) else text


FORMAT = PascalVoc()
