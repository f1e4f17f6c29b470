"""Parts of a conjunction are ordered so that the rarest stands last: DuckDB builds the hash table of a semi
join from its right side and narrows the scan on the left by it.

before: [rare.k=v7 material=slate]      33 ms at 4 million annotations
after:  [material=slate rare.k=v7]       5 ms
"""

from __future__ import annotations

from dataclasses import replace

from datacat.query import meaning as m
from datacat.query.rules.walk import rewritten
from datacat.query.statistics import Statistics


def rarest_last(root: m.Meaning, statistics: Statistics) -> m.Meaning:
    """See the module."""

    def ordered(node: m.Meaning) -> m.Meaning:
        if not isinstance(node, m.And):
            return node
        return replace(node, parts=tuple(sorted(node.parts, key=statistics.rows, reverse=True)))

    return rewritten(root, ordered)
