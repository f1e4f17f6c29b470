"""Why each hit was found: the annotations that fulfil the query, and a sentence per term.

Each term of the query is run once more, narrowed to the assets of a page; then the query is evaluated in
Python over those answers, which says which side of an OR it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from datacat.query import meaning as m
from datacat.query.across import said_across
from datacat.query.compare import Sql, at, joined
from datacat.query.coverage import lookers
from datacat.query.geometry import sized
from datacat.query.match import WRITTEN, Documents, Match
from datacat.query.pairs import numbered, table_at
from datacat.query.plan import Plan
from datacat.query.plurals import comparable
from datacat.query.run import rows
from datacat.query.sql import Sets
from datacat.query.stated import LISTED, stated_beside
from datacat.query.tree import COMPARE
from datacat.query.vocabulary import LabelSet
from datacat.query.voices import said

_SHOWN = 5  # reasons a term; an asset may have a thousand cars


_Reasons = tuple[list[str], list[int]]  # sentences, annotations


@dataclass(frozen=True, slots=True)
class Number:
    """How many there are, as one says who labelled it: `lo` at least, `hi` at most (None: nobody can say)."""

    by: str
    lo: int
    hi: int | None
    has_looked: bool

    def compares(self, node: m.Counted) -> bool | None:
        """Whether all numbers from lo to hi compare as asked, or none."""
        ends = [self.lo, node.number - 1, node.number, node.number + 1, self.hi]
        between = [n for n in ends if n is not None and self.lo <= n and (self.hi is None or n <= self.hi)]
        more = [max(self.lo, node.number) + 2] if self.hi is None else []
        answers = {COMPARE[node.operator](n, node.number) for n in between + more}
        return answers.pop() if len(answers) == 1 else None

    def contradicts(self, node: m.Counted) -> bool:
        """Whether somebody who looked says that it is not so."""
        return self.has_looked and self.compares(node) is False

    def __str__(self) -> str:
        return f"{self.lo} found{' by ' if self.by else ''}{self.by}"


class Explainer:
    """Explains the hits of one page."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        plan: Plan,
        *,
        assets: Sequence[int],
        label_sets: Mapping[int, LabelSet],
    ) -> None:
        self._cursor = cursor
        self._root = plan.evidence
        self._similar = plan.similar
        self._label_sets = label_sets
        self._of_page = numbered("asset", assets)
        self._sets = Sets(within=self._of_page)
        self._found: dict[int, str | None] = {}  # annotation -> class
        terms = list(dict.fromkeys(_terms(self._root)))
        self._of_term = {term: self._annotations(term) for term in terms}
        counted = [term for term in terms if isinstance(term, m.Counted)]
        self._numbers = {term: self._numbers_said(term) for term in counted}
        self._merged = {term: self._numbers_merged(term) for term in counted if term.is_across}
        self._who_looked = {term: self._lookers(term) for term in terms if isinstance(term, m.Absent)}
        self._of_found = self._narrowed_to_found()
        self._details = self._read_details()
        self._leaves = {leaf: self._leaf_texts(leaf) for leaf in _leaves(self._root)}

    @cached_property
    def facts(self) -> dict[int, tuple[str, str | None, int | None, int | None]]:
        """Asset -> URI, media, width and height."""
        query = Sql("SELECT asset, uri, media, width, height FROM assets WHERE {}").filled(self._of_page)
        return {
            asset: (uri, media, width, height)
            for asset, uri, media, width, height in rows(self._cursor, query)
        }

    def other_addresses(self) -> dict[int, list[str]]:
        """Asset -> the URIs of its other addresses; those that have none are left out."""
        found: dict[int, list[str]] = {}
        query = Sql("SELECT asset, uri FROM other_addresses WHERE {} ORDER BY uri").filled(self._of_page)
        for asset, uri in rows(self._cursor, query):
            found.setdefault(asset, []).append(uri)
        return found

    def explain(self, asset: int, *, score: float | None) -> tuple[tuple[Match, ...], tuple[str, ...]]:
        """The matches of a hit and why it is one."""
        reasons, annotations = self._why(self._root, asset) or ([], [])
        if score is not None:
            reasons = [*reasons, _likeness(self._similar, score)]
        matches = tuple(self._details[number][0] for number in sorted(set(annotations)))
        return matches, tuple(dict.fromkeys(reasons))

    def is_contradicted(self, asset: int) -> bool:
        """Whether a count holds of a hit by what one label set says, and another that looked says otherwise."""
        return any(
            asset in self._of_term[term]
            and any(number.contradicts(term) for number in numbers.get(asset, ()))
            for term, numbers in self._numbers.items()
            if not term.is_across
        )

    def _annotations(self, term: m.Meaning) -> dict[int, list[int]]:
        """Asset -> annotations that fulfil a term; of a term about the asset, none where it holds."""
        found: dict[int, list[int]] = {}
        if not isinstance(term, m.Some):
            found = {asset: [] for (asset,) in rows(self._cursor, self._sets.assets(term))}
        if isinstance(term, m.InLabelSet):
            pairs = self._sets.pairs_of(term)
        elif isinstance(term, m.Some | m.Counted | m.CountedValues):
            pairs = self._sets.pairs(term.predicate)
        else:
            return found
        query = Sql("SELECT DISTINCT asset, annotation, class FROM ({}) ORDER BY ALL").filled(pairs)
        for asset, annotation, name in rows(self._cursor, query):
            if isinstance(term, m.Some) or asset in found:
                found.setdefault(asset, []).append(annotation)
                self._found[annotation] = name
        return found

    def _lookers(self, term: m.Absent) -> dict[int, list[str]]:
        """Asset -> the label sets that looked for what is absent."""
        sql = lookers(term.predicate, within=self._of_page)
        found: dict[int, list[str]] = {}
        if sql is not None:
            query = Sql("SELECT DISTINCT asset, label_set FROM ({}) ORDER BY ALL").filled(sql)
            for asset, label_set in rows(self._cursor, query):
                found.setdefault(asset, []).append(str(self._label_sets[label_set]))
        return found

    def _numbers_said(self, term: m.Counted) -> dict[int, list[Number]]:
        """Asset -> how many there are, as each says who labelled it."""
        found: dict[int, list[Number]] = {}
        columns = "asset, label_set, maker, lo, hi, has_looked"
        query = Sql(f"SELECT {columns} FROM ({{}}) ORDER BY asset, maker NULLS FIRST, label_set")  # noqa: S608
        said_by = query.filled(said(term, within=self._of_page))
        for asset, label_set, maker, lo, hi, has_looked in rows(self._cursor, said_by):
            name = str(self._label_sets[label_set]) if label_set in self._label_sets else ""
            by = name if maker is None else f"{maker or 'a model'} in {name}"
            found.setdefault(asset, []).append(Number(by, lo, hi, has_looked))
        return found

    def _numbers_merged(self, term: m.Counted) -> dict[int, str]:
        """Asset -> how many there are by all together."""
        query = Sql("SELECT asset, lo, hi FROM ({})").filled(said_across(term, within=self._of_page))
        return {asset: _between(lo, hi) for asset, lo, hi in rows(self._cursor, query)}

    def _number_told(self, node: m.Counted, asset: int) -> str:
        """`count(car)>=3: 4 found by a/b; contradicted: 2 found by c/d`, or of all together what each says."""
        numbers = self._numbers[node].get(asset, [])
        if node.is_across:
            parts = ", ".join(str(number) for number in numbers if number.lo)
            return f"{node}: {self._merged[node].get(asset, '0')} across teams{f'; {parts}' if parts else ''}"
        holding = [number for number in numbers if number.compares(node) is True]
        text = f"{node}: {', '.join(map(str, holding)) or 'so'}"
        against = [number for number in numbers if number.contradicts(node)]
        return f"{text}; contradicted: {', '.join(map(str, against))}" if against else text

    def _narrowed_to_found(self) -> Sql:
        """A condition for exactly the annotations that were found; the classes let DuckDB skip row groups."""
        names = {name for name in self._found.values() if name is not None}
        classes = (
            Sql(f"class IN ({', '.join('?' * len(names))})", tuple(sorted(names))) if names else Sql("false")
        )
        if None in self._found.values():
            classes = Sql("({} OR class IS NULL)").filled(classes)
        numbers = numbered("annotation", sorted(self._found))
        return joined(" AND ", [classes, numbers, self._of_page])

    def _leaf_texts(self, leaf: m.AttributeIs | m.HasAttribute) -> dict[int, list[str]]:
        """Annotation -> `path=value` of the leaves that fulfil a condition."""
        where = at(leaf.paths)
        if isinstance(leaf, m.AttributeIs):
            where = joined(" AND ", [where, leaf.compares])
        query = Sql("SELECT DISTINCT annotation, path, text FROM {} WHERE {} AND {} ORDER BY ALL").filled(
            table_at("attribute_values", leaf.paths), where, self._of_found
        )
        found: dict[int, list[str]] = {}
        for annotation, path, text in rows(self._cursor, query):
            found.setdefault(annotation, []).append(f"{path}={'null' if text is None else text}")
        return found

    def _read_details(self) -> dict[int, tuple[Match, dict[str, Any]]]:
        """Annotation -> its match, and the columns that the query's conditions speak of."""
        asked = {node.column for node in m.descendants(self._root) if isinstance(node, m.ColumnIs)}
        measured = {
            node.name: node
            for node in m.descendants(self._root)
            if isinstance(node, m.MeasureIs) and not node.is_percent
        }
        columns = [*sorted(asked), *sorted(measured)]
        select = "".join(f", {column}" for column in sorted(asked))
        select += "".join(f", {measured[name].measure}" for name in sorted(measured))
        query = Sql(
            "SELECT annotation, class, team, team || '/' || name, kind, geometry_type, "  # noqa: S608 - our own names
            f"x, y, w, h, is_relative, confidence{select} "
            "FROM {} JOIN label_sets USING (label_set) WHERE {}"
        ).filled(Sql("{} AS sized").filled(self._boxes(measured.values())), self._of_found)
        documents = Documents(self._cursor, self._of_found)
        details = {}
        for row in rows(self._cursor, query):
            written, own = row[: len(WRITTEN)], row[len(WRITTEN) :]
            match = Match(**dict(zip(WRITTEN, written, strict=True)), documents=documents)
            details[match.annotation] = (match, dict(zip(columns, own, strict=True)))
        return details

    def _boxes(self, measures: Iterable[m.MeasureIs]) -> Sql:
        """What gives the annotations of the page; their pictures are read only where these are needed."""
        stated = self._stated()
        if stated is None and not any(node.needs_size for node in measures):
            return Sql("annotations")
        return sized(Sql("annotations"), stated=stated, within=self._of_page)

    def _stated(self) -> Sql | None:
        """Where boxes of the page were drawn on other sizes than their pictures have; None: the plan knows of none."""
        measured = (node for node in m.descendants(self._root) if isinstance(node, m.MeasureIs | m.Related))
        if any(node.stated is None for node in measured):
            return None
        sizes = {asset: (width, height) for asset, (_, _, width, height) in self.facts.items()}
        return stated_beside(sizes, rows(self._cursor, LISTED.filled(self._of_page)))

    def _why(self, node: m.Meaning, asset: int) -> _Reasons | None:
        """The reasons for which `node` holds of an asset; None where it does not hold."""
        match node:
            case m.Everything():
                return [], []
            case m.And(parts=parts):
                found = [self._why(part, asset) for part in parts]
                return _merged([item for item in found if item is not None]) if None not in found else None
            case m.Or(parts=parts):
                held = [item for part in parts if (item := self._why(part, asset)) is not None]
                return _merged(held) if held else None
        annotations = self._of_term[node].get(asset)
        if annotations is None:
            return None
        match node:
            case m.Some(predicate=predicate):
                return self._sentences(predicate, annotations), annotations
            case m.Counted():
                return [self._number_told(node, asset)], annotations
            case m.Absent():
                who = ", ".join(self._who_looked[node].get(asset, ()))
                return [f"{node}: none found{' by ' if who else ''}{who}"], []
            case m.Neither(yes=yes):
                return [f"{node}: nobody {'says' if isinstance(yes, m.Stated) else 'looked for it'}"], []
        return [str(node)], annotations

    def _sentences(self, predicate: m.Meaning, annotations: Sequence[int]) -> list[str]:
        """Equal ones are counted, and of many different ones the first few shown."""
        counted = Counter(self._sentence(predicate, number) for number in annotations)
        shown = [f"{text} ×{count}" if count > 1 else text for text, count in list(counted.items())[:_SHOWN]]
        left = len(annotations) - sum(list(counted.values())[:_SHOWN])
        return [*shown, f"… and {left} more"] if left else shown

    def _sentence(self, predicate: m.Meaning, annotation: int) -> str:
        """`mapping/roofs-2026: Roof[material=slate, condition.score=0.83] (same as rooftop)`."""
        match, _ = self._details[annotation]
        facts = list(dict.fromkeys(self._facts(predicate, annotation)))
        asked = next((node for node in m.conjuncts(predicate) if isinstance(node, m.ClassIs)), None)
        name = match.class_name or "(no class)"
        inside = f"[{', '.join(facts)}]" if facts else ""
        return f"{match.label_set}: {name}{inside}{_relation(name, asked)}"

    def _facts(self, node: m.Meaning, annotation: int) -> Iterator[str]:
        match node:
            case m.AttributeIs() | m.HasAttribute():
                yield from self._leaves.get(node, {}).get(annotation, ())
            case m.ColumnIs(name=name, column=column):
                yield _fact(name, self._details[annotation][1][column])
            case m.MeasureIs(name=name, is_percent=False):
                yield _fact(name, self._details[annotation][1][name])
            case (
                m.Not()
                | m.MeasureIs()
                | m.TimeIs()
                | m.TrackIs()
                | m.LengthIs()
                | m.ElementIs()
                | m.Related()
            ):
                yield str(node)
            case m.And(parts=parts):
                for part in parts:
                    yield from self._facts(part, annotation)
            case m.Or(parts=parts):
                for part in parts:
                    if not isinstance(part, m.Not):
                        yield from self._facts(part, annotation)


def _relation(name: str, asked: m.ClassIs | None) -> str:
    """How a class comes to be what was asked for, where its name does not say it."""
    if asked is None or asked.shown.startswith("class=") or comparable(asked.shown) == comparable(name):
        return ""
    is_same = any(member.name == name for member in asked.names)
    return f" (same as {asked.shown})" if is_same else f" (a kind of {asked.shown})"


def _fact(name: str, value: Any) -> str:
    return f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"


def _likeness(similar: Sequence[m.Similar], score: float) -> str:
    """`looks like "a pool" (0.31)`; of several, what each counts for stands in its own text."""
    (first, *more) = similar
    if not more and first.weight == 1:
        asked = first.shown if first.question.text is not None else first.shown.removeprefix("like:")
        return f"looks like {asked} ({score:.2f})"
    return f"likeness to {' '.join(part.shown for part in similar)} ({score:.2f})"


def _between(lo: int, hi: int | None) -> str:
    if hi is None:
        return f"{lo} at least"
    return f"{lo}" if lo == hi else f"{lo} to {hi}"


def _merged(found: Sequence[_Reasons]) -> _Reasons:
    return [text for texts, _ in found for text in texts], [
        number for _, numbers in found for number in numbers
    ]


def _terms(node: m.Meaning) -> list[m.Meaning]:
    """The parts of a query about an asset that are looked up in the catalog."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return [term for part in parts for term in _terms(part)]
        case m.Everything():
            return []
    return [node]


def _leaves(node: m.Meaning) -> list[m.AttributeIs | m.HasAttribute]:
    """The attribute conditions whose values a reason quotes: none below NOT."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return [leaf for part in parts for leaf in _leaves(part)]
        case m.Some(predicate=predicate):
            return _leaves(predicate)
        case m.AttributeIs() | m.HasAttribute():
            return [node]
    return []
