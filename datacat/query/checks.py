"""What conditions have in common: their values, and how they are refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from datacat.model.names import folded
from datacat.query.periods import Period, read_period
from datacat.query.scope import Scope
from datacat.query.tree import Condition, Operator, Span, Token
from datacat.query.units import example_of
from datacat.query.values import Value
from datacat.query.vocabulary import nearest_names


def field_of(node: Condition) -> str:
    """The name of a condition as fields are written."""
    return folded(node.name.text).replace(" ", "_")


def values_of(node: Condition) -> tuple[Value, ...]:
    """The values as they are compared."""
    return tuple(Value(token.text, token.is_quoted) for token in node.values)


def number_of(token: Token, name: str, *, scope: Scope, example: str | None = None) -> float:
    """The number that a value writes; stops where it writes none, with an example of how to write it."""
    number = Value(token.text, token.is_quoted).number
    if number is None:
        hint = f"As in {example or example_of(name)}."
        scope.stop(f"{name} is compared with a number", token.span, hint=hint)
    return number


def period_of(node: Condition, scope: Scope) -> Period:
    """The time that a condition compares with; stops where it is none."""
    name = field_of(node)
    if node.operator not in _COMPARABLE:
        refuse_operator(node, scope, hint=ORDERED)
    period = read_period(node.value.text)
    if period is None:
        hint = f"As in {name}>=2026-01 or {name}<2026-01-15T12:00."
        scope.stop(f"{name} is compared with a time", node.value.span, hint=hint)
    return period


ORDERED = "Use = != < <= > >= or in (…)."
_COMPARABLE = (
    Operator.EQUAL,
    Operator.UNEQUAL,
    Operator.LESS,
    Operator.AT_MOST,
    Operator.GREATER,
    Operator.AT_LEAST,
)


def check_pattern(node: Condition, scope: Scope) -> None:
    """Stops where a condition with ~ has no regular expression."""
    if node.operator is not Operator.MATCHES:
        return
    try:
        scope.cursor.execute("SELECT regexp_matches('', ?)", [node.value.text]).fetchall()
    except Exception as error:  # whatever DuckDB calls it
        scope.stop(f"no regular expression: {str(error).splitlines()[0]}", node.value.span)


def only_equality(node: Condition, scope: Scope) -> None:
    """Stops where a condition is neither = nor !=."""
    if node.operator not in (Operator.EQUAL, Operator.UNEQUAL):
        refuse_operator(node, scope)


def refuse_operator(node: Condition, scope: Scope, *, hint: str = "Use : = != or in (…).") -> NoReturn:
    """Stops at the operator; the hint says which there are."""
    span = Span(node.name.span.end, node.value.span.start)
    scope.stop(f"{field_of(node)} cannot be compared with {node.operator}", span, hint=hint)


def known_choices(token: Token, choices: Sequence[str], *, what: str, scope: Scope) -> list[str]:
    """The choices that a value names: exactly one, or several by a wildcard; stops where there is none."""
    pattern = re.escape(token.text.casefold())
    pattern = pattern if token.is_quoted else pattern.replace(r"\*", ".*")
    found = [choice for choice in choices if re.fullmatch(pattern, choice.casefold())]
    if not found:
        near = nearest_names(token.text, choices)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(choices) or 'none'}."
        scope.stop(f"no {what} `{token.text}`", token.span, hint=hint)
    return found
