"""NOT and ? stand only where a set of assets answers them: of annotations, NOT asks for an absence that somebody has
verified; what can be neither verified nor refuted is unknown (Kleene's three values).

before: NOT (car media:image)             NOT count(car)>=3    ?car
after:  NOT car OR NOT media:image        known not to be      neither car nor NOT car
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from datacat.query import meaning as m
from datacat.query.statistics import Statistics
from datacat.query.tree import OPPOSITE
from datacat.query.voices import plain_count


def negations(root: m.Meaning, statistics: Statistics | None = None) -> m.Meaning:
    """See the module."""
    match root:
        case m.And(parts=parts) | m.Or(parts=parts):
            return replace(root, parts=tuple(map(negations, parts)))
        case m.Not(part=part):
            return refuted(part)
        case m.Unknown(part=part):
            return m.Neither(negations(part), refuted(part))
    return root


def refuted(node: m.Meaning) -> m.Meaning:
    """What holds where `node` is known not to hold."""
    match node:
        case m.And(parts=parts):
            return m.Or(tuple(map(refuted, parts)))
        case m.Or(parts=parts):
            return m.And(_flat(map(refuted, parts)))
        case m.Not(part=part):
            return negations(part)
        case m.Unknown(part=part):
            return m.Not(negations(node))
        case m.Some(predicate=m.Or(parts=parts)):
            return m.And(_flat(refuted(m.Some(part)) for part in parts))
        case m.Some(predicate=predicate):
            return m.Absent(predicate)
        case m.Absent(predicate=predicate):
            return m.Some(predicate)
        case m.AssetIs() | m.AssetTime() | m.Within() | m.MetadataIs() | m.AgreementIs():
            return m.Denied(node)
        case m.Denied(part=part):
            return part
        case m.Counted(operator=operator):
            # Label sets may disagree: one says three, another says fewer, so that both hold.
            return m.Denied(node) if plain_count(node) is node else replace(node, operator=OPPOSITE[operator])
        case m.CountedValues(operator=operator):
            return replace(node, operator=OPPOSITE[operator])
    return m.Not(node)


def _flat(parts: Iterable[m.Meaning]) -> tuple[m.Meaning, ...]:
    return tuple(inner for part in parts for inner in m.conjuncts(part))
