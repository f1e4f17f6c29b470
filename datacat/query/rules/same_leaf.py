"""Several conditions of one annotation on one scalar path are asked of one leaf: one look at the index answers all.

before: [score>=0.5 score<0.6]     two looks, half of all leaves each, joined
after:  [score>=0.5 score<0.6]     one look, a tenth of them

A path through a list stays as it is: there, different elements may fulfil the conditions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

from datacat.query import meaning as m
from datacat.query.rules.walk import rewritten
from datacat.query.statistics import Statistics


def same_leaf(root: m.Meaning, statistics: Statistics | None = None) -> m.Meaning:
    """See the module."""
    return rewritten(root, _joined)


def _joined(node: m.Meaning) -> m.Meaning:
    if not isinstance(node, m.And):
        return node
    by_path: dict[str, list[m.AttributeIs]] = {}
    for part in node.parts:
        if _is_scalar(part):
            by_path.setdefault(part.paths[0], []).append(part)
    several = {path: tuple(parts) for path, parts in by_path.items() if len(parts) > 1}
    if not several:
        return node
    kept = [part for part in node.parts if not (_is_scalar(part) and part.paths[0] in several)]
    parts = (*kept, *map(m.LeafAnd, several.values()))
    return parts[0] if len(parts) == 1 else replace(node, parts=parts)


def _is_scalar(node: m.Meaning) -> TypeGuard[m.AttributeIs]:
    return (
        isinstance(node, m.AttributeIs)
        and len(node.paths) == 1
        and "[]" not in node.paths[0]
        and node.quantifier is None
    )
