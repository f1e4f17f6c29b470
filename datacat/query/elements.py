"""`doors[].{side=left state=open}`: conditions that one and the same element of a list fulfils.

The attribute index knows each leaf, but not to which element it belongs. So it gives the candidates, annotations in
which every condition holds somewhere, and their documents decide.
"""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query import tree
from datacat.query.checks import check_pattern, values_of
from datacat.query.paths import bind_element_paths, element_leaf
from datacat.query.scope import Scope
from datacat.query.values import name_text


def bind_element(node: tree.Element, *, scope: Scope) -> m.ElementIs:
    """Binds the conditions on an element.

    Raises:
        QueryError: there is no such list, or no such path in its elements.
    """
    path = bind_element_paths(node.path, scope=scope)
    inner = _bound(node.inner, path, scope=scope)
    known = scope.vocabulary.paths(scope.cursor)
    below = tuple(leaf for leaf in known if leaf.startswith(f"{path}."))
    return m.ElementIs(path, inner, _candidates(inner, path), below)


def _bound(node: tree.Node, path: str, *, scope: Scope) -> m.Meaning:  # noqa: RET503 - stop() raises
    match node:
        case tree.And(parts=parts):
            return m.And(tuple(_bound(part, path, scope=scope) for part in parts))
        case tree.Or(parts=parts):
            return m.Or(tuple(_bound(part, path, scope=scope) for part in parts))
        case tree.Not(part=part):
            return m.Not(_bound(part, path, scope=scope))
        case tree.Group(inner=inner):
            return _bound(inner, path, scope=scope)
        case tree.Condition(quantifier=None, bracket=None):
            return _leaf(node, path, scope=scope)
    scope.stop(
        "only conditions on the element's own paths can stand here",
        node.span,
        hint="As in doors[].{side=left state=open}.",
    )


def _leaf(node: tree.Condition, path: str, *, scope: Scope) -> m.LeafIs:
    found = element_leaf(path, node.name, scope=scope)
    check_pattern(node, scope)
    below = found.removeprefix(f"{path}.")
    shown = name_text(below, is_quoted=node.name.is_quoted)
    return m.LeafIs(below, node.operator, values_of(node), shown)


def _candidates(node: m.Meaning, path: str) -> m.Meaning:
    """What the index says of annotations in which an element may fulfil it."""
    match node:
        case m.And(parts=parts):
            found = (_candidates(part, path) for part in parts)
            kept = tuple(part for part in found if not isinstance(part, m.Anything))
            return m.And(kept) if len(kept) > 1 else kept[0] if kept else m.Anything()
        case m.Or(parts=parts):
            return m.Or(tuple(_candidates(part, path) for part in parts))
        case m.LeafIs(path=leaf, operator=operator, values=values):
            return m.AttributeIs((f"{path}.{leaf}",), operator, values, name_text(f"{path}.{leaf}"))
    return m.Anything()
