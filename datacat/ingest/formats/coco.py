"""COCO: one JSON document with `images`, `annotations` and `categories`.

Instances (boxes, polygons, RLE masks), keypoints, captions, panoptic segments. Whatever else an annotation says is
an attribute.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from datacat.config import Settings
from datacat.errors import FormatError
from datacat.ingest.attributes import composed
from datacat.ingest.batches import Sheets
from datacat.ingest.coco_annotations import ANNOTATIONS, Batch, one
from datacat.ingest.coco_categories import Category, listed_categories
from datacat.ingest.coco_write import write
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample, no_plan
from datacat.ingest.identifiers import known_id, stated_id
from datacat.ingest.json_stream import Fault, Layout, Range, decoded
from datacat.ingest.licences import UsedLicences, listed_licences
from datacat.ingest.lvis import Federated
from datacat.ingest.peek import outline
from datacat.ingest.splits import split_of
from datacat.ingest.twice import note_twice
from datacat.model.snapshot import Described

_NAMES = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')
_LISTS = ("images", "annotations", "categories", "licenses")
_SNIFFED = ("images", "annotations", "categories")
_ROWS = 8192
_RESULT = 4096  # bytes: the first results of a list
_MANY_PIECES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_PIECES = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANY = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class _Part:
    """A range of records; the categories by id, and the licences."""

    range: Range
    categories: dict[str, Category]
    licences: dict[str, dict[str, str]]


class Coco:
    """See the module's docstring and docs/formats/coco.md."""

    name = "coco"
    title = "COCO JSON: instances, keypoints, captions, RLE"
    writes = True
    unique_ids = True
    is_exhaustive = True
    refers_by_id = True
    takes_described = True
    keeps_stored = True
    states_bounds = True

    def sniff(self, sample: Sample) -> Role | None:
        """A JSON object with two lists of COCO's at its top; one of them alone, with what only COCO's records have.

        That a list is called `annotations` says nothing: many tools call theirs so.
        """
        keys = outline(sample.head)
        if keys.get("") != "{":
            return None
        names = {name for name in _SNIFFED if keys.get(name) == "["}
        if sample.tail:  # the others come behind a long one
            names |= {match[1].decode() for match in _NAMES.finditer(sample.tail)}
        is_told = keys.keys() & {"images[].file_name", "images[].coco_url", "annotations[].image_id"}
        if (
            (names and is_told)
            or {"images", "annotations"} <= names
            or {"annotations", "categories"} <= names
        ):
            return "labels"
        return "labels" if {"images", "categories"} <= names else None

    def doubt(self, sample: Sample) -> str | None:
        """Why a list of results is none."""
        head = sample.head.lstrip()[:_RESULT]
        if (
            head.startswith(b"[")
            and b'"image_id"' in head
            and (b'"score"' in head or b'"category_id"' in head)
        ):
            return (
                "a list of COCO results: it names no pictures; put it as `annotations` beside the `images` and "
                "`categories` of the file that it was made from"
            )
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
            sheets.damaged(document.file, reason=layout.fault)
        if split_of(document.uri):
            sheets.tally.assume("splits by the label files' names (instances_train.json: train)")
        _say_what_stands_twice(layout, sheets)
        _say_what_is_not_read(document, layout, sheets=sheets)
        categories, licences = listed_categories(document, sheets), listed_licences(document, sheets)
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
        batch = Batch(sheets, document.file, categories=part.categories, content=content)
        for number, at, record in decoded(content, decode=ANNOTATIONS.decode, one=one):
            place = f"annotations[{part.range.first + number}]"
            if isinstance(record, Fault):
                batch.reject(f"{place}, byte {part.range.start + at}", record)
            else:
                batch.add(place, record)
        batch.flush()
        batch.note_twice(content)

    def write(
        self,
        assets: pa.Table,
        annotations: pa.Table,
        folder: Path,
        *,
        media: str = "reference",
        settings: Settings | None = None,
        classes: Mapping[str, int] | None = None,
        described: Described | None = None,
    ) -> list[str]:
        """See `datacat.ingest.coco_write.write`."""
        return write(
            assets, annotations, folder, media=media, settings=settings, classes=classes, described=described
        )


def _read_images(document: Document, part: _Part, *, content: bytes, sheets: Sheets) -> None:
    names = ("key", "name", "width", "height", "metadata", "position")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    counts = dict.fromkeys(("id", "file_name"), 0)
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
            said = dict(record)
            counts = {key: count + (key in said) for key, count in counts.items()}
            facts = _image(record, sheets, licences=part.licences)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            where = f"{place}, byte {part.range.start + at}" if at >= 0 else place
            sheets.reject(document.file, where, reason=error, excerpt=_beginning(record), key=_key(record))
            continue
        federated.add(facts[0], said)
        licences.add(said)
        for name, value in zip(columns, (*facts, place), strict=True):
            columns[name].append(value)
        if len(columns["key"]) >= _ROWS:
            flush()
    flush()
    licences.flush()
    note_twice(content, counts, what="image", tally=sheets.tally)


def _key(record: dict[str, msgspec.Raw] | Fault) -> str | None:
    """The id of an image that is rejected for another reason."""
    try:
        return None if isinstance(record, Fault) else known_id(_ANY.decode(record.get("id", b"null")))
    except (msgspec.MsgspecError, RecursionError):
        return None


def _beginning(record: dict[str, msgspec.Raw] | Fault) -> str:
    return (
        record.excerpt if isinstance(record, Fault) else composed(record.items()).decode("utf-8", "replace")
    )


def _image(
    record: dict[str, msgspec.Raw], sheets: Sheets, *, licences: dict[str, dict[str, str]]
) -> tuple[str, str, int | None, int | None, str | None]:
    """Key, name, width, height, metadata; takes out of `record` what is none.

    Raises:
        ValueError: it has no id or no name.
    """
    key = stated_id(_ANY.decode(record.get("id", b"null")), name="id")
    name = _ANY.decode(record.get("file_name", b"null"))
    if not isinstance(name, str) or not name:
        name = _ANY.decode(record.get("coco_url", b"null"))
        if not isinstance(name, str) or not name:
            raise ValueError("an image without file_name")
    else:
        del record["file_name"]
    del record["id"]
    sizes = [_pixels(record.pop(side, None), sheets) for side in ("width", "height")]
    _name_licence(record, licences)
    metadata = composed(record.items()).decode("utf-8") if record else None
    return key, name, sizes[0], sizes[1], metadata


def _name_licence(record: dict[str, msgspec.Raw], licences: dict[str, dict[str, str]]) -> None:
    """Writes the licence's name and address beside its number, which means something in this file alone."""
    number = known_id(_ANY.decode(record["license"])) if "license" in record else None
    for key, value in licences.get(number or "", {}).items():
        if value:
            record.setdefault(f"license_{key}", msgspec.Raw(msgspec.json.encode(value)))


def _pixels(raw: msgspec.Raw | None, sheets: Sheets) -> int | None:
    value = _ANY.decode(raw) if raw is not None else None
    if value is None:
        return None
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        number = 0.0
    if number.is_integer() and 0 < number < 1 << 31:
        return int(number)
    sheets.tally.note("a width or height that is no number of pixels; taken as unknown")
    return None


def _say_what_stands_twice(layout: Layout, sheets: Sheets) -> None:
    """Names lists that the document has several times; pycocotools takes the last, and who wrote them meant all."""
    lists = Counter(section.key for section in layout.sections if section.is_list and section.key in _LISTS)
    for key, count in lists.items():
        if count > 1:
            what = f"`{key}` stands {count} times in one file"
            sheets.tally.note(f"{what}: the records of all are read, where most tools take the last alone")


def _say_what_is_not_read(document: Document, layout: Layout, *, sheets: Sheets) -> None:
    """Names every list and object at the top that nothing is made of."""
    for section in layout.sections:
        if section.key in _LISTS and section.is_list:
            continue
        content = document.bytes(section.start, min(section.end, section.start + 200)).strip()
        if not content:
            continue
        if section.key in _LISTS:
            sheets.tally.note(f"`{section.key}` is no list; not read")
        elif section.is_list and section.count:
            sheets.tally.note(f"a record of the list `{section.key}`, which is not read", section.count)
        else:
            sheets.tally.note(f"`{section.key}` beside the lists of the file, which is not read")


FORMAT = Coco()
