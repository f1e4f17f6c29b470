"""`name operator value` -> meaning, by what the name is: a field of datacat's or an attribute path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from datacat.model.names import folded
from datacat.query import meaning as m
from datacat.query.agreement import asset_agreement
from datacat.query.checks import (
    ORDERED,
    check_pattern,
    field_of,
    known_choices,
    number_of,
    only_equality,
    period_of,
    refuse_operator,
    values_of,
)
from datacat.query.fields import (
    AGREEMENTS,
    ANNOTATION_COLUMNS,
    ANNOTATION_TIMES,
    ASSET_COLUMNS,
    ASSET_STATES,
    ASSET_TIMES,
    MEASURES,
    Column,
)
from datacat.query.likeness import bind_likeness
from datacat.query.once import may_repeat
from datacat.query.paths import Paths, bind_attribute, bind_has, bind_metadata
from datacat.query.place import bind_place
from datacat.query.scope import Scope
from datacat.query.tree import Condition, Operator, RelationKind, Token
from datacat.query.units import without_unit
from datacat.query.values import Value
from datacat.query.words import class_named


def is_reserved(name: str) -> bool:
    """Whether a bare name means a field or a relation; in quotes it is an attribute all the same."""
    return folded(name).replace(" ", "_") in _RESERVED


def is_about_asset(node: Condition) -> bool:
    """Whether the condition, standing outside brackets, is one on the asset and not on some annotation."""
    if node.name.is_quoted or node.quantifier is not None:
        return False
    return field_of(node) in _ABOUT_ASSET or (field_of(node) == "class" and _asks_for_none(node))


def bind_about_asset(node: Condition, *, scope: Scope) -> m.Meaning:
    """Binds a condition for which `is_about_asset`."""
    if field_of(node) == "class":
        return m.AssetState("unlabelled")
    return _ABOUT_ASSET[field_of(node)](node, scope)


def bind_condition(node: Condition, *, scope: Scope) -> m.Meaning:
    """Binds a condition on one annotation."""
    field = "" if node.name.is_quoted or node.quantifier is not None else field_of(node)
    if field in MEASURES:
        return _measure(node, scope)
    if field in _ABOUT_ANNOTATION:
        return _ABOUT_ANNOTATION[field](node, scope)
    if field in _ABOUT_ASSET:
        scope.stop(f"{field} is about the asset; it cannot stand here", node.span, hint="Write it outside.")
    return bind_attribute(node, paths=Paths(scope))


def bind_outside(node: Condition, *, scope: Scope) -> m.Meaning:
    """Binds a condition that stands outside brackets: on some annotation, or on what is said of the asset itself."""
    field = "" if node.name.is_quoted or node.quantifier is not None else field_of(node)
    if field in ("has", "missing") or field not in (*_ABOUT_ANNOTATION, *MEASURES):
        found = bind_metadata(node, scope=scope)
        if found is not None:
            return found
    if field in ("has", "missing"):
        return _outside_has(node, scope)
    return m.Some(bind_condition(node, scope=scope))


_Bind = Callable[[Condition, Scope], m.Meaning]


def _one_by_one(bind: _Bind) -> _Bind:
    """`x in (a, b)` as `x=a OR x=b`, for what knows only single values."""

    def bound(node: Condition, scope: Scope) -> m.Meaning:
        if node.operator not in (Operator.IN, Operator.NOT_IN):
            return bind(node, scope)
        operator = Operator.EQUAL if node.operator is Operator.IN else Operator.UNEQUAL
        parts = tuple(bind(replace(node, operator=operator, values=(value,)), scope) for value in node.values)
        if len(parts) == 1:
            return parts[0]
        return m.Or(parts) if node.operator is Operator.IN else m.And(parts)

    return bound


def _asks_for_none(node: Condition) -> bool:
    return node.operator is Operator.EQUAL and node.value == Token("?")


def _column(columns: dict[str, Column], node: Condition, scope: Scope) -> tuple[str, tuple[Value, ...]]:
    """The column of a condition and the values, checked."""
    name = field_of(node)
    column = columns[name]
    if column.is_number:
        node = replace(node, values=tuple(without_unit(value, name) for value in node.values))
        if node.operator in (Operator.MATCHES, Operator.CONTAINS):
            refuse_operator(node, scope, hint=ORDERED)
        for value in node.values:
            number_of(value, name, scope=scope)
    if column.choices:
        if node.operator not in (Operator.EQUAL, Operator.UNEQUAL, Operator.IN, Operator.NOT_IN):
            refuse_operator(node, scope)
        for value in node.values:
            known_choices(value, column.choices, what=name, scope=scope)
    check_pattern(node, scope)
    return column.column, values_of(node)


def _annotation_column(node: Condition, scope: Scope) -> m.Meaning:
    column, values = _column(ANNOTATION_COLUMNS, node, scope)
    has_wide_texts = bool(scope.vocabulary.sorts.wide_texts)
    return m.ColumnIs(field_of(node), column, node.operator, values, has_wide_texts)


def _asset_column(node: Condition, scope: Scope) -> m.Meaning:
    column, values = _column(ASSET_COLUMNS, node, scope)
    return m.AssetIs(field_of(node), column, node.operator, values)


@_one_by_one
def _annotation_time(node: Condition, scope: Scope) -> m.Meaning:
    column = ANNOTATION_TIMES[field_of(node)]
    return m.TimeIs(field_of(node), column, node.operator, period_of(node, scope))


@_one_by_one
def _asset_time(node: Condition, scope: Scope) -> m.Meaning:
    return m.AssetTime(field_of(node), ASSET_TIMES[field_of(node)], node.operator, period_of(node, scope))


@_one_by_one
def _measure(node: Condition, scope: Scope) -> m.Meaning:
    """`area>1000`, `area>1000px`, `width>10%`."""
    name, token = field_of(node), node.value
    if node.operator in (Operator.MATCHES, Operator.CONTAINS):
        refuse_operator(node, scope, hint=ORDERED)
    is_percent = token.text.endswith("%") and not token.is_quoted
    if is_percent and MEASURES[name].percent is None:
        scope.stop(f"{name} has no share of the asset", token.span, hint=f"Write a number, as in {name}>1.5.")
    bare = Token(token.text.removesuffix("%").removesuffix("px"), token.is_quoted, token.span)
    number = number_of(without_unit(bare, name), name, scope=scope)
    shown = f"{name}{node.operator}{Value(token.text, token.is_quoted)}"
    if MEASURES[name].sized is None:
        return m.MeasureIs(name, node.operator, number, is_percent, shown)
    has_shares, stated = bool(scope.vocabulary.sorts.shares), scope.vocabulary.stated(scope.cursor)
    return m.MeasureIs(name, node.operator, number, is_percent, shown, has_shares, stated)


@_one_by_one
def _track_length(node: Condition, scope: Scope) -> m.Meaning:
    if not node.value.text.isdecimal() or node.operator in (Operator.MATCHES, Operator.CONTAINS):
        scope.stop("a track's length is a whole number", node.value.span, hint="As in track_length>30.")
    return m.TrackIs(node.operator, int(node.value.text))


def _class(node: Condition, scope: Scope) -> m.Meaning:
    if node.operator in (Operator.IN, Operator.NOT_IN):
        classes = tuple(class_named(value, scope=scope) for value in node.values)
        return m.Or(classes) if node.operator is Operator.IN else m.Not(m.Or(classes))
    only_equality(node, scope)
    if node.value == Token("?"):
        has_class = m.HasColumn("class", "class")
        return has_class if node.operator is Operator.UNEQUAL else m.Not(has_class)
    found = class_named(node.value, scope=scope)
    return m.Not(found) if node.operator is Operator.UNEQUAL else found


def _label_sets(node: Condition, scope: Scope) -> tuple[int, ...]:
    """The label sets that `team:` or `label_set:` names; those it does not name for `!=` and `not in`."""
    if node.operator not in (*_NAMED, Operator.UNEQUAL, Operator.NOT_IN):
        refuse_operator(node, scope)
    sets = list(scope.vocabulary.label_sets.values())
    named: set[int] = set()
    for value in node.values:
        if field_of(node) == "team":
            what, names = "team", [item.team for item in sets]
        else:
            what, names = "label set", [str(item) if "/" in value.text else item.name for item in sets]
        found = known_choices(value, sorted(set(names)), what=what, scope=scope)
        named.update(item.number for item, name in zip(sets, names, strict=True) if name in found)
    is_named = node.operator in _NAMED
    return tuple(item.number for item in sets if (item.number in named) is is_named)


_NAMED = (Operator.EQUAL, Operator.IN)


def _shown(node: Condition) -> str:
    if node.operator in (Operator.IN, Operator.NOT_IN):
        return f"{field_of(node)} {node.operator} ({', '.join(value.as_item() for value in values_of(node))})"
    return f"{field_of(node)}{node.operator}{values_of(node)[0]}"


def _in_label_set(node: Condition, scope: Scope) -> m.Meaning:
    return m.InLabelSet(_shown(node), _label_sets(node, scope))


def _of_label_set(node: Condition, scope: Scope) -> m.Meaning:
    return m.LabelSetIs(_shown(node), _label_sets(node, scope))


def _split(node: Condition, scope: Scope) -> m.Meaning:
    check_pattern(node, scope)
    return m.SplitIs(node.operator, values_of(node))


@_one_by_one
def _source(node: Condition, scope: Scope) -> m.Meaning:
    if node.operator not in (Operator.EQUAL, Operator.UNEQUAL, Operator.MATCHES):
        refuse_operator(node, scope, hint="Use : = != ~ or in (…).")
    check_pattern(node, scope)
    return m.FromSource(node.operator, values_of(node)[0])


@_one_by_one
def _asset_state(node: Condition, scope: Scope) -> m.Meaning:
    only_equality(node, scope)
    exactly = Token(node.value.text, is_quoted=True, span=node.value.span)
    (state,) = known_choices(exactly, tuple(ASSET_STATES), what="state", scope=scope)
    return m.Not(m.AssetState(state)) if node.operator is Operator.UNEQUAL else m.AssetState(state)


@_one_by_one
def _in(node: Condition, scope: Scope) -> m.Meaning:
    """`in:snapshot@2`."""
    only_equality(node, scope)
    shown = f"in:{Value(node.value.text, node.value.is_quoted)}"
    files = scope.asked_outside(lambda outside: outside.snapshot_files(node.value.text), node.value.span)
    found = m.InFiles(shown, files)
    return m.Not(found) if node.operator is Operator.UNEQUAL else found


def _since(node: Condition, scope: Scope) -> m.Meaning:
    if node.operator is not Operator.EQUAL or not node.value.text.isdecimal():
        scope.stop(
            "since is followed by the number of a state",
            node.span,
            hint="As in since:41; `datacat log` has them.",
        )
    number = int(node.value.text)
    found = scope.asked_outside(lambda outside: outside.changed_since(number), node.value.span)
    return m.ChangedSince(number, found)


@_one_by_one
def _agreement(node: Condition, scope: Scope) -> m.Meaning:
    name = field_of(node)
    if node.operator in (Operator.MATCHES, Operator.CONTAINS):
        refuse_operator(node, scope, hint=ORDERED)
    number = number_of(node.value, name, scope=scope)
    shown = f"{name}{node.operator}{node.value.text}"
    repeats = may_repeat(scope.cursor, scope.vocabulary) is not None
    stated = scope.vocabulary.stated(scope.cursor)
    measured = asset_agreement(scope.vocabulary, may_repeat=repeats, stated=stated)
    return m.AgreementIs(AGREEMENTS[name], node.operator, number, shown, measured)


def _outside_has(node: Condition, scope: Scope) -> m.Meaning:
    """Outside brackets `missing:` is about all annotations: none has it."""
    found = bind_has(node, paths=Paths(scope))
    return m.Not(m.Some(found.part)) if isinstance(found, m.Not) else m.Some(found)


def _has(node: Condition, scope: Scope) -> m.Meaning:
    return bind_has(node, paths=Paths(scope))


def _like(node: Condition, scope: Scope) -> m.Meaning:
    name = field_of(node)
    if node.operator is not Operator.EQUAL:
        scope.stop(
            f"{name} is followed by a colon", node.span, hint="As in like:1042 or like:street_0007.png."
        )
    return bind_likeness(node.value, name=name, scope=scope)


def _about(node: Condition, scope: Scope) -> m.Meaning:
    if node.operator is not Operator.EQUAL or not node.value.text.strip():
        scope.stop("about is followed by a text", node.span, hint='As in about:"red tiles on a church".')
    text = node.value.text
    return m.Similar(m.Question(text=text), f"about:{m.quoted(text)}", is_hybrid=True)


@_one_by_one
def _within(node: Condition, scope: Scope) -> m.Meaning:
    only_equality(node, scope)
    found = bind_place(node.value, scope=scope)
    return m.Not(found) if node.operator is Operator.UNEQUAL else found


_ABOUT_ASSET: dict[str, _Bind] = {
    **dict.fromkeys(ASSET_COLUMNS, _asset_column),
    **dict.fromkeys(ASSET_TIMES, _asset_time),
    **dict.fromkeys(AGREEMENTS, _agreement),
    "team": _in_label_set,
    "label_set": _in_label_set,
    "split": _split,
    "source": _source,
    "is": _asset_state,
    "in": _in,
    "since": _since,
    "within": _within,
    "like": _like,
    "unlike": _like,
    "about": _about,
}
_ABOUT_ANNOTATION: dict[str, _Bind] = {
    **dict.fromkeys(ANNOTATION_COLUMNS, _annotation_column),
    **dict.fromkeys(ANNOTATION_TIMES, _annotation_time),
    "class": _class,
    "track_length": _track_length,
    "team": _of_label_set,
    "label_set": _of_label_set,
    "has": _has,
    "missing": _has,
}
FIELD_NAMES = tuple(dict.fromkeys([*_ABOUT_ASSET, *_ABOUT_ANNOTATION, *MEASURES]))
_RESERVED = frozenset({*FIELD_NAMES, *map(str, RelationKind)})
