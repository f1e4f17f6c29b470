"""What was skipped, or is a draft, answers nothing unless a bracket asks for a status.

before: roof                  status:skipped
after:  roof that stands      status:skipped
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from datacat.query import meaning as m
from datacat.query.statistics import Statistics
from datacat.query.tree import Operator
from datacat.query.values import Value


def standing(root: m.Meaning, statistics: Statistics) -> m.Meaning:
    """See the module; nothing is added where nothing was set aside."""
    return _of_label_sets(_everywhere(root, _standing)) if statistics.sorts.set_aside else root


def by_people(root: m.Meaning, statistics: Statistics) -> m.Meaning | None:
    """The same asked of what people say alone; None where no model says anything, or is asked for."""
    if not statistics.sorts.predictions:
        return None
    return _everywhere(root, of_people)


def set_aside(root: m.Meaning) -> list[m.Meaning]:
    """Predicates on what was set aside and would fulfil `root` in part otherwise; of one after `standing`."""
    found: list[m.Meaning] = []
    for node in m.descendants(root):
        if isinstance(node, m.Some | m.Counted | m.CountedValues):
            parts = m.conjuncts(node.predicate)
            if m.Standing() in parts:
                rest = tuple(part for part in parts if part != m.Standing())
                found.append(m.And((*rest, m.Not(m.Standing()))))
        elif isinstance(node, m.InLabelSet) and node.is_standing:
            found.append(m.And((m.LabelSetIs(node.shown, node.label_sets), m.Not(m.Standing()))))
    return found


def _everywhere(node: m.Meaning, narrow: Callable[[m.Meaning], m.Meaning]) -> m.Meaning:
    """Every predicate narrowed, those of related annotations too."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return replace(node, parts=tuple(_everywhere(part, narrow) for part in parts))
        case m.Not(part=part) | m.Unknown(part=part):
            return replace(node, part=_everywhere(part, narrow))
        case (
            m.Some(predicate=predicate)
            | m.Counted(predicate=predicate)
            | m.CountedValues(predicate=predicate)
        ):
            return replace(node, predicate=narrow(_everywhere(predicate, narrow)))
        case m.Related(predicate=predicate):
            return replace(node, predicate=narrow(_everywhere(predicate, narrow)))
    return node


def _of_label_sets(node: m.Meaning) -> m.Meaning:
    """What shows that a label set speaks of an asset, without what it set aside."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return replace(node, parts=tuple(map(_of_label_sets, parts)))
        case m.Not(part=part) | m.Unknown(part=part):
            return replace(node, part=_of_label_sets(part))
        case m.InLabelSet():
            return replace(node, is_standing=True)
    return node


def _standing(predicate: m.Meaning) -> m.Meaning:
    return predicate if _names(predicate, ("status",)) else _beside(predicate, m.Standing())


def of_people(predicate: m.Meaning) -> m.Meaning:
    """A predicate on annotations narrowed to what people say, unless it asks for a kind or a model."""
    if _names(predicate, ("kind", "model")):
        return predicate
    return _beside(predicate, m.ColumnIs("kind", "kind", Operator.EQUAL, (Value("annotation"),)))


def _beside(predicate: m.Meaning, also: m.Meaning) -> m.Meaning:
    if isinstance(predicate, m.Or):
        return replace(predicate, parts=tuple(_beside(part, also) for part in predicate.parts))
    parts = tuple(part for part in m.conjuncts(predicate) if not isinstance(part, m.Anything))
    return m.And((*parts, also)) if parts else also


def _names(node: m.Meaning, columns: tuple[str, ...]) -> bool:
    """Whether a condition is about one of the columns; of those of related annotations, not."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return any(_names(part, columns) for part in parts)
        case m.Not(part=part):
            return _names(part, columns)
    return isinstance(node, m.ColumnIs | m.HasColumn) and node.column in columns
