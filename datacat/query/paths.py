"""Conditions on attribute and metadata paths: as typed, through lists, or with `*` -> the paths that there are."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import NoReturn

from datacat.query import meaning as m
from datacat.query.checks import check_pattern, field_of, number_of, refuse_operator, values_of
from datacat.query.compare import Sort
from datacat.query.fields import (
    AGREEMENTS,
    ANNOTATION_COLUMNS,
    ANNOTATION_TIMES,
    ASSET_COLUMNS,
    ASSET_TIMES,
    ATTRIBUTE_PREFIX,
    MEASURES,
    METADATA_PREFIX,
)
from datacat.query.scope import Scope
from datacat.query.tree import Condition, Operator, Quantifier, Token
from datacat.query.values import Value, name_text
from datacat.query.vocabulary import nearest_names

_LIST_STEPS = 3  # 24 ways to write lists into a path of four names
_OTHER_FIELDS = (
    "team",
    "label_set",
    "split",
    "source",
    "is",
    "in",
    "since",
    "within",
    "like",
    "class",
    "has",
    "missing",
)


def bind_attribute(node: Condition, *, scope: Scope) -> m.Meaning:
    """A condition on a leaf of an annotation's attributes."""
    quantifier = node.quantifier or Quantifier.ANY
    if quantifier is Quantifier.LENGTH:
        return _length(node, scope)
    paths = attribute_paths(node.name, scope=scope)
    check_pattern(node, scope)
    sort = _sort(paths, scope)
    is_of_both = node.quantifier is None and bool(_metadata_paths(node.name, scope))
    shown = _shown(_with_prefix(node.name) if is_of_both else node.name)
    return m.AttributeIs(paths, node.operator, values_of(node), shown, quantifier, sort)


def bind_metadata(node: Condition, *, scope: Scope) -> m.Meaning | None:
    """A condition that stands outside brackets, where label files say something of assets at its path.

    Where annotations have that path too, either will do; None where only they have it, or nobody.
    """
    if node.quantifier is not None:
        return None
    is_has = not node.name.is_quoted and field_of(node) in ("has", "missing")
    token = node.value if is_has else node.name
    paths = _metadata_below(token, scope) if is_has else _metadata_paths(token, scope)
    if not paths:
        return None
    if is_has:
        found: m.Meaning = m.HasMetadata(paths, _value(token))
    else:
        check_pattern(node, scope)
        found = m.MetadataIs(paths, node.operator, values_of(node), _shown(token))
    if not _attribute_paths(token, scope):
        return m.Not(found) if is_has and _is_negated(node) else found
    if is_has:
        of_annotation: m.Meaning = _has_attribute(token, scope)
    else:
        of_annotation = m.AttributeIs(
            _attribute_paths(token, scope), node.operator, values_of(node), _shown(token)
        )
    both = m.Or((m.Some(of_annotation), found), shown=str(found))
    return m.Not(both) if is_has and _is_negated(node) else both


def bind_has(node: Condition, *, scope: Scope) -> m.Meaning:
    """`has:path` and `missing:path`; of a field, whether the annotation says it."""
    if node.operator not in (Operator.EQUAL, Operator.UNEQUAL):
        refuse_operator(node, scope, hint="Use : or = or !=.")
    name = node.value.text.casefold()
    if not node.value.is_quoted and name in ANNOTATION_COLUMNS and not _attribute_paths(node.value, scope):
        found: m.HasColumn | m.HasAttribute = m.HasColumn(name, ANNOTATION_COLUMNS[name].column)
    else:
        found = _has_attribute(node.value, scope)
        if _metadata_below(node.value, scope):
            found = replace(found, shown=_value(_with_prefix(node.value)))
    return m.Not(found) if _is_negated(node) else found


def _is_negated(node: Condition) -> bool:
    return (field_of(node) == "missing") is (node.operator is Operator.EQUAL)


def attribute_paths(token: Token, *, scope: Scope) -> tuple[str, ...]:
    """The paths that were typed: as written, and where no list is named, through lists too; stops if there is none."""
    return _attribute_paths(token, scope) or _no_path(token, scope)


def _attribute_paths(token: Token, scope: Scope) -> tuple[str, ...]:
    known = scope.vocabulary.paths(scope.cursor)
    for text in _spellings(token.text, prefix=ATTRIBUTE_PREFIX):
        found = tuple(path for path in _spelled(text, token, known=tuple(known)) if path in known)
        if found:
            return found
    return ()


def _metadata_paths(token: Token, scope: Scope) -> tuple[str, ...]:
    if token.text.startswith(ATTRIBUTE_PREFIX) and not token.is_quoted:
        return ()
    for text in _spellings(token.text, prefix=METADATA_PREFIX):
        spelled = [text] if "[]" in text else _through_lists(text)
        found = scope.vocabulary.metadata_paths(scope.cursor, spelled)
        if found:
            return found
    return ()


def _metadata_below(token: Token, scope: Scope) -> tuple[str, ...]:
    for text in _spellings(token.text, prefix=METADATA_PREFIX):
        found = scope.vocabulary.metadata_below(scope.cursor, text)
        if found:
            return found
    return ()


def _shown(name: Token) -> str:
    """A path as it was typed: quotes may keep it from being a field, a relation or a pattern."""
    return name_text(name.text, is_quoted=name.is_quoted)


def _value(path: Token) -> Value:
    return Value(path.text, path.is_quoted)


def _with_prefix(path: Token) -> Token:
    """Where assets have the path too: outside brackets, strict form must say that annotations are asked alone."""
    return replace(path, text=f"{ATTRIBUTE_PREFIX}{path.text}")


def _sort(paths: tuple[str, ...], scope: Scope) -> Sort:
    uses = [scope.vocabulary.paths(scope.cursor)[path] for path in paths]
    return Sort(
        has_numbers=any(use.numbers for use in uses),
        has_texts=any(use.numbers < use.leaves for use in uses),
        has_odd_texts=any(use.odd_texts for use in uses),
    )


def _spellings(text: str, *, prefix: str) -> tuple[str, ...]:
    return (text, text.removeprefix(prefix)) if text.startswith(prefix) else (text,)


def _spelled(text: str, token: Token, *, known: tuple[str, ...]) -> list[str]:
    if "*" in text and not token.is_quoted:
        pattern = re.compile(".*".join(map(re.escape, text.split("*"))))
        return [path for path in known if pattern.fullmatch(path)]
    return [text] if "[]" in text else _through_lists(text)


def _through_lists(path: str) -> list[str]:
    """`a.b` -> `a.b`, `a.b[]`, `a.b[][]`, `a[].b`, …; of a deeper path only those with a list at its end."""
    *steps, last = path.split(".")
    ends = (last, f"{last}[]", f"{last}[][]")
    choices = [(step,) if len(steps) >= _LIST_STEPS else (step, f"{step}[]") for step in steps]
    return [".".join(chosen) for chosen in itertools.product(*choices, ends)]


def _has_attribute(token: Token, scope: Scope) -> m.HasAttribute:
    """The leaves at and below the path that was typed."""
    known = scope.vocabulary.paths(scope.cursor)
    for path in _spellings(token.text, prefix=ATTRIBUTE_PREFIX):
        found = tuple(leaf for leaf in known if leaf == path or leaf.startswith((f"{path}.", f"{path}[")))
        if "*" in path and not token.is_quoted:
            found = tuple(_spelled(path, token, known=tuple(known)))
        if found:
            return m.HasAttribute(found, _value(token))
    return _no_path(token, scope)


def _length(node: Condition, scope: Scope) -> m.Meaning:  # noqa: RET503 - it stops
    """`length(doors)>=2`."""
    number = int(number_of(node.value, "length", scope=scope))
    path = node.name.text.removesuffix("[]")
    known = scope.vocabulary.paths(scope.cursor)
    for text in _spellings(path, prefix=ATTRIBUTE_PREFIX):
        below = {leaf: use for leaf, use in known.items() if leaf.startswith(f"{text}[]")}
        if below:
            if "[]" in text:
                scope.stop("a list within a list has no one length", node.name.span)
            sets = frozenset(number for use in below.values() for number in use.label_sets)
            return m.LengthIs(text, node.operator, number, tuple(below), tuple(sorted(sets)))
    _no_list(node.name, scope)


def bind_element_paths(token: Token, *, scope: Scope) -> str:  # noqa: RET503 - it stops
    """The list that `doors[].{…}` names, with [] at its end; stops where there is none."""
    path = token.text if token.text.endswith("[]") else f"{token.text}[]"
    known = scope.vocabulary.paths(scope.cursor)
    for text in _spellings(path, prefix=ATTRIBUTE_PREFIX):
        if any(leaf.startswith(f"{text}.") for leaf in known):
            return text
    _no_list(token, scope, of_objects=True)


def element_leaf(path: str, token: Token, *, scope: Scope) -> str:  # noqa: RET503 - it stops
    """The whole path of what a condition names below an element; stops where there is none."""
    known = scope.vocabulary.paths(scope.cursor)
    for name in [token.text] if "[]" in token.text else _through_lists(token.text):
        if f"{path}.{name}" in known:
            return f"{path}.{name}"
    _no_path(Token(f"{path}.{token.text}", token.is_quoted, token.span), scope)


def _no_list(token: Token, scope: Scope, *, of_objects: bool = False) -> NoReturn:
    """Stops at a path that is no list in annotations' attributes, or no list of objects."""
    if not _attribute_paths(token, scope):
        _no_path(token, scope)
    known = scope.vocabulary.paths(scope.cursor)
    lists = sorted({path.partition("[]")[0] for path in known if ("[]." if of_objects else "[]") in path})
    what = "list of objects" if of_objects else "list"
    hint = f"Such lists are {', '.join(lists[:3])}." if lists else f"No attribute is a {what}."
    scope.stop(f"`{token.text}` is no {what}", token.span, hint=hint)


def _no_path(token: Token, scope: Scope) -> NoReturn:
    """Stops with the nearest paths."""
    if _metadata_paths(token, scope):
        hint = "Label files say it of assets: it stands outside brackets, without all, none, length or {…}."
        scope.stop(f"no annotation has `{token.text}`", token.span, hint=hint)
    known = sorted(scope.vocabulary.paths(scope.cursor))
    simple = token.text.replace("[]", "").casefold()
    same = [path for path in known if path.replace("[]", "").casefold() == simple]
    ends = [path for path in known if path.replace("[]", "").casefold().endswith("." + simple)]
    parts = [path for path in known if path.replace("[]", "").casefold().startswith(simple + ".")]
    near = (same or ends or parts or nearest_names(token.text, known))[:3]
    names = [*ANNOTATION_COLUMNS, *ANNOTATION_TIMES, *MEASURES, *ASSET_COLUMNS, *ASSET_TIMES, *AGREEMENTS]
    near = near or nearest_names(token.text, [*names, *_OTHER_FIELDS])
    hint = f"Did you mean {' or '.join(near)}?" if near else "`datacat attributes` lists them all."
    scope.stop(f"no attribute `{token.text}`", token.span, hint=hint)
