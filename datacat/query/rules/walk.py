"""How rules reach every node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from datacat.query import meaning as m


def rewritten(node: m.Meaning, rewrite: Callable[[m.Meaning], m.Meaning]) -> m.Meaning:
    """`node` with `rewrite` applied to every node of it, the innermost first."""
    match node:
        case m.And() | m.Or():
            node = replace(node, parts=tuple(rewritten(part, rewrite) for part in node.parts))
        case m.Not():
            node = m.Not(rewritten(node.part, rewrite))
        case m.Neither():
            node = m.Neither(rewritten(node.yes, rewrite), rewritten(node.no, rewrite))
        case m.Denied(part=m.Counted() as part):
            inner = rewritten(part.predicate, rewrite)
            node = m.Denied(replace(part, predicate=inner))
        case m.Some() | m.Counted() | m.CountedValues() | m.Absent():
            node = replace(node, predicate=rewritten(node.predicate, rewrite))
    return rewrite(node)
