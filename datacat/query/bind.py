"""Tree -> meaning: every name is looked up, and what is unknown is refused with the nearest known name."""

from __future__ import annotations

from collections.abc import Iterable

from datacat.model.names import folded
from datacat.query import meaning as m
from datacat.query import tree
from datacat.query.checks import number_of
from datacat.query.compare import Sql
from datacat.query.conditions import bind_about_asset, bind_condition, bind_outside, is_about_asset
from datacat.query.elements import bind_element
from datacat.query.fields import COUNTABLE
from datacat.query.phrases import first_words, without_first_words
from datacat.query.rules.standing import of_people
from datacat.query.scope import Scope
from datacat.query.values import Value
from datacat.query.words import bind_words


def bind(root: tree.Node | None, *, scope: Scope) -> m.Meaning:
    """Binds a parsed query to what one state holds; None asks for everything.

    Raises:
        QueryError: an unknown class, path, team, …, or something in a place where it makes no sense.
    """
    if root is None:
        return m.Everything()
    return _Binder(scope).asset(root)


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
                first, *rest = self._said(words) or self._nothing_to_negate(node)
                return _all([_not(m.Some(first)), *map(m.Some, rest)])
            case tree.Not(part=part):
                return _not(self.asset(part))
            case tree.Unknown(part=tree.Words() as words):
                first, *rest = self._said(words) or self._nothing_to_negate(node)
                return _all([m.Unknown(m.Some(first)), *map(m.Some, rest)])
            case tree.Unknown(part=part):
                return m.Unknown(self.asset(part))
            case tree.Words():
                return _all(map(m.Some, self._said(node)))
            case tree.Bracket(inner=inner):
                return m.Some(self.annotation(inner))
            case tree.Count():
                return self._count(node)
            case tree.Quoted(text=text, weight=weight):
                shown = m.quoted(text) + (f"^{weight}" if weight else "")
                return m.Similar(m.Question(text=text), shown, float(weight or 1))
            case tree.Condition() if is_about_asset(node):
                return bind_about_asset(node, scope=self._scope)
            case tree.Condition(bracket=None):
                return bind_outside(node, scope=self._scope)
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
                first, *rest = self._said(words) or self._nothing_to_negate(node)
                return _all([_not(first), *rest])
            case tree.Not(part=part):
                return _not(self.annotation(part))
            case tree.Words():
                return _all(self._said(node), nothing=m.Anything())
            case tree.Relation():
                return self._relation(node)
            case tree.Element():
                return bind_element(node, scope=self._scope)
        self._refuse_in_bracket(node)
        assert isinstance(node, tree.Condition)
        bound = bind_condition(node, scope=self._scope)
        return bound if node.bracket is None else _all([bound, self.annotation(node.bracket)])

    def _refuse_in_bracket(self, node: tree.Node) -> None:
        match node:
            case tree.Count(span=span):
                self._scope.stop(
                    "count() is about the asset; it cannot stand here", span, hint="Write it outside."
                )
            case tree.Unknown(span=span):
                self._scope.stop("? is about the asset; it cannot stand here", span, hint="Write it outside.")
            case tree.Quoted(span=span):
                self._scope.stop(
                    "free text ranks whole assets; it cannot stand here",
                    span,
                    hint='Put it outside, as in: roof "a swimming pool".',
                )

    def _said(self, words: tree.Words) -> list[m.Meaning]:
        """The predicates of adjacent words; the bracket, if any, narrows the last."""
        said: list[m.Meaning] = list(bind_words(words.words, scope=self._scope))
        if words.bracket is None:
            return said
        inner = self.annotation(words.bracket.inner)
        is_of_last = bool(said) and not self._scope.is_filler(words.words[-1].text)
        last = [said.pop()] if is_of_last else []
        return [*said, _all([*last, inner], nothing=m.Anything())]

    def _nothing_to_negate(self, node: tree.Not | tree.Unknown) -> list[m.Meaning]:
        sign = "NOT" if isinstance(node, tree.Not) else "?"
        self._scope.stop(f"{sign} is followed by no class or condition", node.span)

    def _count(self, node: tree.Count) -> m.Meaning:
        """`count(car)>=3`, `count(car across teams)>=3`, `count(annotator)>=2`, `count(annotator of car)>=2`."""
        words = first_words(node.inner)
        name = folded(words[0].text).replace(" ", "_") if words else ""
        is_all = node.inner == tree.Words(words[:1])
        is_of = len(words) > 1 and folded(words[1].text) == "of"
        if name not in COUNTABLE or not (is_all or is_of):
            predicate = self.annotation(node.inner)
            if node.is_across:
                predicate = of_people(predicate)  # a model is no team
            stated = self._stated() if node.is_across else None
            return m.Counted(predicate, node.operator, node.number, is_across=node.is_across, stated=stated)
        if node.is_across:
            what = f"different values of {name} are counted of all teams"
            self._scope.stop(what, node.span, hint="Leave `across teams` out, or count a class across teams.")
        among = None if is_all else without_first_words(node.inner, 2)
        if is_of and among is None:
            hint = f"As in count({name} of car)>=2."
            self._scope.stop("of is followed by nothing", words[1].span, hint=hint)
        predicate = m.Anything() if among is None else self.annotation(among)
        return m.CountedValues(name, COUNTABLE[name], predicate, node.operator, node.number)

    def _relation(self, node: tree.Relation) -> m.Meaning:
        predicate = self.annotation(node.inner)
        shown = f"{node.kind}({m.predicate_text(predicate)})"
        if node.number is None or node.operator is None:
            return m.Related(node.kind, predicate, None, None, shown, self._stated())
        if node.operator in (tree.Operator.MATCHES, tree.Operator.CONTAINS):
            self._scope.stop(f"{node.kind} is compared with < <= > >= = or !=", node.span)
        bare = tree.Token(node.number.text.removesuffix("px"), node.number.is_quoted, node.number.span)
        example = "near(bicycle)<50px" if node.kind is tree.RelationKind.NEAR else "iou(roof)>0.3"
        number = number_of(bare, node.kind, scope=self._scope, example=example)
        shown = f"{shown}{node.operator}{Value(node.number.text)}"
        return m.Related(node.kind, predicate, node.operator, number, shown, self._stated())

    def _stated(self) -> Sql | None:
        return self._scope.vocabulary.stated(self._scope.cursor)


def _not(part: m.Meaning) -> m.Meaning:
    """The negation; of a negation, what that negates."""
    return part.part if isinstance(part, m.Not) else m.Not(part)


def _all(parts: Iterable[m.Meaning], *, nothing: m.Meaning | None = None) -> m.Meaning:
    """The conjunction: flat, without parts that always hold."""
    flat: list[m.Meaning] = []
    for part in parts:
        flat.extend(m.conjuncts(part))
    flat = [part for part in flat if not isinstance(part, m.Everything | m.Anything)]
    flat = list(dict.fromkeys(flat))
    if not flat:
        return nothing or m.Everything()
    return flat[0] if len(flat) == 1 else m.And(tuple(flat))
