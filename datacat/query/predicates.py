"""What a query says of one annotation: nodes whose names are bound to what one state holds.

Each prints itself in strict syntax. `meaning.py` has the nodes about assets, and joins both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datacat.query.compare import ANY_SORT, ELEMENT, LEAF, Sort, Sql, leaf_compares, leaf_denies
from datacat.query.fields import MEASURES
from datacat.query.stated import EVERY_STATED
from datacat.query.tree import Operator, Quantifier, RelationKind
from datacat.query.values import Value, is_name, name_text

if TYPE_CHECKING:
    from datacat.query.meaning import Meaning
    from datacat.query.periods import Period


@dataclass(frozen=True, slots=True)
class ClassMember:
    """A class as it is written; `label_sets` None: by whomever."""

    name: str
    label_sets: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class ClassIs:
    """The class is one of `members`.

    Attributes:
        shown: as asked, in strict syntax.
        members: the classes of label sets that it stands for.
        covered_by: label sets that looked for it on each of their assets and labelled all there was.
        names: what answers about single assets (the table `coverage`) call it.
        above: what they call that of which it is a kind: where there is none of those, there is none of it.
    """

    shown: str
    members: tuple[ClassMember, ...]
    covered_by: tuple[int, ...] = ()
    names: tuple[ClassMember, ...] = ()
    above: tuple[ClassMember, ...] = ()

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
    """A column of the annotation compares with one of the values.

    `has_wide_texts`: some annotation says something that is not in ASCII.
    """

    name: str
    column: str
    operator: Operator
    values: tuple[Value, ...]
    has_wide_texts: bool = field(default=True, compare=False)

    def __str__(self) -> str:
        return compared(self.name, self.operator, values=self.values)


@dataclass(frozen=True, slots=True)
class HasColumn:
    """The annotation says something in a column."""

    name: str
    column: str

    def __str__(self) -> str:
        return "class!=?" if self.name == "class" else f"has:{self.name}"  # `has:class` asks for an attribute


@dataclass(frozen=True, slots=True)
class TimeIs:
    """A time of the annotation compares with a period: `created>=2026-01`."""

    name: str
    column: str
    operator: Operator
    period: Period

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.period}"


@dataclass(frozen=True, slots=True)
class MeasureIs:
    """A measure of the geometry compares; `number` is in px, px², seconds, characters, or per cent of the asset.

    `has_shares`: there are boxes in fractions. `stated`: where boxes were drawn on another size than their picture has.
    """

    name: str
    operator: Operator
    number: float
    is_percent: bool
    shown: str
    has_shares: bool = field(default=True, compare=False)
    stated: Sql | None = field(default=EVERY_STATED, compare=False)

    @property
    def measure(self) -> str:
        """SQL of it, over a row of `annotations`, with the size of the asset where `needs_size`."""
        known = MEASURES[self.name]
        found = known.percent if self.is_percent else known.sized if self.needs_size else known.plain
        assert found is not None
        return found

    @property
    def needs_size(self) -> bool:
        """Whether the size of the asset matters."""
        is_of_picture = self.has_shares or self.stated is not None
        return self.is_percent or (is_of_picture and MEASURES[self.name].sized is not None)

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class TrackIs:
    """The track that the annotation belongs to has so many annotations, within its sequence."""

    operator: Operator
    number: int

    def __str__(self) -> str:
        return f"track_length{self.operator}{self.number}"


@dataclass(frozen=True, slots=True)
class AttributeIs:
    """A leaf at one of `paths` compares with one of the values: the path as typed, and the lists of that name.

    `shown` is the path in strict syntax. `quantifier` ALL: there are leaves and all of them compare; NONE: there are
    leaves and none does; ANY stands only before `contains`, which then is about the text of an element. `sort` is what
    is known of the leaves there. Within ElementIs, the paths are those below the element.
    """

    paths: tuple[str, ...]
    operator: Operator
    values: tuple[Value, ...]
    shown: str
    quantifier: Quantifier | None = None
    sort: Sort = ANY_SORT

    @property
    def compares(self) -> Sql:
        """The condition on a row of `attribute_values`."""
        leaf = ELEMENT if self.quantifier else LEAF
        return leaf_compares(self.operator, self.values, leaf=leaf, sort=self.sort)

    @property
    def denies(self) -> Sql:
        """The condition on a row of `attribute_values` of which it is known that it does not compare."""
        leaf = ELEMENT if self.quantifier else LEAF
        return leaf_denies(self.operator, self.values, leaf=leaf, sort=self.sort)

    def __str__(self) -> str:
        return compared(self.shown, self.operator, values=self.values, quantifier=self.quantifier)


@dataclass(frozen=True, slots=True)
class LeafAnd:
    """One leaf fulfils several conditions on its path; what the rule `same_leaf` makes of them."""

    parts: tuple[AttributeIs, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class LengthIs:
    """The list at `path` has so many elements. Within ElementIs, the path is one below the element, and that is all."""

    path: str
    operator: Operator
    number: int
    paths: tuple[str, ...] = ()  # the leaves in the list
    label_sets: tuple[int, ...] = ()  # those that have such leaves

    def __str__(self) -> str:
        return f"length({name_text(self.path)}){self.operator}{self.number}"


@dataclass(frozen=True, slots=True)
class HasAttribute:
    """There is a leaf at one of `paths`: those at and below the one that was typed. ElementIs as in AttributeIs."""

    paths: tuple[str, ...]
    shown: Value

    def __str__(self) -> str:
        return f"has:{self.shown}"


@dataclass(frozen=True, slots=True)
class ElementIs:
    """One element of the list at `path` fulfils `inner`, whose paths are those below the element.

    Every annotation for which that holds fulfils `candidates`, which the index can answer.
    """

    path: str
    inner: Meaning
    candidates: Meaning
    paths: tuple[str, ...]  # the leaves in the list

    def __str__(self) -> str:
        return f"{name_text(self.path)}{'.' if is_name(self.path) else ''}{{{self.inner}}}"


@dataclass(frozen=True, slots=True)
class Related:
    """Some other annotation of the asset fulfils `predicate` and lies so to this one.

    `number` is a share for IOU, pixels for NEAR. `stated`: as of `MeasureIs`.
    """

    kind: RelationKind
    predicate: Meaning
    operator: Operator | None
    number: float | None
    shown: str
    stated: Sql | None = field(default=EVERY_STATED, compare=False)

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class Standing:
    """The annotation is not set aside: neither skipped nor a draft. What the rule `standing` asks for unasked."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Anything:
    """Every annotation."""

    def __str__(self) -> str:
        return "*"


Predicate = (
    ClassIs
    | LabelSetIs
    | ColumnIs
    | HasColumn
    | TimeIs
    | MeasureIs
    | TrackIs
    | AttributeIs
    | LeafAnd
    | LengthIs
    | HasAttribute
    | ElementIs
    | Related
    | Standing
    | Anything
)


def compared(
    name: str, operator: Operator, *, values: tuple[Value, ...], quantifier: Quantifier | None = None
) -> str:
    """`name operator value` in strict syntax."""
    if quantifier is not None:
        name = f"{quantifier}({name})"
    if operator in (Operator.IN, Operator.NOT_IN):
        return f"{name} {operator} ({', '.join(value.as_item() for value in values)})"
    gap = " " if operator is Operator.CONTAINS else ""
    return f"{name}{gap}{operator}{gap}{values[0]}"
