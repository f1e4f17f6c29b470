"""The slow, obvious answer to a query, over plain Python rows.

It shares with the engine the parser and the binder, which have golden cases of their own; everything behind
them (rules, SQL, the index) is done here by looking at each annotation's document. Answers have three values: what
holds is True, what is known not to is False, and None is what nobody can say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from datacat.query import meaning as m
from datacat.query.tree import Operator
from datacat.testing.corpus import Corpus, Row
from datacat.testing.globe import lies_within
from datacat.testing.judge import Judge, column_compares, compares, in_period, leaves_compare, ordered, uri_is


class Oracle:
    """Answers bound queries about a corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._judge = Judge(corpus)

    def assets(self, node: m.Meaning) -> list[int]:
        """The numbers of the assets for which `node` holds, ascending."""
        return [row["asset"] for row in self._corpus.tables["assets"] if self.answer(node, row) is True]

    def refuted(self, node: m.Meaning) -> list[int]:
        """The numbers of the assets for which it is known not to hold."""
        return [row["asset"] for row in self._corpus.tables["assets"] if self.answer(node, row) is False]

    def annotations(self, node: m.Meaning) -> list[tuple[int, int]]:
        """(asset, annotation) of what fulfils the query on those assets, ascending."""
        found = {
            (asset["asset"], annotation["annotation"])
            for asset in self._corpus.tables["assets"]
            if self.answer(node, asset) is True
            for annotation in self._evidence(node, asset, is_negated=False)
        }
        return sorted(found)

    def answer(self, node: m.Meaning, asset: Row) -> bool | None:
        """Whether `node` holds of an asset; None: nobody can say."""
        match node:
            case m.And(parts=parts):
                return _all([self.answer(part, asset) for part in parts])
            case m.Or(parts=parts):
                return _not(_all([_not(self.answer(part, asset)) for part in parts]))
            case m.Not(part=part):
                return _not(self.answer(part, asset))
            case m.Unknown(part=part):
                return self.answer(part, asset) is None
            case m.Some(predicate=m.Or(parts=parts)):
                return self.answer(m.Or(tuple(m.Some(part) for part in parts)), asset)
            case m.Some(predicate=predicate):
                return self.answer(m.Counted(predicate, Operator.AT_LEAST, 1), asset)
            case m.Counted(predicate=predicate, operator=operator, number=number):
                holds = ordered(self._number(predicate, asset), operator, right=number)
                if holds is ordered(0, operator, right=number) and not self._is_decided(predicate, asset):
                    return None
                return holds
            case m.CountedValues():
                return self._counted_values(node, asset)
        if isinstance(node, m.Stated):
            return self._fact(node, asset) or (False if self._is_stated(node, asset) else None)
        return self._fact(node, asset)

    def _is_stated(self, node: m.Stated, asset: Row) -> bool:
        """Whether somebody says of the asset what the fact asks about."""
        match node:
            case m.MetadataIs(paths=paths):
                return any(row["path"] in paths and row["text"] is not None for row in self._metadata(asset))
            case m.Within():
                return any(row.get("latitude") is not None for row in (asset, *self._listings(asset)))
            case m.AssetIs(column="aspect"):
                return asset.get("width") is not None and bool(asset.get("height"))
            case m.AssetTime(column="captured"):
                return any(row.get("captured") is not None for row in (asset, *self._listings(asset)))
        return asset.get(node.column) is not None

    def _of(self, asset: Row) -> list[Row]:
        return [row for row in self._corpus.tables["annotations"] if row["asset"] == asset["asset"]]

    def _listings(self, asset: Row) -> list[Row]:
        return [row for row in self._corpus.tables["label_set_assets"] if row["asset"] == asset["asset"]]

    def _number(self, predicate: m.Meaning, asset: Row) -> int:
        return sum(self._judge.fulfils(row, predicate) for row in self._of(asset))

    def _counted_values(self, node: m.CountedValues, asset: Row) -> bool:
        fulfilling = [row for row in self._of(asset) if self._judge.fulfils(row, node.predicate)]
        values = {self._corpus.value(row, node.column) for row in fulfilling} - {None}
        return ordered(len(values), node.operator, right=node.number)

    def _is_decided(self, predicate: m.Meaning, asset: Row) -> bool:
        """Whether somebody who looked for such annotations on the asset would have said so."""
        parts = predicate.parts if isinstance(predicate, m.And) else (predicate,)
        asked = [part for part in parts if isinstance(part, m.ClassIs)]
        conditions = list(_attributes(predicate))
        if any(self._may_miss_others(parts, part, asset) for part in parts if isinstance(part, m.Related)):
            return False
        if not asked and not conditions:
            return True
        speakers = {row["label_set"] for row in self._listings(asset)}
        speakers |= {row["label_set"] for row in self._said(asset)}
        for part in parts:
            if isinstance(part, m.LabelSetIs):
                speakers &= set(part.label_sets)
        if not asked:
            paths = {path for condition in conditions for path in condition.paths}
            return any(self._labels(number, paths) for number in speakers & self._listing_sets(asset))
        return any(
            any(self._looked(part, number, asset) for part in asked)
            and not any(self._is_silent(parts, condition, number, asset) for condition in conditions)
            for number in speakers
        )

    def _may_miss_others(self, parts: tuple[m.Meaning, ...], related: m.Related, asset: Row) -> bool:
        """Whether an annotation could lie so to another for which nobody looked."""
        rest = [part for part in parts if part is not related]
        return not self._is_decided(related.predicate, asset) and any(
            all(self._judge.fulfils(row, part) for part in rest) for row in self._of(asset)
        )

    def _listing_sets(self, asset: Row) -> set[int]:
        return {row["label_set"] for row in self._listings(asset)}

    def _said(self, asset: Row) -> list[Row]:
        return [row for row in self._corpus.tables["coverage"] if row["asset"] == asset["asset"]]

    def _labels(self, label_set: int, paths: set[str]) -> bool:
        rows = self._corpus.tables["attribute_values"]
        return any(row["label_set"] == label_set and row["path"] in paths for row in rows)

    def _looked(self, asked: m.ClassIs, label_set: int, asset: Row) -> bool:
        said = [row for row in self._said(asset) if row["label_set"] == label_set]
        if any(row["answer"] in ("absent", "exhaustive") and _is_member(row, asked.names) for row in said):
            return True
        if any(row["answer"] == "absent" and _is_member(row, asked.above) for row in said):
            return True
        if any(row["answer"] == "not_exhaustive" and _is_member(row, asked.members) for row in said):
            return False
        return label_set in asked.covered_by and label_set in self._listing_sets(asset)

    def _is_silent(
        self, parts: tuple[m.Meaning, ...], condition: _OfAttributes, label_set: int, asset: Row
    ) -> bool:
        """Whether an annotation of the label set could fulfil it and has no value at its paths."""
        plain = [part for part in parts if _is_of_row(part)]
        return any(
            row["label_set"] == label_set
            and all(self._judge.fulfils(row, part) for part in plain)
            and not self._says(row, condition)
            for row in self._of(asset)
        )

    def _says(self, row: Row, condition: _OfAttributes) -> bool:
        if isinstance(condition, m.AttributeIs):
            leaves = self._judge.leaves(row)
            return any(path in condition.paths and text is not None for path, text, _ in leaves)
        content: Any = json.loads(row["attributes"] or "{}")
        for step in condition.path.partition("[]")[0].split("."):
            content = content.get(step) if isinstance(content, dict) else None
        return content is not None

    def _fact(self, node: m.Meaning, asset: Row) -> bool:
        match node:
            case m.Everything():
                return True
            case m.InLabelSet(label_sets=label_sets):
                return any(row["label_set"] in label_sets for row in self._listings(asset))
            case m.SplitIs(operator=operator, values=values):
                return any(
                    compares(row.get("split"), None, operator=operator, values=values)
                    for row in self._listings(asset)
                )
            case m.MetadataIs():
                leaves = [(row["path"], row["text"], row["number"]) for row in self._metadata(asset)]
                return leaves_compare(leaves, node)
            case m.HasMetadata(paths=paths):
                return any(row["path"] in paths for row in self._metadata(asset))
        return self._own_fact(node, asset)

    def _own_fact(self, node: m.Meaning, asset: Row) -> bool:
        match node:
            case m.AssetState(state=state):
                return self._is(state, asset)
            case m.AssetIs(column="uri", operator=operator, values=values):
                return uri_is(asset["uri"], operator, values=values)
            case m.AssetIs(column="aspect", operator=operator, values=values):
                width, height = asset.get("width"), asset.get("height")
                ratio = width / height if width is not None and height else None
                return column_compares(ratio, operator, values=values)
            case m.AssetIs(column=column, operator=operator, values=values):
                return column_compares(asset.get(column), operator, values=values)
            case m.AssetTime(column=column, operator=operator, period=period):
                times = [asset.get(column)]
                if column == "captured":
                    times += [row.get("captured") for row in self._listings(asset)]
                return any(in_period(time, operator, period=period) for time in times)
            case m.Within(corners=corners, km=km):
                spoken = [asset, *self._listings(asset)]
                places = [(row.get("latitude"), row.get("longitude")) for row in spoken]
                return any(lies_within(place, corners, km=km) for place in places if None not in place)
            case m.FromSource(operator=operator, value=value):
                named = any(_is_from(uri, operator, value=value) for uri in self._sources(asset))
                return named is not (operator is Operator.UNEQUAL)
        raise AssertionError(node)

    def _sources(self, asset: Row) -> list[str]:
        """The label files that speak of an asset, and the places of their label sets."""
        files = {row["source_file"] for row in self._listings(asset)}
        uris = [row["uri"] for row in self._corpus.tables["source_files"] if row["source_file"] in files]
        sets = self._listing_sets(asset)
        return uris + [row["location"] for row in self._corpus.tables["sources"] if row["label_set"] in sets]

    def _metadata(self, asset: Row) -> list[Row]:
        return [row for row in self._corpus.tables["metadata_values"] if row["asset"] == asset["asset"]]

    def _is(self, state: str, asset: Row) -> bool:
        digests = [row.get("digest") for row in self._corpus.tables["assets"]]
        answers = {
            "missing": bool(asset["is_missing"]),
            "unreadable": asset.get("fault") is not None,
            "labelled": bool(self._of(asset)),
            "unlabelled": not self._of(asset),
            "duplicate": asset.get("digest") is not None and digests.count(asset["digest"]) > 1,
        }
        return answers[state]

    def _evidence(self, node: m.Meaning, asset: Row, *, is_negated: bool) -> Iterator[Row]:
        match node:
            case m.Not(part=part):
                yield from self._evidence(part, asset, is_negated=not is_negated)
            case m.And(parts=parts) | m.Or(parts=parts):
                for part in parts:
                    asked = m.Not(part) if is_negated else part
                    if self.answer(asked, asset) is True:
                        yield from self._evidence(part, asset, is_negated=is_negated)
            case m.Some(predicate=predicate) if not is_negated:
                yield from (row for row in self._of(asset) if self._judge.fulfils(row, predicate))
            case m.Counted(predicate=predicate) | m.CountedValues(predicate=predicate):
                yield from (row for row in self._of(asset) if self._judge.fulfils(row, predicate))
            case m.InLabelSet(label_sets=label_sets) if not is_negated:
                yield from (row for row in self._of(asset) if row["label_set"] in label_sets)


def _is_from(uri: str, operator: Operator, *, value: m.Value) -> bool:
    if operator is Operator.MATCHES or value.is_pattern:
        asked = operator if operator is Operator.MATCHES else Operator.EQUAL
        return compares(uri, None, operator=asked, values=(value,))
    text = value.text.rstrip("/")
    return uri.lower() == text.lower() or uri.startswith(text + "/") or uri.endswith("/" + text)


def _all(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


_OfAttributes = m.AttributeIs | m.LengthIs | m.ElementIs


def _attributes(node: m.Meaning) -> Iterator[_OfAttributes]:
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            for part in parts:
                yield from _attributes(part)
        case m.AttributeIs() | m.LengthIs() | m.ElementIs():
            yield node


def _is_of_row(node: m.Meaning) -> bool:
    """Whether a predicate looks at the annotation itself, and not at its document or at others."""
    looked_up = m.AttributeIs | m.HasAttribute | m.LengthIs | m.ElementIs | m.Related
    return not any(isinstance(part, looked_up) for part in m.descendants(node))


def _is_member(row: Row, members: tuple[m.ClassMember, ...]) -> bool:
    return any(
        row["class"] == member.name and (member.label_sets is None or row["label_set"] in member.label_sets)
        for member in members
    )
