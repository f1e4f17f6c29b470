"""A count that zero fulfils becomes the absence of its opposite: no set of annotations shows who has none.

before: count(car)<3              before: count(car)>=1
after:  NOT count(car)>=3         after:  car
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from datacat.query import meaning as m
from datacat.query.rules.walk import rewritten
from datacat.query.statistics import Statistics
from datacat.query.tree import OPPOSITE, Operator

COMPARE: dict[Operator, Callable[[int, int], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


def absent_counts(root: m.Meaning, statistics: Statistics | None = None) -> m.Meaning:
    """See the module."""
    return rewritten(root, _without_zero)


def _without_zero(node: m.Meaning) -> m.Meaning:
    if not isinstance(node, m.Counted):
        return node
    if COMPARE[node.operator](0, node.number):
        return m.Not(_without_zero(m.Counted(node.predicate, OPPOSITE[node.operator], node.number)))
    is_any = (node.operator, node.number) in (
        (Operator.AT_LEAST, 1),
        (Operator.GREATER, 0),
        (Operator.UNEQUAL, 0),
    )
    return m.Some(node.predicate) if is_any else node
