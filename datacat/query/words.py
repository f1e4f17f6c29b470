"""Bare words -> classes: "all data with traffic lights" is one class of two words and three fillers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from datacat.errors import QueryError
from datacat.model.names import folded
from datacat.query import meaning as m
from datacat.query.compare import Sql
from datacat.query.hierarchy import Meant, meant
from datacat.query.plurals import comparable
from datacat.query.run import rows
from datacat.query.scope import Scope
from datacat.query.syntax import parse
from datacat.query.tree import RelationKind, Span, Token, Words
from datacat.query.values import Value
from datacat.query.vocabulary import Use, Vocabulary, nearest_names

_LONGEST_NAME = 6  # words; of 80,000 class names in public data sets none has more
_NOTHING_NEAR = (
    "`datacat classes` lists them all, `datacat ask` takes questions in plain words. "
    "In quotes it is free text, which ranks by likeness."
)
_PUNCTUATION = ",;.?!"
# How relations are said in words: "car left of bus".
_RELATION_WORDS: dict[tuple[str, ...], RelationKind] = {
    ("left", "of"): RelationKind.LEFT_OF,
    ("right", "of"): RelationKind.RIGHT_OF,
    ("above",): RelationKind.ABOVE,
    ("below",): RelationKind.BELOW,
    ("inside",): RelationKind.INSIDE,
    ("overlapping",): RelationKind.OVERLAPS,
}

Said = m.ClassIs | m.LabelSetIs | m.Anything | m.And


def is_bare_words(name: str) -> bool:
    """Whether a query can ask for what is so called by writing nothing but its name."""
    word = as_word(name)
    try:
        asked = parse(word.text)
    except QueryError:
        return False
    is_changed = word.text.startswith("@") or "*" in word.text or word.text[-1] in _PUNCTUATION
    return asked == Words((word,)) and not is_changed


def as_word(name: str) -> Token:
    """A name of several words as one, which means the same."""
    return Token("-".join(name.split()))


def bind_words(words: Sequence[Token], *, scope: Scope) -> Iterator[Said]:
    """What adjacent words name, longest names first from the left; fillers are dropped.

    Raises:
        QueryError: a word that names nothing, with the nearest class.
    """
    start = 0
    waiting: Said | None = None
    while start < len(words):
        rest = words[start:]
        said, taken = _first(rest, scope=scope)
        if said is None and waiting is not None and (relation := _relation(rest)):
            kind, skipped = relation
            while skipped < len(rest) - 1 and scope.is_filler(rest[skipped].text):
                skipped += 1
            other, used = _first(rest[skipped:], scope=scope)
            if other is None:
                unknown_class(rest[skipped], scope=scope)
            shown = f"{kind}({m.predicate_text(other)})"
            stated = scope.vocabulary.stated(scope.cursor)
            waiting = m.And((waiting, m.Related(kind, other, None, None, shown, stated)))
            start += skipped + used
            continue
        if said is None and not scope.is_filler(rest[0].text.rstrip(_PUNCTUATION)):
            unknown_class(rest[0], scope=scope)
        if waiting is not None and isinstance(said, m.LabelSetIs):  # cars by mapping: those of that team
            waiting = m.And((*m.conjuncts(waiting), said))
        elif said is not None:
            if waiting is not None:
                yield waiting
            waiting = said
        start += max(taken, 1)
    if waiting is not None:
        yield waiting


def _first(words: Sequence[Token], *, scope: Scope) -> tuple[Said | None, int]:
    """What the words begin with, and how many words say it; None where they begin with no name."""
    if not words:
        return None, 0
    if "*" in words[0].text:  # whatever classes are called: the one that is called `*` is class="*"
        return wildcard(words[0], scope=scope), 1
    plain = itertools.takewhile(lambda word: "*" not in word.text, words[:_LONGEST_NAME])
    taken = _longest(list(plain), scope.vocabulary)
    if taken:
        typed = " ".join(word.text for word in words[:taken]).rstrip(_PUNCTUATION)
        return class_meant(typed, scope.vocabulary), taken
    if len(words) > 1 and folded(words[0].text) == "by" and (made := _made_by(words[1], scope=scope)):
        return made, 2
    return None, 0


def wildcard(word: Token, *, scope: Scope) -> m.ClassIs | m.Anything:
    """The classes that `*` in a name stands for."""
    if word.text == "*":
        return m.Anything()
    return class_named(word, scope=scope)


def class_named(word: Token, *, scope: Scope) -> m.ClassIs:
    """`class:…`: that very name (folded; wildcards unless quoted), not its plural nor what means the same."""
    vocabulary = scope.vocabulary
    pattern = re.escape(folded(word.text))
    if not word.is_quoted:
        pattern = pattern.replace(r"\*", ".*")
    found = [item for item in vocabulary.classes if re.fullmatch(pattern, folded(item.name))]
    if not found and vocabulary.knows(comparable(word.text)):
        names = ", ".join(use.name for use in meant(comparable(word.text), vocabulary).kinds[:3])
        hint = f"As a bare word it stands for {names} …" if names else "As a bare word it stands for others."
        scope.stop(f"no class is called just `{word.text}`", word.span, hint=hint)
    if not found:
        unknown_class(word, scope=scope)
    uses = [vocabulary.of_teams(item, None) for item in found]
    members = _members(uses, vocabulary)
    shown = f"class={Value(word.text, word.is_quoted)}"
    return m.ClassIs(shown, members, _covering_all(uses, vocabulary), members)


def _covering_all(uses: Sequence[Use], vocabulary: Vocabulary) -> tuple[int, ...]:
    """Label sets that looked everywhere for each of the classes that they have."""
    had = frozenset(number for use in uses for number in use.label_sets)

    def covers_all(number: int) -> bool:
        had_there = (vocabulary.by_class[use.name] for use in uses if number in use.label_sets)
        return all(vocabulary.covers(item, number) for item in had_there)

    return tuple(sorted(filter(covers_all, had)))


def _longest(words: Sequence[Token], vocabulary: Vocabulary) -> int:
    """How many of the words, from the first, make the longest known name; 0 where not even one does."""
    for count in range(len(words), 0, -1):
        name = " ".join(word.text for word in words[:count]).rstrip(_PUNCTUATION)
        if vocabulary.knows(comparable(name)):
            return count
    return 0


def class_meant(typed: str, vocabulary: Vocabulary) -> m.ClassIs:
    """The classes that a name stands for."""
    name = comparable(typed)
    found = meant(name, vocabulary)
    shown = vocabulary.shown(name).replace(" ", "-")
    members = _members((*found.same, *found.kinds), vocabulary)
    same, above = (_members(uses, vocabulary) for uses in (found.same, found.above))
    return m.ClassIs(shown, members, found.covered_by, same, above)


def _members(uses: Iterable[Use], vocabulary: Vocabulary) -> tuple[m.ClassMember, ...]:
    """Classes with the label sets they are meant in; a class that is meant wherever it occurs needs none."""
    merged: dict[str, frozenset[int]] = {}
    for use in uses:
        merged[use.name] = merged.get(use.name, frozenset()) | use.label_sets
    return tuple(
        m.ClassMember(name, None if sets >= vocabulary.by_class[name].counts.keys() else tuple(sorted(sets)))
        for name, sets in sorted(merged.items())
    )


def _relation(words: Sequence[Token]) -> tuple[RelationKind, int] | None:
    for said, kind in _RELATION_WORDS.items():
        typed = tuple(folded(word.text) for word in words[: len(said)])
        if typed == said and len(words) > len(said):
            return kind, len(said)
    return None


def _made_by(word: Token, *, scope: Scope) -> m.LabelSetIs | None:
    """`by mapping`: an annotation of that team or label set."""
    name = word.text.rstrip(_PUNCTUATION).casefold()
    sets = scope.vocabulary.label_sets.values()
    found = tuple(item.number for item in sets if name in (item.team.casefold(), str(item).casefold()))
    field = "label_set" if "/" in name else "team"
    return m.LabelSetIs(f"{field}={Value(name)}", found) if found else None


def unknown_class(word: Token, *, scope: Scope) -> NoReturn:
    """Refuses a word that names nothing."""
    vocabulary = scope.vocabulary
    typed = word.text if word.is_quoted else word.text.rstrip(_PUNCTUATION)
    hint = _other_than_class(typed, scope) or near_classes(comparable(typed.replace("*", "")), vocabulary)
    if not hint and not vocabulary.classes:
        hint = "The catalog has no annotations yet."
    span = Span(word.span.start, word.span.end - len(word.text) + len(typed)) if word.span.end else word.span
    scope.stop(f"no class `{typed}`", span, hint=hint or _NOTHING_NEAR)


def _other_than_class(typed: str, scope: Scope) -> str | None:
    """How to say it, where it is the name of something else."""
    vocabulary, name = scope.vocabulary, typed.casefold()
    for (concept,) in rows(scope.cursor, Sql("SELECT concept FROM concept_details")):
        if comparable(concept) == comparable(typed):
            return f"It is a concept without classes: datacat concepts add {concept!r} CLASS …"
    paths = vocabulary.paths(scope.cursor)
    below = [path for path in paths if path.startswith((f"{typed}.", f"{typed}[]"))]
    if typed and (typed in paths or f"{typed}[]" in paths):
        return f"`{typed}` is an attribute: say what it is, as in {typed}=… or {typed} exists."
    if typed and below:
        return f"It begins the path of attributes: {' or '.join(sorted(below)[:3])}."
    if typed and vocabulary.metadata_paths(scope.cursor, [typed, f"{typed}[]"]):
        return f"Label files say it of assets: say what it is, as in {typed}=… or has:{typed}."
    if typed and vocabulary.metadata_below(scope.cursor, typed):
        return f"Label files say it of assets: has:{typed}."
    if typed.startswith("@"):
        return f"A saved search stands first, as in: {typed} media:image."
    if name in (team.casefold() for team in vocabulary.teams):
        return f"It is a team: team:{typed}, or labelled by {typed}."
    if re.search(r"[&|]", typed):
        parted = re.sub(r"([&|]+)", r" \1 ", typed)
        return f"The signs & and | stand between spaces: {parted}."
    if name == "by":
        return (
            "Behind it stands a team or a label set, as in labelled by mapping; of a person, annotator:ann."
        )
    if name in tuple(RelationKind):
        example = {RelationKind.NEAR: "person near:car<50px", RelationKind.IOU: "roof iou(roof)>0.3"}
        return f"As in {example.get(RelationKind(name), f'car {name}:roof')}."
    return None


def near_classes(name: str, vocabulary: Vocabulary) -> str | None:
    """A sentence that names the nearest classes with their counts; None where nothing is near."""
    near = nearest_names(name, vocabulary.known_names)
    if not near:
        return None
    return f"Did you mean {' or '.join(_counted(found, vocabulary) for found in near)}?"


def _counted(name: str, vocabulary: Vocabulary) -> str:
    found: Meant = meant(name, vocabulary)
    teams = len({vocabulary.label_sets[number].team for number in found.label_sets})
    annotations = sum(
        vocabulary.by_class[use.name].counts.get(number, 0)
        for use in (*found.same, *found.kinds)
        for number in use.label_sets
    )
    by_teams = "1 team" if teams == 1 else f"{teams} teams"
    used = "1 annotation" if annotations == 1 else f"{annotations:,} annotations"
    return f"`{vocabulary.shown(name)}` ({by_teams}, {used})"
