"""How far two label sets agree on an asset, found out box by box; see docs/explanation/agreement.md."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from datacat.query import meaning as m
from datacat.query.agreement import common_name
from datacat.query.assignment import MATCHED_IOU
from datacat.query.tree import Operator
from datacat.query.vocabulary import Vocabulary
from datacat.testing.across import different, thing
from datacat.testing.boxes import iou
from datacat.testing.corpus import Corpus, Row
from datacat.testing.judge import Judge, ordered


@dataclass(frozen=True, slots=True)
class Accord:
    """The measures of one asset and pair of label sets; all None where their boxes cannot be compared."""

    agreement: float | None
    class_agreement: float | None
    box_iou: float | None


@dataclass(frozen=True, slots=True)
class _Side:
    boxes: list[tuple[int, str, tuple[float, float, float, float], int]]
    names: set[str]

    @property
    def count(self) -> int:
        return len(self.boxes) + len(self.names)


def agrees(corpus: Corpus, vocabulary: Vocabulary, *, node: m.AgreementIs, asset: int) -> bool | None:
    """Whether the least over all pairs of label sets compares so, whatever it is of pairs that cannot be compared."""
    found = [accord for number, _, _, accord in accords(corpus, vocabulary) if number == asset]
    measures = [value for accord in found if (value := getattr(accord, node.measure)) is not None]
    if not measures:
        return None
    holds = ordered(min(measures), node.operator, right=node.number)
    below = (Operator.LESS, Operator.AT_MOST) if holds else (Operator.GREATER, Operator.AT_LEAST)
    is_whole = all(accord.agreement is not None for accord in found)
    return holds if is_whole or node.operator in below else None


def accords(corpus: Corpus, vocabulary: Vocabulary) -> Iterator[tuple[int, int, int, Accord]]:
    """Asset, two label sets that have looked at it, and how far they agree; nothing where nothing can be compared."""
    for asset in corpus.tables["assets"]:
        for left, right in itertools.combinations(sorted(corpus.labelling_sets(asset)), 2):
            names = _classes(left, vocabulary).keys() & _classes(right, vocabulary).keys()
            found = _accord(corpus, vocabulary, (asset["asset"], left, right), names=names)
            if found is not None:
                yield asset["asset"], left, right, found


def _accord(
    corpus: Corpus, vocabulary: Vocabulary, place: tuple[int, int, int], *, names: set[str]
) -> Accord | None:
    asset, left, right = place
    said = {one: _said(corpus, vocabulary, asset, label_set=one) for one in (left, right)}
    sides = []
    for one, other in ((left, right), (right, left)):
        looked = {name for name in names if _classes(other, vocabulary)[name]}
        counted = names & (looked | {name for name, _ in said[other]})
        sides.append(_side(corpus, [row for name, row in said[one] if name in counted], vocabulary))
    matched = list(_matched(*sides))
    same = sum(is_same for is_same, _ in matched) + len(sides[0].names & sides[1].names)
    total = sides[0].count + sides[1].count
    if not total and not any(all(_classes(one, vocabulary)[name] for one in (left, right)) for name in names):
        return None
    if any(one != other for *_, one in sides[0].boxes for *_, other in sides[1].boxes):
        return Accord(None, None, None)
    return Accord(
        2 * same / total if total else 1,
        sum(is_same for is_same, _ in matched) / len(matched) if matched else None,
        sum(share for _, share in matched) / len(matched) if matched else None,
    )


def _classes(label_set: int, vocabulary: Vocabulary) -> dict[str, bool]:
    """Common name -> whether the label set covers it."""
    found: dict[str, bool] = {}
    covers = vocabulary.label_sets[label_set].covers
    for item in vocabulary.classes:
        if label_set in item.counts:
            name = common_name(item, label_set, vocabulary=vocabulary)
            is_covered = label_set in item.declared if covers is None else item.name in covers
            found[name] = found.get(name, False) or is_covered
    return found


def _said(corpus: Corpus, vocabulary: Vocabulary, asset: int, *, label_set: int) -> list[tuple[str, Row]]:
    return [
        (common_name(vocabulary.by_class[row["class"]], label_set, vocabulary=vocabulary), row)
        for row in corpus.tables["annotations"]
        if row["asset"] == asset and row["label_set"] == label_set and row["class"] is not None
        if row["kind"] == "annotation" and not row.get("is_crowd")
    ]


def _side(corpus: Corpus, rows: list[Row], vocabulary: Vocabulary) -> _Side:
    judge, boxes, names = Judge(corpus), [], set()
    alike: dict[tuple[str, tuple[object, ...]], list[Row]] = defaultdict(list)
    for row in rows:
        name = common_name(vocabulary.by_class[row["class"]], row["label_set"], vocabulary=vocabulary)
        if judge.box(row) is None:
            names.add(name)
        else:
            alike[name, thing(row, name)].append(row)
    for (name, _), equal in alike.items():
        for row in different(equal):
            box = judge.box(row)
            assert box is not None
            boxes.append((row["annotation"], name, *box))
    return _Side(boxes, names)


def _matched(left: _Side, right: _Side) -> Iterator[tuple[bool, float]]:
    """Of the boxes of the best assignment: whether their names are equal, and their overlap."""
    shares = {
        (one, two): share
        for one, (_, _, own, frame) in enumerate(left.boxes)
        for two, (_, _, other, other_frame) in enumerate(right.boxes)
        if frame == other_frame and (share := iou(own, other)) is not None and share >= MATCHED_IOU
    }

    def is_same(one: int, two: int) -> bool:
        return left.boxes[one][1] == right.boxes[two][1]

    @cache
    def best(one: int, free: frozenset[int]) -> tuple[tuple[float, int, int], tuple[tuple[int, int], ...]]:
        """The best value of the lefts from `one` on, by trying all, and what gives it."""
        if one == len(left.boxes):
            return (0, 0, 0), ()
        found = [best(one + 1, free)]
        for two in free:
            if (one, two) in shares:
                (total, pairs, same), chosen = best(one + 1, free - {two})
                value = (round(total + shares[one, two], 6), pairs + 1, same + is_same(one, two))
                found.append((value, ((one, two), *chosen)))
        return max(found)

    _, chosen = best(0, frozenset(range(len(right.boxes))))
    yield from ((is_same(*pair), shares[pair]) for pair in chosen)
