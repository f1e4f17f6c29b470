"""datacat's own neutral form, for everything that has no format of its own: NDJSON or Parquet.

One record an annotation, or one an asset with its annotations in it; see docs/formats/neutral.md.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from datacat.errors import FormatError
from datacat.ingest.attributes import composed
from datacat.ingest.batches import CUT_OFF, Sheets, Statements
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample, no_plan
from datacat.ingest.geometry import Box, check_geometry, derived_bounds, scaled
from datacat.ingest.identifiers import known_id
from datacat.ingest.json_stream import Range, is_cut_off
from datacat.ingest.limits import check_row_groups
from datacat.ingest.times import iso_time
from datacat.ingest.twice import keys_twice
from datacat.model.report import Tally
from datacat.model.schemas import ANNOTATION_KINDS, GEOMETRY_TYPES

_Raws = dict[str, msgspec.Raw]
_RECORD = msgspec.json.Decoder(_Raws)
_TWO_BOXES = "a `box` and other `x`, `y`, `w`, `h` beside it: `box` counts"
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
    created: str | None = None
    status: str | None = None
    text: str | None = None
    model: str | None = None
    track: str | int | float | None = None
    external_id: str | int | float | None = None
    attributes: msgspec.Raw = msgspec.Raw()


_KEYS = frozenset(_Statement.__struct_encode_fields__)


@dataclass(frozen=True, slots=True)
class _RowGroup:
    number: int


class Neutral:
    """See docs/formats/neutral.md."""

    name = "neutral"
    title = "datacat's neutral NDJSON or Parquet"
    lists_in_pieces = True
    states_bounds = True
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
                check_row_groups(file.metadata, where=document.uri)
                return [_RowGroup(number) for number in range(file.num_row_groups)]
        except (OSError, ValueError) as error:
            raise FormatError(f"not a Parquet file that can be read: {error}", where=document.uri) from error

    def read(self, document: Document, part: Range | _RowGroup, *, sheets: Sheets) -> None:
        """A record an annotation, or an asset with several."""
        reading = _Reading(document, sheets)
        bad = b""  # the last record, where it was rejected
        for place, record in _records(document, part):
            if record.strip():
                bad = b"" if reading.read(record, place) else record
                if b"\0" in bad:
                    sheets.damaged(document.file, reason="NUL bytes in the middle of it")
        reading.flush()
        if (
            isinstance(part, Range)
            and part.end == document.size
            and b"\0" not in bad
            and is_cut_off(bad or b"0")
        ):
            sheets.damaged(document.file, reason=CUT_OFF)


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
        batches = file.iter_batches(row_groups=[part.number], batch_size=4096)
        while (batch := _next(batches, where=document.uri)) is not None:
            for row in batch.to_pylist():
                yield f"row {number}", composed(_raw_pieces(row))
                number += 1


def _next(batches: Iterator[pa.RecordBatch], *, where: str) -> pa.RecordBatch | None:
    """Raises FormatError where the pages of a Parquet file are not what its footer says."""
    try:
        return next(batches, None)
    except (OSError, pa.ArrowException) as error:
        raise FormatError(
            "a damaged Parquet file: what lies in it is not what its end says", where=where
        ) from error


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


class _Reading:
    """Reads the records of one part."""

    def __init__(self, document: Document, sheets: Sheets) -> None:
        self._file = document.file
        self._sheets = sheets
        self._said: dict[str, dict[str, Any]] = {}  # of each asset, what was listed last
        self.rows = Statements(sheets, document.file)
        self._double: list[str] = []  # where a box is said twice, and differently

    def flush(self) -> None:
        """Writes what was collected."""
        self.rows.flush()
        if self._double:
            columns = {"position": self._double[0], "count": len(self._double), "reason": _TWO_BOXES}
            self._sheets.add("disputes", 1, file=self._file, **columns)

    def read(self, record: bytes, place: str) -> bool:
        """One record: all that it says, or a reject for what of it cannot be understood; False: for all of it."""
        asset, class_ = None, None
        try:
            said = _RECORD.decode(record)
            twice = keys_twice(record, said)
            asset, class_ = (None if key in twice else _name(said.get(key)) for key in ("asset", "class"))
            _refuse(twice)
            statements = _statements(said)
            listed = _listed(said)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._reject(place, error, record=record, key=asset, class_=class_)
            return False
        assert asset is not None  # `_listed` says so
        before = self._said.get(asset)
        if before is None or any(value not in (None, before[name]) for name, value in listed.items()):
            self._said[asset] = listed
            self.rows.asset(asset, name=asset, position=place, **listed)
        has_list = "annotations" in said
        for number, statement in enumerate(statements):
            if has_list:
                self._add(asset, statement, place=f"{place}, annotations[{number}]", excerpt=statement)
            else:
                self._add(asset, statement, place=place, excerpt=record)
        return True

    def _add(self, asset: str, statement: bytes, *, place: str, excerpt: bytes) -> None:
        class_ = None
        try:
            pieces = _RECORD.decode(statement)
            twice = keys_twice(statement, pieces)
            class_ = None if "class" in twice else _name(pieces.get("class"))
            _refuse(twice)
            said = msgspec.json.decode(statement, type=_Statement)
            self.rows.add(asset, position=place, **_columns(said, self._sheets.tally))
            if said.box and _differ(said.box, (said.x, said.y, said.w, said.h)):
                self._double.append(place)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._reject(place, error, record=excerpt, key=asset, class_=class_)

    def _reject(
        self, place: str, error: Exception, *, record: bytes, key: str | None, class_: str | None
    ) -> None:
        excerpt = record[:200].decode("utf-8", errors="replace")
        self._sheets.reject(self._file, place, reason=error, excerpt=excerpt, key=key, class_=class_)


def _refuse(twice: list[str]) -> None:
    """Raises ValueError where a record or an annotation has keys twice."""
    if twice:
        raise ValueError(f"`{twice[0]}` stands twice in one record: which of them counts?")


def _name(raw: msgspec.Raw | None) -> str | None:
    """A text that is not empty."""
    try:
        return msgspec.json.decode(raw or b"null", type=str | None) or None
    except msgspec.MsgspecError:
        return None


def _statements(record: _Raws) -> list[bytes]:
    """The annotations of a record, each as JSON.

    Raises:
        ValueError: it has a key that nobody knows.
        msgspec.MsgspecError: `annotations` is no list.
    """
    unknown = [key for key in record if key not in _KEYS and key not in _ASSET_KEYS and key != "annotations"]
    if unknown:
        raise ValueError(
            f"unknown key {unknown[0]!r}; what is your own belongs into `attributes` or `metadata`"
        )
    own = {key: raw for key, raw in record.items() if key not in _ASSET_KEYS and key != "annotations"}
    if "annotations" not in record:
        return [composed(own.items())] if own else []
    if own:
        raise ValueError(f"`{next(iter(own))}` beside `annotations`: of which of them?")
    return [
        bytes(raw) for raw in msgspec.json.decode(record["annotations"], type=list[msgspec.Raw] | None) or []
    ]


def _listed(record: _Raws) -> dict[str, Any]:
    """What a record says of its asset, as columns of `named`."""
    if _name(record.get("asset")) is None:
        raise ValueError("no `asset`, which is a text")
    said = {
        side: msgspec.json.decode(record.get(side, b"null"), type=int | None) for side in ("width", "height")
    }
    for side, pixels in said.items():
        if pixels is not None and not 0 < pixels < 1 << 31:
            raise ValueError(f"`{side}` is {pixels}")
    split = msgspec.json.decode(record.get("split", b"null"), type=str | None)
    metadata = bytes(record["metadata"]).decode() if "metadata" in record else None
    return {**said, "split": split, "metadata": metadata}


def _columns(said: _Statement, tally: Tally) -> dict[str, Any]:
    """One annotation as `Statements.add` takes it."""
    kind = said.kind or "annotation"
    geometry = bytes(said.geometry).decode() or None
    if geometry == "null":
        geometry = None
    box: Box = said.box or (said.x, said.y, said.w, said.h)
    type_ = said.geometry_type or ("other" if geometry else "none" if box == (None,) * 4 else "box")
    if type_ not in GEOMETRY_TYPES or kind not in ANNOTATION_KINDS:
        raise ValueError(f"geometry_type {type_!r} or kind {kind!r} is not one that is known")
    check_geometry(type_, geometry)
    if type_ == "box" and None in box:
        raise ValueError("a box without all of `x`, `y`, `w`, `h`")
    box, area = _measured(said, type_, geometry=geometry, box=box)
    attributes = bytes(said.attributes).strip()
    if attributes in (b"", b"null"):
        attributes = b"{}"
    if not attributes.startswith(b"{"):
        raise ValueError("`attributes` is no object")
    kept = {
        name: getattr(said, name) for name in ("class_", "confidence", "annotator", "status", "text", "model")
    }
    return {
        **kept, **dict(zip("xywh", box, strict=True)),
        "attributes": attributes, "kind": kind, "geometry_type": type_, "geometry": geometry, "area": area,
        "is_relative": bool(said.is_relative), "is_crowd": bool(said.is_crowd),
        "created": None if said.created is None else iso_time(said.created, tally),
        "external_id": known_id(said.external_id), "track": known_id(said.track),
    }  # fmt: skip


def _differ(box: Box, sides: Box) -> bool:
    """Whether some of `x`, `y`, `w`, `h` are given and are not those of the box; rounding aside."""
    return any(
        side is not None and number is not None and not math.isclose(side, number, rel_tol=1e-4, abs_tol=1e-6)
        for number, side in zip(box, sides, strict=True)
    )


def _measured(said: _Statement, type_: str, *, geometry: str | None, box: Box) -> tuple[Box, float | None]:
    """The box and the area that are said, else those of the geometry: pictures are searched by both."""
    if None not in box:
        _, _, w, h = box
        is_plain = said.area is None and type_ == "box"
        return box, (w * h if is_plain and w is not None and h is not None else said.area)
    if box != (None,) * 4:
        raise ValueError("some of `x`, `y`, `w`, `h`, but not all")
    found, area = derived_bounds(type_, geometry)
    if (
        said.is_relative and type_ == "mask" and geometry is not None
    ):  # a mask has pixels, whatever the rest has
        height, width = msgspec.json.decode(geometry)["size"]
        found, area = scaled(found, (1 / width, 1 / height)), None
    return found, area if said.area is None else said.area


FORMAT = Neutral()
