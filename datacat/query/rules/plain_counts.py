"""Counts that say no more than that there is one, or none.

before: count(car)>=1     count(car)=0
after:  car               NOT car
"""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.rules.walk import rewritten
from datacat.query.statistics import Statistics
from datacat.query.tree import Operator

_ANY = ((Operator.AT_LEAST, 1), (Operator.GREATER, 0), (Operator.UNEQUAL, 0))
_NONE = ((Operator.LESS, 1), (Operator.AT_MOST, 0), (Operator.EQUAL, 0))


def plain_counts(root: m.Meaning, statistics: Statistics | None = None) -> m.Meaning:
    """See the module."""
    return rewritten(root, _plain)


def _plain(node: m.Meaning) -> m.Meaning:
    if isinstance(node, m.Counted):
        if (node.operator, node.number) in _ANY:
            return m.Some(node.predicate)
        if (node.operator, node.number) in _NONE:
            return m.Absent(node.predicate)
    return node
