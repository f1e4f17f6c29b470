"""A query and one bucket of its facets -> the query for just what that bucket holds.

Where the query asks for annotations of one kind, what narrows it goes into their bracket, so that it holds for the same
annotation; else it stands beside the query.

    roof              + material: slate      -> roof[material=slate]
    roof AND NOT car  + created: 2026-03     -> roof[created=2026-03] AND NOT car
    car AND person    + annotator: ann       -> car AND person AND [(car OR person) AND annotator=ann]
    car OR person     + media: image         -> (car OR person) AND media=image
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace

from datacat.query import tree
from datacat.query.facets import OF_ASSETS, Bucket, Facet
from datacat.query.fields import (
    AGREEMENTS,
    ANNOTATION_COLUMNS,
    ANNOTATION_TIMES,
    ASSET_COLUMNS,
    ASSET_STATES,
    ASSET_TIMES,
    ATTRIBUTE_PREFIX,
    MEASURES,
    METADATA_PREFIX,
)
from datacat.query.syntax import parse
from datacat.query.tree import Bracket, Condition, Node, Operator, Token, Words
from datacat.query.wording import worded

_TIMES = ("created", "captured")
_PLAIN = re.compile(r"[^\W\d_][\w/.@-]*")  # means the same with quotes and without
_RESERVED = {
    "class",
    "team",
    "label_set",
    "concept",
    "split",
    "source",
    "since",
    "in",
    "is",
    "has",
    "missing",
}.union(ANNOTATION_COLUMNS, ANNOTATION_TIMES, MEASURES, ASSET_COLUMNS, ASSET_TIMES, ASSET_STATES, AGREEMENTS)


class Narrowing:
    """Narrows one query.

    Args:
        query: in strict syntax, as `hits.interpretation` has it.
        are_matching: whether its facets count the annotations that fulfil it.
    """

    def __init__(self, query: str, *, are_matching: bool) -> None:
        node = parse(query)
        self._parts = [] if node is None else _and_parts(node)
        self._asking = [place for place, part in enumerate(self._parts) if _asks_for_annotations(part)]
        if (
            not self._asking
            and are_matching
            and len(self._parts) == 1
            and isinstance(self._parts[0], Condition)
        ):
            self._asking = [0]  # material=slate: of some annotation, though nothing in its text says so

    def by(self, facet: Facet, bucket: Bucket) -> str:
        """The query, in strict syntax, for what is in one bucket of a facet."""
        added = _conditions(facet, bucket)
        parts = list(self._parts)
        if _is_of_assets(facet.name):
            parts += added
        elif len(self._asking) == 1:
            place = self._asking[0]
            parts[place] = _with_bracket(parts[place], added)
        elif self._asking:
            one_of_them = tree.Group(tree.Or(tuple(parts[place] for place in self._asking)))
            parts.append(Bracket(_beside([one_of_them], added)))
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


def _is_of_assets(facet: str) -> bool:
    return facet in OF_ASSETS or facet.startswith(METADATA_PREFIX)


def _asks_for_annotations(part: Node) -> bool:
    if isinstance(part, tree.Group) and isinstance(part.inner, tree.Or):
        return all(map(_asks_for_annotations, part.inner.parts))
    return isinstance(part, Words | Bracket) or _is_class(part)


def _is_class(part: Node) -> bool:
    return isinstance(part, Condition) and part.name == Token("class") and part.value != Token("?")


def _with_bracket(part: Node, added: list[Node]) -> Node:
    if isinstance(part, Words) or (isinstance(part, Condition) and _is_class(part)):
        inner = [] if part.bracket is None else _and_parts(part.bracket.inner)
        return replace(part, bracket=Bracket(_beside(inner, added)))
    return Bracket(_beside(_and_parts(part.inner if isinstance(part, Bracket) else part), added))


def _and_parts(node: Node) -> list[Node]:
    """What holds together, each to be joined by AND."""
    if isinstance(node, tree.And):
        return list(node.parts)
    return [tree.Group(node) if isinstance(node, tree.Or) else node]


def _beside(said: list[Node], added: list[Node]) -> Node:
    return _joined(said + [node for node in added if node not in said])


def _joined(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else tree.And(tuple(parts))


def _conditions(facet: Facet, bucket: Bucket) -> list[Node]:
    if facet.name == "concept":
        return [Words(tuple(map(Token, bucket.value.split())))]
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
    return facet if path.partition(".")[0] in _RESERVED else path
