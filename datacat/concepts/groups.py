"""Pairs joined to suggestions: groups that may mean the same, kinds, and false friends.

Classes are taken together by the surest pairs first. Never together are classes that one label set tells apart, classes
whose boxes were seen not to coincide, and classes of concepts that are kinds of each other. A class that belongs to
several concepts speaks for none of them: it takes in what has no concept yet, and joins nothing that has another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from datacat.concepts.case import Case, Known, Pair
from datacat.concepts.concept import Details, Member
from datacat.concepts.evidence import WEIGHTS, Evidence, Suggestion, score
from datacat.concepts.ledger import Ledger
from datacat.model.names import folded

_PART_WITHIN, _PART_BACK = 0.8, 0.5  # of the boxes of a kind, and of those of what it is a kind of
_FEWEST_OF_KIND = 5  # boxes
_FRIEND = 0.5  # how alike names are at least whose difference is worth a word


def suggestions(case: Case, *, ledger: Ledger, min_score: float) -> list[Suggestion]:
    """What the evidence comes to, the surest first; false friends last."""
    scores = {pair: score(items) for pair, items in case.evidence.items() if case.is_open(pair)}
    likely = sorted((pair for pair in scores if scores[pair] >= min_score), key=lambda p: (-scores[p], p))
    kinds = {pair: below for pair in likely if (below := _narrower(case, pair, ledger=ledger)) is not None}
    groups = _Groups(case, ledger, apart=kinds)
    for pair in likely:
        groups.join(pair, sureness=scores[pair])
    found = [
        _group(case, group, ledger=ledger, sureness=groups.sureness[root])
        for root, group in groups.listed()
        if _is_news(case, group)
    ]
    called = {position: _concept(case, group, ledger) for _, group in groups.listed() for position in group}
    found += _kinds(case, kinds, ledger=ledger, called=called, scores=scores)
    found.sort(key=lambda one: (-one.score, one.concept))
    friends = [_unlike(case, pair, sureness=scores[pair]) for pair in scores if _is_false_friend(case, pair)]
    friends.sort(key=lambda one: (-len(one.evidence), one.score, one.concept))
    return found + friends


def accepted(ledger: Ledger, suggestion: Suggestion, *, owner: str) -> Ledger:
    """The concepts after a person said yes; of what was merged since it was made, the whole."""
    if suggestion.merges:
        ledger = ledger.merged(suggestion.merges)
    for concept, classes in suggestion.adds.items():
        ledger = ledger.with_members(_now(concept, ledger), map(Member.parse, classes), owner=owner)
    if suggestion.parent:
        parent = _now(suggestion.parent, ledger)
        ledger = ledger.described(_now(suggestion.concept, ledger), Details(parents=[parent]))
    return ledger


def _now(name: str, ledger: Ledger) -> str:
    known = ledger.meant_by(name)
    return known.name if known else name


class _Groups:
    """Classes taken together, and those that must not be."""

    def __init__(self, case: Case, ledger: Ledger, *, apart: Iterable[Pair]) -> None:
        self._case = case
        self._ledger = ledger
        self._root = list(range(len(case.classes)))
        self._members = {position: {position} for position in self._root}
        self._apart: dict[int, set[int]] = defaultdict(set)
        contradicted = (pair for pair, items in case.evidence.items() if any(i.is_against for i in items))
        for one, two in (*apart, *contradicted):
            self._apart[one].add(two)
            self._apart[two].add(one)
        self.sureness: dict[int, float] = {}
        self._join_concepts()

    def join(self, pair: Pair, *, sureness: float) -> None:
        """Takes two groups together, unless something keeps them apart."""
        one, two = (self._root[position] for position in pair)
        if one == two or self._keep_apart(self._members[one], self._members[two]):
            return
        known = [self.sureness[root] for root in (one, two) if root in self.sureness]
        self._unite(one, two)
        self.sureness[one] = min([sureness, *known])

    def listed(self) -> list[tuple[int, list[int]]]:
        """Groups of two or more that evidence has joined."""
        return [(root, sorted(self._members[root])) for root in self.sureness if self._root[root] == root]

    def _join_concepts(self) -> None:
        first: dict[frozenset[str], int] = {}
        for position, known in enumerate(self._case.classes):
            if known.concepts:
                one = self._root[first.setdefault(known.concepts, position)]
                if one != position:
                    self._unite(one, position)

    def _unite(self, one: int, two: int) -> None:
        for position in self._members.pop(two):
            self._root[position] = one
            self._members[one].add(position)
        self.sureness.pop(two, None)

    def _keep_apart(self, some: set[int], others: set[int]) -> bool:
        if any(self._apart[position] & others for position in some):
            return True
        classes = self._case.classes
        told_apart = any(
            classes[one].label_sets & classes[two].label_sets and classes[one].name != classes[two].name
            for one in some
            for two in others
        )
        return (
            told_apart
            or _are_of_several(classes, some, others)
            or _are_kinds(_concepts_of(classes, some), _concepts_of(classes, others), self._ledger)
        )


def _concepts_of(classes: Sequence[Known], positions: Iterable[int]) -> set[str]:
    return {concept for position in positions for concept in classes[position].concepts}


def _are_of_several(classes: Sequence[Known], some: Iterable[int], others: Iterable[int]) -> bool:
    """Whether a side has a class of several concepts, and the other classes of different ones."""
    one, two = ({classes[p].concepts for p in side if classes[p].concepts} for side in (some, others))
    return bool(one and two) and one != two and any(len(concepts) > 1 for concepts in one | two)


def _are_kinds(some: set[str], others: set[str], ledger: Ledger) -> bool:
    """Whether a concept of one side stands above one of the other, at any height."""
    return any(
        {*ledger.ancestors(one)} & others or {*ledger.ancestors(other)} & some
        for one in some
        for other in others
    )


def _is_news(case: Case, group: Sequence[int]) -> bool:
    """Whether they are not one concept already."""
    first, *rest = (case.classes[position].concepts for position in group)
    return not first.intersection(*rest)


def _narrower(case: Case, pair: Pair, *, ledger: Ledger) -> int | None:
    """Which of two classes is a kind of the other, as its boxes lie in those of the other but not back."""
    boxes, (one, two) = case.boxes.get(pair), (case.classes[position] for position in pair)
    if boxes is None or one.name == two.name or _are_kinds({*one.concepts}, {*two.concepts}, ledger):
        return None
    shares = [n / max(1, total) for n, total in zip(boxes.coinciding, boxes.boxes, strict=True)]
    for here, there in ((0, 1), (1, 0)):
        is_within = shares[here] >= _PART_WITHIN and boxes.coinciding[here] >= _FEWEST_OF_KIND
        if is_within and shares[there] <= _PART_BACK:
            return here
    return None


def _is_false_friend(case: Case, pair: Pair) -> bool:
    items = case.evidence[pair]
    is_alike = any(item.kind == "name" and item.value >= _FRIEND for item in items)
    return is_alike and any(item.is_against for item in items)


def _group(case: Case, group: Sequence[int], *, ledger: Ledger, sureness: float) -> Suggestion:
    classes = [case.classes[position] for position in group]
    known = sorted(_concepts_of(case.classes, group))
    concept = _concept(case, group, ledger)
    is_of_several = any(len(item.concepts) > 1 for item in classes)
    fresh = tuple(str(item.shown) for item in classes if not item.concepts)
    return Suggestion(
        relation="same",
        concept=concept,
        score=sureness,
        classes=tuple(item.shown for item in classes),
        evidence=_strongest(item for pair in _pairs(group) for item in case.evidence.get(pair, ())),
        merges=tuple(known) if len(known) > 1 and not is_of_several else (),
        adds={name: fresh for name in (known if is_of_several else [concept]) if fresh},
    )


def _kinds(
    case: Case,
    kinds: Mapping[Pair, int],
    *,
    ledger: Ledger,
    called: Mapping[int, str],
    scores: Mapping[Pair, float],
) -> Iterator[Suggestion]:
    """Of all pairs of the same two concepts the surest; none where these are one, or kinds of each other, already."""
    seen: set[tuple[str, str]] = set()
    for pair, below in kinds.items():
        positions = (pair[below], pair[1 - below])
        narrow, wide = (
            min(case.classes[p].concepts, default=called.get(p) or _concept(case, [p], ledger))
            for p in positions
        )
        if narrow == wide or (narrow, wide) in seen or _are_kinds({narrow}, {wide}, ledger):
            continue
        seen.add((narrow, wide))
        both = [case.classes[position] for position in positions]
        named = zip((narrow, wide), both, strict=True)
        yield Suggestion(
            relation="kind",
            concept=narrow,
            score=scores[pair],
            classes=tuple(item.shown for item in both),
            evidence=_strongest(case.evidence[pair]),
            adds={name: (str(item.shown),) for name, item in named if not item.concepts},
            parent=wide,
        )


def _unlike(case: Case, pair: Pair, *, sureness: float) -> Suggestion:
    classes = [case.classes[position] for position in pair]
    return Suggestion(
        relation="unlike",
        concept=_called(classes),
        score=sureness,
        classes=tuple(item.shown for item in classes),
        evidence=tuple(sorted(case.evidence[pair], key=lambda item: (not item.is_against, -item.value))),
    )


def _concept(case: Case, group: Sequence[int], ledger: Ledger) -> str:
    """The concept of a group: that of its classes, else one that is also called as they are, else a new one."""
    classes = [case.classes[position] for position in group]
    also = (ledger.meant_by(item.shown.name) for item in classes)
    known = _concepts_of(case.classes, group) or {one.name for one in also if one}
    return min(known, default=_called(classes))


def _called(classes: Sequence[Known]) -> str:
    """The shortest of their names."""
    return min((folded(known.shown.name) for known in classes), key=lambda name: (len(name), name))


def _strongest(items: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(
        sorted(items, key=lambda item: (item.is_against, -WEIGHTS[item.kind] * item.value, item.classes))
    )


def _pairs(group: Sequence[int]) -> Iterator[Pair]:
    return ((one, two) for index, one in enumerate(group) for two in group[index + 1 :])
