"""Bare words -> classes: "all data with traffic lights" is one class of two words and three fillers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

from datacat.model.names import folded
from datacat.query.meaning import Anything, ClassIs, ClassMember, Value
from datacat.query.plurals import comparable
from datacat.query.scope import Scope
from datacat.query.tree import Token
from datacat.query.vocabulary import ClassUse, Vocabulary

_LONGEST_NAME = 6  # words; of 80,000 class names in public data sets none has more
_NOTHING_NEAR = "`datacat classes` lists them all. In quotes it is free text, which ranks by likeness."
_PUNCTUATION = ",;.?!"


def bind_words(words: Sequence[Token], *, scope: Scope) -> Iterator[ClassIs | Anything]:
    """The classes that adjacent words name, longest names first from the left; fillers are dropped.

    Raises:
        QueryError: a word that is neither, with the nearest class.
    """
    start = 0
    while start < len(words):
        taken = _longest(words[start : start + _LONGEST_NAME], scope.vocabulary)
        if taken:
            typed = " ".join(word.text for word in words[start : start + taken]).rstrip(_PUNCTUATION)
            yield _named(typed, scope.vocabulary)
        elif "*" in words[start].text:
            yield wildcard(words[start], scope=scope)
        elif not scope.is_filler(words[start].text.rstrip(_PUNCTUATION)):
            unknown_class(words[start], scope=scope)
        start += max(taken, 1)


def wildcard(word: Token, *, scope: Scope) -> ClassIs | Anything:
    """The classes that `*` in a name stands for."""
    if word.text == "*":
        return Anything()
    return class_named(word, scope=scope)


def class_named(word: Token, *, scope: Scope) -> ClassIs:
    """`class:…`: that very name (folded; wildcards unless quoted), not its plural nor what means the same."""
    pattern = re.escape(folded(word.text))
    if not word.is_quoted:
        pattern = pattern.replace(r"\*", ".*")
    uses = [use for use in scope.vocabulary.uses if re.fullmatch(pattern, folded(use.name))]
    if not uses:
        unknown_class(word, scope=scope)
    return ClassIs(f"class={Value(word.text, word.is_quoted)}", _members(uses, scope.vocabulary))


def _longest(words: Sequence[Token], vocabulary: Vocabulary) -> int:
    """How many of the words, from the first, make the longest known name; 0 where not even one does."""
    for count in range(len(words), 0, -1):
        name = " ".join(word.text for word in words[:count]).rstrip(_PUNCTUATION)
        if vocabulary.knows(comparable(name)):
            return count
    return 0


def _named(typed: str, vocabulary: Vocabulary) -> ClassIs:
    name = comparable(typed)
    return ClassIs(vocabulary.shown(name).replace(" ", "-"), _members(vocabulary.same_as(name), vocabulary))


def _members(uses: list[ClassUse], vocabulary: Vocabulary) -> tuple[ClassMember, ...]:
    """Groups uses by class; a class that is meant wherever it occurs needs no label sets."""
    sets_of: dict[str, set[int]] = {}
    for use in uses:
        sets_of.setdefault(use.name, set()).add(use.label_set)
    everywhere: dict[str, set[int]] = {}
    for use in vocabulary.uses:
        everywhere.setdefault(use.name, set()).add(use.label_set)
    return tuple(
        ClassMember(name, None if sets == everywhere[name] else tuple(sorted(sets)))
        for name, sets in sorted(sets_of.items())
    )


def unknown_class(word: Token, *, scope: Scope) -> NoReturn:
    """Refuses a word that names nothing."""
    vocabulary = scope.vocabulary
    hint = vocabulary.near_classes(comparable(word.text.replace("*", "")))
    if not hint and not vocabulary.uses:
        hint = "The catalog has no annotations yet."
    scope.stop(f"no class `{word.text}`", word.span, hint=hint or _NOTHING_NEAR)
