"""What a query says, before its names are looked up: frozen nodes with the span of text they came from."""

from __future__ import annotations

from dataclasses import dataclass
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


OPPOSITE = {
    Operator.EQUAL: Operator.UNEQUAL,
    Operator.UNEQUAL: Operator.EQUAL,
    Operator.LESS: Operator.AT_LEAST,
    Operator.AT_LEAST: Operator.LESS,
    Operator.GREATER: Operator.AT_MOST,
    Operator.AT_MOST: Operator.GREATER,
}


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of the query."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """From here to the end of `other`."""
        return Span(self.start, other.end)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a path or a value as typed; the quotes are gone and `is_quoted` remembers them."""

    text: str
    span: Span
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Adjacent bare words: one class of several words, or several; the bracket belongs to the last."""

    words: tuple[Token, ...]
    bracket: Bracket | None
    span: Span


@dataclass(frozen=True, slots=True)
class Condition:
    """`name operator value`; a bracket may follow a class: `class:roof[…]`."""

    name: Token
    operator: Operator
    value: Token
    span: Span
    bracket: Bracket | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """`"free text"`, which ranks by likeness."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Bracket:
    """`[…]`: what one and the same annotation must fulfil."""

    inner: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Count:
    """`count(inner) operator number`: how many annotations of the asset fulfil `inner`."""

    inner: Node
    operator: Operator
    number: int
    span: Span


@dataclass(frozen=True, slots=True)
class Group:
    """`(…)`: keeps words inside apart from words outside."""

    inner: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    part: Node
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts hold."""

    parts: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts holds."""

    parts: tuple[Node, ...]
    span: Span


Node = Words | Condition | Quoted | Bracket | Count | Group | Not | And | Or
