"""How one thing lies to another, in plain words: "cars next to a bus", "person left of a red car"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datacat.query.readings import Has, Reading, described

NEXT_TO_PX = 50
"""Up to so many pixels between two boxes, one is taken to be next to the other; the answer shows it."""

_NEAR = "near({})<" + f"{NEXT_TO_PX}px"
_RELATIONS: dict[tuple[str, ...], str] = {
    ("next", "to"): _NEAR,
    ("close", "to"): _NEAR,
    ("near",): _NEAR,
    ("near", "to"): _NEAR,
    ("beside",): _NEAR,
    ("inside",): "inside({})",
    ("overlapping",): "overlaps({})",
    ("left", "of"): "left_of({})",
    ("to", "the", "left", "of"): "left_of({})",
    ("right", "of"): "right_of({})",
    ("to", "the", "right", "of"): "right_of({})",
    ("above",): "above({})",
    ("below",): "below({})",
}
_LONGEST = 4


def read_relation(words: Sequence[str]) -> tuple[Reading, int] | None:
    """What case-folded words begin with, and how many words say it; None where they begin with no relation."""
    for count in range(min(_LONGEST, len(words)), 0, -1):
        if tuple(words[:count]) in _RELATIONS:
            return Reading(" ".join(words[:count]), "relation", "", is_used=False), count
    return None


def with_relations(readings: Sequence[Reading], has: Has) -> tuple[Reading, ...]:
    """The readings, each relation with the condition that it is, where classes stand before and behind it."""
    found = list(readings)
    for number, reading in enumerate(readings):
        if reading.kind != "relation":
            continue
        before = next((n for n in range(number - 1, -1, -1) if found[n].classes), None)
        behind = next((n for n in range(number + 1, len(found)) if found[n].classes), None)
        if before is None or behind is None or found[behind].is_negated or found[before].is_within:
            continue
        text, parts = described(behind, readings=found, has=has)
        pattern = _RELATIONS[tuple(reading.words.split())]
        found[number] = replace(reading, query=pattern.format(text), field="relation", is_used=True)
        for part in parts:
            found[part] = replace(found[part], is_within=True)
    return tuple(found)
