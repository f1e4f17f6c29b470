"""How boxes lie to each other, and how far two teams agree, by trying every pair."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.optimize import linear_sum_assignment

from tests.real.originals import Asset, Said


@dataclass(frozen=True)
class Agreement:
    """See docs/explanation/agreement.md. `shares` are the IoU of the boxes that match."""

    agreement: float
    classes: float | None
    shares: tuple[float, ...]


def iou(one: Said, other: Said) -> float:
    if one.box is None or other.box is None:
        return 0
    sides = [
        min(one.box[side] + one.box[side + 2], other.box[side] + other.box[side + 2])
        - max(one.box[side], other.box[side])
        for side in (0, 1)
    ]
    common = max(sides[0], 0) * max(sides[1], 0)
    both = one.box[2] * one.box[3] + other.box[2] * other.box[3] - common
    return common / both if both else 0


def is_inside(one: Said, other: Said) -> bool:
    if one.box is None or other.box is None:
        return False
    return all(
        one.box[side] >= other.box[side]
        and one.box[side] + one.box[side + 2] <= other.box[side] + other.box[side + 2]
        for side in (0, 1)
    )


def is_left_of(one: Said, other: Said) -> bool:
    return bool(one.box and other.box and one.box[0] + one.box[2] / 2 < other.box[0])


def gap(one: Said, other: Said) -> float:
    """The shortest way between two boxes, pixels."""
    if one.box is None or other.box is None:
        return float("inf")
    ways = []
    for side in (0, 1):
        before, after = sorted((one.box, other.box), key=lambda box: box[side])
        ways.append(max(0.0, after[side] - before[side] - before[side + 2]))
    return float((ways[0] ** 2 + ways[1] ** 2) ** 0.5)


def agreement(asset: Asset, classes: Mapping[str, set[str]]) -> Agreement | None:
    """The least over all pairs of teams with a class in common; `classes`: team -> those that it has."""
    found = [
        measured
        for pair in itertools.combinations(sorted(asset.teams), 2)
        if (names := classes.get(pair[0], set()) & classes.get(pair[1], set()))
        if (measured := _of_pair(asset, pair, names=names))
    ]
    return min(found, key=lambda each: each.agreement) if found else None


def _of_pair(asset: Asset, pair: tuple[str, str], *, names: set[str]) -> Agreement | None:
    said = {
        team: [s for s in asset.of(*names, team=team) if s.kind == "annotation" and not s.is_crowd]
        for team in pair
    }
    left, right = (
        [s for s in said[one] if s.is_a(*asset.covers.get(other, ())) or s.is_a(*map(_name, said[other]))]
        for one, other in (pair, pair[::-1])
    )
    matched = _assigned(left, right)
    same = sum(_name(one) == _name(other) for one, other in matched)
    total = len(left) + len(right)
    if not total and not names & asset.covers.get(pair[0], set()) & asset.covers.get(pair[1], set()):
        return None  # nothing that both have looked for
    shares = tuple(iou(one, other) for one, other in matched)
    return Agreement(2 * same / total if total else 1, same / len(matched) if matched else None, shares)


def _name(said: Said) -> str:
    return (said.name or "").lower()


def _assigned(left: list[Said], right: list[Said]) -> list[tuple[Said, Said]]:
    """The pairs with the greatest sum of IoU, each box in one at most; then the most pairs, then of equal names."""
    if not left or not right:
        return []
    weights = [[_weight(one, other) for other in right] for one in left]
    rows, columns = linear_sum_assignment(weights, maximize=True)
    return [
        (left[row], right[column]) for row, column in zip(rows, columns, strict=True) if weights[row][column]
    ]


def _weight(one: Said, other: Said) -> float:
    share = iou(one, other)
    return share + 1e-7 + 1e-9 * (_name(one) == _name(other)) if share >= 0.5 else 0
