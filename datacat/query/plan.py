"""A bound query as what is run: a set of assets, and perhaps a question that ranks them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import duckdb

from datacat.errors import QueryError
from datacat.query import meaning as m
from datacat.query import tree
from datacat.query.bind import bind
from datacat.query.compare import TRUE, Sql
from datacat.query.coverage import decided
from datacat.query.limits import check_joins, check_nesting
from datacat.query.pairs import is_one_scan
from datacat.query.paths import is_path
from datacat.query.phrases import spelled_out
from datacat.query.rules import RULES, by_people, negations, plain_counts, refuted, said_twice, standing
from datacat.query.scope import Outside, Scope
from datacat.query.sql import Sets
from datacat.query.statistics import Statistics
from datacat.query.syntax import parse
from datacat.query.tree import COMPARE
from datacat.query.vocabulary import vocabulary
from datacat.query.voices import LOWER


@dataclass(frozen=True, slots=True)
class Plan:
    """What one query comes to at one state.

    Attributes:
        meaning: everything that was asked, as it was asked.
        wanted: the filter after the rules; Everything where the query only ranks.
        evidence: the same after negations alone: what its matching annotations and reasons are read from.
        similar: what ranks the assets, weighted; none where nothing does.
        keeps_unranked: whether assets that pass the filter and cannot be ranked come behind the ranked ones.
        floor: assets of a lower score are no hits.
        by_people: `wanted`, asked of what people say alone; None where no model says anything, or one is asked for.
    """

    meaning: m.Meaning
    wanted: m.Meaning
    evidence: m.Meaning
    similar: tuple[m.Similar, ...]
    keeps_unranked: bool = True
    floor: float | None = None
    by_people: m.Meaning | None = None

    @property
    def interpretation(self) -> str:
        """The query in strict syntax."""
        return str(self.meaning)

    def assets(self, *, within: Sql = TRUE) -> Sql:
        """A SELECT of the wanted assets for which `within` holds, each perhaps more than once."""
        return Sets(within).assets(self.wanted)

    def refuted(self) -> Sql:
        """A SELECT of the assets of which it is known that they are not what is wanted.

        Raises:
            UsageError: it asks for more than can be planned, as the opposite of very many alternatives does.
        """
        opposite = plain_counts(refuted(self.evidence))
        check_joins(opposite)
        return Sets().assets(opposite)

    @property
    def reads_by_asset(self) -> bool:
        """Whether one scan answers it that finds assets in about their order: all, or those of some class."""
        if isinstance(self.wanted, m.Everything):
            return True
        return isinstance(self.wanted, m.Some) and is_one_scan(self.wanted.predicate)

    @property
    def asks_for_absence(self) -> bool:
        """Whether something must be absent, so that it matters who looked for it."""
        return any(_needs_absence(node) for node in m.descendants(self.evidence))

    @property
    def asks_for_annotations(self) -> bool:
        """Whether some annotations fulfil it, rather than assets as such or for what they lack."""
        return _is_shown_by_annotations(self.evidence)


def plan(
    cursor: duckdb.DuckDBPyConnection,
    text: str,
    *,
    identity: str | None = None,
    files: bool = True,
    outside: Outside | None = None,
) -> Plan:
    """Parses, binds and rewrites a query; arguments as in `search`.

    Raises:
        QueryError: it cannot be understood.
        UsageError: it asks for more than can be planned.
    """
    text = re.sub(r"\s", " ", text)  # so that an error can underline it on one line
    words = vocabulary(cursor, identity=identity)
    try:
        scope = Scope(text, cursor, words, files, outside)
        root = parse(text)
        root = root and spelled_out(root, is_path=partial(is_path, scope=scope))
        _check_similarity(root, text=text)
        meaning = bind(root, scope=scope)
    except RecursionError:
        raise QueryError("too many parentheses inside each other", text=text, start=0) from None
    similar, asked = _split_similarity(meaning)
    statistics = Statistics(cursor, words)
    check_nesting(asked)
    evidence = said_twice(negations(standing(asked, statistics)), statistics)
    check_joins(evidence)
    people = by_people(asked, statistics)
    return Plan(
        meaning,
        _ruled(asked, statistics),
        evidence,
        similar,
        by_people=None if people in (None, asked) else _ruled(people, statistics),
    )


def _ruled(asked: m.Meaning, statistics: Statistics) -> m.Meaning:
    for rule in RULES:
        asked = rule(asked, statistics)
    return asked


def _is_shown_by_annotations(node: m.Meaning) -> bool:
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return any(map(_is_shown_by_annotations, parts))
        case m.Counted(operator=operator, number=number) | m.CountedValues(operator=operator, number=number):
            # But for zero alone.
            return any(COMPARE[operator](count, number) for count in (1, max(1, number), number + 1))
    return isinstance(node, m.Some | m.InLabelSet)


def _needs_absence(node: m.Meaning) -> bool:
    match node:
        case m.Absent(predicate=predicate):
            return decided(predicate) is not None
        case m.Denied():
            return True
        case m.Counted(operator=operator, predicate=predicate):
            return operator not in LOWER and decided(predicate) is not None
    return False


def _split_similarity(root: m.Meaning) -> tuple[tuple[m.Similar, ...], m.Meaning]:
    """`roof AND "a pool"` -> the questions and the filter that are left when it is taken apart."""
    if isinstance(root, m.Similar):
        return (root,), m.Everything()
    if not isinstance(root, m.And):
        return (), root
    similar = tuple(part for part in root.parts if isinstance(part, m.Similar))
    rest = tuple(part for part in root.parts if not isinstance(part, m.Similar))
    if not rest:
        return similar, m.Everything()
    return similar, rest[0] if len(rest) == 1 else m.And(rest)


def _check_similarity(root: tree.Node | None, *, text: str) -> None:
    """Refuses likeness where it cannot rank: in OR, in NOT, in brackets."""
    if root is None:
        return
    ranking = [node for node in _conjuncts(root) if _is_similarity(node)]
    about = next(
        (
            node
            for node in ranking
            if isinstance(node, tree.Condition) and node.name.text.casefold() == "about"
        ),
        None,
    )
    if about is not None and len(ranking) > 1:
        raise QueryError(
            "about: ranks by itself; it cannot stand beside another likeness",
            text=text,
            start=about.span.start,
            end=about.span.end,
            hint="Put all of it into one text.",
        )
    for node in tree.descendants(root):
        if _is_similarity(node) and not any(node is one for one in ranking):
            raise QueryError(
                "likeness ranks the results; it cannot stand inside OR, NOT, brackets or count()",
                text=text,
                start=node.span.start,
                end=node.span.end,
                hint='Put it beside the rest, as in: roof (slate OR tile) "a swimming pool".',
            )


def _is_similarity(node: tree.Node) -> bool:
    if isinstance(node, tree.Condition):
        return not node.name.is_quoted and node.name.text.casefold() in ("like", "unlike", "about")
    return isinstance(node, tree.Quoted)


def _conjuncts(node: tree.Node) -> list[tree.Node]:
    if isinstance(node, tree.Group):
        return _conjuncts(node.inner)
    if isinstance(node, tree.And):
        return [found for part in node.parts for found in _conjuncts(part)]
    return [node]
