"""Tree -> text that is read again to an equal tree."""

from __future__ import annotations

from datacat.query import tree
from datacat.query.tree import Quantifier, Token
from datacat.query.values import Value, name_text, quoted


def worded(node: tree.Node | None) -> str:
    """The text of a tree; of None the empty text, which asks for everything."""
    match node:
        case None:
            return ""
        case tree.And(parts=parts):
            return " AND ".join(map(worded, parts))
        case tree.Or(parts=parts):
            return " OR ".join(map(worded, parts))
        case tree.Not(part=part) | tree.Unknown(part=part):
            is_double = isinstance(node, tree.Unknown) and isinstance(part, tree.Unknown)  # ?? is no sign
            text = f"({worded(part)})" if is_double or _is_phrase(part) else worded(part)
            return f"NOT {text}" if isinstance(node, tree.Not) else f"?{text}"
        case tree.Group(inner=inner):
            return f"({worded(inner)})"
        case tree.Bracket(inner=inner):
            return f"[{worded(inner)}]"
        case tree.Words(words=words, bracket=bracket):
            return " ".join(word.text for word in words) + worded(bracket)
        case tree.Quoted(text=text, weight=weight):
            return quoted(text) + (f"^{weight}" if weight else "")
        case tree.Count(inner=inner, operator=operator, number=number, is_across=is_across):
            return f"count({worded(inner)}{' across teams' if is_across else ''}){operator}{number}"
        case tree.Element(path=path, inner=inner):
            return f"{_name(path)}{'' if path.is_quoted else '.'}{{{worded(inner)}}}"
        case tree.Relation(kind=kind, inner=inner, operator=operator, number=number):
            compared = f"{operator}{_value(number)}" if number else ""
            return f"{kind}({worded(inner)}){compared}"
    assert isinstance(node, tree.Condition)
    return _condition(node)


def _is_phrase(node: tree.Node) -> bool:
    """Whether its text is several words, of which NOT would take only the first."""
    return isinstance(node, tree.Condition) and node.operator is tree.Operator.CONTAINS


def _condition(node: tree.Condition) -> str:
    name = _name(node.name)
    if node.quantifier in tuple(Quantifier):
        name = f"{node.quantifier}({name})"
    if node.operator in (tree.Operator.IN, tree.Operator.NOT_IN):
        return f"{name} {node.operator} ({', '.join(_value(token).as_item() for token in node.values)})"
    gap = " " if node.operator is tree.Operator.CONTAINS else ""
    return f"{name}{gap}{node.operator}{gap}{_value(node.value)}{worded(node.bracket)}"


def _name(token: Token) -> str:
    return name_text(token.text, is_quoted=token.is_quoted)


def _value(token: Token) -> Value:
    return Value(token.text, token.is_quoted)
