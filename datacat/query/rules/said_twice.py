"""Where a label set may say one thing twice of a picture, a count looks for that; see `query.once`.

before: count(car)>=3, of rows of `annotations`
after:  count(car)>=3, of rows that say something else than another of their label set
"""

from __future__ import annotations

from dataclasses import replace

from datacat.query import meaning as m
from datacat.query.rules.walk import rewritten
from datacat.query.statistics import Statistics


def said_twice(root: m.Meaning, statistics: Statistics) -> m.Meaning:
    """See the module."""

    def counted(node: m.Counted) -> m.Counted:
        asked = next((part for part in m.conjuncts(node.predicate) if isinstance(part, m.ClassIs)), None)
        return replace(node, alike=statistics.alike(asked))

    def told(node: m.Meaning) -> m.Meaning:
        match node:
            case m.Counted():
                return counted(node)
            case m.Denied(part=m.Counted() as part):
                return m.Denied(counted(part))
        return node

    return rewritten(root, told)
