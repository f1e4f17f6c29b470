"""datacat's own neutral form, for everything that has no format of its own: NDJSON or Parquet.

One record an annotation, or one an asset with its annotations in it; see docs/formats/neutral.md.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pyarrow.parquet as pq

from datacat.errors import FormatError
from datacat.ingest.attributes import composed
from datacat.ingest.batches import Sheets, Statements
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample, no_plan
from datacat.ingest.geometry import DERIVED, check_geometry, derived_box
from datacat.ingest.json_stream import Range
from datacat.model.schemas import ANNOTATION_KINDS, GEOMETRY_TYPES

_Raws = dict[str, msgspec.Raw]
_RECORD = msgspec.json.Decoder(_Raws)
_ASSET_KEYS = frozenset({"asset", "width", "height", "split", "metadata"})


class _Statement(msgspec.Struct, forbid_unknown_fields=True, rename={"class_": "class"}):
    class_: str | None = None
    box: tuple[float, float, float, float] | None = None
    x: float | None = None
    y: float | None = None
    w: float | None = None
    h: float | None = None
    kind: str | None = None
    geometry_type: str | None = None
    is_relative: bool | None = None
    area: float | None = None
    geometry: msgspec.Raw = msgspec.Raw()
    is_crowd: bool | None = None
    confidence: float | None = None
    annotator: str | None = None
    created: datetime | None = None
    status: str | None = None
    text: str | None = None
    model: str | None = None
    track: str | int | None = None
    external_id: str | None = None
    attributes: msgspec.Raw = msgspec.Raw()


_KEYS = frozenset(_Statement.__struct_encode_fields__)


@dataclass(frozen=True, slots=True)
class _RowGroup:
    number: int


class Neutral:
    """See docs/formats/neutral.md."""

    name = "neutral"
    title = "datacat's neutral NDJSON or Parquet"
    writes = False  # a snapshot is Parquet already

    def sniff(self, sample: Sample) -> Role | None:
        """A first line that is an object with `asset`; a Parquet file with a column `asset`."""
        if sample.head[:4] == b"PAR1":
            return "labels" if b"asset" in sample.head + sample.tail else None
        first = sample.head.lstrip().split(b"\n", 1)[0].strip()
        if not first.startswith(b"{") or not re.search(rb'"asset"\s*:\s*"', first):
            return None
        return "labels" if first.endswith(b"}") or len(first) >= len(sample.head.strip()) else None

    def plan(self, dataset: Dataset) -> Plan:
        """Files stand alone."""
        return no_plan()

    def survey(self, document: Document, sheets: Sheets) -> list[Any]:
        """Ranges of lines, or row groups."""
        if document.bytes(0, 4) != b"PAR1":
            return [range_ for section in document.layout("lines").sections for range_ in section.ranges()]
        try:
            with _parquet(document) as file:
                return [_RowGroup(number) for number in range(file.num_row_groups)]
        except (OSError, ValueError) as error:
            raise FormatError(f"not a Parquet file that can be read: {error}", where=document.uri) from error

    def read(self, document: Document, part: Range | _RowGroup, *, sheets: Sheets) -> None:
        """A record an annotation, or an asset with several."""
        rows, seen = Statements(sheets, document.file), set[str]()
        for place, record in _records(document, part):
            if not record.strip():
                continue
            try:
                _read_record(
                    _RECORD.decode(record), place, document=document, sheets=sheets, rows=rows, seen=seen
                )
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                excerpt = record[:200].decode("utf-8", errors="replace")
                sheets.reject(document.file, place, reason=str(error), excerpt=excerpt)
        rows.flush()


def _records(document: Document, part: Range | _RowGroup) -> Iterable[tuple[str, bytes]]:
    if isinstance(part, _RowGroup):
        return _parquet_records(document, part)
    lines = document.bytes(part.start, part.end).split(b"\n")
    return (
        (f"line {part.first + number + 1}", line.removeprefix(b"\xef\xbb\xbf"))
        for number, line in enumerate(lines)
    )


def _parquet_records(document: Document, part: _RowGroup) -> Iterator[tuple[str, bytes]]:
    """Rows as JSON; text in `attributes`, `geometry` and `metadata` is JSON already."""
    with _parquet(document) as file:
        number = sum(file.metadata.row_group(before).num_rows for before in range(part.number))
        for batch in file.iter_batches(row_groups=[part.number], batch_size=4096):
            for row in batch.to_pylist():
                yield f"row {number}", composed(_raw_pieces(row))
                number += 1


def _raw_pieces(row: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for key, value in row.items():
        if value is None:
            continue
        is_json = key in ("attributes", "geometry", "metadata") and isinstance(value, str)
        yield key, value.encode() if is_json else msgspec.json.encode(value)


def _parquet(document: Document) -> pq.ParquetFile:
    if document.content is not None:
        return pq.ParquetFile(io.BytesIO(document.content))
    if document.source.startswith("s3://"):
        return pq.ParquetFile(io.BytesIO(document.bytes()))
    return pq.ParquetFile(document.source)


def _read_record(
    record: _Raws, place: str, *, document: Document, sheets: Sheets, rows: Statements, seen: set[str]
) -> None:
    """Raises ValueError where the record has no asset or an annotation of it cannot be understood."""
    asset = msgspec.json.decode(record.get("asset", b"null"), type=str | None)
    if not asset:
        raise ValueError("no `asset`")
    inner = record.pop("annotations", None)
    unknown = [key for key in record if key not in _KEYS and key not in _ASSET_KEYS]
    if unknown:
        raise ValueError(
            f"unknown key {unknown[0]!r}; what is your own belongs into `attributes` or `metadata`"
        )
    if asset not in seen:
        seen.add(asset)
        _list_asset(asset, record, place=place, document=document, sheets=sheets)
    statements = [] if inner is None else msgspec.json.decode(inner, type=list[msgspec.Raw])
    own = {key: raw for key, raw in record.items() if key not in _ASSET_KEYS}
    if inner is None and own:
        statements = [msgspec.Raw(composed(own.items()))]
    for number, statement in enumerate(statements):
        where = place if inner is None else f"{place}, annotations[{number}]"
        try:
            _add(asset, msgspec.json.decode(statement, type=_Statement), place=where, rows=rows)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            sheets.reject(
                document.file,
                where,
                reason=str(error),
                excerpt=bytes(statement)[:200].decode("utf-8", errors="replace"),
            )


def _list_asset(asset: str, record: _Raws, *, place: str, document: Document, sheets: Sheets) -> None:
    width, height = (
        msgspec.json.decode(record.get(side, b"null"), type=int | None) for side in ("width", "height")
    )
    split = msgspec.json.decode(record.get("split", b"null"), type=str | None)
    metadata = bytes(record["metadata"]).decode() if "metadata" in record else None
    sheets.add(
        "named", 1, file=document.file, key=asset, name=asset, width=width, height=height, split=split,
        metadata=metadata, position=place,
    )  # fmt: skip


def _add(asset: str, said: _Statement, *, place: str, rows: Statements) -> None:
    x, y, w, h = said.box or (said.x, said.y, said.w, said.h)
    geometry = bytes(said.geometry).decode() or None
    if geometry == "null":
        geometry = None
    type_ = said.geometry_type or ("other" if geometry else "none" if w is None else "box")
    kind = said.kind or "annotation"
    if type_ not in GEOMETRY_TYPES or kind not in ANNOTATION_KINDS:
        raise ValueError(f"geometry_type {type_!r} or kind {kind!r} is not one that is known")
    check_geometry(type_, geometry)
    if type_ == "box" and None in (x, y, w, h):
        raise ValueError("a box without all of `x`, `y`, `w`, `h`")
    attributes = bytes(said.attributes).strip()
    if attributes in (b"", b"null"):
        attributes = b"{}"
    if not attributes.startswith(b"{"):
        raise ValueError("`attributes` is no object")
    if type_ in DERIVED and None in (x, y, w, h) and geometry is not None:
        (x, y, w, h), area_of_shape = derived_box(type_, geometry)
        said.area = area_of_shape if said.area is None else said.area
    area = w * h if said.area is None and type_ == "box" and w is not None and h is not None else said.area
    rows.add(
        asset, position=place, attributes=attributes, class_=said.class_, kind=kind, geometry_type=type_,
        x=x, y=y, w=w, h=h, is_relative=bool(said.is_relative), area=area, geometry=geometry,
        is_crowd=bool(said.is_crowd), confidence=said.confidence, annotator=said.annotator,
        created=said.created,
        status=said.status, text=said.text, external_id=said.external_id, model=said.model,
        track=None if said.track is None else str(said.track),
    )  # fmt: skip


FORMAT = Neutral()
