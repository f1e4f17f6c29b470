"""Text -> tree. Whatever is no query is refused with the place and what was expected there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from typing import Any, NoReturn

import lark

from datacat.errors import QueryError
from datacat.query.phrases import class_token, grouped, joined, spelled_out
from datacat.query.tree import (
    MEASURED,
    And,
    Bracket,
    Condition,
    Count,
    Element,
    Group,
    Node,
    Not,
    Operator,
    Or,
    Quantifier,
    Quoted,
    Relation,
    RelationKind,
    Span,
    Token,
    Unknown,
    Words,
)
from datacat.query.values import is_value

# What the grammar's terminals are called when one of them was expected; in the order of mention.
_EXPECTED = {
    "NAME": "a class or an attribute",
    "VALUE": "a value",
    "ITEM": "a value",
    "OPERATOR": "an operator such as = or >",
    "STRING": 'a "quoted text"',
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "RBRACE": "}",
}
_RELATIONS = frozenset(map(str, RelationKind))
_NEAR = re.compile(r"(.+?)(<=|>=|<|>)([^<>=]+)")  # the value of near:bicycle<50px
_HALF = re.compile("[\ud800-\udfff]+")  # surrogates, as JSON can escape them; no UTF-8 has them
_CURLY_QUOTES = str.maketrans("“”„", '""' + '"')  # as word processors write them


def parse(text: str) -> Node | None:
    """Reads a query; None where it asks for nothing in particular (it is empty).

    Raises:
        QueryError: pointing at the first character that cannot be understood.
    """
    if half := _HALF.search(text):
        shown = text.encode(errors="replace").decode()
        raise QueryError("half of a character stands here", text=shown, start=half.start(), end=half.end())
    straight = text if '"' in text else text.translate(_CURLY_QUOTES)
    try:
        root: Node | None = _Builder(text).build(_parser().parse(straight))
    except lark.exceptions.UnexpectedInput as error:
        _refuse(error, text)
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
    accepted: set[str] = set()
    for attribute in ("accepts", "expected", "allowed"):
        accepted = accepted or set(getattr(error, attribute, None) or ())
    names = [name for terminal, name in _EXPECTED.items() if terminal in accepted]
    if not names:
        return None
    return f"Expected {' or '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}."


class _Builder:
    """Builds our nodes from lark's, bottom up: one method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text

    def build(self, parsed: Any) -> Any:
        """A node; tokens stay as they are."""
        if isinstance(parsed, lark.Token):
            return parsed
        children = [self.build(child) for child in parsed.children]
        span = Span(getattr(parsed.meta, "start_pos", 0), getattr(parsed.meta, "end_pos", 0))
        return getattr(self, f"_{parsed.data}")(children, span)

    def _start(self, children: list[Node], span: Span) -> Node | None:
        return _bare(children[0]) if children else None

    def _either(self, children: list[Node], span: Span) -> Node:
        if len(children) == 1:
            return children[0]
        parts = [_bare(child) if isinstance(_bare(child), And) else child for child in children]
        return Or(tuple(parts), span)

    def _both(self, children: list[Any], span: Span) -> Node:
        parts: list[Node] = []
        follows_directly = False
        for child in children:
            if isinstance(child, lark.Token):
                follows_directly = False
                continue
            one = joined(parts[-1], child) if follows_directly else None
            parts[-1 if one else len(parts) :] = [one or child]
            follows_directly = True
        return parts[0] if len(parts) == 1 else And(tuple(parts), span)

    def _negated(self, children: list[Node], span: Span) -> Node:
        return Not(children[0], span)

    def _unknown(self, children: list[Node], span: Span) -> Node:
        return Unknown(children[0], span)

    def _group(self, children: list[Node], span: Span) -> Node:
        return grouped(_bare(children[0]), span)

    def _word(self, children: list[Any], span: Span) -> Node:
        name, bracket = [*children, None][:2]
        return Words((_token(name),), bracket, span)

    def _alone(self, children: list[Node], span: Span) -> Node:
        return children[0]

    def _bracket(self, children: list[Node], span: Span) -> Node:
        return Bracket(spelled_out(_bare(children[0])), span)

    def _condition(self, children: list[Any], span: Span) -> Node:
        bracket = children.pop() if isinstance(children[-1], Bracket) else None
        name, operator, value, *more = children
        if name.type == "NAME" and name.casefold() in _RELATIONS and _operator(operator) is Operator.EQUAL:
            return self._relation_to_word(name, value, more, span=span)
        if more:
            self._stop("a value is compared once", _span(more[0]).to(_span(more[1])))
        if bracket is not None and name.casefold() != "class":
            self._stop("a bracket belongs to a class", bracket.span, hint="Leave a space before it.")
        return Condition(_token(name), _operator(operator), (self._compared(value),), bracket, span=span)

    def _compared(self, value: lark.Token) -> Token:
        token = _token(value)
        if token.is_quoted:
            return token
        text = token.text.rstrip(",;") or token.text
        if not is_value(text):
            hint = "Operators are = != < <= > >= ~, a space parts conditions. In quotes it is text."
            self._stop(f"`{text}` is no value", token.span, hint=hint)
        return replace(token, text=text)

    def _listed(self, children: list[Any], span: Span) -> Node:
        *quantifier, name, (operator, values) = children
        chosen = Quantifier(quantifier[0].casefold()) if quantifier else None
        self._check_length(chosen, operator, values)
        return Condition(_token(name), operator, values, quantifier=chosen, span=span)

    def _one_of(self, children: list[Any], span: Span) -> tuple[Operator, tuple[Token, ...]]:
        is_negated = children[0].type == "NOT_IN"
        values = tuple(map(_token, children[is_negated:]))
        return Operator.NOT_IN if is_negated else Operator.IN, values

    def _quantified(self, children: list[Any], span: Span) -> Node:
        quantifier, name, operator, value = children
        chosen, compares, values = (
            Quantifier(quantifier.casefold()),
            _operator(operator),
            (self._compared(value),),
        )
        self._check_length(chosen, compares, values)
        return Condition(_token(name), compares, values, quantifier=chosen, span=span)

    def _check_length(
        self, quantifier: Quantifier | None, operator: Operator, values: Sequence[Token]
    ) -> None:
        if quantifier is not Quantifier.LENGTH:
            return
        for value in values:
            if not value.text.isdecimal() or operator in (Operator.MATCHES, Operator.CONTAINS):
                hint = "As in length(doors)>=2."
                self._stop("a length is compared with a whole number", value.span, hint=hint)

    def _relation_to_word(self, name: lark.Token, value: lark.Token, more: list[Any], *, span: Span) -> Node:
        kind, token = RelationKind(name.casefold()), _token(value)
        split = None if token.is_quoted else _NEAR.fullmatch(token.text)
        if split:
            start = token.span.start
            token = Token(split[1], span=Span(start, start + split.end(1)))
            operator, number = (
                Operator(split[2]),
                Token(split[3], span=Span(start + split.start(3), span.end)),
            )
            return self._relation(kind, token, operator, number, span=span)
        compared = (_operator(more[0]), _token(more[1])) if more else (None, None)
        return self._relation(kind, token, *compared, span=span)

    def _relation(
        self,
        kind: RelationKind,
        inner: Token | Node,
        /,
        operator: Operator | None,
        number: Token | None,
        *,
        span: Span,
    ) -> Node:
        if (kind in MEASURED) is (operator is None):
            example = "near(bicycle)<50px" if kind is RelationKind.NEAR else "iou(roof)>0.3"
            if kind in MEASURED:
                self._stop(f"{kind} is compared with a number", span, hint=f"As in {example}.")
            self._stop(f"{kind} holds or not; it is compared with nothing", span, hint=f"As in {kind}(roof).")
        if isinstance(inner, Token):
            inner = class_token(inner)
        return Relation(kind, inner, operator, number, span)

    def _related(self, children: list[Any], span: Span) -> Node:
        kind, inner, *more = children
        compared = (_operator(more[0]), _token(more[1])) if more else (None, None)
        return self._relation(RelationKind(kind.casefold()), spelled_out(_bare(inner)), *compared, span=span)

    def _element(self, children: list[Any], span: Span) -> Node:
        name, inner = children
        token = _token(name)
        path = Token(token.text if token.is_quoted else token.text.rstrip("."), token.is_quoted, token.span)
        return Element(path, spelled_out(_bare(inner)), span)

    def _quoted(self, children: list[Any], span: Span) -> Node:
        token = _token(children[0])
        if isinstance(children[-1], Bracket):
            hint = (
                f"As in class:{children[0]}[…]; with a space before the bracket, the text ranks whole assets."
            )
            self._stop("a bracket belongs to a class", children[-1].span, hint=hint)
        if not token.text.strip():
            self._stop("there is no text between the quotes", span)
        return Quoted(token.text, str(children[1])[1:] if len(children) > 1 else None, span)

    def _count(self, children: list[Any], span: Span) -> Node:
        inner, *across, operator, value = children
        number = _token(value)
        if not number.text.isdecimal():
            self._stop("a count is compared with a whole number", number.span, hint="As in count(person)>=3.")
        if _operator(operator) is Operator.MATCHES:
            self._stop("a count cannot be matched with ~", _span(operator), hint="Use = != < <= > or >=.")
        counted = spelled_out(_bare(inner))
        return Count(counted, _operator(operator), int(number.text), is_across=bool(across), span=span)

    def _stop(self, what: str, span: Span, *, hint: str | None = None) -> NoReturn:
        raise QueryError(what, text=self._text, start=span.start, end=span.end, hint=hint)


def _bare(node: Node) -> Node:
    """What stands alone needs no parentheses."""
    return node.inner if isinstance(node, Group) else node


def _token(token: lark.Token) -> Token:
    if token.type == "STRING":
        return Token(re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL), is_quoted=True, span=_span(token))
    return Token(str(token), span=_span(token))


def _span(token: lark.Token) -> Span:
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(token.start_pos, token.end_pos)


def _operator(token: lark.Token) -> Operator:
    text = token.casefold()
    return Operator.EQUAL if text in (":", "==") else Operator(text)
