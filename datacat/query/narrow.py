"""A query and one bucket of its facets -> the query for just what that bucket holds.

What is added must hold for one of the annotations that show why the query holds: these are what its facets count. Where
one condition is shown by annotations, it goes into their bracket; else it stands beside the query.

    roof              + material: slate      -> roof[material=slate]
    roof AND NOT car  + created: 2026-03     -> roof[created=2026-03] AND NOT car
    car AND person    + annotator: ann       -> car AND person AND [(car OR person) AND annotator=ann]
    count(car)>=3     + annotator: ann       -> count(car)>=3 AND car[annotator=ann]
    car OR person     + media: image         -> (car OR person) AND media=image
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, replace

from datacat.query import meaning as m
from datacat.query import tree
from datacat.query.conditions import is_reserved
from datacat.query.facets import OF_ASSETS, Bucket, Facet
from datacat.query.fields import ATTRIBUTE_PREFIX, METADATA_PREFIX
from datacat.query.rules import negations
from datacat.query.syntax import parse
from datacat.query.tree import Bracket, Condition, Node, Operator, Token, Words
from datacat.query.wording import worded
from datacat.query.words import as_word

_TIMES = ("created", "captured")
_PLAIN = re.compile(r"[^\W\d_][\w/.@-]*")  # means the same with quotes and without

_Shown = tuple[tuple[Node, ...], Node]  # what holds of the asset, and what of one of its annotations


class Narrowing:
    """Narrows one query.

    Args:
        meaning: what it means.
        are_matching: whether its facets count the annotations that fulfil it.
    """

    def __init__(self, meaning: m.Meaning, *, are_matching: bool) -> None:
        conjuncts = meaning.parts if isinstance(meaning, m.And) else (meaning,)
        self._parts = [part for conjunct in conjuncts for part in _and_parts(_read(conjunct))]
        asked = [(place, negations(conjunct)) for place, conjunct in enumerate(conjuncts) if are_matching]
        shown = [(place, node, list(_shown(node))) for place, node in asked]
        shown = [item for item in shown if item[2]]
        self._shown = list(dict.fromkeys(one for *_, those in shown for one in those))
        # The part that narrowed annotations say by themselves.
        self._said = shown[0][0] if len(shown) == 1 and _is_said_by_annotations(shown[0][1]) else None

    def by(self, facet: Facet, bucket: Bucket) -> str:
        """The query, in strict syntax, for what is in one bucket of a facet."""
        added = _conditions(facet, bucket)
        parts = list(self._parts)
        if _is_of_assets(facet.name):
            parts += added
        elif self._said is not None:
            parts[self._said] = self._narrowed(added)
        elif self._shown:
            parts.append(self._narrowed(added))
        elif facet.name in ("class", "concept"):
            parts += added
        else:
            parts.append(Bracket(_joined(added)))
        return worded(_joined(parts))

    def with_queries(self, facet: Facet) -> dict[str, object]:
        """The fields of a facet, each bucket with its `query`."""
        fields = asdict(facet)
        for name in ("values", "bins"):
            buckets = getattr(facet, name)
            fields[name] = [{**asdict(bucket), "query": self.by(facet, bucket)} for bucket in buckets]
        return fields

    def _narrowed(self, added: list[Node]) -> Node:
        """One of the annotations that show the query fulfils what is added."""
        alternatives: dict[tuple[Node, ...], list[Node]] = {}
        for where, such in self._shown:
            alternatives.setdefault(where, []).append(such)
        found = [
            _joined([*where, _with_bracket(_either(of_them), added)])
            for where, of_them in alternatives.items()
        ]
        return _joined(_and_parts(_either(found)))


def _shown(node: m.Meaning) -> Iterator[_Shown]:
    """The annotations that show why `node` holds, as `Sets.evidence` finds them."""
    match node:
        case m.And(parts=parts):
            for part in parts:
                yield from _shown(part)
        case m.Or(parts=parts):
            for part in parts:
                where = () if _is_said_by_annotations(part) else tuple(_and_parts(_read(part)))
                yield from (((*where, *inner), such) for inner, such in _shown(part))
        case (
            m.Some(predicate=predicate)
            | m.Counted(predicate=predicate)
            | m.CountedValues(predicate=predicate)
        ):
            if (found := parse(m.predicate_text(predicate))) is not None:
                yield (), found
        case m.InLabelSet():
            if (found := _read(node)) is not None:
                yield (), found


def _is_said_by_annotations(node: m.Meaning) -> bool:
    """Whether it holds wherever there is an annotation that shows it."""
    if isinstance(node, m.Or):
        return all(map(_is_said_by_annotations, node.parts))
    return isinstance(node, m.Some | m.InLabelSet)


def _read(node: m.Meaning) -> Node | None:
    return parse(str(node))


def _is_of_assets(facet: str) -> bool:
    return facet in OF_ASSETS or facet.startswith(METADATA_PREFIX)


def _with_bracket(part: Node, added: list[Node]) -> Node:
    is_class = isinstance(part, Condition) and part.name == Token("class") and part.value != Token("?")
    if isinstance(part, Words) or (isinstance(part, Condition) and is_class):
        inner = [] if part.bracket is None else _and_parts(part.bracket.inner)
        return replace(part, bracket=Bracket(_beside(inner, added)))
    return Bracket(_beside(_and_parts(part.inner if isinstance(part, Bracket) else part), added))


def _and_parts(node: Node | None) -> list[Node]:
    """What holds together, each to be joined by AND."""
    if isinstance(node, tree.And):
        return list(node.parts)
    if node is None:
        return []
    return [tree.Group(node) if isinstance(node, tree.Or) else node]


def _either(nodes: list[Node]) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    return tree.Or(tuple(tree.Group(node) if isinstance(node, tree.And) else node for node in nodes))


def _beside(said: list[Node], added: list[Node]) -> Node:
    return _joined(said + [node for node in added if node not in said])


def _joined(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else tree.And(tuple(parts))


def _conditions(facet: Facet, bucket: Bucket) -> list[Node]:
    if facet.name == "concept":
        return [Words((as_word(bucket.value),))]
    list_name, is_element, name = _name(facet.name).rpartition("[].")
    if bucket.low is None or bucket.high is None:
        is_plain = facet.name in _TIMES or _PLAIN.fullmatch(bucket.value) is not None
        value = Token(bucket.value, is_quoted=not is_plain)
        return [Condition(Token(_name(facet.name)), Operator.EQUAL, (value,))]
    below = Operator.AT_MOST if bucket == facet.bins[-1] else Operator.LESS
    ends = ((Operator.AT_LEAST, bucket.low), (below, bucket.high))
    between: list[Node] = [Condition(Token(name), operator, (_number(end),)) for operator, end in ends]
    if is_element:  # one and the same element is between them
        return [tree.Element(Token(f"{list_name}[]"), tree.And(tuple(between)))]
    return between


def _number(end: float) -> Token:
    return Token(repr(end).removesuffix(".0"))


def _name(facet: str) -> str:
    """A path as short as it can be said inside a bracket."""
    path = facet.removeprefix(ATTRIBUTE_PREFIX)
    return facet if is_reserved(path) or is_reserved(path.partition(".")[0]) else path
