"""The slow, obvious answer to a query, over plain Python rows.

It shares with the engine the parser and the binder, which have golden cases of their own; everything behind
them (rules, SQL, the index) is done here by looking at each annotation's document. Answers have three values: what
holds is True, what is known not to is False, and None is what nobody can say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property, partial

from datacat.query import meaning as m
from datacat.query.tree import Operator
from datacat.query.vocabulary import Vocabulary, read_vocabulary
from datacat.testing.accord import agrees
from datacat.testing.across import is_thing, merged, once, voice
from datacat.testing.corpus import Corpus, Row, has_bytes
from datacat.testing.globe import lies_within
from datacat.testing.judge import (
    Judge,
    answers_to,
    column_compares,
    compares,
    in_period,
    leaves_compare,
    ordered,
    uri_is,
)
from datacat.testing.kleene import every, negated


class Oracle:
    """Answers bound queries about a corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._judge = Judge(corpus, self._has_looked)
        self._by_asset = {row["asset"]: row for row in corpus.tables["assets"]}

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
                return every([self.answer(part, asset) for part in parts])
            case m.Or(parts=parts):
                return negated(every([negated(self.answer(part, asset)) for part in parts]))
            case m.Not(part=part):
                return negated(self.answer(part, asset))
            case m.Unknown(part=part):
                return self.answer(part, asset) is None
            case m.Some(predicate=m.Or(parts=parts)):
                return self.answer(m.Or(tuple(m.Some(part) for part in parts)), asset)
            case m.Some(predicate=predicate):
                if any(self._judge.fulfils(row, predicate) for row in self._standing(predicate, asset)):
                    return True
                return False if self._is_decided(predicate, asset) else None
            case m.Counted():
                return self._counted(node, asset)
            case m.CountedValues():
                return self._counted_values(node, asset)
            case m.AgreementIs():
                return agrees(self._corpus, self._words, node=node, asset=asset["asset"])
            case m.MetadataIs():
                return leaves_compare(
                    [(r["path"], r["text"], r["number"]) for r in self._metadata(asset)], node
                )
        if isinstance(node, m.AssetIs | m.AssetTime | m.Within):
            return self._fact(node, asset) or (False if self._is_stated(node, asset) else None)
        return self._fact(node, asset)

    def _is_stated(self, node: m.AssetIs | m.AssetTime | m.Within, asset: Row) -> bool:
        """Whether somebody says of the asset what the fact asks about."""
        match node:
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

    def _counted(self, node: m.Counted, asset: Row) -> bool | None:
        """What some voice says holds; all who looked must deny it for it to be known not to be so."""
        if (node.operator, node.number) in _ANY:
            return self.answer(m.Some(node.predicate), asset)
        if (node.operator, node.number) in _NONE:
            return negated(self.answer(m.Some(node.predicate), asset))
        if (node.operator, node.number) == (Operator.LESS, 0):
            return False
        said = list(self._said_number(node.predicate, asset))
        if node.is_across:
            drawn = once(*self._sure_and_open(node.predicate, asset), vocabulary=self._words)
            lo, hi = merged(*drawn, judge=self._judge)
            is_bounded = any(most != math.inf for _, most, _ in said)
            return _between(lo, hi if is_bounded else math.inf, node)
        answers = [(_between(lo, hi, node), has_looked) for lo, hi, has_looked in said]
        if any(answer is True for answer, _ in answers) or (node.operator, node.number) == (
            Operator.AT_LEAST,
            0,
        ):
            return True
        is_denied = any(answer is False for answer, _ in answers)
        return (
            None if not is_denied or any(answer is None and looked for answer, looked in answers) else False
        )

    def _sure_and_open(self, predicate: m.Meaning, asset: Row) -> tuple[list[Row], list[Row]]:
        rows = self._standing(predicate, asset)
        sure = [r for r in rows if self._judge.fulfils(r, predicate)]
        return sure, [r for r in rows if r not in sure and self._may_fulfil(r, predicate)]

    @cached_property
    def _words(self) -> Vocabulary:
        return read_vocabulary(self._corpus.cursor())

    def _said_number(self, predicate: m.Meaning, asset: Row) -> Iterator[tuple[int, float, bool]]:
        """Of each voice: how many there are at least, at most, and whether it has looked."""
        rows = self._standing(predicate, asset)
        looked = self._speaking(predicate, asset)
        if self._needs_nobody(predicate):
            is_rejected = {r["label_set"] for r in self._rejects(asset)}
            looked = (self._listing_sets(asset) or {-1}) - is_rejected
        makers = set(map(voice, rows)) | {(number, None) for number in looked}
        for label_set, maker in makers:
            own = [r for r in rows if voice(r) == (label_set, maker)]
            sure = [r for r in own if self._judge.fulfils(r, predicate)]
            open_ = [r for r in own if r not in sure and self._may_fulfil(r, predicate)]
            sure, open_ = once(sure, open_, vocabulary=self._words)
            things = sum(map(is_thing, sure))
            lo = max(things, min(1, len(sure)))
            has_groups = any(r.get("is_crowd") for r in sure + open_)
            has_whole = any(r["geometry_type"] == "none" for r in sure + open_)
            has_looked = maker is None and label_set in looked
            is_bounded = has_looked and not has_groups and not (has_whole and not things)
            yield lo, lo + sum(map(is_thing, open_)) if is_bounded else math.inf, has_looked

    def _counted_values(self, node: m.CountedValues, asset: Row) -> bool | None:
        sure, open_ = self._sure_and_open(node.predicate, asset)
        lo = len({self._corpus.value(row, node.column) for row in sure} - {None})
        unsaid = [
            row for row in sure if node.column in ("annotator", "status") and row.get(node.column) is None
        ]
        return _between(lo, lo + len(open_) + len(unsaid), node)

    def _is_decided(self, predicate: m.Meaning, asset: Row) -> bool:
        """Whether it is known of all annotations that none fulfils it where none is seen to."""
        rows = [row for row in self._standing(predicate, asset) if self._may_fulfil(row, predicate)]
        if self._needs_nobody(predicate):
            is_open = self._may_be_open(predicate)
            return not is_open or (not rows and not self._rejects(asset))
        if not _names_class(predicate) and rows:
            return False
        doubted = {row["label_set"] for row in rows}
        return bool(self._speaking(predicate, asset) - (doubted if self._may_be_open(predicate) else set()))

    def _has_looked(self, predicate: m.Meaning, asset: int) -> bool:
        row = self._by_asset[asset]
        return self._needs_nobody(predicate) or bool(self._speaking(predicate, row))

    def _needs_nobody(self, predicate: m.Meaning) -> bool:
        return not _names_class(predicate) and not list(_attributes(predicate)) and not list(_own(predicate))

    def _may_be_open(self, predicate: m.Meaning) -> bool:
        parts = [part for part in m.conjuncts(predicate) if not isinstance(part, m.ClassIs)]
        return any(map(_may_be_open, parts))

    def _may_fulfil(self, row: Row, predicate: m.Meaning) -> bool:
        """Whether it cannot be said that an annotation does not."""
        for part in m.conjuncts(predicate):
            answer = self._judge.judge(row, part)
            is_open = not isinstance(part, m.ClassIs) and _may_be_open(part)
            if answer is False or (answer is None and not is_open):
                return False
        return True

    def _speaking(self, predicate: m.Meaning, asset: Row) -> set[int]:
        """The label sets that looked for such annotations on the asset and whose records could all be read."""
        sets = self._listing_sets(asset) | {row["label_set"] for row in self._said(asset)}
        for part in m.conjuncts(predicate):
            if isinstance(part, m.LabelSetIs):
                sets &= set(part.label_sets)
            if isinstance(part, m.Not) and isinstance(part.part, m.LabelSetIs):
                sets -= set(part.part.label_sets)
        if _names_class(predicate):
            return {number for number in sets if self._looked_for(predicate, number, asset)}
        paths = {path for condition in _attributes(predicate) for path in condition.paths}
        says: list[Callable[[int], bool]] = [
            lambda number: self._labels(number, paths),
            *(partial(self._has_column, column=column) for column in _own(predicate)),
        ]
        labelling = self._corpus.labelling_sets(asset) - {row["label_set"] for row in self._rejects(asset)}
        return {number for number in sets & labelling if any(say(number) for say in says)}

    def _looked_for(self, node: m.Meaning, label_set: int, asset: Row) -> bool:
        match node:
            case m.ClassIs():
                rejects = [r for r in self._rejects(asset) if r["label_set"] == label_set]
                doubted = any(
                    r["class"] is None or _is_member(r, (*node.members, *node.above)) for r in rejects
                )
                return not doubted and self._looked(node, label_set, asset)
            case m.And(parts=parts):
                return any(self._looked_for(part, label_set, asset) for part in parts if _names_class(part))
            case m.Or(parts=parts):
                return all(self._looked_for(part, label_set, asset) for part in parts if _names_class(part))
        raise AssertionError(node)

    def _rejects(self, asset: Row) -> list[Row]:
        """Records that could not be read and may be of the asset."""
        files = {(row["label_set"], row["source_file"]) for row in self._listings(asset)}
        return [
            row
            for row in self._corpus.tables["rejects"]
            if row["asset"] == asset["asset"]
            or (row["asset"] is None and (row["label_set"], row["source_file"]) in files)
        ]

    def _has_column(self, label_set: int, *, column: str) -> bool:
        rows = self._corpus.tables["annotations"]
        return any(row["label_set"] == label_set and row.get(column) is not None for row in rows)

    def _standing(self, predicate: m.Meaning, asset: Row) -> list[Row]:
        """The annotations of an asset that a predicate speaks of: skipped ones where it asks for a status."""
        return [row for row in self._of(asset) if answers_to(row, predicate)]

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
        return label_set in asked.covered_by and label_set in self._corpus.labelling_sets(asset)

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
        digests = [row.get("digest") for row in self._corpus.tables["assets"] if has_bytes(row)]
        answers = {
            "missing": bool(asset["is_missing"]),
            "unreadable": asset.get("fault") is not None,
            "labelled": bool(self._standing(m.Anything(), asset)),
            "unlabelled": not self._standing(m.Anything(), asset),
            "duplicate": has_bytes(asset) and digests.count(asset["digest"]) > 1,
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
                yield from (
                    row for row in self._standing(predicate, asset) if self._judge.fulfils(row, predicate)
                )
            case m.Counted() if is_negated and (node.operator, node.number) not in (*_ANY, *_NONE):
                return
            case m.Counted(predicate=predicate) | m.CountedValues(predicate=predicate):
                yield from (
                    row for row in self._standing(predicate, asset) if self._judge.fulfils(row, predicate)
                )
            case m.InLabelSet(label_sets=chosen) if not is_negated:
                yield from (r for r in self._standing(m.Anything(), asset) if r["label_set"] in chosen)


def _is_from(uri: str, operator: Operator, *, value: m.Value) -> bool:
    if operator is Operator.MATCHES or value.is_pattern:
        asked = operator if operator is Operator.MATCHES else Operator.EQUAL
        return compares(uri, None, operator=asked, values=(value,))
    text = value.text.rstrip("/")
    return uri.lower() == text.lower() or uri.startswith(text + "/") or uri.endswith("/" + text)


_ANY = ((Operator.AT_LEAST, 1), (Operator.GREATER, 0), (Operator.UNEQUAL, 0))
_NONE = ((Operator.LESS, 1), (Operator.AT_MOST, 0), (Operator.EQUAL, 0))


def _between(lo: int, hi: float, node: m.Counted | m.CountedValues) -> bool | None:
    """Whether all numbers from lo to hi compare so, or none of them, or some."""
    operator, number = node.operator, node.number
    numbers = [*range(lo, number + 2), lo, number + 2] if hi == math.inf else range(lo, int(hi) + 1)
    answers = {ordered(one, operator, right=number) for one in numbers if one >= lo}
    return answers.pop() if len(answers) == 1 else None


def _names_class(node: m.Meaning) -> bool:
    if isinstance(node, m.And | m.Or):
        return any(map(_names_class, node.parts))
    return isinstance(node, m.ClassIs)


def _own(node: m.Meaning) -> Iterator[str]:
    """Columns that only annotations of some sort have."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            for part in parts:
                yield from _own(part)
        case m.Not(part=part):
            yield from _own(part)
        case m.ColumnIs(column="text" | "track" | "confidence" as column):
            yield column
        case m.TrackIs():
            yield "track"


def _may_be_open(node: m.Meaning) -> bool:
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return any(map(_may_be_open, parts))
        case m.Not(part=part):
            return _may_be_open(part)
        case m.ColumnIs(column="kind" | "geometry_type"):
            return False
    return not isinstance(node, m.Anything | m.LabelSetIs | m.HasColumn | m.HasAttribute)


_OfAttributes = m.AttributeIs | m.LengthIs | m.ElementIs


def _attributes(node: m.Meaning) -> Iterator[_OfAttributes]:
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            for part in parts:
                yield from _attributes(part)
        case m.Not(part=part):
            yield from _attributes(part)
        case m.AttributeIs() | m.LengthIs() | m.ElementIs():
            yield node


def _is_member(row: Row, members: tuple[m.ClassMember, ...]) -> bool:
    return any(
        row["class"] == member.name and (member.label_sets is None or row["label_set"] in member.label_sets)
        for member in members
    )
