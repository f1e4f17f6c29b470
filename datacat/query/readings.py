"""What the words of a plain question were taken for, and the query that they make together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datacat.query.quantities import ONE, Quantity

_BESIDE = 3  # words between a class and a value that describes it


@dataclass(frozen=True, slots=True)
class Reading:
    """What words of a question were taken for.

    Attributes:
        words: as typed.
        kind: class, value, flag (an attribute that is true), attribute (its name, beside a value), team, spelling (a
            class or value spelled much like it), quoted, unknown.
        query: in strict syntax; empty for unknown words.
        alternatives: what else they could have meant, in strict syntax.
        classes: comparable names of classes, where it is one.
        path: of a value or a flag; `team` of a team, `status` of a review state.
        meant: what should have been typed, of a spelling.
        quantity: how many, where a number stood before a class.
        is_negated: NOT stood before it.
        is_choice: "or" stood before it.
    """

    words: str
    kind: str
    query: str
    alternatives: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    path: str = ""
    meant: str = ""
    quantity: Quantity = ONE
    is_negated: bool = False
    is_choice: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """Part of a query: where its first word stands, whether it is a class, the scalar path that it compares."""

    place: int
    text: str
    is_class: bool = False
    is_choice: bool = False
    path: str = ""


def composed(readings: Sequence[Reading], has: Callable[[str, Sequence[str]], bool]) -> str:
    """The query in strict syntax: classes with the values that describe them, then the rest.

    Args:
        readings: of a question, from the left.
        has: whether annotations of one of some classes have a path.
    """
    values: dict[int, list[_Part]] = {n: [] for n, reading in enumerate(readings) if reading.classes}
    parts: list[_Part] = []
    for number, reading in enumerate(readings):
        owner = _owner(number, readings, has) if reading.path else None
        if owner is not None:
            values[owner].append(_part(number, reading))
        elif reading.path or reading.kind == "quoted":
            parts.append(_part(number, reading))
    for number, described in values.items():
        reading = readings[number]
        conditions = _groups(described)
        first = min([number, *(part.place for part in described)])
        inside = " ".join(
            _either(group, of_several=len(conditions) > 1 or reading.query.startswith("["))
            for group in conditions
        )
        text = reading.quantity.of(_with(reading.query, inside))
        is_choice = readings[first].is_choice or reading.is_choice
        parts.append(_Part(first, _negated(reading, text), is_class=True, is_choice=is_choice))
    groups = _groups(sorted(parts, key=lambda part: part.place))
    groups.sort(key=lambda group: not any(part.is_class for part in group))
    return " AND ".join(_either(group, of_several=len(groups) > 1) for group in groups)


def _owner(number: int, readings: Sequence[Reading], has: Callable[[str, Sequence[str]], bool]) -> int | None:
    """The class that a value describes: rather one behind it than one before it."""
    near = [n for n, other in enumerate(readings) if other.classes and abs(n - number) <= _BESIDE]
    near.sort(key=lambda place: (place < number, abs(place - number)))
    return next((n for n in near if has(readings[number].path, readings[n].classes)), None)


def _part(number: int, reading: Reading) -> _Part:
    if reading.is_negated or reading.kind == "quoted":
        return _Part(number, _negated(reading, reading.query))
    path = "" if "[]" in reading.path else reading.path
    return _Part(number, reading.query, is_choice=reading.is_choice, path=path)


def _negated(reading: Reading, text: str) -> str:
    return f"NOT {text}" if reading.is_negated else text


def _groups(parts: Sequence[_Part]) -> list[list[_Part]]:
    """Parts of which one must hold: with "or" between them, or two values of one path ("red and blue cars")."""
    groups: list[list[_Part]] = []
    for part in parts:
        if groups and (part.is_choice or (part.path and part.path == groups[-1][-1].path)):
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def _either(group: Sequence[_Part], *, of_several: bool) -> str:
    text = " OR ".join(part.text for part in group)
    return f"({text})" if len(group) > 1 and of_several else text


def _with(query: str, inside: str) -> str:
    """A class with conditions in its brackets."""
    if not inside:
        return query
    return f"{query[:-1]} {inside}]" if query.startswith("[") else f"{query}[{inside}]"
