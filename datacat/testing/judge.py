"""Whether one annotation fulfils a predicate: by looking at its row and its document, one after the other."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from datacat.model.schemas import SET_ASIDE
from datacat.model.spelling import one_form
from datacat.query import meaning as m
from datacat.query.periods import Period, bounds
from datacat.query.tree import Operator, Quantifier, RelationKind
from datacat.testing.boxes import Box, gap, iou, lies
from datacat.testing.corpus import Corpus, Row, leaves
from datacat.testing.frames import drawn_on, on_picture
from datacat.testing.kleene import every, negated, some


def answers_to(row: Row, predicate: m.Meaning) -> bool:
    """Whether an annotation answers to a predicate at all: skipped ones and drafts do where it asks for a status."""
    return row.get("status") not in SET_ASIDE or _asks_for_status(predicate)


def _asks_for_status(node: m.Meaning) -> bool:
    if isinstance(node, m.And | m.Or):
        return any(map(_asks_for_status, node.parts))
    if isinstance(node, m.Not):
        return _asks_for_status(node.part)
    return isinstance(node, m.ColumnIs | m.HasColumn) and node.column == "status"


class Judge:
    """Judges the annotations of a corpus: True, False, or None where nobody can say.

    Args:
        corpus: whose.
        has_looked: whether somebody looked for all that a predicate asks for, on an asset.
    """

    def __init__(
        self, corpus: Corpus, has_looked: Callable[[m.Meaning, int], bool] = lambda _, __: True
    ) -> None:
        self._corpus = corpus
        self._has_looked = has_looked
        self._assets = {row["asset"]: row for row in corpus.tables["assets"]}
        tracked = [row for row in corpus.tables["annotations"] if row.get("track") is not None]
        self._sequences: dict[int, set[str]] = {}  # label file -> what it speaks of
        for row in tracked:
            self._sequences.setdefault(row["source_file"], set()).add(self._sequence(row))
        self._tracks = Counter(self._track(row) for row in tracked)

    def _sequence(self, row: Row) -> str:
        """The folder of a frame; a film itself."""
        asset = self._assets[row["asset"]]
        uri: str = asset["uri"]
        return uri[: uri.rindex("/") + 1] if asset["media"] in ("image", "cloud") else uri

    def _track(self, row: Row) -> tuple[int, str, str]:
        """What tells tracks apart: equal ones are the same thing."""
        own = self._sequences[row["source_file"]]
        sequence = self._sequence(row) if len(own) == 1 else str(row["source_file"])
        return row["label_set"], row["track"], sequence

    def leaves(self, row: Row) -> list[tuple[str, str | None, float | None]]:
        """The leaves of an annotation's document."""
        return list(leaves(json.loads(row["attributes"] or "{}")))

    def fulfils(self, row: Row, node: m.Meaning) -> bool:
        """Whether an annotation is known to fulfil a predicate."""
        return self.judge(row, node) is True

    def judge(self, row: Row, node: m.Meaning) -> bool | None:
        """Whether an annotation fulfils a predicate."""
        match node:
            case m.Anything():
                return True
            case m.And(parts=parts) | m.LeafAnd(parts=parts):
                return every([self.judge(row, part) for part in parts])
            case m.Or(parts=parts):
                return some([self.judge(row, part) for part in parts])
            case m.Not(part=part):
                return negated(self.judge(row, part))
            case m.AttributeIs():
                return leaves_compare(self.leaves(row), node)
            case m.HasAttribute() | m.LengthIs() | m.ElementIs():
                return self._of_document(row, node)
            case m.Related():
                return self._is_related(row, node)
        return self._of_row(row, node)

    def _of_row(self, row: Row, node: m.Meaning) -> bool | None:
        match node:
            case m.ClassIs(members=members):
                if row["class"] is None:
                    return None
                return any(
                    row["class"] == member.name
                    and (member.label_sets is None or row["label_set"] in member.label_sets)
                    for member in members
                )
            case m.LabelSetIs(label_sets=label_sets):
                return row["label_set"] in label_sets
            case m.ColumnIs(column=column, operator=operator, values=values):
                content = row.get(column)
                return None if content is None else column_compares(content, operator, values=values)
            case m.HasColumn(column=column):
                return row.get(column) is not None
            case m.TimeIs(column=column, operator=operator, period=period):
                time = row.get(column)
                return None if time is None else in_period(time, operator, period=period)
            case m.TrackIs(operator=operator, number=number):
                if row.get("track") is None:
                    return None
                return ordered(self._tracks[self._track(row)], operator, right=number)
            case m.MeasureIs():
                measured = self._measure(row, node)
                return None if measured is None else _compares(measured, node.operator, number=node.number)
        raise AssertionError(node)

    def _of_document(self, row: Row, node: m.HasAttribute | m.LengthIs | m.ElementIs) -> bool | None:
        match node:
            case m.LengthIs() if row["label_set"] not in node.label_sets:
                return None  # its lists are all empty, if it has any
            case m.ElementIs(path=path, inner=inner):
                if not isinstance(_at(row, path.partition("[]")[0]), list):
                    return None
                return some([_holds_in(item, inner) for item in _elements(row, path)])
        return _holds_in(json.loads(row["attributes"] or "{}"), node)

    def _size(self, row: Row) -> tuple[int | None, int | None]:
        return drawn_on(self._corpus, row)[0]

    def _measure(self, row: Row, node: m.MeasureIs) -> float | None:
        row = on_picture(self._corpus, row)
        x, y, w, h = (row.get(side) for side in "xywh")
        is_share = bool(row.get("is_relative"))
        values: dict[str, float | None] = {
            "x": x, "y": y, "width": w, "height": h, "area": row.get("area"),
            "center_x": None if x is None or w is None else x + w / 2,
            "center_y": None if y is None or h is None else y + h / 2,
            "aspect": w / h if w is not None and h else None,
        }  # fmt: skip
        if node.name in ("start", "end", "duration"):
            starts, ends = row.get("starts"), row.get("ends")
            length = None if starts is None or ends is None else ends - starts
            return {"start": starts, "end": ends, "duration": length}[node.name]
        if not node.is_percent:
            return self._in_pixels(row, node.name) if is_share else values[node.name]
        width, height = self._size(row)
        whole = {
            "x": width,
            "y": height,
            "width": width,
            "height": height,
            "center_x": width,
            "center_y": height,
        }
        if node.name == "area":
            if is_share:
                return None if w is None or h is None else 100 * w * h
            return _per_cent(values["area"], None if width is None or height is None else width * height)
        value = values[node.name]
        return None if value is None else 100 * value if is_share else _per_cent(value, whole[node.name])

    def _in_pixels(self, row: Row, name: str) -> float | None:
        """A measure of a box in fractions, where the size of the asset is known."""
        (x, y, w, h), (width, height) = (row.get(side) for side in "xywh"), self._size(row)
        sides: dict[str, tuple[float | None, float | None]] = {
            "x": (x, width), "y": (y, height), "width": (w, width), "height": (h, height),
            "center_x": (None if x is None or w is None else x + w / 2, width),
            "center_y": (None if y is None or h is None else y + h / 2, height),
            "area": (None if w is None or h is None else w * h, width and height and width * height),
        }  # fmt: skip
        if name == "aspect":
            if w is None or not h or not width or not height:
                return None
            return float(w * width / (h * height))
        share, whole = sides[name]
        return None if share is None or whole is None else share * whole

    def box(self, row: Row) -> tuple[Box, int] | None:
        """The box, and its frame: 0 the picture's pixels, 1 fractions of an unknown size, 2 pixels of it turned."""
        row = on_picture(self._corpus, row)
        sides = [row.get(side) for side in "xywh"]
        if any(side is None for side in sides):
            return None
        x, y, w, h = (float(side) for side in sides if side is not None)
        box = (x, y, x + w, y + h)
        width, height = self._size(row)
        frame = 2 if drawn_on(self._corpus, row)[1] == (width, height) else 0
        if not row.get("is_relative"):
            return box, frame
        if width is None or height is None:
            return box, 1
        return (box[0] * width, box[1] * height, box[2] * width, box[3] * height), frame

    def _is_related(self, row: Row, node: m.Related) -> bool | None:
        answers = [
            every([self._is_sought(other, node.predicate), self._lies(row, other, node)])
            for other in self._corpus.tables["annotations"]
            if other["asset"] == row["asset"] and other["annotation"] != row["annotation"]
            if answers_to(other, node.predicate)
        ]
        return some([*answers, False if self._has_looked(node.predicate, row["asset"]) else None])

    def _is_sought(self, other: Row, predicate: m.Meaning) -> bool | None:
        """Who looked for a class has labelled all there is of it, so what has no class is not of it."""
        parts = m.conjuncts(predicate)
        if other["class"] is None and any(isinstance(part, m.ClassIs) for part in parts):
            return False
        return self.judge(other, predicate)

    def _lies(self, row: Row, other: Row, node: m.Related) -> bool | None:
        if node.kind is RelationKind.DURING:
            times = [r.get(end) for r in (row, other) for end in ("starts", "ends")]
            known = [time for time in times if time is not None]
            return None if len(known) < len(times) else known[0] < known[3] and known[2] < known[1]
        one, two = self.box(row), self.box(other)
        if one is None or two is None or one[1] != two[1]:
            return None
        if node.kind is RelationKind.IOU:
            share = iou(one[0], two[0])
            return None if share is None else _holds(share, node)
        if node.kind is RelationKind.NEAR:
            return None if one[1] == 1 else _holds(gap(one[0], two[0]), node)
        return lies(one[0], two[0], kind=node.kind)


def _holds(measured: float, node: m.Related) -> bool:
    assert node.operator is not None
    assert node.number is not None
    return _compares(measured, node.operator, number=node.number)


def _compares(measured: float, operator: Operator, *, number: float) -> bool:
    """What is reckoned from boxes is as exact as floating point is."""
    is_same = abs(measured - number) <= max(5e-7, 1e-12 * abs(number))
    return ordered(number if is_same else measured, operator, right=number)


def _per_cent(value: float | None, whole: float | None) -> float | None:
    return None if value is None or not whole else 100 * (value / whole)


def _elements(row: Row, path: str) -> list[Any]:
    found: list[Any] = [json.loads(row["attributes"] or "{}")]
    for step in path.split("."):
        name = step.removesuffix("[]")
        found = [item[name] for item in found if isinstance(item, dict) and name in item]
        if step.endswith("[]"):
            found = [inner for item in found if isinstance(item, list) for inner in item]
    return found


def _at(row: Row, path: str) -> Any:
    """What stands at a path without lists."""
    found = json.loads(row["attributes"] or "{}")
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _holds_in(document: Any, node: m.Meaning) -> bool | None:
    """Whether a condition holds of a document, or of an element in one."""
    match node:
        case m.And(parts=parts):
            return every([_holds_in(document, part) for part in parts])
        case m.Or(parts=parts):
            return some([_holds_in(document, part) for part in parts])
        case m.Not(part=part):
            return negated(_holds_in(document, part))
        case m.HasAttribute(paths=paths):
            return any(path in paths for path, _, _ in leaves(document))
        case m.LengthIs(path=path, operator=operator, number=number):
            for step in path.split("."):
                document = document.get(step) if isinstance(document, dict) else None
            return ordered(len(document), operator, right=number) if isinstance(document, list) else None
    assert isinstance(node, m.AttributeIs)
    return leaves_compare(leaves(document), node)


def leaves_compare(
    found_leaves: Iterable[tuple[str, str | None, float | None]], node: m.AttributeIs | m.MetadataIs
) -> bool | None:
    """Whether some leaf at the paths compares, or all or none of them do; None where there is none."""
    found = [
        _leaf_compares(text, number, node, path="" if node.quantifier else path)
        for path, text, number in found_leaves
        if path in node.paths
    ]
    if not found:
        return None
    if node.quantifier is Quantifier.ALL:
        return every(found)
    return negated(some(found)) if node.quantifier is Quantifier.NONE else some(found)


def _leaf_compares(
    text: str | None, number: float | None, node: m.AttributeIs | m.MetadataIs, *, path: str
) -> bool | None:
    if text is None:
        return None
    holds = compares(text, number, operator=node.operator, values=node.values, path=path, has_periods=True)
    is_ordered = node.operator in (
        Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST,
    )  # fmt: skip
    if holds or not is_ordered:
        return holds
    value = node.values[0]
    if value.number is None:
        return False if number is None else None
    is_read = number is not None or (_is_date(value) and re.match(r"[0-9]{4}-[0-9]{2}", text) is not None)
    return False if is_read else None


def in_period(time: datetime | None, operator: Operator, *, period: Period) -> bool:
    """Whether a time compares with a period."""
    if time is None:
        return False
    start, end = bounds(operator, period)
    is_inside = (start is None or time >= start) and (end is None or time < end)
    return is_inside is not (operator is Operator.UNEQUAL)


def column_compares(content: Any, operator: Operator, *, values: Sequence[m.Value]) -> bool:
    """Compares a column's content, None for null."""
    if isinstance(content, str) or content is None:
        return compares(content, None, operator=operator, values=values)
    numbers = [value.number for value in values]
    if operator in (Operator.IN, Operator.NOT_IN):
        return (float(content) in numbers) is (operator is Operator.IN)
    return ordered(float(content), operator, right=numbers[0])


def compares(
    text: str | None,
    number: float | None,
    *,
    operator: Operator,
    values: Sequence[m.Value],
    path: str = "",
    has_periods: bool = False,
) -> bool:
    """Compares one value, given as text and, if it is one, as number."""
    if text is None:
        return False
    value = values[0]
    if operator is Operator.MATCHES:
        pattern, composed = (unicodedata.normalize("NFC", one) for one in (value.text, text))
        return re.search(pattern, composed, re.IGNORECASE) is not None
    if operator is Operator.CONTAINS and not path.endswith("[]"):
        return one_form(value.text) in one_form(text)
    if operator in (Operator.EQUAL, Operator.UNEQUAL, Operator.IN, Operator.NOT_IN, Operator.CONTAINS):
        is_same = any(
            _is_same(text, number, value=one) or (has_periods and _is_in_period(text, one)) for one in values
        )
        return is_same is (operator not in (Operator.UNEQUAL, Operator.NOT_IN))
    if value.number is not None and number is not None:
        if re.fullmatch(r"-?[0-9]+", text) and re.fullmatch(r"-?[0-9]+", value.text):
            return ordered(int(text), operator, right=int(value.text))
        return ordered(number, operator, right=value.number)
    is_date = _is_date(value)
    if number is not None or (
        value.number is not None and not (is_date and re.match(r"[0-9]{4}-[0-9]{2}", text))
    ):
        return False
    if is_date and text.startswith(value.text):
        return operator in (Operator.AT_MOST, Operator.AT_LEAST)
    return ordered(one_form(text), operator, right=one_form(value.text))


def _is_date(value: m.Value) -> bool:
    return not value.is_quoted and re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", value.text) is not None


def _is_in_period(text: str, value: m.Value) -> bool:
    is_of_date = re.match(r"[0-9]{4}-[0-9]{2}(-[0-9]{2}([Tt ]|$)|$)", text) is not None
    return _is_date(value) and is_of_date and text.startswith(value.text)


def _is_same(text: str, number: float | None, *, value: m.Value) -> bool:
    is_number = number is not None and number == value.number and not value.is_long
    return is_number or _same_text(text, value)


def ordered(left: Any, operator: Operator, *, right: Any) -> bool:
    """`left operator right` for numbers or texts."""
    answers: dict[Operator, bool] = {
        Operator.EQUAL: left == right,
        Operator.UNEQUAL: left != right,
        Operator.LESS: left < right,
        Operator.AT_MOST: left <= right,
        Operator.GREATER: left > right,
        Operator.AT_LEAST: left >= right,
    }
    return answers[operator]


def _same_text(text: str, value: m.Value) -> bool:
    if not value.is_pattern:
        return one_form(text) == one_form(value.text)
    return re.fullmatch(_pattern(one_form(value.text)), one_form(text), re.DOTALL) is not None


def uri_is(uri: str, operator: Operator, *, values: Sequence[m.Value]) -> bool:
    """Compares a URI, whole or from a slash on."""
    if operator not in (Operator.EQUAL, Operator.UNEQUAL, Operator.IN, Operator.NOT_IN):
        return compares(uri, None, operator=operator, values=values)
    is_same = any(
        re.fullmatch(
            f"(.*/)?{_pattern(value.text) if value.is_pattern else re.escape(value.text)}", uri, re.DOTALL
        )
        is not None
        for value in values
    )
    return is_same is (operator in (Operator.EQUAL, Operator.IN))


def _pattern(text: str) -> str:
    return ".*".join(map(re.escape, text.split("*")))
