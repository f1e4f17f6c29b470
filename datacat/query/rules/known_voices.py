"""Where each annotation of a class is one thing that people drew, a count of at least so many is one of rows, and it is
known whose.

before: count(car)>=3, of each label set and model, without groups and labels of the whole asset
after:  count(car)>=3, of rows of `annotations` by asset and label set, of one label set by asset alone
"""

from __future__ import annotations

from dataclasses import replace

from datacat.query import meaning as m
from datacat.query.rules.walk import rewritten
from datacat.query.statistics import Statistics


def known_voices(root: m.Meaning, statistics: Statistics) -> m.Meaning:
    """See the module."""

    def told(node: m.Meaning) -> m.Meaning:
        if not isinstance(node, m.Counted) or node.alike is not None:
            return node
        asked = next((part for part in m.conjuncts(node.predicate) if isinstance(part, m.ClassIs)), None)
        return node if asked is None else replace(node, voices=statistics.voices(asked))

    return rewritten(root, told)
