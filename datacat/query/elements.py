"""`doors[].{side=left state=open}`: conditions that one and the same element of a list fulfils.

The attribute index knows each leaf, but not to which element it belongs. So it gives the candidates, annotations in
which every condition holds somewhere, and their documents decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from datacat.query import meaning as m
from datacat.query import tree
from datacat.query.checks import field_of
from datacat.query.paths import Paths, bind_attribute, bind_element_paths, bind_has
from datacat.query.scope import Scope
from datacat.query.tree import Quantifier
from datacat.query.values import name_text


def bind_element(node: tree.Element, *, scope: Scope) -> m.ElementIs:
    """Binds the conditions on an element.

    Raises:
        QueryError: there is no such list, or no such path in its elements.
    """
    path = bind_element_paths(node.path, scope=scope)
    paths = Paths(scope, below=f"{path}.")
    inner = _bound(node.inner, paths)
    return m.ElementIs(path, inner, _candidates(inner, paths.below), _whole(paths.known, paths.below))


def _bound(node: tree.Node, paths: Paths) -> m.Meaning:  # noqa: RET503 - stop() raises
    match node:
        case tree.And(parts=parts):
            return m.And(tuple(_bound(part, paths) for part in parts))
        case tree.Or(parts=parts):
            return m.Or(tuple(_bound(part, paths) for part in parts))
        case tree.Not(part=part):
            return m.Not(_bound(part, paths))
        case tree.Group(inner=inner):
            return _bound(inner, paths)
        case tree.Condition(bracket=None):
            is_name = node.name.is_quoted or node.quantifier is not None
            bind = bind_has if not is_name and field_of(node) in ("has", "missing") else bind_attribute
            return bind(node, paths=paths)
    paths.scope.stop(
        "only conditions on the element's own paths can stand here",
        node.span,
        hint="As in doors[].{side=left state=open}.",
    )


def _candidates(node: m.Meaning, below: str) -> m.Meaning:
    """What the index says of annotations in which an element may fulfil it."""
    match node:
        case m.And(parts=parts):
            found = (_candidates(part, below) for part in parts)
            kept = tuple(part for part in found if not isinstance(part, m.Anything))
            return m.And(kept) if len(kept) > 1 else kept[0] if kept else m.Anything()
        case m.Or(parts=parts):
            choices = tuple(_candidates(part, below) for part in parts)
            return m.Anything() if m.Anything() in choices else m.Or(choices)
        case m.AttributeIs(quantifier=Quantifier.NONE, paths=paths) | m.HasAttribute(paths=paths):
            return m.HasAttribute(_whole(paths, below), m.Value(below))
        case m.AttributeIs(paths=paths, quantifier=quantifier):
            whole, some = _whole(paths, below), quantifier and Quantifier.ANY
            return replace(node, paths=whole, shown=name_text(whole[0]), quantifier=some)
    return m.Anything()


def _whole(paths: Iterable[str], below: str) -> tuple[str, ...]:
    return tuple(f"{below}{path}" for path in paths)
