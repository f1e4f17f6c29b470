"""Tree -> meaning: every name is looked up, and what is unknown is refused with the nearest known name."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from datacat.query import meaning as m
from datacat.query import tree
from datacat.query.conditions import bind_about_asset, bind_condition, is_about_asset
from datacat.query.scope import Scope
from datacat.query.vocabulary import Vocabulary
from datacat.query.words import bind_words


def bind(
    root: tree.Node | None,
    *,
    text: str,
    cursor: duckdb.DuckDBPyConnection,
    vocabulary: Vocabulary,
    files: bool = True,
) -> m.Meaning:
    """Binds a query to what one state holds; `files` says whether `like:` may name a file that is no asset.

    Raises:
        QueryError: an unknown class, path, team, …, or something in a place where it makes no sense.
    """
    if root is None:
        return m.Everything()
    return _Binder(Scope(text, cursor, vocabulary, files)).asset(root)


class _Binder:
    """Walks the tree on two levels: `asset` outside brackets and counts, `annotation` within."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def asset(self, node: tree.Node) -> m.Meaning:
        match node:
            case tree.And(parts=parts):
                return _all(self.asset(part) for part in parts)
            case tree.Or(parts=parts):
                return m.Or(tuple(self.asset(part) for part in parts))
            case tree.Group(inner=inner):
                return self.asset(inner)
            case tree.Not(part=tree.Words() as words):
                first, *rest = self._classes(words) or self._nothing_to_negate(node)
                return _all([_not(m.Some(first)), *map(m.Some, rest)])
            case tree.Not(part=part):
                return _not(self.asset(part))
            case tree.Words():
                return _all(map(m.Some, self._classes(node)))
            case tree.Bracket(inner=inner):
                return m.Some(self.annotation(inner))
            case tree.Count(inner=inner, operator=operator, number=number):
                return m.Counted(self.annotation(inner), operator, number)
            case tree.Quoted(text=text):
                return m.Similar(m.Question(text=text), m.quoted(text))
            case tree.Condition() if is_about_asset(node):
                return bind_about_asset(node, scope=self._scope)
        return m.Some(self.annotation(node))

    def annotation(self, node: tree.Node) -> m.Meaning:
        match node:
            case tree.And(parts=parts):
                return _all((self.annotation(part) for part in parts), nothing=m.Anything())
            case tree.Or(parts=parts):
                return m.Or(tuple(self.annotation(part) for part in parts))
            case tree.Group(inner=inner) | tree.Bracket(inner=inner):
                return self.annotation(inner)
            case tree.Not(part=tree.Words() as words):
                first, *rest = self._classes(words) or self._nothing_to_negate(node)
                return _all([_not(first), *rest])
            case tree.Not(part=part):
                return _not(self.annotation(part))
            case tree.Words():
                return _all(self._classes(node), nothing=m.Anything())
            case tree.Count(span=span):
                self._scope.stop(
                    "count() is about the asset; it cannot stand here", span, hint="Write it outside."
                )
            case tree.Quoted(span=span):
                self._scope.stop(
                    "free text ranks whole assets; it cannot stand here",
                    span,
                    hint='Put it outside, as in: roof "a swimming pool".',
                )
        assert isinstance(node, tree.Condition)
        bound = bind_condition(node, scope=self._scope)
        return bound if node.bracket is None else _all([bound, self.annotation(node.bracket)])

    def _classes(self, words: tree.Words) -> list[m.Meaning]:
        """The predicates of adjacent words; the bracket, if any, narrows the last."""
        classes: list[m.Meaning] = list(bind_words(words.words, scope=self._scope))
        if words.bracket is None:
            return classes
        inner = self.annotation(words.bracket.inner)
        is_of_last = bool(classes) and not self._scope.is_filler(words.words[-1].text)
        last = [classes.pop()] if is_of_last else []
        return [*classes, _all([*last, inner], nothing=m.Anything())]

    def _nothing_to_negate(self, node: tree.Not) -> list[m.Meaning]:
        self._scope.stop("NOT is followed by no class or condition", node.span)


def _not(part: m.Meaning) -> m.Meaning:
    """The negation; of a negation, what that negates."""
    return part.part if isinstance(part, m.Not) else m.Not(part)


def _all(parts: Iterable[m.Meaning], *, nothing: m.Meaning | None = None) -> m.Meaning:
    """The conjunction: flat, without parts that always hold."""
    flat: list[m.Meaning] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, m.And) else [part])
    flat = [part for part in flat if not isinstance(part, m.Everything | m.Anything)]
    flat = list(dict.fromkeys(flat))
    if not flat:
        return nothing or m.Everything()
    return flat[0] if len(flat) == 1 else m.And(tuple(flat))
