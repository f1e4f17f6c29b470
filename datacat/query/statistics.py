"""How many rows a condition selects, guessed from counts that are at hand."""

from __future__ import annotations

from functools import cached_property

import duckdb

from datacat.query import meaning as m
from datacat.query.compare import Sql, of_class
from datacat.query.once import Alike, may_repeat
from datacat.query.run import rows
from datacat.query.tree import Operator
from datacat.query.vocabulary import Sorts, Vocabulary

# Shares of the leaves at a path. Only their order matters: names repeat less than ranges cover.
_SHARE = {Operator.EQUAL: 0.1, Operator.MATCHES: 0.2, Operator.UNEQUAL: 0.9}
_SHARE_OF_RANGE = 0.3


class Statistics:
    """Row counts of one state."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> None:
        self._cursor = cursor
        self._vocabulary = vocabulary

    @cached_property
    def _all(self) -> float:
        return float(sum(item.annotations for item in self._vocabulary.classes))

    @property
    def sorts(self) -> Sorts:
        """How many annotations are of which sort."""
        return self._vocabulary.sorts

    def rows(self, node: m.Meaning) -> float:
        """A guess at how many annotations (or assets) fulfil `node`."""
        match node:
            case m.ClassIs(members=members):
                known = self._vocabulary.by_class
                return sum(known[member.name].annotations for member in members if member.name in known)
            case m.AttributeIs(paths=paths, operator=operator):
                return sum(map(self._leaves, paths)) * _SHARE.get(operator, _SHARE_OF_RANGE)
            case m.LeafAnd(parts=parts):
                return min(map(self.rows, parts)) * _SHARE_OF_RANGE
            case m.HasAttribute(paths=paths):
                return sum(map(self._leaves, paths))
            case m.And(parts=parts):
                return min(map(self.rows, parts))
            case m.Or(parts=parts):
                return sum(map(self.rows, parts))
            case (
                m.ElementIs(candidates=predicate)
                | m.Some(predicate=predicate)
                | m.Counted(predicate=predicate)
            ):
                return self.rows(predicate)
        return self._all

    def label_sets(self, asked: m.ClassIs) -> frozenset[int]:
        """Those that have annotations of the class."""
        found: set[int] = set()
        for member in asked.members:
            item = self._vocabulary.by_class.get(member.name)
            having = {number for number, count in item.counts.items() if count} if item else set()
            found |= having if member.label_sets is None else having & set(member.label_sets)
        return frozenset(found)

    def voices(self, asked: m.ClassIs) -> tuple[int, ...]:
        """Label sets that have annotations of the class, where each is one thing that people drew; else none."""
        known = [self._vocabulary.by_class[member.name] for member in asked.members]
        is_plain = all(item.things == item.annotations for item in known)
        return tuple(sorted(self.label_sets(asked))) if is_plain else ()

    def alike(self, asked: m.ClassIs | None) -> Alike | None:
        """See `once.may_repeat`; None: of all classes."""
        known = self._vocabulary.by_class
        classes = None if asked is None else [known[member.name] for member in asked.members]
        return may_repeat(self._cursor, self._vocabulary, classes=classes)

    def is_doubted(self, asked: m.ClassIs) -> bool:
        """Whether on single assets not all of the class is labelled, or could be read, though it is covered."""
        query = Sql(
            "SELECT 1 FROM coverage WHERE {} AND answer = 'not_exhaustive' UNION ALL SELECT 1 FROM rejects UNION ALL "
            # Nobody looked, yet something is said: a model's, or what is set aside. Most have no label file at all.
            "SELECT 1 FROM coverage ANTI JOIN (FROM source_files WHERE annotation_count = 0) USING (source_file) "
            "WHERE class IS NULL LIMIT 1"
        )
        return bool(rows(self._cursor, query.filled(of_class(asked.members))))

    def _leaves(self, path: str) -> int:
        use = self._vocabulary.paths(self._cursor).get(path)
        return use.leaves if use else 0
