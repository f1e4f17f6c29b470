"""What a query means: a tree whose names are bound to what one state holds.

Two levels: nodes about one annotation (`Predicate`), and nodes about an asset (`Meaning`), which `Some` and
`Counted` make out of predicates. And, Or and Not serve both. Every node prints itself in strict syntax,
which can be parsed again to the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from datacat.query.tree import Operator

_PLAIN_NAME = re.compile(r"[^\s()\[\]\"=<>!~:\-&|](?:[^\s()\[\]\"=<>!~:]|\[\])*")
_PLAIN_VALUE = re.compile(r"[^\s()\[\]\"]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Value:
    """The right side of a condition. A quoted one is text: no number, no wildcard."""

    text: str
    is_quoted: bool = False

    @property
    def number(self) -> float | None:
        """The number it writes, or None."""
        return float(self.text) if not self.is_quoted and _NUMBER.fullmatch(self.text) else None

    @property
    def is_pattern(self) -> bool:
        """Whether it has a wildcard."""
        return not self.is_quoted and "*" in self.text

    def __str__(self) -> str:
        return quoted(self.text) if self.is_quoted or not _PLAIN_VALUE.fullmatch(self.text) else self.text


def quoted(text: str) -> str:
    """`text` in double quotes, as the query language escapes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def name_text(name: str) -> str:
    """A path as the left side of a condition."""
    return name if _PLAIN_NAME.fullmatch(name) else quoted(name)


@dataclass(frozen=True, slots=True)
class ClassMember:
    """A class as it is written; `label_sets` None: by whomever."""

    name: str
    label_sets: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class ClassIs:
    """The class is one of `members`."""

    shown: str
    members: tuple[ClassMember, ...]

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class LabelSetIs:
    """The annotation is of one of the label sets."""

    shown: str
    label_sets: tuple[int, ...]

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class ColumnIs:
    """A column of the annotation compares."""

    name: str
    column: str
    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class AttributeIs:
    """A leaf at one of `paths` compares: the path as typed, and the lists of that name (`tags` finds `tags[]`)."""

    paths: tuple[str, ...]
    operator: Operator
    value: Value
    shown: str

    def __str__(self) -> str:
        return f"{name_text(self.shown)}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class HasAttribute:
    """There is a leaf at `path` or below it: at one of `paths`."""

    path: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"has:{Value(self.path)}"


@dataclass(frozen=True, slots=True)
class Anything:
    """Every annotation."""

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True, slots=True)
class Everything:
    """Every asset."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class AssetIs:
    """A column of the asset compares."""

    name: str
    column: str
    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class SplitIs:
    """A label set puts the asset into this split."""

    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"split{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class InLabelSet:
    """One of the label sets speaks of the asset, with an annotation or without."""

    shown: str
    label_sets: tuple[int, ...]

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class AssetState:
    """`is:missing` and its like."""

    state: str

    def __str__(self) -> str:
        return f"is:{self.state}"


@dataclass(frozen=True, slots=True)
class Some:
    """At least one annotation of the asset fulfils the predicate."""

    predicate: Meaning

    def __str__(self) -> str:
        return predicate_text(self.predicate)


@dataclass(frozen=True, slots=True)
class Counted:
    """The number of annotations that fulfil the predicate compares."""

    predicate: Meaning
    operator: Operator
    number: int

    def __str__(self) -> str:
        return f"count({predicate_text(self.predicate)}){self.operator}{self.number}"


@dataclass(frozen=True, slots=True)
class Question:
    """What a similarity search is asked for: one of a text, an asset of the catalog, a file elsewhere."""

    text: str | None = None
    asset: int | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Similar:
    """Ranks by likeness to the question."""

    question: Question
    shown: str

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Meaning

    def __str__(self) -> str:
        return f"NOT {_grouped(self.part)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts hold."""

    parts: tuple[Meaning, ...]

    def __str__(self) -> str:
        return " AND ".join(_grouped(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts holds."""

    parts: tuple[Meaning, ...]

    def __str__(self) -> str:
        return " OR ".join(_grouped(part) for part in self.parts)


Predicate = ClassIs | LabelSetIs | ColumnIs | AttributeIs | HasAttribute | Anything
AboutAsset = Everything | AssetIs | SplitIs | InLabelSet | AssetState | Some | Counted | Similar
Meaning = Predicate | AboutAsset | Not | And | Or


def descendants(node: Meaning) -> Iterator[Meaning]:
    """The node and everything below it."""
    yield node
    match node:
        case And(parts=parts) | Or(parts=parts):
            below = parts
        case Not(part=part) | Some(predicate=part) | Counted(predicate=part):
            below = (part,)
        case _:
            below = ()
    for child in below:
        yield from descendants(child)


def _grouped(node: Meaning) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)


def predicate_text(predicate: Meaning) -> str:
    """A predicate in strict syntax: `roof[material=slate]`, `roof`, `[area>5]`."""
    if isinstance(predicate, ClassIs | Anything | AttributeIs | HasAttribute):
        return str(predicate)
    parts = predicate.parts if isinstance(predicate, And) else (predicate,)
    head = str(parts[0]) if isinstance(parts[0], ClassIs | Anything) and _is_word(str(parts[0])) else ""
    inside = parts[1:] if head else parts
    if len(inside) == 1:
        return f"{head}[{inside[0]}]"
    texts = [_grouped(part) for part in inside]
    ending_in_word = [text for text in texts if _is_word(text.split()[-1])]
    between = (
        " AND " if len(ending_in_word) > 1 else " "
    )  # side by side they might name one class of two words
    return f"{head}[{between.join(texts)}]"


def _is_word(text: str) -> bool:
    return _PLAIN_NAME.fullmatch(text) is not None
