"""Queries as JSON, for programs: `{"version": 1, "query": …}`. docs/reference/query-json.md has every form.

    {"words": ["traffic", "light"], "where": {…}}        traffic light[…]
    {"field": "color", "operator": "=", "value": "red"}  color=red       {"exactly": "5"} is "5" in quotes
    {"field": "color", "operator": "in", "value": [..]}  color in (…)
    {"all": "doors[].state", "operator": …, "value": …}  all(doors[].state)=…   so any, none, length
    {"element": "doors[]", "where": {…}}                 doors[].{…}
    {"relation": "near", "of": {…}, "operator": "<", "value": "50px"}
    {"annotation": {…}}                                  […]
    {"count": {…}, "operator": ">=", "value": 3}         count(…)>=3
    {"count": {…}, "across": "teams", …}                 count(… across teams)>=3
    {"text": "red tiles", "weight": 2}                   "red tiles"^2
    {"and": [..]}, {"or": [..]}, {"not": {…}}, {"unknown": {…}}, {"group": {…}}

`group` stands only around words that must stay apart from words beside them; conjunctions and alternatives
inside each other need none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from datacat.errors import QueryError, UsageError
from datacat.query import tree
from datacat.query.syntax import parse
from datacat.query.tree import Operator, Quantifier, RelationKind, Token
from datacat.query.values import is_name
from datacat.query.wording import worded

VERSION = 1
_KEYWORDS = frozenset(("and", "&", "&&", "or", "|", "||", "not", "without"))
_SEVERAL = (Operator.IN, Operator.NOT_IN)


def to_document(node: tree.Node | None) -> dict[str, Any]:
    """A parsed query as JSON values."""
    return {"version": VERSION, "query": None if node is None else _written(node)}


def from_document(document: object) -> tree.Node | None:
    """Reads what `to_document` wrote, or a program did.

    Raises:
        UsageError: it is no such document; says at which place.
        QueryError: what it says makes no query, as near() without a number.
    """
    try:
        return _tree(document)
    except RecursionError:
        _refuse("", "too many objects inside each other")


def _tree(document: object) -> tree.Node | None:
    if isinstance(document, str | bytes):
        try:
            document = json.loads(document)
        except ValueError as error:
            _refuse("", f"no JSON: {error}")
    if not isinstance(document, Mapping) or set(document) != {"version", "query"}:
        _refuse("", 'a query document is an object of "version" and "query"')
    if document["version"] != VERSION:
        _refuse("version", f"version {document['version']!r} is not known; this datacat reads {VERSION}")
    if document["query"] is None:
        return None
    # Through the text, so that there is one definition of what a tree may look like.
    return parse(worded(_Reader().node(document["query"], "query")))


def text_of(query: str | Mapping[str, Any]) -> str:
    """A query as text, whichever form it comes in; raises as `from_document`."""
    return query if isinstance(query, str) else worded(from_document(query))


def text_of_json(document: str) -> str:
    """The text of a query that comes as the text of a JSON document; raises as `from_document`."""
    return worded(from_document(document))


def document_of(text: str) -> dict[str, Any]:
    """The JSON of a query's text.

    Raises:
        QueryError: it cannot be parsed.
    """
    try:
        return to_document(parse(text))
    except RecursionError:
        raise QueryError("too many parentheses inside each other", text=text, start=0) from None


def _written(node: tree.Node) -> dict[str, Any]:
    match node:
        case tree.And(parts=parts):
            return {"and": [_below(part) for part in parts]}
        case tree.Or(parts=parts):
            return {"or": [_below(part) for part in parts]}
        case tree.Not(part=part):
            return {"not": _below(part)}
        case tree.Unknown(part=part):
            return {"unknown": _below(part)}
        case tree.Group(inner=inner):
            return {"group": _written(inner)}
        case tree.Bracket(inner=inner):
            return {"annotation": _written(inner)}
        case tree.Words(words=words, bracket=bracket):
            return {"words": [word.text for word in words]} | _where(bracket)
        case tree.Quoted(text=text, weight=weight):
            return {"text": text} | ({} if weight is None else {"weight": float(weight)})
        case tree.Count(inner=inner, operator=operator, number=number):
            across = {"across": "teams"} if node.is_across else {}
            return {"count": _written(inner), **across, "operator": str(operator), "value": number}
        case tree.Element(path=path, inner=inner):
            return {"element": _name(path), "where": _written(inner)}
        case tree.Relation(kind=kind, inner=inner, operator=operator, number=number):
            compared = {"operator": str(operator), "value": _value(number)} if number else {}
            return {"relation": str(kind), "of": _written(inner)} | compared
    assert isinstance(node, tree.Condition)
    several = node.operator in _SEVERAL
    value = [_value(item) for item in node.values] if several else _value(node.value)
    key = str(node.quantifier or "field")
    return {key: _name(node.name), "operator": str(node.operator), "value": value} | _where(node.bracket)


def _below(part: tree.Node) -> dict[str, Any]:
    """A part of AND, OR or NOT: structure needs no group in JSON."""
    is_structure = isinstance(part, tree.Group) and isinstance(part.inner, tree.And | tree.Or)
    return _written(part.inner if is_structure and isinstance(part, tree.Group) else part)


def _where(bracket: tree.Bracket | None) -> dict[str, Any]:
    return {} if bracket is None else {"where": _written(bracket.inner)}


def _value(token: Token) -> str | dict[str, str]:
    return {"exactly": token.text} if token.is_quoted else token.text


_name = _value


class _Reader:
    """Reads nodes; `place` is a path such as `query.and[1]`, for errors."""

    def node(self, given: object, place: str) -> tree.Node:  # noqa: RET503 - _refuse raises
        if not isinstance(given, Mapping):
            _refuse(place, f"an object was expected, not {given!r}")
        for key in _READERS:
            if key in given:
                allowed = _READERS[key]
                unknown = [str(name) for name in given if name not in (key, *allowed)]
                if unknown:
                    _refuse(place, f"{unknown[0]!r} does not belong beside {key!r}", allowed=(key, *allowed))
                return self._node(key, given, place)
        _refuse(place, f"no such form: {json.dumps(sorted(map(str, given)))}", allowed=tuple(_READERS))

    def _node(self, key: str, given: Mapping[str, Any], place: str) -> tree.Node:
        at = f"{place}.{key}"
        match key:
            case "and" | "or":
                parts = [
                    self.node(item, f"{at}[{number}]") for number, item in enumerate(_list(given[key], at))
                ]
                return _joined(key, parts)
            case "not":
                return tree.Not(_kept_apart(self.node(given[key], at)))
            case "unknown":
                return tree.Unknown(_kept_apart(self.node(given[key], at)))
            case "group":
                return tree.Group(self.node(given[key], at))
            case "annotation":
                return tree.Bracket(self.node(given[key], at))
            case "words":
                words = tuple(_word(item, f"{at}[{n}]") for n, item in enumerate(_list(given[key], at)))
                return tree.Words(words, self._bracket(given, place))
            case "text":
                return tree.Quoted(_text(given[key], at), _weight(given.get("weight"), f"{place}.weight"))
            case "count":
                return self._count(given, place)
            case "element":
                inner = self.node(given.get("where"), f"{place}.where")
                return tree.Element(_token(given[key], at), inner)
            case "relation":
                return self._relation(given, place)
        return self._condition(key, given, place)

    def _count(self, given: Mapping[str, Any], place: str) -> tree.Node:
        number, across = given.get("value"), given.get("across")
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            _refuse(f"{place}.value", f"a count is compared with a whole number, not {number!r}")
        if across not in (None, "teams"):
            _refuse(
                f"{place}.across", f"it can only be counted across teams, not {across!r}", allowed=("teams",)
            )
        inner = self.node(given["count"], f"{place}.count")
        return tree.Count(inner, self._operator(given, place), number, is_across=across is not None)

    def _relation(self, given: Mapping[str, Any], place: str) -> tree.Node:
        kinds = {str(kind): kind for kind in RelationKind}
        if given["relation"] not in kinds:
            _refuse(f"{place}.relation", f"no relation {given['relation']!r}", allowed=tuple(kinds))
        inner = self.node(given.get("of"), f"{place}.of")
        kind = kinds[given["relation"]]
        if "value" not in given:
            return tree.Relation(kind, inner)
        return tree.Relation(
            kind, inner, self._operator(given, place), _token(given["value"], f"{place}.value")
        )

    def _condition(self, key: str, given: Mapping[str, Any], place: str) -> tree.Node:
        operator = self._operator(given, place)
        value, at = given.get("value"), f"{place}.value"
        if operator in _SEVERAL:
            values = tuple(_token(item, f"{at}[{n}]") for n, item in enumerate(_list(value, at)))
        else:
            values = (_token(value, at),)
        quantifier = None if key == "field" else Quantifier(key)
        name = _token(given[key], f"{place}.{key}")
        return tree.Condition(name, operator, values, self._bracket(given, place), quantifier)

    def _operator(self, given: Mapping[str, Any], place: str) -> Operator:
        operators = {str(operator): operator for operator in Operator}
        if given.get("operator") not in operators:
            what = f"no operator {given.get('operator')!r}" if "operator" in given else "there is no operator"
            _refuse(f"{place}.operator", what, allowed=tuple(operators))
        return operators[given["operator"]]

    def _bracket(self, given: Mapping[str, Any], place: str) -> tree.Bracket | None:
        return tree.Bracket(self.node(given["where"], f"{place}.where")) if "where" in given else None


def _joined(word: str, parts: list[tree.Node]) -> tree.Node:
    if len(parts) == 1:
        return parts[0]
    if word == "and":
        return tree.And(tuple(map(_kept_apart, parts)))
    return tree.Or(tuple(tree.Group(part) if isinstance(part, tree.Or) else part for part in parts))


def _kept_apart(part: tree.Node) -> tree.Node:
    return tree.Group(part) if isinstance(part, tree.And | tree.Or) else part


def _list(given: object, place: str) -> list[Any]:
    if not isinstance(given, list) or not given:
        _refuse(place, "a list of one or more was expected")
    return given


def _text(given: object, place: str) -> str:
    if not isinstance(given, str) or not given.strip():
        _refuse(place, f"a text was expected, not {given!r}")
    return given


def _word(given: object, place: str) -> Token:
    token = Token(_text(given, place))
    is_keyword = token.text.casefold() in _KEYWORDS
    if is_keyword or not is_name(token.text):
        hint = f'{{"field": "class", "operator": "=", "value": {json.dumps(given)}}}'
        _refuse(place, f"{given!r} cannot stand as a bare word", hint=f"Write it as {hint}.")
    return token


def _weight(given: object, place: str) -> str | None:
    if given is None:
        return None
    if not isinstance(given, int | float) or isinstance(given, bool):
        _refuse(place, f"a number was expected, not {given!r}")
    return f"{given:g}"


def _token(given: object, place: str) -> Token:
    """A value or a name: text, a number, true or false, or {"exactly": text}."""
    if isinstance(given, Mapping) and set(given) == {"exactly"} and isinstance(given["exactly"], str):
        return Token(given["exactly"], is_quoted=True)
    if isinstance(given, bool):
        return Token(str(given).lower())
    if isinstance(given, int | float):
        return Token(json.dumps(given))
    return Token(_text(given, place))


def _refuse(place: str, what: str, *, allowed: tuple[str, ...] = (), hint: str | None = None) -> NoReturn:
    raise UsageError(
        what, where=place or None, hint=hint or (f"Known: {', '.join(allowed)}." if allowed else None)
    )


# The key that tells what a node is -> what else may stand beside it.
_READERS: dict[str, tuple[str, ...]] = {
    "and": (),
    "or": (),
    "not": (),
    "unknown": (),
    "group": (),
    "annotation": (),
    "words": ("where",),
    "count": ("across", "operator", "value"),
    "relation": ("of", "operator", "value"),
    "element": ("where",),
    "field": ("operator", "value", "where"),
    **dict.fromkeys(map(str, Quantifier), ("operator", "value")),
    "text": ("weight",),
}
