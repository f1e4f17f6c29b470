"""Why each hit was found: the annotations that fulfil the query, and a sentence per term.

Each term of the query is run once more, narrowed to the assets of a page; then the query is evaluated in
Python over those answers, which says which side of an OR it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from datacat.query import meaning as m
from datacat.query.compare import Sql, joined, leaf_compares
from datacat.query.match import WRITTEN, Documents, Match
from datacat.query.plurals import comparable
from datacat.query.rules.absent_counts import COMPARE
from datacat.query.run import rows
from datacat.query.sql import Sets, at, numbered

_SHOWN = 5  # reasons a term; an asset may have a thousand cars


_Reasons = tuple[list[str], list[int]]  # sentences, annotations


class Explainer:
    """Explains the hits of one page."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, root: m.Meaning, *, assets: Sequence[int]) -> None:
        self._cursor = cursor
        self._root = root
        self._of_page = numbered("asset", assets)
        self._sets = Sets(within=self._of_page)
        self._found: dict[int, str | None] = {}  # annotation -> class
        self._of_term = {term: self._annotations(term) for term in _terms(root)}
        self._of_found = self._narrowed_to_found()
        self._details = self._read_details()
        self._leaves = {leaf: self._leaf_texts(leaf) for leaf in _leaves(root)}

    def facts(self) -> dict[int, tuple[str, str | None, int | None, int | None]]:
        """Asset -> URI, media, width and height."""
        query = Sql("SELECT asset, uri, media, width, height FROM assets WHERE {}").filled(self._of_page)
        return {
            asset: (uri, media, width, height)
            for asset, uri, media, width, height in rows(self._cursor, query)
        }

    def explain(self, asset: int, *, score: float | None) -> tuple[tuple[Match, ...], tuple[str, ...]]:
        """The matches of a hit and why it is one."""
        reasons, annotations = self._why(self._root, asset, score=score) or ([], [])
        matches = tuple(self._details[number][0] for number in sorted(set(annotations)))
        return matches, tuple(dict.fromkeys(reasons))

    def _annotations(self, term: m.Meaning) -> dict[int, list[int]]:
        """Asset -> annotations that fulfil a term; of a term about the asset, none where it holds."""
        if isinstance(term, m.Some | m.Counted):
            pairs = self._sets.pairs(term.predicate)
        else:
            pairs = Sql("SELECT asset, NULL AS annotation, NULL AS class FROM ({})").filled(
                self._sets.assets(term)
            )
        if isinstance(term, m.InLabelSet):
            annotated = self._sets.pairs(m.LabelSetIs(term.shown, term.label_sets))
            pairs = joined(" UNION ALL ", [pairs, annotated])
        query = Sql("SELECT DISTINCT asset, annotation, class FROM ({}) ORDER BY ALL").filled(pairs)
        found: dict[int, list[int]] = {}
        for asset, annotation, name in rows(self._cursor, query):
            of_asset = found.setdefault(asset, [])
            if annotation is not None:
                of_asset.append(annotation)
                self._found[annotation] = name
        return found

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
            where = joined(" AND ", [where, leaf_compares(leaf.operator, leaf.value)])
        query = Sql(
            "SELECT DISTINCT annotation, path, text FROM attribute_values WHERE {} AND {} ORDER BY ALL"
        )
        found: dict[int, list[str]] = {}
        for annotation, path, text in rows(self._cursor, query.filled(where, self._of_found)):
            found.setdefault(annotation, []).append(f"{path}={'null' if text is None else text}")
        return found

    def _read_details(self) -> dict[int, tuple[Match, dict[str, Any]]]:
        """Annotation -> its match, and the columns that the query's conditions speak of."""
        asked = {node.column for node in m.descendants(self._root) if isinstance(node, m.ColumnIs)}
        columns = sorted(asked)
        select = "".join(f", {column}" for column in columns)
        query = Sql(
            "SELECT annotation, class, team, team || '/' || name, kind, geometry_type, "  # noqa: S608 - our own names
            f"x, y, w, h, is_relative, confidence{select} "
            "FROM annotations JOIN label_sets USING (label_set) WHERE {}"
        ).filled(self._of_found)
        documents = Documents(self._cursor, self._of_found)
        details = {}
        for row in rows(self._cursor, query):
            written, own = row[: len(WRITTEN)], row[len(WRITTEN) :]
            match = Match(**dict(zip(WRITTEN, written, strict=True)), documents=documents)
            details[match.annotation] = (match, dict(zip(columns, own, strict=True)))
        return details

    def _why(self, node: m.Meaning, asset: int, *, score: float | None) -> _Reasons | None:
        """The reasons for which `node` holds of an asset; None where it does not hold."""
        match node:
            case m.Everything():
                return [], []
            case m.And(parts=parts):
                found = [self._why(part, asset, score=score) for part in parts]
                return _merged([item for item in found if item is not None]) if None not in found else None
            case m.Or(parts=parts):
                held = [item for part in parts if (item := self._why(part, asset, score=score)) is not None]
                return _merged(held) if held else None
            case m.Not(part=part):
                if self._why(part, asset, score=score) is not None:
                    return None
                return [f"{node}: none found" if isinstance(part, m.Some) else str(node)], []
            case m.Similar():
                return [_likeness(node, score)], []
        annotations = self._of_term[node].get(asset)
        if isinstance(node, m.Counted):
            number = len(annotations or ())
            is_fulfilled = COMPARE[node.operator](number, node.number)
            return ([f"{node}: {number} found"], annotations or []) if is_fulfilled else None
        if annotations is None:
            return None
        if isinstance(node, m.Some):
            return self._sentences(node.predicate, annotations), annotations
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
        asked = next((node.shown for node in _conjuncts(predicate) if isinstance(node, m.ClassIs)), "")
        name = match.class_name or "(no class)"
        is_other = asked and not asked.startswith("class=") and comparable(asked) != comparable(name)
        inside = f"[{', '.join(facts)}]" if facts else ""
        return f"{match.label_set}: {name}{inside}{f' (same as {asked})' if is_other else ''}"

    def _facts(self, node: m.Meaning, annotation: int) -> Iterator[str]:
        match node:
            case m.AttributeIs() | m.HasAttribute():
                yield from self._leaves.get(node, {}).get(annotation, ())
            case m.ColumnIs(name=name, column=column):
                value = self._details[annotation][1][column]
                yield f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            case m.And(parts=parts):
                for part in parts:
                    yield from self._facts(part, annotation)
            case m.Or(parts=parts):
                for part in parts:
                    if not isinstance(part, m.Not):
                        yield from self._facts(part, annotation)
            case m.Not():
                yield str(node)


def _likeness(node: m.Similar, score: float | None) -> str:
    asked = node.shown if node.question.text is not None else node.shown.removeprefix("like:")
    return f"looks like {asked} ({score:.2f})"


def _merged(found: Sequence[_Reasons]) -> _Reasons:
    return [text for texts, _ in found for text in texts], [
        number for _, numbers in found for number in numbers
    ]


def _terms(node: m.Meaning) -> list[m.Meaning]:
    """The parts of a query about an asset that are looked up in the catalog."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return [term for part in parts for term in _terms(part)]
        case m.Not(part=part):
            return _terms(part)
        case m.Similar() | m.Everything():
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


def _conjuncts(node: m.Meaning) -> Sequence[m.Meaning]:
    return node.parts if isinstance(node, m.And) else (node,)
