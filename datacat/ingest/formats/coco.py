"""COCO: one JSON document with `images`, `annotations` and `categories`.

Instances (boxes, polygons, RLE masks), keypoints, captions. Whatever else an annotation says is an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datacat.config import Settings
from datacat.errors import FormatError
from datacat.ingest.attributes import Leaves, composed
from datacat.ingest.batches import Sheets
from datacat.ingest.coco_write import write
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample, no_plan
from datacat.ingest.geometry import Shape, coco_shape, keypoints_geometry
from datacat.ingest.json_stream import Fault, Range, decoded
from datacat.ingest.licences import UsedLicences, listed_licences
from datacat.ingest.lvis import Federated
from datacat.ingest.splits import split_of

_NAMES = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')
_Number = int | float | str | None
_ROWS = 8192
_NO = ("0", "false", "False", "")  # Label Studio's converter wrote text


class _Annotation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: _Number = None
    image_id: _Number = None
    category_id: _Number = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: int | bool | float | str | None = None
    segmentation: msgspec.Raw = msgspec.Raw()
    keypoints: msgspec.Raw = msgspec.Raw()
    num_keypoints: msgspec.Raw = msgspec.Raw()
    caption: str | None = None
    score: float | None = None
    model: str | None = None
    track_id: int | str | None = None
    attributes: msgspec.Raw = msgspec.Raw()


class _Category(msgspec.Struct):
    id: _Number = None
    name: _Number = None
    supercategory: _Number = None
    keypoints: list[str] | None = None
    skeleton: list[list[int]] | None = None


_KNOWN = frozenset(_Annotation.__struct_fields__)
_FIRST_BYTES = {"model": b'"n', "track_id": b'"n-0123456789'}  # of what these columns can hold
_ANNOTATION = msgspec.json.Decoder(_Annotation)
_ANNOTATIONS = msgspec.json.Decoder(list[_Annotation])
_PIECES = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MANY_PIECES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_ANY = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class _Part:
    """A range of records; by id (as text) the categories: name, keypoint names, skeleton; and names of licences."""

    range: Range
    categories: dict[str, tuple[str, list[str] | None, list[list[int]] | None]]
    licences: dict[str, str]


class Coco:
    """See the module's docstring and docs/formats/coco.md."""

    name = "coco"
    title = "COCO JSON: instances, keypoints, captions, RLE"
    writes = True
    unique_ids = True
    is_exhaustive = True

    def sniff(self, sample: Sample) -> Role | None:
        """A JSON object with two of `images`, `annotations`, `categories`, each a list, at its top."""
        if not sample.head.lstrip().startswith(b"{"):
            return None
        names = {match[1] for match in _NAMES.finditer(sample.head + sample.tail)}
        is_dense = b'"image_id"' in sample.head or b'"file_name"' in sample.head
        if len(names) >= 2 or (names and is_dense):
            return "labels"
        return None

    def plan(self, dataset: Dataset) -> Plan:
        """COCO files stand alone."""
        return no_plan()

    def survey(self, document: Document, sheets: Sheets) -> list[_Part]:
        """Reads the categories and cuts images and annotations into ranges."""
        layout = document.layout("object")
        if not (layout.section("images") or layout.section("annotations")):
            raise FormatError("neither `images` nor `annotations` is a list in it", where=document.uri)
        if layout.fault:
            sheets.tally.note(f"damaged file: {layout.fault}")
            sheets.add("coverage", 1, file=document.file, answer="not_exhaustive")
        if split_of(document.uri):
            sheets.tally.assume("splits by the label files' names (instances_train.json: train)")
        categories, licences = _categories(document, sheets), listed_licences(document, sheets)
        parts: list[_Part] = []
        for section in layout.sections:
            if section.is_list and section.key in ("images", "annotations"):
                parts.extend(_Part(range_, categories, licences) for range_ in section.ranges())
        return parts

    def read(self, document: Document, part: _Part, *, sheets: Sheets) -> None:
        """Images become rows of `named`, annotations rows of `annotations` and `leaves`."""
        content = document.bytes(part.range.start, part.range.end)
        if part.range.key == "images":
            _read_images(document, part, content=content, sheets=sheets)
            return
        batch = _Batch(document, part, sheets=sheets)
        batch.names = tuple(key for key in _FIRST_BYTES if b'"%s"' % key.encode() in content)
        for number, at, record in decoded(content, decode=_ANNOTATIONS.decode, one=_one):
            position = part.range.first + number
            if isinstance(record, Fault):
                place = f"annotations[{position}], byte {part.range.start + at}"
                sheets.reject(document.file, place, reason=record.reason, excerpt=record.excerpt)
            else:
                batch.add(position, record)
        batch.flush()

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
        """See `datacat.ingest.coco_write.write`."""
        return write(assets, annotations, folder, media=media, settings=settings, classes=classes)


def _one(record: bytes) -> _Annotation:
    """One annotation with keys of its own, which become attributes."""
    pieces = _PIECES.decode(record)
    extra = [(key, raw) for key, raw in pieces.items() if not _is_known(key, raw)]
    if not extra:
        return _ANNOTATION.decode(record)
    own = pieces.pop("attributes", None)
    known = composed((key, raw) for key, raw in pieces.items() if _is_known(key, raw))
    annotation = _ANNOTATION.decode(known)
    inner = bytes(own).strip() if own is not None else b""
    if inner[:1] == b"{" and inner[1:-1].strip():
        annotation.attributes = msgspec.Raw(inner[:-1].rstrip() + b", " + composed(extra)[1:])
    else:
        named = [("attributes", inner)] if inner not in (b"", b"null", b"{}") else []
        annotation.attributes = msgspec.Raw(composed([*named, *extra]))
    return annotation


def _is_known(key: str, raw: msgspec.Raw) -> bool:
    """Whether a key has a place of its own; a `model` that is a number or an object is an attribute."""
    return key in _KNOWN and (key not in _FIRST_BYTES or bytes(raw)[:1] in _FIRST_BYTES[key])


class _Batch:
    """Annotations of one part, written in batches.

    Attributes:
        names: which of `model` and `track_id` occur in the part at all.
    """

    def __init__(self, document: Document, part: _Part, *, sheets: Sheets) -> None:
        self._file = document.file
        self._categories = part.categories
        self._sheets = sheets
        self._records: list[_Annotation] = []
        self._positions: list[int] = []
        self.names: tuple[str, ...] = ()

    def add(self, position: int, record: _Annotation) -> None:
        self._records.append(record)
        self._positions.append(position)
        if len(self._records) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes what was collected."""
        if not self._records:
            return
        leaves, rows, shapes, documents, records = Leaves(), [], [], [], []
        positions = []
        row = self._sheets.next_row
        for position, record in zip(self._positions, self._records, strict=True):
            try:
                shape = self._shape(record)
                document = _attributes(record.attributes)
                if document is not None:
                    leaves.extract(document, row)
            except (msgspec.MsgspecError, RecursionError, ValueError, TypeError, IndexError) as error:
                self._sheets.reject(
                    self._file, f"annotations[{position}]", reason=str(error), excerpt=_excerpt(record)
                )
                continue
            if record.image_id is None:
                self._sheets.reject(
                    self._file, f"annotations[{position}]", reason="no image_id", excerpt=_excerpt(record)
                )
                leaves.forget(row)
                continue
            rows.append(row)
            shapes.append(shape)
            documents.append(None if document is None else document.decode("utf-8"))
            records.append(record)
            positions.append(position)
            row += 1
        self._sheets.next_row = row
        self._write(rows, positions, shapes=shapes, documents=documents, records=records)
        self._sheets.leaves(leaves)
        self._records, self._positions = [], []

    def _shape(self, record: _Annotation) -> Shape:
        keypoints = bytes(record.keypoints)
        shape = coco_shape(record.bbox, bytes(record.segmentation), area=record.area)
        if keypoints and keypoints not in (b"[]", b"null"):
            _, names, edges = self._categories.get(str(record.category_id), (None, None, None))
            geometry = keypoints_geometry(keypoints, names=names, edges=edges, also=shape.geometry)
            return shape._replace(type="keypoints", geometry=geometry)
        return shape

    def _write(
        self,
        rows: list[int],
        positions: list[int],
        *,
        shapes: list[Shape],
        documents: list[str | None],
        records: list[_Annotation],
    ) -> None:
        self._sheets.add(
            "annotations",
            len(rows),
            file=self._file,
            row=rows,
            key=[str(r.image_id) for r in records],
            **{"class": [self._class(r) for r in records]},
            kind=[_kind(r) for r in records] if "model" in self.names else "annotation",
            geometry_type=[s.type for s in shapes],
            x=[s.x for s in shapes],
            y=[s.y for s in shapes],
            w=[s.w for s in shapes],
            h=[s.h for s in shapes],
            is_relative=False,
            area=[s.area for s in shapes],
            geometry=[s.geometry for s in shapes],
            is_crowd=[bool(r.iscrowd) and r.iscrowd not in _NO for r in records],
            confidence=[r.score for r in records],
            text=[r.caption for r in records],
            model=[r.model for r in records] if "model" in self.names else None,
            track=[_track(r) for r in records] if "track_id" in self.names else None,
            external_id=[None if r.id is None else str(r.id) for r in records],
            attributes=documents,
            position=pc.binary_join_element_wise(
                "annotations[", pa.array(positions, pa.int64()).cast(pa.string()), "]", ""
            ),
        )

    def _class(self, record: _Annotation) -> str | None:
        is_caption = record.caption is not None and not self._categories
        if record.category_id is None or is_caption:
            return None
        text = str(record.category_id)
        known = self._categories.get(text)
        if known:
            return known[0]
        self._sheets.tally.note(
            f"category {text} is not in the list of categories; its number was kept as the class"
        )
        return text


def _attributes(raw: msgspec.Raw) -> bytes | None:
    document = bytes(raw).strip()
    if document in (b"", b"null", b"{}", b"[]"):
        return None
    return document if document[:1] == b"{" else composed([("attributes", document)])


def _kind(record: _Annotation) -> str:
    return "annotation" if record.model is None or record.score is None else "prediction"


def _track(record: _Annotation) -> str | None:
    """Its `track_id`; CVAT writes it into `attributes`, which keep their bytes."""
    track = record.track_id
    if track is None and b'"track_id"' in bytes(record.attributes):
        said = _ANY.decode(record.attributes)
        track = said.get("track_id") if isinstance(said, dict) else None
    return str(track) if isinstance(track, int | str) and not isinstance(track, bool) else None


def _excerpt(record: _Annotation) -> str:
    return f"id {record.id}, image_id {record.image_id}"


def _read_images(document: Document, part: _Part, *, content: bytes, sheets: Sheets) -> None:
    names = ("key", "name", "width", "height", "metadata", "position")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    federated = Federated(sheets, document.file, categories=part.categories)
    licences = UsedLicences(sheets, document.file, listed=part.licences)

    def flush() -> None:
        sheets.add("named", len(columns["key"]), file=document.file, split=split_of(document.uri), **columns)
        federated.flush()
        for column in columns.values():
            column.clear()

    for number, at, record in decoded(content, decode=_MANY_PIECES.decode, one=_PIECES.decode):
        place = f"images[{part.range.first + number}]"
        try:
            if isinstance(record, Fault):
                raise ValueError(record.reason)
            facts = _image(record)
            federated.add(facts[0], record)
            licences.add(record)
        except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
            excerpt = record.excerpt if isinstance(record, Fault) else str(list(record)[:8])
            sheets.reject(
                document.file,
                f"{place}, byte {part.range.start + at}" if at >= 0 else place,
                reason=str(error),
                excerpt=excerpt,
            )
            continue
        for name, value in zip(columns, (*facts, place), strict=True):
            columns[name].append(value)
        if len(columns["key"]) >= _ROWS:
            flush()
    flush()
    licences.flush()


def _image(record: dict[str, msgspec.Raw]) -> tuple[str, str, int | None, int | None, str | None]:
    """Key, name, width, height, metadata."""
    key = _ANY.decode(record.pop("id", b"null"))
    if key is None:
        raise ValueError("an image without id")
    name = _ANY.decode(record.pop("file_name", b"null"))
    if not isinstance(name, str) or not name:
        url = _ANY.decode(record.get("coco_url", b"null"))
        if not isinstance(url, str) or not url:
            raise ValueError("an image without file_name")
        name = url
    sizes = [_pixels(_ANY.decode(record.pop(side, b"null"))) for side in ("width", "height")]
    metadata = composed(record.items()).decode("utf-8") if record else None
    return str(key), name, sizes[0], sizes[1], metadata


def _pixels(value: Any) -> int | None:
    if value is None:
        return None
    number = int(float(value))
    return number if 0 < number < 1 << 31 else None


def _categories(document: Document, sheets: Sheets) -> dict[str, Any]:
    section = document.layout("object").section("categories")
    found: dict[str, Any] = {}
    if section is None:
        return found
    content = document.bytes(section.start, section.end)
    decode = msgspec.json.Decoder(list[_Category]).decode
    for number, at, record in decoded(content, decode=decode, one=msgspec.json.Decoder(_Category).decode):
        if isinstance(record, Fault) or record.id is None:
            reason = record.reason if isinstance(record, Fault) else "a category without id"
            sheets.reject(document.file, f"categories[{number}], byte {section.start + at}", reason=reason)
            continue
        name = str(record.id if record.name is None else record.name)
        if found.setdefault(str(record.id), (name, record.keypoints, record.skeleton))[0] != name:
            sheets.tally.note(f"category id {record.id} is used twice; the first name was kept")
            name = found[str(record.id)][0]
        parent = None if record.supercategory in (None, "", "none") else str(record.supercategory)
        sheets.add(
            "classes", 1, file=document.file, **{"class": name}, source_id=str(record.id), parent=parent
        )
    return found


FORMAT = Coco()
