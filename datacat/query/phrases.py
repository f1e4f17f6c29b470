"""What words mean by standing beside others: `traffic light`, `tags contains rust`, `person near:bicycle<50px`.

These rewrite trees while they are built, so that whoever reads a tree sees one form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from datacat.query.tree import (
    And,
    Bracket,
    Condition,
    Group,
    Node,
    Not,
    Operator,
    Or,
    Quoted,
    Relation,
    Span,
    Token,
    Unknown,
    Words,
)

# Words behind a path, inside brackets, and the condition that they are: `color exists` is `has:color`.
_POSTFIX = {"exists": "has", "missing": "missing"}
_CONTAINS = "contains"


def joined(before: Node, after: Node) -> Node | None:
    """Two nodes that stand side by side as one; None: they stay apart.

    Words are joined, so that binding can find classes of several words (`NOT traffic light` below the NOT;
    binding negates only the first class it finds there). A relation belongs to the word before it. `track
    length>30` is one condition.
    """
    if isinstance(before, Not | Unknown) and (inside := joined(before.part, after)):
        return replace(before, part=inside, span=before.span.to(after.span))
    if not isinstance(before, Words):
        return None
    if isinstance(after, Condition) and before.bracket is None:
        return _track_length(before, after)
    if isinstance(after, Words) and before.bracket is None:
        return Words(before.words + after.words, after.bracket, before.span.to(after.span))
    if isinstance(after, Relation):
        inside = after if before.bracket is None else _both(before.bracket.inner, after)
        return replace(before, bracket=Bracket(inside, after.span), span=before.span.to(after.span))
    return None


def _track_length(before: Words, after: Condition) -> Condition | None:
    is_so = len(before.words) == 1 and _is(before.words[0], "track") and _is(after.name, "length")
    if not is_so or after.quantifier is not None:
        return None
    span = before.span.to(after.span)
    return replace(after, name=Token("track_length", span=before.span), span=span)


def _both(one: Node, other: Node) -> And:
    parts = one.parts if isinstance(one, And) else (Group(one, one.span) if isinstance(one, Or) else one,)
    return And((*parts, other), one.span.to(other.span))


def first_words(node: Node) -> tuple[Token, ...]:
    """The words that a node begins with."""
    match node:
        case Words(words=words):
            return words
        case And(parts=(first, *_)) | Or(parts=(first, *_)):
            return first_words(first)
    return ()


def without_first_words(node: Node, count: int) -> Node | None:
    """A node that begins with so many words, without them; None: nothing is left."""
    match node:
        case Words(words=words, bracket=bracket):
            return replace(node, words=words[count:]) if len(words) > count else bracket
        case And(parts=(first, *others)) | Or(parts=(first, *others)):
            left = without_first_words(first, count)
            parts = (*([left] if left else []), *others)
            return replace(node, parts=parts) if len(parts) > 1 else parts[0]
    return node


def class_token(token: Token) -> Node:
    """`near:bicycle`: the class that a value names. Hyphens stand for spaces, as in every class name."""
    if token.is_quoted:
        return Condition(Token("class", span=token.span), Operator.EQUAL, (token,), span=token.span)
    return Words((token,), span=token.span)


def grouped(inner: Node, span: Span) -> Node:
    """`(inner)`: a group where words, and what attaches itself to words, must be kept apart from what is outside."""
    if isinstance(inner, Words | And | Or | Not | Unknown | Relation):
        return Group(inner, span)
    return inner


IsPath = Callable[[Token], bool]


def spelled_out(node: Node, *, is_path: IsPath = lambda _: True) -> Node:
    """`color exists`, `color missing` and `tags contains rust` as conditions.

    Inside brackets they can be nothing else. Outside, a word before `contains` may be one of a question, so `is_path`
    must say which words are paths.
    """
    match node:
        case Or(parts=parts):
            return replace(node, parts=tuple(spelled_out(part, is_path=is_path) for part in parts))
        case Group(inner=inner):
            return grouped(spelled_out(inner, is_path=is_path), node.span)
        case And(parts=parts):
            return _all(_spelled_out(parts, is_path), node.span)
        case Words() | Not() | Unknown():
            return _all(_spelled_out((node,), is_path), node.span)
    return node


def _all(parts: Iterator[Node], span: Span) -> Node:
    found = tuple(parts)
    return And(found, span) if len(found) > 1 else found[0]


def _spelled_out(parts: Sequence[Node], is_path: IsPath) -> Iterator[Node]:
    """The parts, with what several of them say together as one condition."""
    waiting = list(parts)
    while waiting:
        part = waiting.pop(0)
        behind = waiting[0] if waiting else None
        if isinstance(part, Quoted) and _begins_with_operator(behind) and is_path(_as_token(part)):
            assert isinstance(behind, Words)
            waiting[0] = replace(behind, words=(_as_token(part), *behind.words))
        elif isinstance(part, Words):
            if isinstance(behind, Quoted) and _ends_with_contains(part) and is_path(part.words[-2]):
                part = replace(part, words=(*part.words, _as_token(behind)))
                waiting.pop(0)
            yield from _of_words(part, is_path)
        elif isinstance(part, Not | Unknown):  # as in binding, it negates the first thing that words say
            first, *rest = _spelled_out((part.part, *waiting), is_path)
            yield replace(part, part=first)
            yield from rest
            return
        else:
            yield spelled_out(part, is_path=is_path)


def _as_token(part: Quoted) -> Token:
    return Token(part.text, is_quoted=True, span=part.span)


def _ends_with_contains(words: Words) -> bool:
    return words.bracket is None and len(words.words) > 1 and _is(words.words[-1], _CONTAINS)


def _begins_with_operator(node: Node | None) -> bool:
    return isinstance(node, Words) and (
        _is(node.words[0], _CONTAINS) or node.words[0].text.casefold() in _POSTFIX
    )


def _is(token: Token, word: str) -> bool:
    return not token.is_quoted and token.text.casefold() == word


def _of_words(node: Words, is_path: IsPath) -> Iterator[Node]:
    words = list(node.words)
    plain: list[Token] = []
    while words:
        word, *rest = words
        if rest and rest[0].text.casefold() in _POSTFIX and not rest[0].is_quoted and is_path(word):
            yield from _plain(plain)
            name = Token(_POSTFIX[rest[0].text.casefold()], span=rest[0].span)
            yield Condition(name, Operator.EQUAL, (word,), span=word.span.to(rest[0].span))
            plain, words = [], rest[1:]
        elif len(rest) > 1 and _is(rest[0], _CONTAINS) and is_path(word):
            yield from _plain(plain)
            yield Condition(word, Operator.CONTAINS, (rest[1],), span=word.span.to(rest[1].span))
            plain, words = [], rest[2:]
        else:
            plain.append(word)
            words = rest
    if plain:
        bracket = node.bracket and replace(node.bracket, inner=spelled_out(node.bracket.inner))
        yield Words(tuple(plain), bracket, plain[0].span.to(node.span))
    elif node.bracket:
        yield node.bracket


def _plain(words: list[Token]) -> Iterator[Node]:
    if words:
        yield Words(tuple(words), span=words[0].span.to(words[-1].span))
