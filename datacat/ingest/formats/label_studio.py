"""Label Studio: a JSON list of tasks, each with `data`, `annotations`, `predictions` and `drafts`.

Each region becomes an annotation per label. What is said of the same region by other controls (choices, text
areas, ratings) becomes an attribute of it, named after the control.
Percent become pixels where the size is known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from datacat.ingest.attributes import composed
from datacat.ingest.batches import Sheets, Statements
from datacat.ingest.format import INLINE, Dataset, Document, Plan, Role, Sample, no_plan
from datacat.ingest.geometry import Shape, polygon_bounds, rotated_shape
from datacat.ingest.json_stream import Fault, Range, decoded
from datacat.sources.media import media_kind

_Raws = dict[str, msgspec.Raw]
_TASKS = msgspec.json.Decoder(list[_Raws])
_TASK = msgspec.json.Decoder(_Raws)
_ANY = msgspec.json.Decoder()
_SAYS = re.compile(rb'"(annotations|completions|predictions)"\s*:\s*\[')
_STATEMENTS = ("annotations", "completions", "predictions", "drafts")
_MEDIA_KEYS = ("image", "img", "url", "audio", "video", "ocr", "pdf", "photo", "picture")
_GEOMETRIES = ("rectangle", "polygon", "keypoint", "brush", "ellipse", "video", "vector", "bitmask")
_OVER_TIME = ("video", "timeline")  # one region over several frames
_MAPPED = {"id", "type", "value", "from_name", "to_name", "score", "original_width", "original_height"}


class LabelStudio:
    """See docs/formats/label_studio.md."""

    name = "label_studio"
    title = "Label Studio JSON export"
    writes = False

    def sniff(self, sample: Sample) -> Role | None:
        """A JSON list of objects with annotations or predictions that hold results."""
        if not re.match(rb"\s*\[\s*\{", sample.head):
            return None
        head = sample.head + sample.tail
        has_result = b'"result"' in head or b'"data"' in head
        return "labels" if _SAYS.search(head) and has_result else None

    def plan(self, dataset: Dataset) -> Plan:
        """Exports stand alone."""
        return no_plan()

    def survey(self, document: Document, sheets: Sheets) -> list[Range]:
        """Ranges of tasks."""
        layout = document.layout("array")
        if layout.fault:
            sheets.tally.note(f"damaged file: {layout.fault}")
        return [range_ for section in layout.sections for range_ in section.ranges()]

    def read(self, document: Document, part: Range, *, sheets: Sheets) -> None:
        """A task an asset, a region an annotation per label."""
        content = document.bytes(part.start, part.end)
        rows = Statements(sheets, document.file)
        for number, at, record in decoded(content, decode=_TASKS.decode, one=_TASK.decode):
            place = f"[{part.first + number}]"
            if isinstance(record, Fault):
                sheets.reject(
                    document.file,
                    f"{place}, byte {part.start + at}",
                    reason=record.reason,
                    excerpt=record.excerpt,
                )
                continue
            try:
                _Task(document, record, place=place, sheets=sheets, rows=rows).read()
            except (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError) as error:
                sheets.reject(
                    document.file, place, reason=f"{type(error).__name__}: {error}", excerpt=str(list(record))
                )
        rows.flush()


class _Task:
    """One task while it is read."""

    def __init__(
        self, document: Document, task: _Raws, *, place: str, sheets: Sheets, rows: Statements
    ) -> None:
        self._document = document
        self._task = task
        self._place = place
        self._sheets = sheets
        self._rows = rows
        self._key = str(_ANY.decode(task["id"])) if "id" in task else place
        self._size: tuple[int, int] | None = None
        self._rest: dict[str, list[bytes]] = {}

    def read(self) -> None:
        """Writes its rows."""
        data = _ANY.decode(self._task.get("data", msgspec.Raw(b"{}")))
        data = data if isinstance(data, dict) else {}
        for kind in _STATEMENTS:
            listed = self._task.get(kind)
            statements = msgspec.json.decode(listed, type=list[_Raws] | None) if listed else None
            for number, statement in enumerate(statements or []):
                self._statement(kind, statement, place=f"{self._place}.{kind}[{number}]")
        name = _asset_name(data)
        uri = None if name else f"{self._document.uri}{INLINE}{self._key}"
        rest = [(key, raw) for key, raw in self._task.items() if key not in (*_STATEMENTS, "id")]
        rest += [(key, msgspec.Raw(b"[" + b", ".join(parts) + b"]")) for key, parts in self._rest.items()]
        width, height = self._size or (None, None)
        self._sheets.add(
            "named", 1, file=self._document.file, key=self._key, name=name, uri=uri, width=width,
            height=height, metadata=composed(rest).decode() if rest else None, position=self._place,
        )  # fmt: skip

    def _statement(self, kind: str, statement: _Raws, *, place: str) -> None:
        """One annotation or prediction of the task: its results, grouped by region."""
        result = _ANY.decode(statement.get("result", msgspec.Raw(b"[]")))
        facts = {key: _ANY.decode(raw) for key, raw in statement.items() if key in _FACTS}
        rest = [(key, raw) for key, raw in statement.items() if key not in ("result", *_FACTS) or key == "id"]
        if len(rest) > 1:
            self._rest.setdefault(kind, []).append(composed(rest))
        common = {
            "kind": "prediction" if kind == "predictions" else "annotation",
            "annotator": _person(facts.get("completed_by")),
            "model": _word(facts.get("model_version")),
            "created": _time(facts.get("created_at")),
            "status": _status(kind, facts),
            "confidence": _float(facts.get("score")),
        }
        if not isinstance(result, list):
            self._sheets.reject(self._document.file, place, reason="result is not a list")
            return
        for region in _regions(result):
            try:
                self._region(region, common, place=place)
            except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
                excerpt = msgspec.json.encode(region).decode()
                self._sheets.reject(
                    self._document.file, place, reason=f"{type(error).__name__}: {error}", excerpt=excerpt
                )

    def _region(self, region: list[dict[str, Any]], common: dict[str, Any], *, place: str) -> None:
        """What was said of one region, or of the whole task; a row for each label."""
        main = next((item for item in region if _is_shape(item)), region[0])
        size = _size(main)
        self._size = self._size or size
        shape, is_relative = _shape(main, size)
        labels = [label for item in region if item is main or _is_shape(item) for label in _labels(item)]
        extra = {
            str(item.get("from_name", "value")): _said(item)
            for item in region
            if item is not main and not _is_shape(item)
        }
        extra.update({key: value for key, value in main.items() if key not in _MAPPED})
        extra["from_name"] = main.get("from_name")
        value = main.get("value")
        if isinstance(value, dict) and shape.type != "other":
            known = {*_PLACES, str(main.get("type"))}
            extra.update({key: item for key, item in value.items() if key not in known})
        text = _text(main)
        name = str(main["id"]) if "id" in main else None
        confidence = _float(main.get("score"))
        for label in dict.fromkeys(labels) or [None]:
            self._rows.add(
                self._key,
                position=place,
                attributes=msgspec.json.encode(
                    {key: item for key, item in extra.items() if item is not None}
                ),
                class_=label,
                shape=shape,
                is_relative=is_relative,
                text=text,
                external_id=name,
                track=name if str(main.get("type")).startswith(_OVER_TIME) else None,
                **{**common, "confidence": common["confidence"] if confidence is None else confidence},
            )
        if len(labels) > 1:
            self._sheets.tally.note("a region with several labels; a row for each")


_FACTS = (
    "id",
    "completed_by",
    "model_version",
    "created_at",
    "was_cancelled",
    "score",
    "ground_truth",
    "result",
)
_PLACES = {"x", "y", "width", "height", "rotation", "points", "start", "end", "radiusX", "radiusY"}


def _regions(result: list[Any]) -> Iterator[list[dict[str, Any]]]:
    """Results with the same id speak of the same region."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for number, item in enumerate(result):
        if isinstance(item, dict):
            groups.setdefault(str(item.get("id") or f"#{number}"), []).append(item)
    yield from groups.values()


def _is_shape(item: dict[str, Any]) -> bool:
    type_ = str(item.get("type", ""))
    value = item.get("value")
    has_place = isinstance(value, dict) and bool(_PLACES & value.keys())
    return type_.startswith(_GEOMETRIES) or (type_.endswith("labels") and has_place)


def _labels(item: dict[str, Any]) -> list[str]:
    """The classes that one result gives: labels, choices, taxonomy paths joined by /."""
    value = item.get("value")
    if item.get("type") == "relation":
        return [str(label) for label in item.get("labels") or []] or ["relation"]
    if not isinstance(value, dict):
        return []
    said = value.get(str(item.get("type")), value.get("labels", []))  # the latter of a videorectangle
    if not isinstance(said, list) or str(item.get("type")) in ("textarea", "ranker", "pairwise"):
        return []
    return ["/".join(map(str, one)) if isinstance(one, list) else str(one) for one in said if one is not None]


def _said(item: dict[str, Any]) -> Any:
    value = item.get("value")
    return value.get(str(item.get("type")), value) if isinstance(value, dict) else value


def _text(item: dict[str, Any]) -> str | None:
    value = item.get("value")
    if not isinstance(value, dict):
        return None
    text = value.get("text")
    if isinstance(text, list):
        return "\n".join(str(line) for line in text)
    return text if isinstance(text, str) else None


def _size(item: dict[str, Any]) -> tuple[int, int] | None:
    width, height = item.get("original_width"), item.get("original_height")
    return (int(width), int(height)) if width and height else None


def _shape(item: dict[str, Any], size: tuple[int, int] | None) -> tuple[Shape, bool]:
    """The geometry columns, and whether they are fractions."""
    value = item.get("value")
    if not isinstance(value, dict):
        return Shape(), False
    width, height = size or (1, 1)
    if {"x", "y", "width", "height"} <= value.keys():
        x, y = value["x"] * width / 100, value["y"] * height / 100
        w, h = value["width"] * width / 100, value["height"] * height / 100
        degrees = float(value.get("rotation") or 0)
        if degrees and size:
            return _turned(x, y, w=w, h=h, degrees=degrees), False
        if degrees:  # a turn has no meaning in fractions of unequal sides
            return Shape("other", x, y, w, h, None, msgspec.json.encode(value).decode()), True
        return Shape("box", x, y, w, h, max(w, 0.0) * max(h, 0.0)), size is None
    if isinstance(value.get("points"), list):
        ring = [number for x, y in value["points"] for number in (x * width / 100, y * height / 100)]
        box, area = polygon_bounds([ring])
        return Shape("polygon", *box, area, msgspec.json.encode([ring]).decode()), size is None
    if str(item.get("type")).startswith("keypoint"):
        points = [[value["x"] * width / 100, value["y"] * height / 100, 2]]
        return Shape("keypoints", geometry=msgspec.json.encode({"points": points}).decode()), size is None
    if "start" in value:
        return _stretch(item, value), False
    if _is_shape(item):
        return Shape("other", geometry=msgspec.json.encode(value).decode()), False
    return Shape(), False


def _turned(x: float, y: float, *, w: float, h: float, degrees: float) -> Shape:
    """Label Studio turns clockwise about the upper left corner."""
    angle = math.radians(degrees)
    center = (
        x + w / 2 * math.cos(angle) - h / 2 * math.sin(angle),
        y + w / 2 * math.sin(angle) + h / 2 * math.cos(angle),
    )
    return rotated_shape(center, (w, h), degrees=degrees)


def _stretch(item: dict[str, Any], value: dict[str, Any]) -> Shape:
    """Characters of a text, or seconds of a recording."""
    offsets = value.get("globalOffsets")
    start, end = (
        (offsets["start"], offsets["end"])
        if isinstance(offsets, dict)
        else (value["start"], value.get("end"))
    )
    if "text" in value and isinstance(start, int) and isinstance(end, int):
        return Shape("span", geometry=msgspec.json.encode({"start": start, "end": end}).decode())
    is_sound = "channel" in value or "original_length" in item or "timeseries" in str(item.get("type"))
    if isinstance(start, int | float) and isinstance(end, int | float):
        if is_sound or isinstance(start, float) or isinstance(end, float):
            return Shape("range", geometry=msgspec.json.encode({"start_s": start, "end_s": end}).decode())
        return Shape("span", geometry=msgspec.json.encode({"start": start, "end": end}).decode())
    return Shape("other", geometry=msgspec.json.encode(value).decode())


def _asset_name(data: dict[str, Any]) -> str | None:
    """What the task is about: the first value that names a media file, else one below a usual key."""
    texts = [(key, value) for key, value in data.items() if isinstance(value, str) and value]
    for _, value in texts:
        named = _local(value)
        if media_kind(urlsplit(named).path if "://" in named else named):
            return named
    for key, value in texts:
        if key.lower() in _MEDIA_KEYS and " " not in value:
            return _local(value)
    return None


def _local(value: str) -> str:
    """/data/local-files/?d=a/b.jpg names a/b.jpg; /data/upload/3/x.jpg names upload/3/x.jpg."""
    if "/data/local-files/" in value:
        named = parse_qs(urlsplit(value).query).get("d")
        return named[0] if named else value
    return value.removeprefix("/data/") if value.startswith("/data/upload/") else value


def _person(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    return None if value is None else str(value)


def _word(value: Any) -> str | None:
    return str(value) if isinstance(value, int | float | str) and value != "" else None


def _status(kind: str, facts: dict[str, Any]) -> str | None:
    if kind == "drafts":
        return "draft"
    if facts.get("was_cancelled"):
        return "cancelled"
    return "ground_truth" if facts.get("ground_truth") else None


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


FORMAT = LabelStudio()
