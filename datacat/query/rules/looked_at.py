"""Where an annotation is asked for and all label sets that have such ones cover a class, they have looked for that too:
its absence beside it is a plain NOT. Who looked at what is by far the largest set.

before: count(car)>=3 and verified absence of tree     300 ms of processor time at 10 million annotations
after:  count(car)>=3 and no tree                       60 ms
"""

from __future__ import annotations

from dataclasses import replace

from datacat.query import meaning as m
from datacat.query.pairs import may_be_open_beside
from datacat.query.rules.walk import rewritten
from datacat.query.statistics import Statistics
from datacat.query.tree import COMPARE


def looked_at(root: m.Meaning, statistics: Statistics) -> m.Meaning:
    """See the module."""

    def plain(node: m.Meaning) -> m.Meaning:
        if not isinstance(node, m.And):
            return node
        known = [sets for part in node.parts if (sets := _speakers(part, statistics)) is not None]
        return replace(node, parts=tuple(_plain(part, known, statistics) for part in node.parts))

    return rewritten(root, plain)


def _speakers(node: m.Meaning, statistics: Statistics) -> frozenset[int] | None:
    """Label sets of which one speaks of each asset for which `node` holds; None: nobody knows which."""
    is_there = isinstance(node, m.Some) or (
        isinstance(node, m.Counted) and not COMPARE[node.operator](0, node.number)
    )
    asked = _class_asked(node.predicate) if is_there and isinstance(node, m.Some | m.Counted) else None
    return None if asked is None else statistics.label_sets(asked)


def _plain(node: m.Meaning, known: list[frozenset[int]], statistics: Statistics) -> m.Meaning:
    if not isinstance(node, m.Absent):
        return node
    asked = _class_asked(node.predicate)
    is_narrowed = any(isinstance(part, m.LabelSetIs | m.Related) for part in m.conjuncts(node.predicate))
    if asked is None or is_narrowed or _is_open(node.predicate):
        return node
    covering = frozenset(asked.covered_by)
    if not any(sets <= covering for sets in known) or statistics.is_doubted(asked):
        return node
    return m.Not(m.Some(node.predicate))


def _is_open(predicate: m.Meaning) -> bool:
    return any(map(may_be_open_beside, m.conjuncts(predicate)))


def _class_asked(predicate: m.Meaning) -> m.ClassIs | None:
    return next((part for part in m.conjuncts(predicate) if isinstance(part, m.ClassIs)), None)
