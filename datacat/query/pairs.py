"""Predicates -> SQL: a SELECT of (asset, annotation, class) of the annotations that fulfil one.

Attribute conditions read `attribute_values` alone, narrowed to class and label set there, so `roof[material=slate]`
never touches `annotations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datacat.query import meaning as m
from datacat.query.compare import (
    TRUE,
    Sql,
    column_compares,
    joined,
    number_compares,
    time_compares,
)
from datacat.query.documents import element_exists, length_compares
from datacat.query.fields import MEASURES
from datacat.query.geometry import WITH_SIZE, related
from datacat.query.tree import Quantifier

# What must hold of all leaves in a group.
EVERY: dict[Quantifier | None, str] = {
    Quantifier.ALL: "bool_and(coalesce({}, false))",
    Quantifier.NONE: "NOT bool_or(coalesce({}, false))",
}
_WRITTEN_OUT = 1_000  # numbers; parsing them takes 0.3 ms
# One name is one thing within a label set and a sequence: the frames of a folder, or a film, whichever label files
# speak of them. What a label file says of several sequences is one sequence of its own.
_TRACKS = """annotation IN (
    WITH tracked AS (
        SELECT annotation, label_set, source_file, address, track FROM annotations WHERE track IS NOT NULL),
    placed AS (SELECT tracked.*, CASE WHEN media IN ('image', 'cloud') THEN regexp_replace(uri, '[^/]*$', '')
                                 ELSE uri END AS sequence FROM tracked JOIN addresses USING (address)),
    files AS (SELECT source_file, min(sequence) <> max(sequence) AS is_own FROM placed GROUP BY source_file),
    counted AS (
        SELECT annotation, count(*) OVER (
            PARTITION BY label_set, track, CASE WHEN is_own THEN source_file::VARCHAR ELSE sequence END) AS length
        FROM placed JOIN files USING (source_file))
    SELECT annotation FROM counted WHERE length {} ?)"""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Builds them; `within` narrows every scan, as to the assets of one page."""

    within: Sql = TRUE

    def of(self, node: m.Meaning, *, given: Sql = TRUE) -> Sql:
        """The annotations for which `node` holds.

        Args:
            node: a predicate.
            given: a condition on class and label set that holds for what is sought anyway.
        """
        row = of_row(node)
        if row is not None:
            return self._rows([node], [row, given])
        match node:
            case m.AttributeIs():
                return self._leaves(node, given=given)
            case m.LeafAnd(parts=parts):
                return self._at(parts[0].paths, [given, *(part.compares for part in parts)])
            case m.HasAttribute(paths=paths):
                return self._at(paths, [given])
            case m.LengthIs() | m.ElementIs():
                return self._by_document(node, given=given)
            case m.Related():
                return self._related((node,), [], given=given)
            case m.Or(parts=parts):
                return joined(" UNION ALL ", [self.of(part, given=given) for part in parts])
            case m.And(parts=parts):
                return self._same_annotation(parts, given=given)
        assert isinstance(node, m.Not)
        return self._same_annotation((node,), given=given)

    def _leaves(self, node: m.AttributeIs, *, given: Sql) -> Sql:
        if node.quantifier not in EVERY:
            return self._at(node.paths, [given, node.compares])
        rows = self._at(node.paths, [given])
        return Sql(f"{{}} GROUP BY ALL HAVING {EVERY[node.quantifier]}").filled(rows, node.compares)

    def _by_document(self, node: m.LengthIs | m.ElementIs, *, given: Sql) -> Sql:
        """The index gives the candidates, where it can; their documents decide."""
        if isinstance(node, m.ElementIs):
            documents = self._scan(Sql("annotations"), [element_exists(node), given])
            is_narrower = not isinstance(node.candidates, m.Anything)
            candidates = [self.of(node.candidates, given=given)] if is_narrower else []
            return narrowed([documents, *candidates], [], by="annotation")
        # The index has nothing of an empty list, nor of an empty object in one.
        sets = one_of("label_set", node.label_sets)
        return self._scan(Sql("annotations"), [sets, length_compares(node), given])

    def _same_annotation(self, parts: Sequence[m.Meaning], *, given: Sql) -> Sql:
        """The conjunction: what the index knows of a row narrows every scan, the rest is joined."""
        relations = [part for part in parts if isinstance(part, m.Related)]
        if relations:
            rest = [part for part in parts if not isinstance(part, m.Related)]
            return self._related(relations, rest, given=given)
        rows = [(part, row) for part in parts if (row := of_row(part)) is not None]
        keyed = joined(" AND ", [given, *(row for part, row in rows if not _needs_annotations(part))])
        columns = [(part, row) for part, row in rows if _needs_annotations(part)]
        absent = [part.part for part in parts if of_row(part) is None and isinstance(part, m.Not)]
        present = [part for part in parts if of_row(part) is None and not isinstance(part, m.Not)]
        sets = [self.of(part, given=keyed) for part in present]
        if columns or not sets:
            sets.insert(0, self._rows([part for part, _ in rows], [keyed, *(row for _, row in columns)]))
        return narrowed(sets, [self.of(part, given=keyed) for part in absent], by="annotation")

    def _related(self, relations: Sequence[m.Related], rest: Sequence[m.Meaning], *, given: Sql) -> Sql:
        """Each relation narrows what the rest of the conjunction leaves over."""
        these = self.of(
            m.And(tuple(rest)) if len(rest) > 1 else rest[0] if rest else m.Anything(), given=given
        )
        for relation in relations:
            these = related(relation, these=these, those=self.of(relation.predicate), within=self.within)
        return these

    def _rows(self, nodes: Sequence[m.Meaning], where: Iterable[Sql]) -> Sql:
        table = Sql(WITH_SIZE) if any(map(needs_size, nodes)) else table_at("annotations", classes_of(nodes))
        return self._scan(table, where)

    def _at(self, paths: tuple[str, ...], where: Iterable[Sql]) -> Sql:
        return self._scan(table_at("attribute_values", paths), [at(paths), *where])

    def _scan(self, table: Sql, where: Iterable[Sql]) -> Sql:
        condition = joined(" AND ", [*where, self.within])
        return Sql("SELECT asset, annotation, class FROM {} WHERE {}").filled(table, condition)


def narrowed(sets: Sequence[Sql], absent: Sequence[Sql], *, by: str) -> Sql:
    """The first set, as far as its rows are in the other sets and in none of `absent`."""
    if len(sets) == 1 and not absent:
        return sets[0]
    columns = "asset" if by == "asset" else "asset, annotation, class"
    joins = " SEMI JOIN ({}) USING ({})" * (len(sets) - 1) + " ANTI JOIN ({}) USING ({})" * len(absent)
    pieces = [piece for joined_set in (*sets[1:], *absent) for piece in (joined_set, Sql(by))]
    template = "SELECT {} FROM ({})" + joins  # noqa: S608 - our own words
    return Sql(template).filled(Sql(columns), sets[0], *pieces)


def of_row(node: m.Meaning) -> Sql | None:
    """The predicate as a condition on a row of `annotations`; None where it needs more."""
    match node:
        case m.Anything():
            return TRUE
        case m.ClassIs(members=members):
            return of_class(members)
        case m.LabelSetIs(label_sets=label_sets):
            return one_of("label_set", label_sets)
        case m.ColumnIs(column=column, operator=operator, values=values):
            return column_compares(column, operator, values=values)
        case m.HasColumn(column=column):
            return Sql(f"{column} IS NOT NULL")
        case m.TimeIs(column=column, operator=operator, period=period):
            return time_compares(column, operator, period=period)
        case m.MeasureIs(name=name, operator=operator, number=number, is_percent=is_percent):
            measure = MEASURES[name].percent if is_percent else MEASURES[name].plain
            return number_compares(f"({measure})", operator, number=number)
        case m.TrackIs(operator=operator, number=number):
            return Sql(_TRACKS, (number,)).filled(Sql("<>" if operator == "!=" else operator.value))
        case m.Not(part=part):
            row = of_row(part)
            return None if row is None else Sql("({}) IS NOT TRUE").filled(row)
        case m.And(parts=parts) | m.Or(parts=parts):
            rows = [of_row(part) for part in parts]
            if any(row is None for row in rows):
                return None
            word = " AND " if isinstance(node, m.And) else " OR "
            return Sql("({})").filled(joined(word, [row for row in rows if row is not None]))
    return None


def is_one_scan(predicate: m.Meaning) -> bool:
    """Whether a scan of annotations of some class finds all that fulfil the predicate, in about their assets' order."""
    return of_row(predicate) is not None and any(
        isinstance(part, m.ClassIs) for part in m.conjuncts(predicate)
    )


_OF_ANNOTATIONS = m.ColumnIs | m.TimeIs | m.MeasureIs | m.TrackIs


def _needs_annotations(node: m.Meaning) -> bool:
    """Whether a row condition reads columns that `attribute_values` has not."""
    if isinstance(node, m.HasColumn):
        return node.column not in ("class", "label_set")
    return isinstance(node, _OF_ANNOTATIONS) or any(map(_needs_annotations, _below(node)))


def needs_size(node: m.Meaning) -> bool:
    """Whether a row condition speaks of shares of the asset."""
    return (isinstance(node, m.MeasureIs) and node.is_percent) or any(map(needs_size, _below(node)))


def _below(node: m.Meaning) -> Sequence[m.Meaning]:
    match node:
        case m.Not(part=part):
            return (part,)
        case m.And(parts=parts) | m.Or(parts=parts):
            return parts
    return ()


def table_at(table: str, values: Sequence[str]) -> Sql:
    """A table of `LOOKED_UP`; where only one value is asked for, without the files that cannot have it."""
    return Sql(f"{table}_at(?)", (values[0],)) if len(values) == 1 else Sql(table)


def classes_of(nodes: Iterable[m.Meaning]) -> tuple[str, ...]:
    """The classes of which an annotation for which all the nodes hold can be; empty where it can be any."""
    for node in nodes:
        match node:
            case m.ClassIs(members=members):
                return tuple({member.name for member in members})
            case m.And(parts=parts) if found := classes_of(parts):
                return found
    return ()


def of_class(members: Sequence[m.ClassMember]) -> Sql:
    """A condition on class and label set: one of the members."""
    names = one_of("class", [member.name for member in members])
    if all(member.label_sets is None for member in members):
        return names
    choices = [
        Sql("class = ?", (member.name,))
        if member.label_sets is None
        else joined(" AND ", [Sql("class = ?", (member.name,)), one_of("label_set", member.label_sets)])
        for member in members
    ]
    return Sql("{} AND ({})").filled(names, joined(" OR ", choices))


def one_of(column: str, values: Sequence[object]) -> Sql:
    """A condition: the column is one of the values."""
    if not values:
        return Sql("false")
    return Sql(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def at(paths: tuple[str, ...]) -> Sql:
    """A condition on `path`: one of those. Written so that DuckDB skips the row groups of others."""
    return Sql("path = ?", paths) if len(paths) == 1 else one_of("path", paths)


def numbered(column: str, numbers: Sequence[int]) -> Sql:
    """A condition on a column of identifiers: one of `numbers`.

    Written out where they are few, as then row groups are skipped by each (of a page of 50 over 12 label sets, the
    documents were read in 67 ms instead of 100).
    """
    if not numbers:
        return Sql("false")
    span = f"{column} BETWEEN {min(numbers)} AND {max(numbers)}"
    if len(numbers) <= _WRITTEN_OUT:
        return Sql(f"({span} AND {column} IN ({', '.join(map(str, numbers))}))")
    return Sql(f"({span} AND {column} IN (SELECT unnest(?::BIGINT[])))", (list(numbers),))
