"""How many things there are by all label sets together, found out box by box; see docs/explanation/coverage.md."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from datacat.query.agreement import common_name
from datacat.query.assignment import MATCHED_IOU, assigned
from datacat.query.vocabulary import Vocabulary
from datacat.testing.boxes import Box, iou
from datacat.testing.corpus import Row
from datacat.testing.judge import Judge

Voice = tuple[int, str | None]
"""Whose statement: a label set, and the model of a prediction."""
_FURTHER = 1.01e-7  # so much a further pair counts
_Pair = tuple[float, int, int]  # minus the overlap, annotations


def voice(row: Row) -> Voice:
    """Whose an annotation is; the model is None of what people say."""
    return row["label_set"], None if row["kind"] == "annotation" else row.get("model") or ""


def is_thing(row: Row) -> bool:
    """Whether an annotation is of one thing, and not of the whole asset or a group."""
    return row["geometry_type"] != "none" and not row.get("is_crowd")


def thing(row: Row, name: str | None) -> tuple[object, ...]:
    """What is equal of annotations of one asset and voice that have equal boxes; `name`: of the class, in common."""
    if not is_boxed(row):
        return (row["annotation"],)
    place = (row[side] for side in "xywh")
    return name, *place, bool(row.get("is_relative")), row.get("track"), row.get("starts"), row.get("ends")


def once(sure: Sequence[Row], open_: Sequence[Row], *, vocabulary: Vocabulary) -> tuple[list[Row], list[Row]]:
    """Without what a voice says twice of an asset: where one of two surely is what is asked, that one stays.

    Args:
        sure: what is asked.
        open_: what may be.
        vocabulary: knows what classes are called in common.
    """
    alike: dict[tuple[object, ...], list[tuple[Row, bool]]] = defaultdict(list)
    for row, is_sure in [*((r, True) for r in sure), *((r, False) for r in open_)]:
        item = vocabulary.by_class.get(row["class"])
        name = None if item is None else common_name(item, row["label_set"], vocabulary=vocabulary)
        alike[*voice(row), is_thing(row), *thing(row, name)].append((row, is_sure))
    kept = [one for group in alike.values() for one in _of_shapes(group)]
    return [row for row, is_sure in kept if is_sure], [row for row, is_sure in kept if not is_sure]


def different(rows: Sequence[Row]) -> Iterator[Row]:
    """Of annotations with equal boxes those that stand for a thing each: two shapes of one type are two things."""
    return (row for row, _ in _of_shapes([(row, True) for row in rows]))


def _of_shapes(rows: Sequence[tuple[Row, bool]]) -> Iterator[tuple[Row, bool]]:
    """The first of each number, where the shapes of each geometry type are numbered as they come."""
    shapes: dict[str, list[str | None]] = defaultdict(list)
    told = set()
    for row, is_sure in rows:
        seen, shape = shapes[row["geometry_type"]], row.get("geometry")
        if shape not in seen:
            seen.append(shape)
        if (number := seen.index(shape)) not in told:
            told.add(number)
            yield row, is_sure


def is_boxed(row: Row) -> bool:
    """Whether an annotation has a box."""
    return all(row.get(side) is not None for side in "xywh")


def merged(sure: Sequence[Row], open_: Sequence[Row], *, judge: Judge) -> tuple[int, int]:
    """How many things there are at least, and at most if there are no more than those that are drawn.

    Args:
        sure: the annotations of an asset that are counted.
        open_: those that may be.
        judge: knows their boxes.
    """
    things = [row for row in sure if is_thing(row)]
    of_voice = Counter(map(voice, things))
    boxes = {row["annotation"]: box for row in things if len(of_voice) > 1 and (box := judge.box(row))}
    frame = min((box[1] for box in boxes.values()), default=0)
    boxes = {number: box for number, box in boxes.items() if box[1] == frame}
    owner = {row["annotation"]: voice(row) for row in things if row["annotation"] in boxes}
    joins = _joins(sorted(_pairs({number: box for number, (box, _) in boxes.items()}, owner)), owner)
    at_all = min(1, len(sure))
    least = max(max(of_voice.values(), default=0), len(boxes) - joins, at_all)
    return least, max(len(things) - joins, at_all) + sum(map(is_thing, open_))


def _pairs(boxes: dict[int, Box], owner: dict[int, Voice]) -> Iterator[_Pair]:
    """Of every two voices, the boxes that match."""
    of_voice = defaultdict(list)
    for number in sorted(boxes):
        of_voice[owner[number]].append(number)
    for one, other in itertools.combinations(sorted(of_voice, key=_name), 2):
        edges = [
            (left, right, share)
            for left, right in itertools.product(of_voice[one], of_voice[other])
            if (share := iou(boxes[left], boxes[right])) is not None and share >= MATCHED_IOU
        ]
        chosen = assigned(
            [left for left, _, _ in edges],
            rights=[right for _, right, _ in edges],
            weights=[share + _FURTHER for _, _, share in edges],
        )
        yield from (
            (-round(e[2], 9), e[0], e[1]) for e, is_chosen in zip(edges, chosen, strict=True) if is_chosen
        )


def _joins(pairs: Sequence[_Pair], owner: dict[int, Voice]) -> int:
    """How many pairs are joined, the best first; none that puts two boxes of a voice together."""
    objects = [{number} for number in owner]
    for _, left, right in pairs:
        one, other = (next(found for found in objects if number in found) for number in (left, right))
        if one is not other and {owner[n] for n in one}.isdisjoint(owner[n] for n in other):
            objects.remove(other)
            one |= other
    return len(owner) - len(objects)


def _name(who: Voice) -> str:
    return f"{who[0]}" if who[1] is None else f"{who[0]} {who[1]}"
