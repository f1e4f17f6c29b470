"""Predicates -> SQL: a SELECT of (asset, annotation, class) of the annotations that fulfil one.

Attribute conditions read `attribute_values` alone, narrowed to class and label set there, so `roof[material=slate]`
never touches `annotations`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from datacat.model.schemas import SET_ASIDE
from datacat.query import meaning as m
from datacat.query.compare import (
    TRUE,
    Sql,
    at,
    column_compares,
    joined,
    measure_compares,
    of_class,
    one_of,
    time_compares,
)
from datacat.query.documents import element_exists, length_compares, no_element
from datacat.query.geometry import related, sized
from datacat.query.looked import looked
from datacat.query.tree import Quantifier

_WRITTEN_OUT = 1_000  # numbers; parsing them takes 0.3 ms
# One name is one thing within a label set and a sequence: the frames of a folder, or a film, whichever label files
# speak of them. What a label file says of several sequences is one sequence of its own.
_TRACKS = """CASE WHEN track IS NOT NULL THEN annotation IN (
    WITH tracked AS (
        SELECT annotation, label_set, source_file, address, track FROM annotations WHERE track IS NOT NULL),
    placed AS (SELECT tracked.*, CASE WHEN media IN ('image', 'cloud') THEN regexp_replace(uri, '[^/]*$', '')
                                 ELSE uri END AS sequence FROM tracked JOIN addresses USING (address)),
    files AS (SELECT source_file, min(sequence) <> max(sequence) AS is_own FROM placed GROUP BY source_file),
    counted AS (
        SELECT annotation, count(*) OVER (
            PARTITION BY label_set, track, CASE WHEN is_own THEN source_file::VARCHAR ELSE sequence END) AS length
        FROM placed JOIN files USING (source_file))
    SELECT annotation FROM counted WHERE length {} ?) END"""


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
                return holding(node, lambda where: self._at(node.paths, [given, *where]))
            case m.LeafAnd(parts=parts):
                return self._at(parts[0].paths, [given, *(part.compares for part in parts)])
            case m.HasAttribute(paths=paths):
                return self._at(paths, [given])
            case m.LengthIs():
                # The index has nothing of an empty list, nor of an empty object in one.
                sets = one_of("label_set", node.label_sets)
                return self._scan(Sql("annotations"), [sets, length_compares(node), given])
            case m.ElementIs():
                return self._element(node, given=given)
            case m.Related():
                return self._related((node,), [], given=given)
            case m.Or(parts=parts):
                return joined(" UNION ALL ", [self.of(part, given=given) for part in parts])
            case m.And(parts=parts):
                return self._same_annotation(parts, given=given)
            case m.Not(part=part):
                return self._denied(part, given=given)
        raise AssertionError(node)

    def _denied(self, node: m.Meaning, *, given: Sql) -> Sql:
        """The annotations of which it is known that `node` does not hold; no condition on a row."""
        match node:
            case m.AttributeIs():
                return denying(
                    node, lambda where: self._at(node.paths, [given, *where]), is_one=is_scalar(node)
                )
            case m.LeafAnd(parts=parts):
                return self._at(parts[0].paths, [given, _any([part.denies for part in parts])])
            case m.HasAttribute(paths=paths):
                everyone = self._rows([], [given])
                return narrowed([everyone], [self._at(paths, [given])], by="annotation")
            case m.LengthIs():
                is_other = Sql("({}) IS FALSE").filled(length_compares(node))
                return self._scan(Sql("annotations"), [one_of("label_set", node.label_sets), is_other, given])
            case m.ElementIs():
                return self._scan(Sql("annotations"), [no_element(node), given])
            case m.Related():
                return self._related((m.Not(node),), [], given=given)
            case m.Not(part=part):
                return self.of(part, given=given)
            case m.And(parts=parts):
                return self.of(m.Or(tuple(map(m.Not, parts))), given=given)
            case m.Or(parts=parts):
                return self.of(m.And(tuple(map(m.Not, parts))), given=given)
        raise AssertionError(node)

    def possible(self, parts: Sequence[m.Meaning], *, given: Sql = TRUE) -> Sql:
        """A SELECT of asset, label_set and annotation: those of which it cannot be said that a part does not hold.

        Args:
            parts: of a conjunction.
            given: a condition on class and label set.
        """
        relations = [part for part in parts if isinstance(part, m.Related | m.Not) and _is_relation(part)]
        rows = [(part, row) for part in parts if (row := of_row(part)) is not None]
        open_rows = [
            Sql("({}) IS NOT FALSE").filled(row) if may_be_open_beside(part) else row for part, row in rows
        ]
        where = joined(" AND ", [given, *open_rows, self.within])
        nodes = [part for part, _ in rows]
        table = annotations_of(nodes)
        found = Sql("SELECT asset, label_set, annotation FROM {} WHERE {}").filled(table, where)
        keyed = joined(" AND ", [given, *(row for part, row in rows if not _needs_annotations(part))])
        for part in parts:
            if of_row(part) is not None or part in relations:
                continue
            found = _joined_to(found, self.of(m.Not(part), given=keyed), word="ANTI")
        for part in relations:
            if isinstance(part, m.Not):
                lying = self._related((part.part,), [], given=TRUE)
                found = _joined_to(found, lying, word="ANTI")
            else:
                assert isinstance(part, m.Related)
                found = _joined_to(found, self._perhaps_related(part, found), word="SEMI")
        return found

    def _perhaps_related(self, node: m.Related, these: Sql) -> Sql:
        """A SELECT of annotation: those of `these` of which it cannot be said that they do not lie so."""
        parts = m.conjuncts(node.predicate)
        those = self.possible(parts)
        lying = related(node, these=these, those=those, within=self.within, is_possible=True)
        found = Sql("SELECT annotation FROM ({})").filled(lying)
        complete = looked(node.predicate, within=self.within)
        if complete is None:
            return found
        # Others that nobody looked for may be there.
        unseen = Sql("SELECT annotation FROM ({}) ANTI JOIN ({}) USING (asset)").filled(these, complete)
        return Sql("{} UNION ALL {}").filled(found, unseen)

    def _element(self, node: m.ElementIs, *, given: Sql) -> Sql:
        """The index gives the candidates, where it can; their documents decide."""
        documents = self._scan(Sql("annotations"), [element_exists(node), given])
        is_narrower = not isinstance(node.candidates, m.Anything)
        candidates = [self.of(node.candidates, given=given)] if is_narrower else []
        return narrowed([documents, *candidates], [], by="annotation")

    def _same_annotation(self, parts: Sequence[m.Meaning], *, given: Sql) -> Sql:
        """The conjunction: what the index knows of a row narrows every scan, the rest is joined."""
        relations = [part for part in parts if _is_relation(part)]
        if relations:
            rest = [part for part in parts if not _is_relation(part)]
            return self._related(relations, rest, given=given)
        rows = [(part, row) for part in parts if (row := of_row(part)) is not None]
        keyed = joined(" AND ", [given, *(row for part, row in rows if not _needs_annotations(part))])
        columns = [(part, row) for part, row in rows if _needs_annotations(part)]
        absent = [
            part.part for part in parts if isinstance(part, m.Not) and isinstance(part.part, m.HasAttribute)
        ]
        present = [part for part in parts if of_row(part) is None and not _is_missing(part)]
        sets = [self.of(part, given=keyed) for part in present]
        left_out: list[Sql] = []
        if sets and any(isinstance(part, m.Standing) for part, _ in columns):
            # Few are set aside, and the index does not know which.
            columns = [(part, row) for part, row in columns if not isinstance(part, m.Standing)]
            left_out = [self._scan(Sql("annotations"), [one_of("status", SET_ASIDE)])]
        if columns or not sets:
            sets.insert(0, self._rows([part for part, _ in rows], [keyed, *(row for _, row in columns)]))
        return narrowed(sets, [*left_out, *(self.of(part, given=keyed) for part in absent)], by="annotation")

    def _related(self, relations: Sequence[m.Meaning], rest: Sequence[m.Meaning], *, given: Sql) -> Sql:
        """Each relation, or what is known not to lie so, narrows what the rest of the conjunction leaves over."""
        these = self.of(
            m.And(tuple(rest)) if len(rest) > 1 else rest[0] if rest else m.Anything(), given=given
        )
        for relation in relations:
            if isinstance(relation, m.Not):
                assert isinstance(relation.part, m.Related)
                perhaps = self._perhaps_related(relation.part, these)
                these = narrowed([these], [perhaps], by="annotation")
                continue
            assert isinstance(relation, m.Related)
            these = related(relation, these=these, those=self.of(relation.predicate), within=self.within)
        return these

    def _rows(self, nodes: Sequence[m.Meaning], where: Iterable[Sql]) -> Sql:
        table = annotations_of(nodes)
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
    """The predicate as a condition on a row of `annotations`, NULL where nobody can say; None where it needs more."""
    match node:
        case m.Anything():
            return TRUE
        case m.ClassIs(members=members):
            return of_class(members)
        case m.LabelSetIs(label_sets=label_sets):
            return one_of("label_set", label_sets)
        case m.Standing():
            return Sql("coalesce(NOT ({}), true)").filled(one_of("status", SET_ASIDE))
        case m.ColumnIs(column=column, operator=operator, values=values):
            return column_compares(column, operator, values=values, is_wide=node.has_wide_texts)
        case m.HasColumn(column=column):
            return Sql(f"{column} IS NOT NULL")
        case m.TimeIs(column=column, operator=operator, period=period):
            return time_compares(column, operator, period=period)
        case m.MeasureIs(operator=operator, number=number):
            return measure_compares(f"({node.measure})", operator, number=number)
        case m.TrackIs(operator=operator, number=number):
            return Sql(_TRACKS, (number,)).filled(Sql("<>" if operator == "!=" else operator.value))
        case m.Not(part=part):
            row = of_row(part)
            return None if row is None else Sql("(NOT ({}))").filled(row)
        case m.And(parts=parts) | m.Or(parts=parts):
            rows = [of_row(part) for part in parts]
            if any(row is None for row in rows):
                return None
            word = " AND " if isinstance(node, m.And) else " OR "
            return Sql("({})").filled(joined(word, [row for row in rows if row is not None]))
    return None


def holding(node: m.AttributeIs | m.MetadataIs, scan: Callable[[Sequence[Sql]], Sql]) -> Sql:
    """Those whose leaves fulfil a condition; `scan` gives the leaves at its paths for which more holds."""
    match node.quantifier:
        case Quantifier.ALL:
            return _grouped(scan([]), node.compares)
        case Quantifier.NONE:
            return _grouped(scan([]), node.denies)
    return scan([node.compares])


def denying(
    node: m.AttributeIs | m.MetadataIs, scan: Callable[[Sequence[Sql]], Sql], *, is_one: bool = False
) -> Sql:
    """Those of whose leaves it is known that they do not fulfil it. `is_one`: each has one leaf there at most."""
    match node.quantifier:
        case Quantifier.ALL:
            return scan([node.denies])
        case Quantifier.NONE:
            return scan([node.compares])
    return scan([node.denies]) if is_one else _grouped(scan([]), node.denies)


def _grouped(leaves: Sql, every: Sql) -> Sql:
    return Sql("{} GROUP BY ALL HAVING bool_and(coalesce({}, false))").filled(leaves, every)


def is_scalar(node: m.AttributeIs) -> bool:
    """Whether an annotation has at most one leaf at its path."""
    return len(node.paths) == 1 and "[]" not in node.paths[0] and node.quantifier is None


def _any(pieces: Sequence[Sql]) -> Sql:
    return Sql("({})").filled(joined(" OR ", pieces))


def _joined_to(found: Sql, others: Sql, *, word: str) -> Sql:
    template = f"SELECT asset, label_set, annotation FROM ({{}}) {word} JOIN ({{}}) USING (annotation)"  # noqa: S608 - our own words
    return Sql(template).filled(found, others)


def _is_relation(node: m.Meaning) -> bool:
    return isinstance(node, m.Related) or (isinstance(node, m.Not) and isinstance(node.part, m.Related))


def _is_missing(node: m.Meaning) -> bool:
    return isinstance(node, m.Not) and isinstance(node.part, m.HasAttribute)


def may_be_open(node: m.Meaning) -> bool:
    """Whether of some annotation nobody can say if it holds."""
    match node:
        case m.Anything() | m.LabelSetIs() | m.Standing() | m.HasColumn() | m.HasAttribute():
            return False
        case m.ColumnIs(column=column):
            return column not in ("kind", "geometry_type")
        case m.ClassIs() | m.TimeIs() | m.TrackIs() | m.MeasureIs() | m.Related():
            return True
        case m.AttributeIs() | m.LeafAnd() | m.LengthIs() | m.ElementIs():
            return True
        case m.Not(part=part):
            return may_be_open(part)
        case m.And(parts=parts) | m.Or(parts=parts):
            return any(map(may_be_open, parts))
    raise AssertionError(node)


def may_be_open_beside(part: m.Meaning) -> bool:
    """The same of a part of a conjunction.

    There, a class is known: who covers it has labelled all there is of it, so what has no class is not of it.
    """
    return not isinstance(part, m.ClassIs) and may_be_open(part)


def is_one_scan(predicate: m.Meaning) -> bool:
    """Whether a scan of annotations of some class finds all that fulfil the predicate, in about their assets' order."""
    return of_row(predicate) is not None and any(
        isinstance(part, m.ClassIs) for part in m.conjuncts(predicate)
    )


_OF_ANNOTATIONS = m.ColumnIs | m.TimeIs | m.MeasureIs | m.TrackIs | m.Standing


def _needs_annotations(node: m.Meaning) -> bool:
    """Whether a row condition reads columns that `attribute_values` has not."""
    if isinstance(node, m.HasColumn):
        return node.column not in ("class", "label_set")
    return isinstance(node, _OF_ANNOTATIONS) or any(map(_needs_annotations, _below(node)))


def needs_size(node: m.Meaning) -> bool:
    """Whether a row condition asks for the size of the asset."""
    return any(part.needs_size for part in _measures(node))


def annotations_of(nodes: Sequence[m.Meaning]) -> Sql:
    """What gives the annotations for which all of some row conditions hold, as `geometry.sized` where they need it."""
    table = table_at("annotations", classes_of(nodes))
    measures = [part for node in nodes for part in _measures(node) if part.needs_size]
    if not measures:
        return table
    return sized(table, stated=measures[0].stated)


def _measures(node: m.Meaning) -> Iterator[m.MeasureIs]:
    if isinstance(node, m.MeasureIs):
        yield node
    for part in _below(node):
        yield from _measures(part)


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
