"""How two boxes lie to each other."""

from __future__ import annotations

from datacat.query.tree import RelationKind

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
_HAIR = 1e-6  # what differs by less is the same


def lies(one: Box, two: Box, *, kind: RelationKind) -> bool:
    """Whether one box lies so to another."""
    center_x, center_y = (one[0] + one[2]) / 2, (one[1] + one[3]) / 2
    answers = {
        RelationKind.INSIDE: _is_inside(one, two),
        RelationKind.COVERS: _is_inside(two, one),
        RelationKind.OVERLAPS: min(_sides_shared(one, two)) > _HAIR,
        RelationKind.LEFT_OF: two[0] - center_x > _HAIR,
        RelationKind.RIGHT_OF: center_x - two[2] > _HAIR,
        RelationKind.ABOVE: two[1] - center_y > _HAIR,
        RelationKind.BELOW: center_y - two[3] > _HAIR,
    }
    return answers[kind]


def _is_inside(one: Box, two: Box) -> bool:
    reaches_out = (two[0] - one[0], two[1] - one[1], one[2] - two[2], one[3] - two[3])
    return max(reaches_out) <= _HAIR


def _shared(one: Box, two: Box) -> float:
    across, down = _sides_shared(one, two)
    return across * down


def _sides_shared(one: Box, two: Box) -> tuple[float, float]:
    return (
        max(0, min(one[2], two[2]) - max(one[0], two[0])),
        max(0, min(one[3], two[3]) - max(one[1], two[1])),
    )


def iou(one: Box, two: Box) -> float | None:
    """Intersection over union; None of boxes without area."""
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    whole = sum(areas) - _shared(one, two)
    return _shared(one, two) / whole if whole else None


def gap(one: Box, two: Box) -> float:
    """The shortest way between two boxes; 0 of those that touch."""
    across = max(0, one[0] - two[2], two[0] - one[2])
    down = max(0, one[1] - two[3], two[1] - one[3])
    return float((across**2 + down**2) ** 0.5)
