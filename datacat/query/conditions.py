"""`name operator value` -> meaning, by what the name is: a field of datacat's or an attribute path."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import NoReturn

from datacat.model.names import folded
from datacat.query import meaning as m
from datacat.query.fields import ANNOTATION_COLUMNS, ASSET_COLUMNS, ASSET_STATES, ATTRIBUTE_PREFIX, Column
from datacat.query.likeness import bind_likeness
from datacat.query.scope import Scope
from datacat.query.tree import Condition, Operator, Span, Token
from datacat.query.vocabulary import nearest_names
from datacat.query.words import class_named

_EQUALITY = (Operator.EQUAL, Operator.UNEQUAL)
_LIST_STEPS = 3  # 16 ways to write lists into a path of four names; each costs a look of 1 ms


def is_about_asset(node: Condition) -> bool:
    """Whether the condition, standing outside brackets, is one on the asset and not on some annotation."""
    return not node.name.is_quoted and folded(node.name.text).replace(" ", "_") in _ABOUT_ASSET


def bind_about_asset(node: Condition, *, scope: Scope) -> m.Meaning:
    """Binds a condition for which `is_about_asset`."""
    return _ABOUT_ASSET[_field(node)](node, scope)


def bind_condition(node: Condition, *, scope: Scope) -> m.Meaning:
    """Binds a condition on one annotation."""
    field = "" if node.name.is_quoted else _field(node)
    if field in ANNOTATION_COLUMNS:
        return _annotation_column(node, scope)
    if field in _ABOUT_ANNOTATION:
        return _ABOUT_ANNOTATION[field](node, scope)
    if field in _ABOUT_ASSET:
        scope.stop(f"{field} is about the asset; it cannot stand here", node.span, hint="Write it outside.")
    return _attribute(node, scope)


def _field(node: Condition) -> str:
    return folded(node.name.text).replace(" ", "_")


def _value(token: Token) -> m.Value:
    return m.Value(token.text, token.is_quoted)


def _checked(node: Condition, column: Column, *, scope: Scope) -> None:
    """Refuses what the column cannot be compared with."""
    name, value = _field(node), _value(node.value)
    if column.is_number:
        if node.operator is Operator.MATCHES:
            _refuse_operator(node, scope)
        if value.number is None:
            scope.stop(f"{name} is compared with a number", node.value.span, hint=f"As in {name}>0.5.")
    if column.choices:
        if node.operator not in _EQUALITY:
            _refuse_operator(node, scope)
        _known(node.value, column.choices, what=name, scope=scope)
    _check_pattern(node, scope)


def _check_pattern(node: Condition, scope: Scope) -> None:
    if node.operator is not Operator.MATCHES:
        return
    try:
        scope.cursor.execute("SELECT regexp_matches('', ?)", [node.value.text]).fetchone()
    except Exception as error:  # whatever DuckDB calls it
        scope.stop(f"no regular expression: {str(error).splitlines()[0]}", node.value.span)


def _refuse_operator(node: Condition, scope: Scope) -> NoReturn:
    span = Span(node.name.span.end, node.value.span.start)
    scope.stop(f"{_field(node)} cannot be compared with {node.operator}", span, hint="Use : or = or !=.")


def _known(token: Token, choices: tuple[str, ...] | list[str], *, what: str, scope: Scope) -> list[str]:
    """The choices that a value names: exactly one, or several by a wildcard."""
    pattern = re.escape(token.text.casefold())
    pattern = pattern if token.is_quoted else pattern.replace(r"\*", ".*")
    found = [choice for choice in choices if re.fullmatch(pattern, choice.casefold())]
    if not found:
        near = nearest_names(token.text, choices)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(choices) or 'none'}."
        scope.stop(f"no {what} `{token.text}`", token.span, hint=hint)
    return found


def _annotation_column(node: Condition, scope: Scope) -> m.Meaning:
    column = ANNOTATION_COLUMNS[_field(node)]
    _checked(node, column, scope=scope)
    return m.ColumnIs(_field(node), column.column, node.operator, _value(node.value))


def _asset_column(node: Condition, scope: Scope) -> m.Meaning:
    column = ASSET_COLUMNS[_field(node)]
    _checked(node, column, scope=scope)
    return m.AssetIs(_field(node), column.column, node.operator, _value(node.value))


def _class(node: Condition, scope: Scope) -> m.Meaning:
    _only_equality(node, scope)
    found = class_named(node.value, scope=scope)
    return m.Not(found) if node.operator is Operator.UNEQUAL else found


def _only_equality(node: Condition, scope: Scope) -> None:
    if node.operator not in _EQUALITY:
        _refuse_operator(node, scope)


def _label_sets(node: Condition, scope: Scope) -> tuple[int, ...]:
    """The label sets that `team:` or `label_set:` names; those it does not name for `!=`."""
    _only_equality(node, scope)
    sets = list(scope.vocabulary.label_sets.values())
    if _field(node) == "team":
        teams = _known(node.value, scope.vocabulary.teams, what="team", scope=scope)
        named = {item.number for item in sets if item.team in teams}
    else:
        names = [str(item) if "/" in node.value.text else item.name for item in sets]
        found = _known(node.value, names, what="label set", scope=scope)
        named = {item.number for item, name in zip(sets, names, strict=True) if name in found}
    is_named = node.operator is Operator.EQUAL
    return tuple(item.number for item in sets if (item.number in named) is is_named)


def _shown(node: Condition) -> str:
    return f"{_field(node)}{node.operator}{_value(node.value)}"


def _in_label_set(node: Condition, scope: Scope) -> m.Meaning:
    return m.InLabelSet(_shown(node), _label_sets(node, scope))


def _of_label_set(node: Condition, scope: Scope) -> m.Meaning:
    return m.LabelSetIs(_shown(node), _label_sets(node, scope))


def _split(node: Condition, scope: Scope) -> m.Meaning:
    _check_pattern(node, scope)
    return m.SplitIs(node.operator, _value(node.value))


def _asset_state(node: Condition, scope: Scope) -> m.Meaning:
    _only_equality(node, scope)
    (state,) = _known(
        Token(node.value.text, node.value.span, is_quoted=True),
        tuple(ASSET_STATES),
        what="state",
        scope=scope,
    )
    return m.Not(m.AssetState(state)) if node.operator is Operator.UNEQUAL else m.AssetState(state)


def _has(node: Condition, scope: Scope) -> m.Meaning:
    _only_equality(node, scope)
    found = _has_attribute(node.value, scope)
    return m.Not(found) if node.operator is Operator.UNEQUAL else found


def _like(node: Condition, scope: Scope) -> m.Meaning:
    if node.operator is not Operator.EQUAL:
        scope.stop("like is followed by a colon", node.span, hint="As in like:1042 or like:street_0007.png.")
    return bind_likeness(node.value, scope=scope)


def _attribute(node: Condition, scope: Scope) -> m.Meaning:
    paths = _paths(node.name, scope)
    _check_pattern(node, scope)
    return m.AttributeIs(paths, node.operator, _value(node.value), node.name.text)


def _paths(token: Token, scope: Scope) -> tuple[str, ...]:  # noqa: RET503 - it stops
    """The attribute paths that were typed: as written, and where no list is named, through lists too."""
    for text in (token.text, token.text.removeprefix(ATTRIBUTE_PREFIX)):
        spelled = [text] if "[]" in text else _through_lists(text)
        found = tuple(path for path in spelled if scope.vocabulary.has_path(scope.cursor, path))
        if found:
            return found
    _no_path(token, scope)


def _through_lists(path: str) -> list[str]:
    """`a.b` -> `a.b`, `a.b[]`, `a[].b`, `a[].b[]`; of a deeper path only that with a list at its end."""
    *steps, last = path.split(".")
    if len(steps) >= _LIST_STEPS:
        return [path, f"{path}[]"]
    choices = ((step, f"{step}[]") for step in (*steps, last))
    return [".".join(chosen) for chosen in itertools.product(*choices)]


def _has_attribute(token: Token, scope: Scope) -> m.HasAttribute:  # noqa: RET503 - it stops
    """The leaves at and below the path that was typed."""
    known = scope.vocabulary.leaf_counts(scope.cursor)
    for path in (token.text, token.text.removeprefix(ATTRIBUTE_PREFIX)):
        found = tuple(leaf for leaf in known if leaf == path or leaf.startswith((f"{path}.", f"{path}[")))
        if found:
            return m.HasAttribute(path, found)
    _no_path(token, scope)


def _no_path(token: Token, scope: Scope) -> NoReturn:
    """Stops with the nearest paths."""
    known = sorted(scope.vocabulary.leaf_counts(scope.cursor))
    simple = token.text.replace("[]", "").casefold()
    same = [path for path in known if path.replace("[]", "").casefold() == simple]
    ends = [path for path in known if path.replace("[]", "").casefold().endswith("." + simple)]
    parts = [path for path in known if path.replace("[]", "").casefold().startswith(simple + ".")]
    near = (same or ends or parts or nearest_names(token.text, known))[:3]
    names = [*_ABOUT_ASSET, *_ABOUT_ANNOTATION, *ANNOTATION_COLUMNS]
    near = near or nearest_names(token.text, names)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`datacat attributes` lists them all."
    scope.stop(f"no attribute `{token.text}`", token.span, hint=hint)


_Bind = Callable[[Condition, Scope], m.Meaning]
_ABOUT_ASSET: dict[str, _Bind] = {
    **dict.fromkeys(ASSET_COLUMNS, _asset_column),
    "team": _in_label_set,
    "label_set": _in_label_set,
    "split": _split,
    "is": _asset_state,
    "like": _like,
}
_ABOUT_ANNOTATION: dict[str, _Bind] = {
    "class": _class,
    "team": _of_label_set,
    "label_set": _of_label_set,
    "has": _has,
}
