"""Text -> tree. Whatever is no query is refused with the place and what was expected there."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Any, NoReturn

import lark

from datacat.errors import QueryError
from datacat.query.tree import (
    And,
    Bracket,
    Condition,
    Count,
    Group,
    Node,
    Not,
    Operator,
    Or,
    Quoted,
    Span,
    Token,
    Words,
)

# What the grammar's terminals are called when one of them was expected; in the order of mention.
_EXPECTED = {
    "NAME": "a class or an attribute",
    "VALUE": "a value",
    "OPERATOR": "an operator such as = or >",
    "STRING": 'a "quoted text"',
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
}
_FINISHED = {"NAME", "$END"}  # both expected: what came before was complete, so naming either would mislead


def parse(text: str) -> Node | None:
    """Reads a query; None where it asks for nothing in particular (it is empty).

    Raises:
        QueryError: pointing at the first character that cannot be understood.
    """
    try:
        parsed = _parser().parse(text)
    except lark.exceptions.UnexpectedInput as error:
        _refuse(error, text)
    try:
        root: Node | None = _Builder(text).transform(parsed)
    except lark.exceptions.VisitError as error:
        raise error.orig_exc from None
    return root


@lru_cache(maxsize=1)
def _parser() -> lark.Lark:
    grammar = resources.files("datacat.query").joinpath("grammar.lark").read_text("utf-8")
    return lark.Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True)


def _refuse(error: lark.exceptions.UnexpectedInput, text: str) -> NoReturn:
    if isinstance(error, lark.exceptions.UnexpectedToken) and error.token.type != "$END":
        start, end = error.token.start_pos, error.token.end_pos
        what = f"{text[start:end]!r} was not expected here"
    elif isinstance(error, lark.exceptions.UnexpectedCharacters):
        start, end = error.pos_in_stream, error.pos_in_stream + 1
        what = f"{text[start]!r} was not expected here"
        if text[start] == '"':
            raise QueryError(
                "this quote is never closed", text=text, start=start, hint='Add the second ".'
            ) from None
    else:
        start = end = len(text.rstrip())
        what = "the query ends too early"
    raise QueryError(what, text=text, start=start, end=end, hint=_expectation(error)) from None


def _expectation(error: Any) -> str | None:
    accepted = set(
        getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", ())
    )
    names = [name for terminal, name in _EXPECTED.items() if terminal in accepted]
    if not names:
        return None
    return f"Expected {' or '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}."


class _Builder(lark.Transformer[lark.Token, Any]):
    """Builds our nodes from lark's, bottom up."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, children: list[Any]) -> Node | None:
        return children[0] if children else None

    def either(self, children: list[Node]) -> Node:
        return (
            children[0] if len(children) == 1 else Or(tuple(children), children[0].span.to(children[-1].span))
        )

    def both(self, children: list[Any]) -> Node:
        parts: list[Node] = []
        follows_directly = False
        for child in children:
            if isinstance(child, lark.Token):
                follows_directly = False
                continue
            joined = _joined(parts[-1], child) if follows_directly else None
            parts[-1 if joined else len(parts) :] = [joined or child]
            follows_directly = True
        return parts[0] if len(parts) == 1 else And(tuple(parts), parts[0].span.to(parts[-1].span))

    @lark.v_args(meta=True)
    def negated(self, meta: Any, children: list[Node]) -> Node:
        return Not(children[0], Span(meta.start_pos, meta.end_pos))

    @lark.v_args(meta=True)
    def group(self, meta: Any, children: list[Node]) -> Node:
        return Group(children[0], Span(meta.start_pos, meta.end_pos))

    @lark.v_args(meta=True)
    def word(self, meta: Any, children: list[Any]) -> Node:
        name, bracket = [*children, None][:2]
        return Words((_token(name),), bracket, Span(meta.start_pos, meta.end_pos))

    def alone(self, children: list[Node]) -> Node:
        return children[0]

    @lark.v_args(meta=True)
    def bracket(self, meta: Any, children: list[Node]) -> Node:
        return Bracket(children[0], Span(meta.start_pos, meta.end_pos))

    @lark.v_args(meta=True)
    def condition(self, meta: Any, children: list[lark.Token]) -> Node:
        name, operator, value = children
        return Condition(_token(name), _operator(operator), _token(value), Span(meta.start_pos, meta.end_pos))

    def quoted(self, children: list[lark.Token]) -> Node:
        token = _token(children[0])
        if not token.text.strip():
            self._stop("there is no text between the quotes", token.span)
        return Quoted(token.text, token.span)

    @lark.v_args(meta=True)
    def count(self, meta: Any, children: list[Any]) -> Node:
        inner, operator, value = children
        number = _token(value)
        if not number.text.isdecimal():
            self._stop("a count is compared with a whole number", number.span, hint="As in count(person)>=3.")
        if _operator(operator) is Operator.MATCHES:
            self._stop("a count cannot be matched with ~", _span(operator), hint="Use = != < <= > or >=.")
        return Count(inner, _operator(operator), int(number.text), Span(meta.start_pos, meta.end_pos))

    def _stop(self, what: str, span: Span, *, hint: str | None = None) -> NoReturn:
        raise QueryError(what, text=self._text, start=span.start, end=span.end, hint=hint)


def _joined(before: Node, after: Node) -> Node | None:
    """Adjacent words as one node, so that binding can find classes of several words; None where they stay apart.

    `NOT traffic light` is joined below the NOT; binding negates only the first class it finds there.
    """
    if not isinstance(after, Words):
        return None
    if isinstance(before, Words) and before.bracket is None:
        return Words(before.words + after.words, after.bracket, before.span.to(after.span))
    if isinstance(before, Not) and (joined := _joined(before.part, after)):
        return Not(joined, before.span.to(after.span))
    return None


def _token(token: lark.Token) -> Token:
    if token.type == "STRING":
        return Token(re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL), _span(token), is_quoted=True)
    return Token(str(token), _span(token))


def _span(token: lark.Token) -> Span:
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(token.start_pos, token.end_pos)


def _operator(token: lark.Token) -> Operator:
    return Operator.EQUAL if token == ":" else Operator(str(token))
