"""The rewrites of a bound query, in order. Print `RULES` to see them."""

from __future__ import annotations

from datacat.query.rules.known_voices import known_voices
from datacat.query.rules.looked_at import looked_at
from datacat.query.rules.negations import negations, refuted
from datacat.query.rules.plain_counts import plain_counts
from datacat.query.rules.rarest_last import rarest_last
from datacat.query.rules.said_twice import said_twice
from datacat.query.rules.same_leaf import same_leaf
from datacat.query.rules.standing import by_people, set_aside, standing

RULES = (standing, negations, plain_counts, said_twice, known_voices, looked_at, same_leaf, rarest_last)

__all__ = [
    "RULES",
    "by_people",
    "known_voices",
    "looked_at",
    "negations",
    "plain_counts",
    "rarest_last",
    "refuted",
    "said_twice",
    "same_leaf",
    "set_aside",
    "standing",
]
