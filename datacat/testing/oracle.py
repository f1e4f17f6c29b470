"""The slow, obvious answer to a query, over plain Python rows.

It shares with the engine the parser and the binder, which have golden cases of their own; everything behind
them (rules, SQL, the index) is done here by looking at each annotation's document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from datacat.query import meaning as m
from datacat.query.tree import Operator
from datacat.testing.corpus import Corpus, Row, leaves


class Oracle:
    """Answers bound queries about a corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def assets(self, node: m.Meaning) -> list[int]:
        """The numbers of the assets for which `node` holds, ascending."""
        return [row["asset"] for row in self._corpus.tables["assets"] if self._holds(node, row)]

    def annotations(self, node: m.Meaning) -> list[tuple[int, int]]:
        """(asset, annotation) of what fulfils the query on those assets, ascending."""
        found = {
            (asset["asset"], annotation["annotation"])
            for asset in self._corpus.tables["assets"]
            if self._holds(node, asset)
            for annotation in self._evidence(node, asset)
        }
        return sorted(found)

    def _of(self, asset: Row) -> list[Row]:
        return [row for row in self._corpus.tables["annotations"] if row["asset"] == asset["asset"]]

    def _listings(self, asset: Row) -> list[Row]:
        return [row for row in self._corpus.tables["label_set_assets"] if row["asset"] == asset["asset"]]

    def _holds(self, node: m.Meaning, asset: Row) -> bool:
        match node:
            case m.Everything():
                return True
            case m.And(parts=parts):
                return all(self._holds(part, asset) for part in parts)
            case m.Or(parts=parts):
                return any(self._holds(part, asset) for part in parts)
            case m.Not(part=part):
                return not self._holds(part, asset)
            case m.Some(predicate=predicate):
                return any(fulfils(row, predicate) for row in self._of(asset))
            case m.Counted(predicate=predicate, operator=operator, number=number):
                return ordered(
                    sum(fulfils(row, predicate) for row in self._of(asset)), operator, right=number
                )
            case m.InLabelSet(label_sets=label_sets):
                return any(row["label_set"] in label_sets for row in self._listings(asset))
            case m.SplitIs(operator=operator, value=value):
                return any(
                    compares(row.get("split"), None, operator=operator, value=value)
                    for row in self._listings(asset)
                )
            case m.AssetState(state=state):
                return self._is(state, asset)
            case m.AssetIs(column="uri", operator=operator, value=value):
                return _uri_is(asset["uri"], operator, value=value)
            case m.AssetIs(column=column, operator=operator, value=value):
                return column_compares(asset.get(column), operator, value=value)
        raise AssertionError(node)

    def _is(self, state: str, asset: Row) -> bool:
        answers = {
            "missing": bool(asset["is_missing"]),
            "unreadable": asset.get("fault") is not None,
            "labelled": bool(self._of(asset)),
            "unlabelled": not self._of(asset),
        }
        return answers[state]

    def _evidence(self, node: m.Meaning, asset: Row) -> Iterator[Row]:
        match node:
            case m.And(parts=parts):
                for part in parts:
                    yield from self._evidence(part, asset)
            case m.Or(parts=parts):
                for part in parts:
                    if self._holds(part, asset):
                        yield from self._evidence(part, asset)
            case m.Some(predicate=predicate) | m.Counted(predicate=predicate):
                yield from (row for row in self._of(asset) if fulfils(row, predicate))
            case m.InLabelSet(label_sets=label_sets):
                yield from (row for row in self._of(asset) if row["label_set"] in label_sets)


def fulfils(row: Row, node: m.Meaning) -> bool:
    """Whether one annotation fulfils a predicate."""
    match node:
        case m.Anything():
            return True
        case m.And(parts=parts):
            return all(fulfils(row, part) for part in parts)
        case m.Or(parts=parts):
            return any(fulfils(row, part) for part in parts)
        case m.Not(part=part):
            return not fulfils(row, part)
        case m.ClassIs(members=members):
            return any(
                row["class"] == member.name
                and (member.label_sets is None or row["label_set"] in member.label_sets)
                for member in members
            )
        case m.LabelSetIs(label_sets=label_sets):
            return row["label_set"] in label_sets
        case m.ColumnIs(column=column, operator=operator, value=value):
            return column_compares(row.get(column), operator, value=value)
    document = leaves(json.loads(row["attributes"] or "{}"))
    if isinstance(node, m.HasAttribute):
        return any(re.match(re.escape(node.path) + r"($|\.|\[)", path) for path, _, _ in document)
    assert isinstance(node, m.AttributeIs)
    return any(
        path in node.paths and compares(text, number, operator=node.operator, value=node.value)
        for path, text, number in document
    )


def column_compares(content: Any, operator: Operator, *, value: m.Value) -> bool:
    """Compares a column's content, None for null."""
    if isinstance(content, str) or content is None:
        return compares(content, None, operator=operator, value=value)
    assert value.number is not None
    return ordered(float(content), operator, right=value.number)


def compares(text: str | None, number: float | None, *, operator: Operator, value: m.Value) -> bool:
    """Compares one value, given as text and, if it is one, as number."""
    if text is None:
        return False
    if operator is Operator.MATCHES:
        return re.search(value.text, text, re.IGNORECASE) is not None
    if operator in (Operator.EQUAL, Operator.UNEQUAL):
        is_same = number is not None and number == value.number
        return (is_same or _same_text(text, value)) is (operator is Operator.EQUAL)
    if value.number is not None and number is not None:
        return ordered(number, operator, right=value.number)
    return (
        (number is None)
        and value.number is None
        and ordered(text.lower(), operator, right=value.text.lower())
    )


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
        return text.lower() == value.text.lower()
    return re.fullmatch(_pattern(value.text), text, re.IGNORECASE | re.DOTALL) is not None


def _uri_is(uri: str, operator: Operator, *, value: m.Value) -> bool:
    if operator not in (Operator.EQUAL, Operator.UNEQUAL):
        return compares(uri, None, operator=operator, value=value)
    pattern = _pattern(value.text) if value.is_pattern else re.escape(value.text)
    is_same = re.fullmatch(f"(.*/)?{pattern}", uri, re.DOTALL) is not None
    return is_same is (operator is Operator.EQUAL)


def _pattern(text: str) -> str:
    return ".*".join(map(re.escape, text.split("*")))
