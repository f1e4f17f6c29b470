"""What a query means: a tree whose names are bound to what one state holds.

Two levels: nodes about one annotation (`predicates.py`), and nodes about an asset, which `Some`, `Counted` and
their like make out of predicates. And, Or and Not serve both. Every node prints itself in strict syntax, which can
be parsed again to the same meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from datacat.query.compare import Sql
from datacat.query.facts import (
    AgreementIs,
    AssetIs,
    AssetState,
    AssetTime,
    ChangedSince,
    FromSource,
    HasMetadata,
    InFiles,
    InLabelSet,
    MetadataIs,
    SplitIs,
    Stated,
    Within,
)
from datacat.query.predicates import (
    Anything,
    AttributeIs,
    ClassIs,
    ClassMember,
    ColumnIs,
    ElementIs,
    HasAttribute,
    HasColumn,
    LabelSetIs,
    LeafAnd,
    LengthIs,
    MeasureIs,
    Predicate,
    Related,
    Standing,
    TimeIs,
    TrackIs,
)
from datacat.query.stated import EVERY_STATED
from datacat.query.tree import Operator
from datacat.query.values import Value, is_name, quoted


@dataclass(frozen=True, slots=True)
class Everything:
    """Every asset."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Some:
    """At least one annotation of the asset fulfils the predicate."""

    predicate: Meaning

    def __str__(self) -> str:
        return predicate_text(self.predicate)


@dataclass(frozen=True, slots=True)
class Counted:
    """The number of things that fulfil the predicate compares, as some label set says (`voices.py`).

    Attributes:
        predicate: what is counted.
        operator: how the number compares.
        number: with what.
        is_across: whether all label sets count together, what several box alike being one (`across.py`).
        voices: label sets that have such annotations, where each is one thing that people drew; empty: not known.
        stated: where boxes were drawn on other sizes than their pictures have (`stated.py`); None: nowhere.
        alike: where a label set may say one thing twice, its classes that are alike (`once.py`); None: none does.
    """

    predicate: Meaning
    operator: Operator
    number: int
    is_across: bool = False
    stated: Sql | None = field(default=EVERY_STATED, compare=False)
    voices: tuple[int, ...] = field(default=(), compare=False)
    alike: tuple[tuple[int, str, str], ...] | None = field(default=None, compare=False)

    def __str__(self) -> str:
        across = " across teams" if self.is_across else ""
        return f"count({predicate_text(self.predicate)}{across}){self.operator}{self.number}"


@dataclass(frozen=True, slots=True)
class CountedValues:
    """The number of distinct values in a column of the annotations that fulfil the predicate compares."""

    name: str
    column: str
    predicate: Meaning
    operator: Operator
    number: int

    def __str__(self) -> str:
        of = "" if isinstance(self.predicate, Anything) else f" of {predicate_text(self.predicate)}"
        return f"count({self.name}{of}){self.operator}{self.number}"


@dataclass(frozen=True, slots=True)
class Absent:
    """Somebody looked for such annotations and there is none; what `NOT` becomes. Same as a count of 0."""

    predicate: Meaning

    def __str__(self) -> str:
        return f"NOT {predicate_text(self.predicate)}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither does the part hold nor can anybody say that it does not."""

    part: Meaning

    def __str__(self) -> str:
        return f"?({self.part})" if isinstance(self.part, Unknown) else f"?{_grouped(self.part)}"


@dataclass(frozen=True, slots=True)
class Neither:
    """Not in either set; what Unknown becomes when both are known."""

    yes: Meaning
    no: Meaning

    def __str__(self) -> str:
        return f"?{_grouped(self.yes)}"


@dataclass(frozen=True, slots=True)
class Question:
    """What a similarity search is asked for: one of a text, an asset of the catalog, a file elsewhere."""

    text: str | None = None
    asset: int | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Similar:
    """Ranks by likeness to the question; a weight below 0 by unlikeness. `is_hybrid`: by what labels say, too."""

    question: Question
    shown: str
    weight: float = 1.0
    is_hybrid: bool = False

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
        return " AND ".join(_grouped(part) for part in self.parts if not isinstance(part, Standing))


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts holds. `shown`: the one condition that stands for them all."""

    parts: tuple[Meaning, ...]
    shown: str | None = None

    def __str__(self) -> str:
        return self.shown or " OR ".join(_grouped(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Denied:
    """It is known not to be so; what `NOT` becomes of what nobody may be able to say."""

    part: Stated | Counted

    def __str__(self) -> str:
        is_phrase = isinstance(self.part, MetadataIs) and self.part.operator is Operator.CONTAINS
        return f"NOT ({self.part})" if is_phrase else f"NOT {self.part}"


AboutAsset = (
    Everything
    | AssetIs
    | AssetTime
    | Within
    | MetadataIs
    | HasMetadata
    | FromSource
    | InFiles
    | ChangedSince
    | AgreementIs
    | SplitIs
    | InLabelSet
    | AssetState
    | Some
    | Counted
    | CountedValues
    | Absent
    | Denied
    | Unknown
    | Neither
    | Similar
)
Meaning = Predicate | AboutAsset | Not | And | Or

__all__ = [
    "AboutAsset", "Absent", "AgreementIs", "And", "Anything", "AssetIs", "AssetState", "AssetTime", "AttributeIs",
    "ChangedSince", "ClassIs", "ClassMember", "ColumnIs", "Counted", "CountedValues", "Denied", "ElementIs",
    "Everything", "FromSource", "HasAttribute", "HasColumn", "HasMetadata", "InFiles", "InLabelSet", "LabelSetIs",
    "LeafAnd", "LengthIs", "Meaning", "MeasureIs", "MetadataIs", "Neither", "Not", "Or", "Predicate", "Question",
    "Related", "Similar", "Some", "SplitIs", "Standing", "Stated", "TimeIs", "TrackIs", "Unknown", "Value", "Within",
    "children", "conjuncts", "descendants", "is_name", "predicate_text", "quoted",
]  # fmt: skip


def conjuncts(node: Meaning) -> tuple[Meaning, ...]:
    """What must hold together: the parts of a conjunction, or the node alone."""
    return node.parts if isinstance(node, And) else (node,)


def children(node: Meaning) -> tuple[Meaning, ...]:
    """What stands right below it."""
    match node:
        case And(parts=parts) | Or(parts=parts):
            return parts
        case Not(part=part) | Denied(part=part) | Unknown(part=part):
            return (part,)
        case Neither(yes=yes, no=no):
            return (yes, no)
        case Some() | Counted() | CountedValues() | Absent() | Related():
            return (node.predicate,)
    return ()


def descendants(node: Meaning) -> Iterator[Meaning]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from descendants(child)


def _grouped(node: Meaning) -> str:
    is_joined = isinstance(node, And) or (isinstance(node, Or) and node.shown is None)
    is_phrase = isinstance(node, ColumnIs | AttributeIs | MetadataIs) and node.operator is Operator.CONTAINS
    return f"({node})" if is_joined or is_phrase else str(node)


def predicate_text(predicate: Meaning) -> str:
    """A predicate in strict syntax: `roof[material=slate]`, `roof`, `[area>5]`."""
    is_phrase = isinstance(predicate, AttributeIs) and predicate.operator is Operator.CONTAINS
    if isinstance(predicate, ClassIs | Anything | AttributeIs | HasAttribute) and not is_phrase:
        return str(predicate)
    parts = tuple(part for part in conjuncts(predicate) if not isinstance(part, Standing)) or (Anything(),)
    if parts != conjuncts(predicate):
        return predicate_text(parts[0] if len(parts) == 1 else And(parts))
    head = str(parts[0]) if isinstance(parts[0], ClassIs | Anything) and is_name(str(parts[0])) else ""
    inside = parts[1:] if head else parts
    if len(inside) == 1:
        return f"{head}[{inside[0]}]"
    texts = [_grouped(part) for part in inside]
    ending_in_word = [text for text in texts if is_name(text.split()[-1])]
    # Side by side they might name one class of two words.
    between = " AND " if len(ending_in_word) > 1 else " "
    return f"{head}[{between.join(texts)}]"
