"""What a class name stands for: the same under other names, the kinds of it, and who looked for it everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from datacat.model.names import folded
from datacat.query import meaning as m
from datacat.query.plurals import comparable
from datacat.query.values import Value
from datacat.query.vocabulary import Member, Use, Vocabulary


@dataclass(frozen=True, slots=True)
class Meant:
    """What a name stands for.

    Attributes:
        same: classes that mean the same, by name, concept or synonym.
        kinds: classes that are kinds of it, by a concept's children or a label file's class hierarchy.
        covered_by: label sets that looked for all of it on each of their assets.
        above: classes that it is a kind of.
    """

    same: tuple[Use, ...]
    kinds: tuple[Use, ...]
    covered_by: tuple[int, ...]
    above: tuple[Use, ...] = ()

    @property
    def label_sets(self) -> frozenset[int]:
        """All that have it."""
        return frozenset(number for use in (*self.same, *self.kinds) for number in use.label_sets)


def meant(name: str, vocabulary: Vocabulary) -> Meant:
    """What `name` (in comparable form) stands for; remembered, as of 1,000 label sets it takes milliseconds."""
    if name not in vocabulary.meant and vocabulary.knows(name):  # never more than there are names
        vocabulary.meant[name] = _meant(name, vocabulary)
    found: Meant = vocabulary.meant.get(name) or _meant(name, vocabulary)
    return found


def _meant(name: str, vocabulary: Vocabulary) -> Meant:
    same = _merged(_same(name, vocabulary))
    below = _merged(_below(name, vocabulary, seen={name}))
    known = {use.name: use.label_sets for use in same}
    kinds = tuple(
        Use(use.name, rest) for use in below if (rest := use.label_sets - known.get(use.name, frozenset()))
    )
    above = _merged(_above(name, vocabulary, seen={name}))
    return Meant(same, kinds, covering(name, vocabulary), above)


def covering(name: str, vocabulary: Vocabulary) -> tuple[int, ...]:
    """Label sets that looked for what `name` stands for on each of their assets, and labelled all of it.

    They cover a class of that meaning; or, where their own class list or the concepts part it into kinds, each
    of the kinds.
    """
    return tuple(sorted(_covering(name, vocabulary, seen={name})))


def _covering(name: str, vocabulary: Vocabulary, *, seen: set[str]) -> set[int]:
    found = {number for use in _same(name, vocabulary) for number in _of_those_covering(use, vocabulary)}
    own_kinds: dict[int, bool] = {}
    for use in _declared_below(name, vocabulary):
        covers = set(_of_those_covering(use, vocabulary))
        for number in use.label_sets:
            own_kinds[number] = own_kinds.get(number, True) and number in covers
    found |= {number for number, is_whole in own_kinds.items() if is_whole}
    parts = [part for part in _concepts_below(name, vocabulary) if part not in seen]
    if parts:
        found |= set.intersection(*(_covering(part, vocabulary, seen=seen | set(parts)) for part in parts))
    return found


def _of_those_covering(use: Use, vocabulary: Vocabulary) -> Iterator[int]:
    item = vocabulary.by_class[use.name]
    return (number for number in use.label_sets if vocabulary.covers(item, number))


def _same(name: str, vocabulary: Vocabulary) -> Iterator[Use]:
    """Classes so called, and those that a concept or a synonym joins with them."""
    for item in vocabulary.by_name.get(name, ()):
        yield vocabulary.of_teams(item, None)
    for concept in _concepts(name, vocabulary):
        for item in vocabulary.by_name.get(concept, ()):
            yield vocabulary.of_teams(item, None)
        for member in vocabulary.concepts.get(concept, ()):
            yield from _uses_of(member, vocabulary)


def _concepts(name: str, vocabulary: Vocabulary) -> list[str]:
    """The concepts that a name stands for: so called, with such a class, or with such a synonym."""
    found = {comparable(member.concept) for member in vocabulary.concepts_of.get(name, ())}
    found |= {comparable(concept) for concept in vocabulary.synonyms.get(name, ())}
    return sorted(found | ({name} & vocabulary.concepts.keys()))


def _uses_of(member: Member, vocabulary: Vocabulary) -> Iterator[Use]:
    for item in vocabulary.by_name.get(comparable(member.name), ()):
        use = vocabulary.of_teams(item, member.team)
        if use.label_sets:
            yield use


def _below(name: str, vocabulary: Vocabulary, *, seen: set[str]) -> Iterator[Use]:
    """Kinds of it, at any depth. What one label file or a concept calls a kind is one whoever labels it."""
    declared = (comparable(use.name) for use in _declared_below(name, vocabulary))
    for kind in dict.fromkeys([*declared, *_concepts_below(name, vocabulary)]):
        if kind not in seen:
            seen.add(kind)
            yield from _same(kind, vocabulary)
            yield from _below(kind, vocabulary, seen=seen)


def _above(name: str, vocabulary: Vocabulary, *, seen: set[str]) -> Iterator[Use]:
    """What it is a kind of, at any depth."""
    names = _names(name, vocabulary)
    declared = {
        parent
        for parent, uses in vocabulary.kinds.items()
        if any(comparable(use.name) in names for use in uses)
    }
    wider = {
        parent
        for parent, below in vocabulary.narrower.items()
        if not names.isdisjoint(map(comparable, below))
    }
    for parent in sorted((declared | wider) - seen):
        seen.add(parent)
        yield from _same(parent, vocabulary)
        yield from _above(parent, vocabulary, seen=seen)


def _declared_below(name: str, vocabulary: Vocabulary) -> Iterator[Use]:
    """Classes that label files put right below it, or below a class that means the same."""
    for one in sorted(_names(name, vocabulary)):
        yield from vocabulary.kinds.get(one, ())


def _names(name: str, vocabulary: Vocabulary) -> set[str]:
    """The name, the concepts that it stands for, and what those join."""
    concepts = _concepts(name, vocabulary)
    members = (member for concept in concepts for member in vocabulary.concepts.get(concept, ()))
    return {name, *concepts, *(comparable(member.name) for member in members)}


def _concepts_below(name: str, vocabulary: Vocabulary) -> list[str]:
    names = {name, *_concepts(name, vocabulary)}
    return sorted({comparable(below) for one in names for below in vocabulary.narrower.get(one, ())})


def _merged(uses: Iterable[Use]) -> tuple[Use, ...]:
    found: dict[str, frozenset[int]] = {}
    for use in uses:
        found[use.name] = found.get(use.name, frozenset()) | use.label_sets
    return tuple(Use(name, found[name]) for name in sorted(found) if found[name])


def classes_used(meaning: m.Meaning, vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """What each class of a query stands for: `roof` -> (`mapping:Roof`, `claims:rooftop`)."""
    used: dict[str, tuple[str, ...]] = {}
    for node in m.descendants(meaning):
        if isinstance(node, m.ClassIs):
            members = (_written(member, vocabulary) for member in node.members)
            used[node.shown] = tuple(dict.fromkeys(name for names in members for name in names))
    return used


def concepts_used(meaning: m.Meaning, vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """The concepts by which classes of a query were understood: `rooftop` -> (`roof`,); none for `class:rooftop`."""
    used: dict[str, tuple[str, ...]] = {}
    for node in m.descendants(meaning):
        if isinstance(node, m.ClassIs) and not node.shown.startswith("class="):
            concepts = _concepts(comparable(node.shown), vocabulary)
            members = (vocabulary.concepts.get(concept, ()) for concept in concepts)
            if names := tuple(dict.fromkeys(member.concept for of_one in members for member in of_one)):
                used[node.shown] = names
    return used


def without_concepts(meaning: m.Meaning, vocabulary: Vocabulary) -> dict[str, str]:
    """How to ask for one class of each name of `concepts_used` alone: the one so called, else the commonest."""
    known, used = vocabulary.by_class, concepts_used(meaning, vocabulary)
    alone: dict[str, str] = {}
    for node in m.descendants(meaning):
        if isinstance(node, m.ClassIs) and node.shown in used:
            names = [member.name for member in node.members if member.name in known]
            called = [name for name in names if folded(name) == folded(node.shown)]
            if name := max(called or names, key=lambda name: known[name].annotations, default=None):
                alone[node.shown] = f"class:{Value(folded(name), is_quoted='*' in name or name == '?')}"
    return alone


def _written(member: m.ClassMember, vocabulary: Vocabulary) -> list[str]:
    if member.label_sets is None:
        return [member.name]
    return [f"{vocabulary.label_sets[number].team}:{member.name}" for number in member.label_sets]
