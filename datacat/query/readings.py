"""What the words of a plain question were taken for, and the query that they make together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from datacat.query.quantities import ONE, Quantity

_BESIDE = 3  # words between a class and a value that describes it


MAKERS = frozenset(("team", "label_set", "model", "annotator"))
_ABOUT_ASSET = frozenset(("media", "is", "captured", "asset"))
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!="}
_COMPARED = re.compile(r'("(?:[^"\\]|\\.)*"|[^<>=!"\s()]+)(<=|>=|<|>|=)([^=].*)', re.DOTALL)


class Has(Protocol):
    """Whether annotations of one of some classes have a path; without classes, whether any have."""

    def __call__(self, path: str, classes: Sequence[str] = ()) -> bool: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What words of a question were taken for.

    Attributes:
        words: as typed.
        kind: class, value, flag (an attribute that is true), attribute (its name, beside a value), comparison (with a
            number), spelling (a class or value that it surely is, misspelt), quoted, unknown, or the field.
        query: in strict syntax; empty for unknown words.
        alternatives: what else they could have meant, in strict syntax.
        classes: comparable names of classes, where it is one.
        path: of a value or a flag.
        field: of what datacat itself knows: media, is, captured, created, kind, status, team, label_set, model,
            annotator, a measure of the annotation, or asset for one of the picture.
        meant: what should have been typed, of a spelling.
        quantity: how many, where a number stood before a class.
        is_negated: NOT stood before it.
        is_choice: "or" stood before it.
        is_used: not so of the name of an attribute of which no value is asked.
        is_within: it stands in the parentheses of a relation.
        is_each: "both" stood before it and another maker: each of them is to have such a label.
    """

    words: str
    kind: str
    query: str
    alternatives: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    path: str = ""
    field: str = ""
    meant: str = ""
    quantity: Quantity = ONE
    is_negated: bool = False
    is_choice: bool = False
    is_used: bool = True
    is_within: bool = False
    is_each: bool = False

    def as_document(self) -> dict[str, Any]:
        """What JSON shows of it."""
        return {name: getattr(self, name) for name in _SHOWN}

    @property
    def is_about_asset(self) -> bool:
        """Whether it says something of the asset, whatever is labelled there."""
        return self.field in _ABOUT_ASSET


_SHOWN = ("words", "kind", "query", "alternatives", "meant", "is_negated", "is_used")


@dataclass(frozen=True, slots=True)
class _Part:
    """Part of a query.

    Attributes:
        place: of its first word.
        text: in strict syntax.
        is_class: whether it is a class.
        is_choice: whether "or" stood before it.
        equals: the scalar path or field that it compares with a value.
        is_of_annotation: whether it can stand in a bracket with others.
        is_each: whether each of several such parts is to hold of an annotation of its own.
    """

    place: int
    text: str
    is_class: bool = False
    is_choice: bool = False
    equals: str = ""
    is_of_annotation: bool = False
    is_each: bool = False


def described(number: int, *, readings: Sequence[Reading], has: Has) -> tuple[str, list[int]]:
    """A class with what describes it in strict syntax, and the readings that say it."""
    own = [n for n, reading in enumerate(readings) if reading.query and _owner(n, readings, has) == number]
    inside = " ".join(
        _either(group, of_several=True) for group in _groups([_part(n, readings[n], has) for n in own])
    )
    return _with(readings[number].query, inside), [number, *own]


def composed(readings: Sequence[Reading], has: Has) -> str:
    """The query in strict syntax: classes with what describes them, then the rest."""
    readings = [reading for reading in readings if reading.query and not reading.is_within]
    values: dict[int, list[_Part]] = {n: [] for n, reading in enumerate(readings) if reading.classes}
    parts: list[_Part] = []
    for number, reading in enumerate(readings):
        owner = _owner(number, readings, has)
        if owner is not None and _is_of_others(reading, readings):
            parts.append(_Part(number, _none_by(reading, readings[owner]), is_class=True))
        elif owner is not None:
            values[owner].append(_part(number, reading, has))
        elif (reading.path or reading.field) and not reading.classes:
            parts.append(_part(number, reading, has))
    for number, described in values.items():
        reading = readings[number]
        first = min([number, *(part.place for part in described)])
        is_choice = readings[first].is_choice or reading.is_choice
        for chosen in _each(described):
            conditions = _groups(chosen)
            inside = " ".join(
                _either(group, of_several=len(conditions) > 1 or reading.query.startswith("["))
                for group in conditions
            )
            text = reading.quantity.of(_with(reading.query, inside))
            parts.append(_Part(first, _negated(reading, text), is_class=True, is_choice=is_choice))
    groups = _of_one_annotation(_groups(sorted(parts, key=lambda part: part.place)), readings)
    groups.sort(key=lambda group: not any(part.is_class for part in group))
    likenesses = [
        reading.query for reading in readings if reading.kind == "quoted"
    ]  # no alternatives: they rank
    of_several = len(groups) + len(likenesses) > 1
    return " AND ".join([*(_either(group, of_several=of_several) for group in groups), *likenesses])


def _each(described: list[_Part]) -> list[list[_Part]]:
    """What describes a class, once for each of the makers who are each to have such a label; else all together."""
    others = [part for part in described if not part.is_each]
    return [[*others, part] for part in described if part.is_each] or [others]


def _owner(number: int, readings: Sequence[Reading], has: Has) -> int | None:
    """The class that a value describes: rather one behind it than one before it; of a maker, the nearest before it."""
    reading = readings[number]
    if not (reading.path or reading.field) or reading.is_about_asset or reading.classes:
        return None
    near = [n for n, other in enumerate(readings) if other.classes]
    if reading.kind == "relation":
        return max((n for n in near if n < number), default=None)
    if reading.field:
        near.sort(key=lambda place: (reading.field in MAKERS and place > number, abs(place - number)))
        return near[0] if near else None
    near = [place for place in near if abs(place - number) <= _BESIDE]
    near.sort(key=lambda place: (place < number, abs(place - number)))
    return next((n for n in near if has(reading.path, readings[n].classes)), None)


def _is_of_others(reading: Reading, readings: Sequence[Reading]) -> bool:
    """`not by beta` of "cars by alpha and not by beta": no car at all is to be of beta."""
    is_maker = reading.is_negated and reading.field in MAKERS
    return is_maker and any(other.field in MAKERS and not other.is_negated for other in readings)


def _part(number: int, reading: Reading, has: Has) -> _Part:
    if reading.is_negated:
        return _Part(number, _negated(reading, reading.query))
    is_equal = (reading.path and "[]" not in reading.path) or reading.query.startswith(f"{reading.field}=")
    equals = (reading.path or reading.field) if is_equal and reading.kind != "comparison" else ""
    if reading.is_each:
        return _Part(number, reading.query, is_each=True)
    is_of_annotation = not reading.is_about_asset if reading.field else has(reading.path)
    return _Part(
        number, reading.query, is_choice=reading.is_choice, equals=equals, is_of_annotation=is_of_annotation
    )


def _of_one_annotation(groups: list[list[_Part]], readings: Sequence[Reading]) -> list[list[_Part]]:
    """ "predictions of yolo", "hail of severity 4" are annotations for which both holds, though no class is named."""
    together = [group for group in groups if all(part.is_of_annotation for part in group)]
    has_field = any(readings[part.place].field for group in together for part in group)
    has_class = any(part.is_class for group in groups for part in group)
    if len(together) < 2 or (has_class and not has_field):
        return groups
    inside = " ".join(_either(group, of_several=True) for group in together)
    return [[_Part(0, f"[{inside}]")], *(group for group in groups if group not in together)]


def _none_by(reading: Reading, owner: Reading) -> str:
    """A maker has none of a class: it does not speak of the asset, or it has looked."""
    return f"(NOT {reading.query} OR NOT {_with(owner.query, reading.query)})"


def _negated(reading: Reading, text: str) -> str:
    """What is to be absent. A value is to be another one: "not red" is a colour that somebody states."""
    if not reading.is_negated:
        return text
    if reading.path and text == reading.query and " not in (" in text and '"' not in text:
        return text.replace(" not in (", " in (")
    compared = _COMPARED.fullmatch(reading.query) if reading.path else None
    if compared is None or text != reading.query:
        return f"NOT {text}"
    name, operator, value = compared.groups()
    if "[]" in reading.path and operator == "=" and not name.startswith('"'):
        return f"none({name})={value}"
    return f"{name}{_OPPOSITE[operator]}{value}"


def _groups(parts: Sequence[_Part]) -> list[list[_Part]]:
    """Parts of which one must hold: with "or" between them, or values of one path or field ("red and blue cars")."""
    groups: list[list[_Part]] = []
    for part in parts:
        if groups and (part.is_choice or (part.equals and part.equals == groups[-1][-1].equals)):
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
