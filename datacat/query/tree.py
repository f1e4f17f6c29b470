"""What a query says, before its names are looked up: frozen nodes with the span of text they came from.

Nodes are equal where they say the same, wherever it stood in the text. `wording.py` writes a tree as text,
`document.py` as JSON; both can be read again to an equal tree.
"""

from __future__ import annotations

import operator as operators
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Operator(StrEnum):
    """How a condition compares; `:` is read as EQUAL."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    MATCHES = "~"
    IN = "in"
    NOT_IN = "not in"
    CONTAINS = "contains"


class Quantifier(StrEnum):
    """Of a list: which elements compare, or how many there are."""

    ANY = "any"
    ALL = "all"
    NONE = "none"
    LENGTH = "length"


class RelationKind(StrEnum):
    """How two annotations of one asset lie to each other."""

    IOU = "iou"
    NEAR = "near"
    INSIDE = "inside"
    COVERS = "covers"
    OVERLAPS = "overlaps"
    LEFT_OF = "left_of"
    RIGHT_OF = "right_of"
    ABOVE = "above"
    BELOW = "below"
    DURING = "during"


MEASURED = (RelationKind.IOU, RelationKind.NEAR)  # relations that are compared with a number

OPPOSITE = {
    Operator.EQUAL: Operator.UNEQUAL,
    Operator.UNEQUAL: Operator.EQUAL,
    Operator.LESS: Operator.AT_LEAST,
    Operator.AT_LEAST: Operator.LESS,
    Operator.GREATER: Operator.AT_MOST,
    Operator.AT_MOST: Operator.GREATER,
}
COMPARE: dict[Operator, Callable[[int, int], bool]] = {
    Operator.EQUAL: operators.eq,
    Operator.UNEQUAL: operators.ne,
    Operator.LESS: operators.lt,
    Operator.AT_MOST: operators.le,
    Operator.GREATER: operators.gt,
    Operator.AT_LEAST: operators.ge,
}


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of the query."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """From here to the end of `other`."""
        return Span(self.start, other.end)


NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a path or a value as typed; the quotes are gone and `is_quoted` remembers them."""

    text: str
    is_quoted: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Words:
    """Adjacent bare words: one class of several words, or several; the bracket belongs to the last."""

    words: tuple[Token, ...]
    bracket: Bracket | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Condition:
    """`name operator value`; several values after `in`. A bracket may follow a class: `class:roof[…]`.

    With a quantifier, it is about the elements of the list at `name`: `all(doors[].state)=open`.
    """

    name: Token
    operator: Operator
    values: tuple[Token, ...]
    bracket: Bracket | None = None
    quantifier: Quantifier | None = None
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def value(self) -> Token:
        """The only value, or the first."""
        return self.values[0]


@dataclass(frozen=True, slots=True)
class Element:
    """`doors[].{side=left state=open}`: one element of the list at `path` fulfils `inner`."""

    path: Token
    inner: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Relation:
    """`inside(parking-lot)`, `near(bicycle)<50px`: some other annotation of the asset lies so to this one."""

    kind: RelationKind
    inner: Node
    operator: Operator | None = None
    number: Token | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Quoted:
    """`"free text"`, which ranks by likeness; `weight` as typed behind `^`."""

    text: str
    weight: str | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Bracket:
    """`[…]`: what one and the same annotation must fulfil."""

    inner: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Count:
    """`count(inner) operator number`: how many annotations of the asset fulfil `inner`.

    `is_across`: of all label sets together, as in `count(person across teams)>=3`.
    """

    inner: Node
    operator: Operator
    number: int
    is_across: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    """`(…)`: keeps words inside apart from words outside."""

    inner: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    part: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """`?car`: nobody can say whether the part holds."""

    part: Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts hold."""

    parts: tuple[Node, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts holds."""

    parts: tuple[Node, ...]
    span: Span = field(default=NOWHERE, compare=False)


Node = Words | Condition | Element | Relation | Quoted | Bracket | Count | Group | Not | Unknown | And | Or


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one."""
    match node:
        case And(parts=parts) | Or(parts=parts):
            return parts
        case Not(part=part) | Unknown(part=part):
            return (part,)
        case Group(inner=inner) | Bracket(inner=inner) | Count(inner=inner):
            return (inner,)
        case Element(inner=inner) | Relation(inner=inner):
            return (inner,)
        case Words(bracket=bracket) | Condition(bracket=bracket) if bracket is not None:
            return (bracket,)
    return ()


def descendants(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from descendants(child)
