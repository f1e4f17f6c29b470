"""A bound query as what is run: a set of assets, and perhaps a question that ranks them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from datacat.errors import QueryError
from datacat.query import meaning as m
from datacat.query import tree
from datacat.query.bind import bind
from datacat.query.compare import Sql
from datacat.query.rules import RULES, rarest_last
from datacat.query.rules.absent_counts import COMPARE
from datacat.query.sql import Sets
from datacat.query.statistics import Statistics
from datacat.query.syntax import parse
from datacat.query.vocabulary import vocabulary


@dataclass(frozen=True, slots=True)
class Plan:
    """What one query comes to at one state.

    Attributes:
        meaning: everything that was asked, as it was asked.
        wanted: the filter after the rules; Everything where the query only ranks.
        evidence: the same before counts were rewritten: what its matching annotations are read from.
        similar: what ranks the assets, or None.
    """

    meaning: m.Meaning
    wanted: m.Meaning
    evidence: m.Meaning
    similar: m.Similar | None

    @property
    def interpretation(self) -> str:
        """The query in strict syntax."""
        return str(self.meaning)

    def assets(self) -> Sql:
        """A SELECT of the wanted assets, each perhaps more than once."""
        return Sets().assets(self.wanted)

    @property
    def asks_for_annotations(self) -> bool:
        """Whether some annotations fulfil it, rather than assets as such or for what they lack."""
        return _is_shown_by_annotations(self.meaning)


def plan(cursor: duckdb.DuckDBPyConnection, text: str, *, state: int, files: bool = True) -> Plan:
    """Parses, binds and rewrites a query; `files` as in `search`.

    Raises:
        QueryError: it cannot be understood.
    """
    text = re.sub(r"\s", " ", text)  # so that an error can underline it on one line
    words = vocabulary(cursor, state=state)
    try:
        root = parse(text)
        _check_similarity(root, text=text)
        meaning = bind(root, text=text, cursor=cursor, vocabulary=words, files=files)
    except RecursionError:
        raise QueryError("too many parentheses inside each other", text=text, start=0) from None
    similar, wanted = _split_similarity(meaning)
    statistics = Statistics(cursor, words)
    evidence = rarest_last(wanted, statistics)
    for rule in RULES:
        wanted = rule(wanted, statistics)
    return Plan(meaning, wanted, evidence, similar)


def _is_shown_by_annotations(node: m.Meaning) -> bool:
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return any(map(_is_shown_by_annotations, parts))
        case m.Counted(operator=operator, number=number):  # but for zero alone
            return any(COMPARE[operator](count, number) for count in (1, max(1, number), number + 1))
    return isinstance(node, m.Some | m.InLabelSet)


def _split_similarity(root: m.Meaning) -> tuple[m.Similar | None, m.Meaning]:
    """`roof AND "a pool"` -> the question and the filter that are left when it is taken apart."""
    if isinstance(root, m.Similar):
        return root, m.Everything()
    if not isinstance(root, m.And):
        return None, root
    similar = next((part for part in root.parts if isinstance(part, m.Similar)), None)
    rest = tuple(part for part in root.parts if not isinstance(part, m.Similar))
    return similar, rest[0] if len(rest) == 1 else m.And(rest)


def _check_similarity(root: tree.Node | None, *, text: str) -> None:
    """Refuses likeness where it cannot rank: in OR, in NOT, or twice."""
    if root is None:
        return
    ranking = [node for node in _conjuncts(root) if _is_similarity(node)]
    if len(ranking) > 1:
        span = ranking[1].span
        raise QueryError(
            "results can be ranked by one likeness only",
            text=text,
            start=span.start,
            end=span.end,
            hint="Keep one of them; filters may stand beside it.",
        )
    for node in _descendants(root):
        if _is_similarity(node) and node not in ranking:
            raise QueryError(
                "likeness ranks the results; it cannot stand inside OR, NOT, brackets or count()",
                text=text,
                start=node.span.start,
                end=node.span.end,
                hint='Put it beside the rest, as in: roof (slate OR tile) "a swimming pool".',
            )


def _is_similarity(node: tree.Node) -> bool:
    if isinstance(node, tree.Condition):
        return not node.name.is_quoted and node.name.text.casefold() == "like"
    return isinstance(node, tree.Quoted)


def _conjuncts(node: tree.Node) -> list[tree.Node]:
    if isinstance(node, tree.Group):
        return _conjuncts(node.inner)
    if isinstance(node, tree.And):
        return [found for part in node.parts for found in _conjuncts(part)]
    return [node]


def _descendants(node: tree.Node) -> list[tree.Node]:
    match node:
        case tree.And(parts=parts) | tree.Or(parts=parts):
            children = list(parts)
        case tree.Not(part=part):
            children = [part]
        case tree.Group(inner=inner) | tree.Bracket(inner=inner) | tree.Count(inner=inner):
            children = [inner]
        case tree.Words(bracket=bracket) | tree.Condition(bracket=bracket) if bracket is not None:
            children = [bracket]
        case _:
            children = []
    return [node, *(found for child in children for found in _descendants(child))]
