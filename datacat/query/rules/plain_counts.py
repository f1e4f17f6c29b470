"""Counts that say no more than that there is one, or none.

before: count(car)>=1     count(car)=0
after:  car               NOT car
"""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.rules.walk import rewritten
from datacat.query.statistics import Statistics
from datacat.query.voices import plain_count


def plain_counts(root: m.Meaning, statistics: Statistics | None = None) -> m.Meaning:
    """See the module."""
    return rewritten(root, plain_count)
