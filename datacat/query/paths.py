"""Conditions on attribute and metadata paths: as typed, through lists, or with `*` -> the paths that there are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn
from unicodedata import normalize

import duckdb

from datacat.model.names import folded
from datacat.query import meaning as m
from datacat.query.checks import check_pattern, field_of, refuse_operator, values_of
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
from datacat.query.plurals import comparable
from datacat.query.scope import Scope
from datacat.query.tree import Condition, Operator, Quantifier, Token
from datacat.query.units import example_of
from datacat.query.values import Value, name_text
from datacat.query.vocabulary import PathUse, Vocabulary, nearest_names

_COLUMNS = (*ANNOTATION_COLUMNS, *ASSET_COLUMNS, *ASSET_TIMES)
_COMPARED = (*ASSET_COLUMNS, *ASSET_TIMES, *MEASURES)
_SHOWN = 8  # paths in a hint
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


@dataclass(frozen=True, slots=True)
class Paths:
    """The attribute paths that conditions can name: all of them, or within an element of a list those `below` it."""

    scope: Scope
    below: str = ""  # as in `doors[].`

    @property
    def known(self) -> Mapping[str, PathUse]:
        """Each with its use."""
        every = self.scope.vocabulary.paths(self.scope.cursor)
        if not self.below:
            return every
        return {
            path.removeprefix(self.below): use for path, use in every.items() if path.startswith(self.below)
        }

    def are_metadata_too(self, token: Token) -> bool:
        """Whether label files say something of assets at the path that was typed."""
        return not self.below and bool(_metadata_paths(token, self.scope))


def is_path(token: Token, *, scope: Scope) -> bool:
    """Whether a word outside brackets is a path, or a column, of which it can be said that it exists or contains."""
    is_known = scope.is_filler(token.text) or scope.vocabulary.knows(comparable(token.text))
    if is_known and not token.is_quoted:
        return False
    if not token.is_quoted and folded(token.text).replace(" ", "_") in _COLUMNS:
        return True
    return bool(_attributes_below(token, Paths(scope)) or _metadata_below(token, scope))


def bind_attribute(node: Condition, *, paths: Paths) -> m.Meaning:
    """A condition on a leaf of an annotation's attributes."""
    if node.quantifier is Quantifier.LENGTH:
        return _length(node, paths)
    found = _attribute_paths(node.name, paths) or _no_path(node.name, paths)
    check_pattern(node, paths.scope)
    shown = _shown(_with_prefix(node.name) if paths.are_metadata_too(node.name) else node.name)
    return m.AttributeIs(found, node.operator, values_of(node), shown, _quantifier(node), _sort(found, paths))


def _quantifier(node: Condition) -> Quantifier | None:
    """`any` means something of its own only before `contains`."""
    is_plain = node.quantifier is Quantifier.ANY and node.operator is not Operator.CONTAINS
    return None if is_plain else node.quantifier


def bind_metadata(node: Condition, *, scope: Scope) -> m.Meaning | None:
    """A condition that stands outside brackets, where label files say something of assets at its path.

    Where annotations have that path too, either will do; None where only they have it, or nobody.
    """
    if node.quantifier is Quantifier.LENGTH:
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
        said = (node.operator, values_of(node), _shown(token), _quantifier(node))
        found = m.MetadataIs(paths, *said)
    attributes = _attribute_paths(token, Paths(scope))
    if not attributes:
        return m.Not(found) if is_has and _is_negated(node) else found
    if is_has:
        of_annotation: m.Meaning = _has_attribute(token, Paths(scope))
    else:
        of_annotation = m.AttributeIs(attributes, *said)
    both = m.Or((m.Some(of_annotation), found), shown=str(found))
    return m.Not(both) if is_has and _is_negated(node) else both


def bind_has(node: Condition, *, paths: Paths) -> m.Meaning:
    """`has:path` and `missing:path`; of a field, whether the annotation says it."""
    if node.operator not in (Operator.EQUAL, Operator.UNEQUAL):
        refuse_operator(node, paths.scope, hint="Use : or = or !=.")
    name, is_field = node.value.text.casefold(), not paths.below and not node.value.is_quoted
    if is_field and name in ANNOTATION_COLUMNS and not _attribute_paths(node.value, paths):
        found: m.HasColumn | m.HasAttribute = m.HasColumn(name, ANNOTATION_COLUMNS[name].column)
    else:
        if is_field and name in _COMPARED and not _attributes_below(node.value, paths):
            asked = example_of(name)
            hint = f"As in {asked}; ?{asked} finds assets of which it is not known."
            paths.scope.stop(
                f"{name} is compared; it is not asked whether it is there", node.value.span, hint=hint
            )
        found = _has_attribute(node.value, paths)
        if not paths.below and _metadata_below(node.value, paths.scope):
            found = replace(found, shown=_value(_with_prefix(node.value)))
    return m.Not(found) if _is_negated(node) else found


def _is_negated(node: Condition) -> bool:
    return (field_of(node) == "missing") is (node.operator is Operator.EQUAL)


def _attribute_paths(token: Token, paths: Paths) -> tuple[str, ...]:
    """The paths that were typed: as written, and where no list is named, through lists too."""
    for text in _spellings(token.text, prefix=ATTRIBUTE_PREFIX):
        found = _spelled(text, token, known=paths.known)
        if found:
            return found
    return ()


def attributes_named(
    text: str, *, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary
) -> tuple[str, ...]:
    """The paths of attributes that a bare word names, through lists too."""
    known = vocabulary.paths(cursor)
    spelled = (_spelled(way, Token(text), known=known) for way in _spellings(text, prefix=ATTRIBUTE_PREFIX))
    return next(filter(None, spelled), ())


def _metadata_paths(token: Token, scope: Scope) -> tuple[str, ...]:
    if token.text.startswith(ATTRIBUTE_PREFIX) and not token.is_quoted:
        return ()
    for text in _spellings(token.text, prefix=METADATA_PREFIX):
        if _is_pattern(token):
            found = _spelled(text, token, known=scope.vocabulary.every_metadata_path(scope.cursor))
        else:
            found = scope.vocabulary.metadata_paths(scope.cursor, _ways(text))
        if found:
            return found
    return ()


def _metadata_below(token: Token, scope: Scope) -> tuple[str, ...]:
    if _is_pattern(token):
        return _metadata_paths(token, scope)
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


def _sort(found: tuple[str, ...], paths: Paths) -> Sort:
    uses = [paths.known[path] for path in found]
    return Sort(
        has_numbers=any(use.numbers for use in uses),
        has_texts=any(use.numbers < use.leaves for use in uses),
        has_odd_texts=any(use.odd_texts for use in uses),
        has_wide_texts=any(use.wide_texts for use in uses),
    )


def _spellings(text: str, *, prefix: str) -> tuple[str, ...]:
    return (text, text.removeprefix(prefix)) if text.startswith(prefix) else (text,)


def _spelled(text: str, token: Token, *, known: Collection[str]) -> tuple[str, ...]:
    """Those of the known paths that are spelled so."""
    if _is_pattern(token):
        pattern = re.compile(".*".join(map(re.escape, text.split("*"))))
        return tuple(path for path in known if pattern.fullmatch(path))
    ways = _ways(text)
    if not text.isascii():  # in whichever Unicode form it is typed or stored
        return tuple(
            path for path in known if normalize("NFC", path) in {normalize("NFC", way) for way in ways}
        )
    return tuple(path for path in ways if path in known)


def _is_pattern(token: Token) -> bool:
    return "*" in token.text and not token.is_quoted


def _ways(text: str) -> list[str]:
    """The paths that one without * can stand for."""
    return [text, f"{text}[]", f"{text}[][]"] if "[]" in text else _through_lists(text)


def _through_lists(path: str) -> list[str]:
    """`a.b` -> `a.b`, `a.b[]`, `a.b[][]`, `a[].b`, …; of a deeper path only those with a list at its end."""
    *steps, last = path.split(".")
    ends = (last, f"{last}[]", f"{last}[][]")
    choices = [(step,) if len(steps) >= _LIST_STEPS else (step, f"{step}[]") for step in steps]
    return [".".join(chosen) for chosen in itertools.product(*choices, ends)]


def _has_attribute(token: Token, paths: Paths) -> m.HasAttribute:
    """The leaves at and below the path that was typed; stops where there are none."""
    found = _attributes_below(token, paths)
    return m.HasAttribute(found, _value(token)) if found else _no_path(token, paths)


def _attributes_below(token: Token, paths: Paths) -> tuple[str, ...]:
    for path in _spellings(token.text, prefix=ATTRIBUTE_PREFIX):
        if _is_pattern(token):
            found = _spelled(path, token, known=paths.known)
        else:
            ways = tuple(f"{way}{step}" for way in _ways(path) for step in (".", "["))
            found = tuple(leaf for leaf in paths.known if f"{leaf}.".startswith(ways))
        if found:
            return found
    return ()


def _length(node: Condition, paths: Paths) -> m.Meaning:  # noqa: RET503 - it stops
    """`length(doors)>=2`."""
    path = node.name.text.removesuffix("[]")
    for text in _spellings(path, prefix=ATTRIBUTE_PREFIX):
        leaves = {leaf: use for leaf, use in paths.known.items() if leaf.startswith(f"{text}[]")}
        if leaves:
            if "[]" in text:
                hint = "Of the list in an element it has: doors[].{length(marks)>1}."
                paths.scope.stop("a list within a list has no one length", node.name.span, hint=hint)
            return _lengths(node, text, leaves)
    _no_list(node.name, paths)


def _lengths(node: Condition, path: str, leaves: Mapping[str, PathUse]) -> m.Meaning:
    sets = tuple(sorted({number for use in leaves.values() for number in use.label_sets}))
    operator = {Operator.IN: Operator.EQUAL, Operator.NOT_IN: Operator.UNEQUAL}.get(
        node.operator, node.operator
    )
    numbers = dict.fromkeys(int(value.text) for value in node.values)
    parts = tuple(m.LengthIs(path, operator, number, tuple(leaves), sets) for number in numbers)
    if len(parts) == 1:
        return parts[0]
    return m.Or(parts) if node.operator is Operator.IN else m.And(parts)


def bind_element_paths(token: Token, *, scope: Scope) -> str:  # noqa: RET503 - it stops
    """The list that `doors[].{…}` names, with [] at its end; stops where there is none."""
    path = token.text if token.text.endswith("[]") else f"{token.text}[]"
    known = scope.vocabulary.paths(scope.cursor)
    for text in _spellings(path, prefix=ATTRIBUTE_PREFIX):
        if any(leaf.startswith(f"{text}.") for leaf in known):
            return text
    _no_list(token, Paths(scope), of_objects=True)


def _no_list(token: Token, paths: Paths, *, of_objects: bool = False) -> NoReturn:
    """Stops at a path that is no list in annotations' attributes, or no list of objects."""
    if not _attribute_paths(token, paths):
        _no_path(token, paths)
    lists = sorted(
        {path.partition("[]")[0] for path in paths.known if ("[]." if of_objects else "[]") in path}
    )
    what = "list of objects" if of_objects else "list"
    hint = f"Such lists are {', '.join(lists[:3])}." if lists else f"No attribute is a {what}."
    paths.scope.stop(f"`{token.text}` is no {what}", token.span, hint=hint)


def _no_path(token: Token, paths: Paths) -> NoReturn:
    """Stops with the nearest paths."""
    scope = paths.scope
    if paths.are_metadata_too(token):
        hint = "Label files say it of assets: it stands outside brackets, without length or {…}."
        scope.stop(f"no annotation has `{token.text}`", token.span, hint=hint)
    token = replace(token, text=f"{paths.below}{token.text}")
    known = sorted(scope.vocabulary.paths(scope.cursor))
    simple = token.text.replace("[]", "").casefold()
    same = [path for path in known if path.replace("[]", "").casefold() == simple]
    ends = [path for path in known if path.replace("[]", "").casefold().endswith("." + simple)]
    parts = [path for path in known if path.replace("[]", "").casefold().startswith(simple + ".")]
    near = (same or ends or parts or nearest_names(token.text, known))[:3]
    names = [*ANNOTATION_COLUMNS, *ANNOTATION_TIMES, *MEASURES, *ASSET_COLUMNS, *ASSET_TIMES, *AGREEMENTS]
    of_assets = scope.vocabulary.every_metadata_path(scope.cursor)
    near = near or nearest_names(token.text, [*of_assets, *names, *_OTHER_FIELDS])
    hint = f"Did you mean {' or '.join(near)}?" if near else "`datacat attributes` lists them all."
    if not near and of_assets:
        more = "" if len(of_assets) <= _SHOWN else ", …"
        hint += f" Of assets label files say {', '.join(of_assets[:_SHOWN])}{more}."
    scope.stop(f"no attribute `{token.text}`", token.span, hint=hint)
