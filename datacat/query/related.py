"""Classes that are related to those of a question: they share a word, or are kinds of the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from datacat.query.hierarchy import meant
from datacat.query.plurals import comparable
from datacat.query.values import Value
from datacat.query.vocabulary import ClassName, Vocabulary


def related(names: Iterable[str], vocabulary: Vocabulary) -> str:
    """A query for the classes related to comparable names; empty where there are none."""
    found = {item.name for name in names for item in _relatives(name, vocabulary)}
    return " OR ".join(f"class={Value(name, is_quoted=True)}" for name in sorted(found))


def classes_of(name: str, vocabulary: Vocabulary) -> list[ClassName]:
    """The classes that a comparable name stands for."""
    found = meant(name, vocabulary)
    return [vocabulary.by_class[use.name] for use in (*found.same, *found.kinds)]


def _relatives(name: str, vocabulary: Vocabulary) -> Iterator[ClassName]:
    own = {item.name for item in classes_of(name, vocabulary)}
    asked = set(name.split())
    siblings = {
        use.name for below in vocabulary.kinds.values() if own & {use.name for use in below} for use in below
    }
    for item in vocabulary.classes:
        words = comparable(item.name).split()
        is_alike = bool(asked & set(words)) or any(
            _is_compound(one, other) for one in asked for other in words
        )
        if item.name not in own and item.annotations and (is_alike or item.name in siblings):
            yield item


def _is_compound(one: str, other: str) -> bool:
    """`roof` and `rooftop`: one begins or ends with the other."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and short != long and (long.startswith(short) or long.endswith(short))
