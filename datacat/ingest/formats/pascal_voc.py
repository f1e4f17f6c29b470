"""Pascal VOC: an XML file a picture; which split it is in stands in ImageSets/*/*.txt."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from xml.etree import ElementTree

import msgspec

from datacat.errors import FormatError
from datacat.ingest.batches import Sheets, Statements
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample
from datacat.ingest.geometry import Shape, polygon_bounds, rotated_shape
from datacat.ingest.splits import split_of
from datacat.sources.reading import decoded

_ROOT = re.compile(rb"<annotation[\s>]")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_SHAPES = ("name", "bndbox", "robndbox")
_ASSET = ("filename", "size", "object")


class PascalVoc:
    """See docs/formats/pascal_voc.md."""

    name = "pascal_voc"
    title = "Pascal VOC XML with its image sets"
    writes = False

    def sniff(self, sample: Sample) -> Role | None:
        """`<annotation>` with a size or boxes; text files below ImageSets."""
        if "/ImageSets/" in sample.uri and sample.name.endswith(".txt"):
            return "context"
        if not sample.name.lower().endswith(".xml") or not _ROOT.search(sample.head[:2000]):
            return None
        is_labelme = b"<sourceImage>" in sample.head or (
            b"<polygon>" in sample.head and b"bndbox" not in sample.head
        )
        is_ours = b"<size>" in sample.head or b"bndbox" in sample.head or b"<object>" in sample.head
        return "labels" if is_ours and not is_labelme else None

    def plan(self, dataset: Dataset) -> Plan:
        """The split of each file, from the image sets or from its folder."""
        splits: dict[str, str] = {}
        for entry in sorted(dataset.context, key=lambda entry: "trainval" not in entry.uri):
            set_name = posixpath.splitext(posixpath.basename(entry.uri))[0]
            if set_name not in ("train", "val", "test", "trainval", "valid"):
                continue
            if set_name != "trainval":
                dataset.tally.assume(f"split {set_name} from ImageSets/…/{set_name}.txt")
            for line in decoded(dataset.read(entry.uri))[0].split("\n"):
                if line.split():
                    splits[posixpath.basename(line.split()[0])] = set_name
        below = str(dataset.location)
        own = {}
        for entry in dataset.labels:
            stem = posixpath.splitext(posixpath.basename(entry.uri))[0]
            own[entry.uri] = splits.get(stem) or split_of(entry.uri, below=below)
        return Plan(each=own)

    def survey(self, document: Document, sheets: Sheets) -> list[Any]:
        """One part."""
        return [None]

    def read(self, document: Document, part: Any, *, sheets: Sheets) -> None:
        """An object an annotation."""
        root = _root(document.bytes(), document.uri)
        stem = posixpath.splitext(posixpath.basename(document.uri))[0]
        name = (root.findtext("filename") or "").strip() or f"{stem}.jpg"
        width, height = (_pixels(root.findtext(f"size/{side}")) for side in ("width", "height"))
        if not width or not height:
            sheets.tally.note("a file gives no size of its picture")
        metadata = {child.tag: _value(child) for child in root if child.tag not in _ASSET}
        sheets.add(
            "named", 1, file=document.file, key="0", name=name, width=width, height=height,
            split=document.own,
            metadata=msgspec.json.encode(metadata).decode() if metadata else None, position="",
        )  # fmt: skip
        rows = Statements(sheets, document.file)
        for number, item in enumerate(root.iter("object")):
            try:
                columns = _statement(item)
            except (ValueError, OverflowError, RecursionError) as error:
                excerpt = ElementTree.tostring(item, encoding="unicode")
                sheets.reject(document.file, f"object[{number}]", reason=str(error), excerpt=excerpt)
                continue
            rows.add("0", position=f"object[{number}]", **columns)
        rows.flush()


def _root(content: bytes, uri: str) -> ElementTree.Element:
    try:
        try:
            root = ElementTree.fromstring(content)  # noqa: S314  expat limits entity expansion itself
        except ElementTree.ParseError:
            text = re.sub(r"^\s*<\?xml[^>]*\?>", "", decoded(content)[0])
            root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise FormatError(f"no valid XML: {error}", where=uri) from error
    if root.tag != "annotation":
        raise FormatError(f"<{root.tag}> instead of <annotation>", where=uri)
    return root


def _statement(item: ElementTree.Element) -> dict[str, Any]:
    class_ = (item.findtext("name") or "").strip() or None
    extra = {child.tag: _value(child) for child in item if child.tag not in _SHAPES}
    repeated = [child.tag for child in item if child.tag in extra]
    for tag in {tag for tag in repeated if repeated.count(tag) > 1}:
        extra[tag] = [_value(child) for child in item.findall(tag)]
    attributes = msgspec.json.encode(extra) if extra else None
    return {"class_": class_, "shape": _shape(item), "attributes": attributes}


def _shape(item: ElementTree.Element) -> Shape:
    rotated = item.find("robndbox")
    if rotated is not None:
        cx, cy, w, h, angle = (_number(rotated, side) for side in ("cx", "cy", "w", "h", "angle"))
        return rotated_shape((cx, cy), (w, h), degrees=angle * 180 / 3.141592653589793)
    box = item.find("bndbox")
    if box is None:
        return _polygon(item.find("polygon"))
    left, top, right, bottom = (_number(box, side) for side in ("xmin", "ymin", "xmax", "ymax"))
    w, h = right - left, bottom - top
    return Shape("box", left, top, w, h, max(w, 0.0) * max(h, 0.0))


def _polygon(polygon: ElementTree.Element | None) -> Shape:
    if polygon is None:
        raise ValueError("an object without bndbox")
    ring = [float(child.text or "") for child in polygon]
    box, area = polygon_bounds([ring])
    return Shape("polygon", *box, area, msgspec.json.encode([ring]).decode())


def _number(box: ElementTree.Element, side: str) -> float:
    text = box.findtext(side)
    try:
        value = float(text or "")
    except ValueError as error:
        raise ValueError(f"<{side}> is {text!r}, no number") from error
    if not abs(value) < 1e300:
        raise ValueError(f"<{side}> is {text!r}, not finite")
    return value


def _pixels(text: str | None) -> int | None:
    try:
        value = int(float(text or ""))
    except (ValueError, OverflowError):
        return None
    return value if 0 < value < 1 << 31 else None


def _value(item: ElementTree.Element) -> Any:
    """An element as JSON: children by name, several of one name as a list; text that is a number as one."""
    if len(item):
        tags = [child.tag for child in item]
        return {
            tag: _value(item.find(tag))  # type: ignore[arg-type]
            if tags.count(tag) == 1
            else [_value(child) for child in item.findall(tag)]
            for tag in dict.fromkeys(tags)
        }
    text = (item.text or "").strip()
    return msgspec.Raw(text.encode()) if _NUMBER.fullmatch(text) else text


FORMAT = PascalVoc()
