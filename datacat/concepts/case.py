"""Which classes of several teams may mean the same: what their names and boxes say of each pair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import combinations, product

import duckdb
import pyarrow as pa

from datacat.concepts.alike import Alike, names_alike
from datacat.concepts.coincide import SAMPLE, AssetPair, BoxPair, Coincidence, coincidence
from datacat.concepts.evidence import Evidence, TeamClass
from datacat.concepts.ledger import Ledger
from datacat.query.plurals import comparable
from datacat.query.vocabulary import ClassName, Vocabulary

Pair = tuple[int, int]
"""Positions of two classes, the lesser first."""

_STARS = 5  # classes of one name that are compared with those of another; the most used ones
_FEW_BOXES = 2  # of so many that coincide the evidence has half its value
_DOUBT_AFTER = 10  # boxes of which none coincides: then it is half of the strongest doubt
_STRONGEST_DOUBT = 0.9
_NONE_COINCIDE = 0.05  # share of boxes below which they count as not coinciding


_COLUMNS = pa.schema(
    [
        ("label_set", pa.int64()),
        ("class", pa.string()),
        ("node", pa.int64()),
        ("name", pa.int64()),
        ("covers", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True)
class Known:
    """A class of a team, and where it stands.

    Attributes:
        shown: it, as it is suggested.
        name: comparable.
        label_sets: numbers.
        concepts: that it belongs to.
    """

    shown: TeamClass
    name: str
    label_sets: frozenset[int]
    concepts: frozenset[str]


@dataclass(slots=True)
class Case:
    """All that is known of the classes, and what speaks for and against each pair."""

    classes: tuple[Known, ...]
    words: Vocabulary
    evidence: dict[Pair, list[Evidence]] = field(default_factory=lambda: defaultdict(list))
    boxes: dict[Pair, BoxPair] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, pair: Pair, item: Evidence) -> None:
        """Takes a piece of evidence."""
        self.evidence[pair].append(item)

    def labels(self, pair: Pair) -> tuple[str, str]:
        """The two classes as `team:class`."""
        return str(self.classes[pair[0]].shown), str(self.classes[pair[1]].shown)

    def name_numbers(self) -> dict[str, int]:
        """Comparable name -> the number that stands for it in `table`."""
        return {name: number for number, name in enumerate(sorted({item.name for item in self.classes}))}

    def table(self, positions: Set[int]) -> pa.Table:
        """Classes as DuckDB joins them: label_set, class, node (position), name (number of it), covers."""
        names = self.name_numbers()
        rows = [
            (number, known.shown.name, node, names[known.name], _covers(known.shown.name, number, self.words))
            for node, known in enumerate(self.classes)
            if node in positions
            for number in sorted(known.label_sets)
        ]
        columns = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
        return pa.Table.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, _COLUMNS, strict=True)],
            schema=_COLUMNS,
        )

    def is_open(self, pair: Pair) -> bool:
        """Whether a person has not answered yet: neither joined the two nor put one below the other."""
        one, two = (self.classes[position] for position in pair)
        return not one.concepts & two.concepts


def gathered(
    new_cursor: Callable[[], duckdb.DuckDBPyConnection],
    words: Vocabulary,
    *,
    ledger: Ledger,
    sample: int = SAMPLE,
) -> Case:
    """Names and boxes: what needs no model.

    Args:
        new_cursor: a cursor of its own of the state.
        words: its classes.
        ledger: its concepts.
        sample: shared assets that are read at most.
    """
    case = Case(tuple(_classes(words, ledger)), words)
    names = case.name_numbers()
    alike = names_alike(new_cursor(), names, ledger=ledger)
    numbers = [(names[one], names[two]) for one, two in alike] + [(n, n) for n in names.values()]
    seen = coincidence(
        new_cursor(), classes=case.table({*range(len(case.classes))}), alike=numbers, sample=sample
    )
    case.boxes |= seen.boxes
    for pair in {*_name_pairs(case.classes, alike), *seen.boxes, *seen.assets}:
        found = _name_evidence(case, pair, alike=alike)
        if found is not None:
            case.add(pair, found)
    for pair, item in _of_boxes(case, seen):
        case.add(pair, item)
    for pair, of_assets in seen.assets.items():
        if of_assets.correlation > 0:
            case.add(pair, _asset_evidence(case, pair, of_assets))
    if seen.read < seen.shared:
        case.notes.append(f"Boxes were compared on {seen.read:,} of {seen.shared:,} shared assets.")
    elif not seen.shared:
        case.notes.append("No two label sets have assets in common, so no boxes could be compared.")
    return case


def _covers(name: str, label_set: int, words: Vocabulary) -> bool:
    covers = words.label_sets[label_set].covers
    return label_set in words.by_class[name].declared if covers is None else name in covers


def _classes(words: Vocabulary, ledger: Ledger) -> Iterator[Known]:
    """Each used class once a team, the most used first."""
    members: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
    for one in ledger.concepts.values():
        members[comparable(one.name)].append((None, one.name))
        for member in one.members:
            members[comparable(member.name)].append((member.team, one.name))
    found = []
    for item in words.classes:
        name = comparable(item.name)
        for team, counts in _by_team(item, words).items():
            sets = tuple(sorted(str(words.label_sets[number]) for number in counts))
            concepts = frozenset(c for of_team, c in members[name] if of_team in (None, team))
            shown = TeamClass(team, item.name, sets, sum(counts.values()))
            found.append(Known(shown, name, frozenset(counts), concepts))
    yield from sorted(found, key=lambda known: (-known.shown.annotations, str(known.shown)))


def _by_team(item: ClassName, words: Vocabulary) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for number, count in item.counts.items():
        if count:
            found[words.label_sets[number].team][number] = count
    return found


def _name_pairs(classes: Sequence[Known], alike: Iterable[tuple[str, str]]) -> Iterator[Pair]:
    """Pairs of classes with alike names; of a name that many teams have, each with the most used ones."""
    positions: dict[str, list[int]] = defaultdict(list)
    for position, known in enumerate(classes):
        positions[known.name].append(position)
    for same in positions.values():
        yield from ((same[0], other) for other in same[1:])
        yield from combinations(same[:_STARS], 2)
    for one, two in alike:
        for left, right in product(positions[one][:_STARS], positions[two][:_STARS]):
            yield min(left, right), max(left, right)


def _name_evidence(case: Case, pair: Pair, *, alike: Mapping[tuple[str, str], Alike]) -> Evidence | None:
    one, two = (case.classes[position] for position in pair)
    if one.name == two.name:
        text = "equal names"
        if one.shown.name != two.shown.name:
            text += f" but for case and number: {one.shown.name}, {two.shown.name}"
        return Evidence("name", case.labels(pair), 1.0, False, text, {})
    low, high = sorted((one.name, two.name))
    found = alike.get((low, high))
    if found is None:
        return None
    return Evidence("name", case.labels(pair), found.value, False, f"names: {found.text}", {})


def _of_boxes(case: Case, seen: Coincidence) -> Iterator[tuple[Pair, Evidence]]:
    for pair, found in seen.boxes.items():
        if found.share >= _NONE_COINCIDE:
            count = sum(found.coinciding) / 2
            value = found.share * count / (count + _FEW_BOXES)
            yield pair, _box_evidence(case, pair, found, value=value, is_against=False)
        elif _could_coincide(case, pair):
            count = sum(found.boxes)
            value = _STRONGEST_DOUBT * count / (count + _DOUBT_AFTER)
            yield pair, _box_evidence(case, pair, found, value=value, is_against=True)


def _could_coincide(case: Case, pair: Pair) -> bool:
    """Only of classes with something in their favour is it worth saying that they do not coincide."""
    return bool(case.evidence.get(pair))


def _box_evidence(case: Case, pair: Pair, found: BoxPair, *, value: float, is_against: bool) -> Evidence:
    one, two = case.labels(pair)
    where = f"{found.assets:,} shared asset{'s' * (found.assets != 1)}"
    (left, right), (left_all, right_all) = found.coinciding, found.boxes
    numbers: dict[str, float] = {
        "assets": found.assets,
        "boxes": left_all,
        "coinciding": left,
        "other_boxes": right_all,
        "other_coinciding": right,
    }
    text = f"{_of(left, left_all)} of {one} coincide with {two}, {_of(right, right_all, '')} back"
    if found.mean_iou is not None:
        text += f"; mean IoU {found.mean_iou:.2f}"
        numbers["mean_iou"] = found.mean_iou
    return Evidence("boxes", (one, two), value, is_against, f"{text}; {where}", numbers)


def _of(count: int, all_: int, noun: str = " boxes") -> str:
    return f"{count:,} of {all_:,}{noun}" if count else f"none of {all_:,}{noun}"


def _asset_evidence(case: Case, pair: Pair, found: AssetPair) -> Evidence:
    one, two = case.labels(pair)
    left, right = found.spoken
    text = f"of {found.assets:,} shared assets {one} is said of {left:,}, {two} of {right:,}, both of {found.both:,}"
    numbers = {"assets": found.assets, "one": left, "other": right, "both": found.both}
    return Evidence("together", (one, two), found.correlation, False, text, numbers)
