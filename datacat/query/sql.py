"""Meaning -> SQL with bound values. A condition on annotations becomes a set of assets.

Two shapes are built: `pairs` selects (asset, annotation, class) that fulfil a predicate, `assets` selects
assets (perhaps more than once). Attribute conditions read `attribute_values` alone, narrowed to class and
label set there, so `roof[material=slate]` never touches `annotations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql, column_compares, joined, leaf_compares, uri_compares
from datacat.query.rules import absent_counts

_WRITTEN_OUT = 1_000  # numbers; parsing them takes 0.3 ms
_OF_STATE = {
    "missing": Sql("SELECT asset FROM assets WHERE is_missing"),
    "unreadable": Sql("SELECT asset FROM assets WHERE fault IS NOT NULL"),
    "labelled": Sql("SELECT asset FROM annotations"),
    "unlabelled": Sql("SELECT asset FROM assets ANTI JOIN annotations USING (asset)"),
}


@dataclass(frozen=True, slots=True)
class Sets:
    """Builds the sets; `within` narrows every scan, as to the assets of one page."""

    within: Sql = TRUE

    def assets(self, node: m.Meaning) -> Sql:
        """A SELECT of the assets for which `node` holds."""
        match node:
            case m.And(parts=parts):
                return self._all(parts)
            case m.Or(parts=parts):
                return joined(" UNION ALL ", [self.assets(part) for part in parts])
            case m.Not():
                return self._all((node,))
            case m.Some(predicate=predicate):
                return Sql("SELECT asset FROM ({})").filled(self.pairs(predicate))
            case m.Counted(predicate=predicate, operator=operator, number=number):
                template = "SELECT asset FROM ({}) GROUP BY asset HAVING count(DISTINCT annotation) {} ?"
                return Sql(template, (number,)).filled(self.pairs(predicate), Sql(operator.value))
            case m.AssetState(state=state):
                return Sql("SELECT asset FROM ({}) WHERE {}").filled(_OF_STATE[state], self.within)
            case m.SplitIs(operator=operator, value=value):
                where = joined(" AND ", [column_compares("split", operator, value=value), self.within])
                return Sql("SELECT asset FROM label_set_assets WHERE {}").filled(where)
            case m.InLabelSet(label_sets=label_sets):
                where = joined(" AND ", [_one_of("label_set", label_sets), self.within])
                return Sql("SELECT asset FROM label_set_assets WHERE {}").filled(where)
        return Sql("SELECT asset FROM assets WHERE {}").filled(
            joined(" AND ", [_of_asset(node), self.within])
        )

    def evidence(self, node: m.Meaning) -> Sql | None:
        """A SELECT of asset, annotation and class that show why `node` holds; None: none can."""
        match node:
            case m.And(parts=parts):
                found = [sql for part in parts if (sql := self.evidence(part))]
            case m.Or(parts=parts):
                template = Sql("SELECT asset, annotation, class FROM ({}) SEMI JOIN ({}) USING (asset)")
                found = [
                    template.filled(sql, self.assets(absent_counts(part)))
                    for part in parts
                    if (sql := self.evidence(part))
                ]
            case m.Some(predicate=predicate) | m.Counted(predicate=predicate):
                return self.pairs(predicate)
            case m.InLabelSet(shown=shown, label_sets=label_sets):
                return self.pairs(m.LabelSetIs(shown, label_sets))
            case _:
                return None
        return joined(" UNION ALL ", found) if found else None

    def _all(self, parts: Sequence[m.Meaning]) -> Sql:
        """Columns of `assets` in one scan; the others joined to it one after the other."""
        rows = [part for part in parts if isinstance(part, m.AssetIs)]
        absent = [part.part for part in parts if isinstance(part, m.Not)]
        present = [part for part in parts if not isinstance(part, m.AssetIs | m.Not)]
        sets = [self.assets(part) for part in present]
        if rows or not sets:
            where = joined(" AND ", [*map(_of_asset, rows), self.within])
            sets.insert(0, Sql("SELECT asset FROM assets WHERE {}").filled(where))
        return _narrowed(sets, [self.assets(part) for part in absent], by="asset")

    def pairs(self, node: m.Meaning, *, given: Sql = TRUE) -> Sql:
        """A SELECT of asset, annotation and class of each annotation for which `node` holds.

        Args:
            node: a predicate.
            given: a condition on class and label set that holds for what is sought anyway.
        """
        row = of_row(node)
        if row is not None:
            return self._scan("annotations", [row, given])
        match node:
            case m.AttributeIs(paths=paths, operator=operator, value=value):
                where = [at(paths), given, leaf_compares(operator, value)]
                return self._scan("attribute_values", where)
            case m.HasAttribute(paths=paths):
                return self._scan("attribute_values", [at(paths), given])
            case m.Or(parts=parts):
                return joined(" UNION ALL ", [self.pairs(part, given=given) for part in parts])
            case m.And(parts=parts):
                return self._same_annotation(parts, given=given)
        assert isinstance(node, m.Not)
        return self._same_annotation((node,), given=given)

    def _same_annotation(self, parts: Sequence[m.Meaning], *, given: Sql) -> Sql:
        """The conjunction: what the index knows of a row narrows every scan, the rest is joined."""
        rows = [(part, row) for part in parts if (row := of_row(part)) is not None]
        keyed = joined(" AND ", [given, *(row for part, row in rows if not _needs_annotations(part))])
        columns = [row for part, row in rows if _needs_annotations(part)]
        absent = [part.part for part in parts if of_row(part) is None and isinstance(part, m.Not)]
        present = [part for part in parts if of_row(part) is None and not isinstance(part, m.Not)]
        sets = [self.pairs(part, given=keyed) for part in present]
        if columns or not sets:
            sets.insert(0, self._scan("annotations", [keyed, *columns]))
        return _narrowed(sets, [self.pairs(part, given=keyed) for part in absent], by="annotation")

    def _scan(self, table: str, where: Iterable[Sql]) -> Sql:
        condition = joined(" AND ", [*where, self.within])
        return Sql("SELECT asset, annotation, class FROM {} WHERE {}").filled(Sql(table), condition)


def _narrowed(sets: Sequence[Sql], absent: Sequence[Sql], *, by: str) -> Sql:
    """The first set, as far as its rows are in the other sets and in none of `absent`."""
    if len(sets) == 1 and not absent:
        return sets[0]
    columns = "asset" if by == "asset" else "asset, annotation, class"
    joins = " SEMI JOIN ({}) USING ({})" * (len(sets) - 1) + " ANTI JOIN ({}) USING ({})" * len(absent)
    pieces = [piece for joined_set in (*sets[1:], *absent) for piece in (joined_set, Sql(by))]
    template = "SELECT {} FROM ({})" + joins  # noqa: S608 - our own words
    return Sql(template).filled(Sql(columns), sets[0], *pieces)


def of_row(node: m.Meaning) -> Sql | None:
    """The predicate as a condition on a row of `annotations`; None where it needs the attribute index."""
    match node:
        case m.Anything():
            return TRUE
        case m.ClassIs(members=members):
            return _of_class(members)
        case m.LabelSetIs(label_sets=label_sets):
            return _one_of("label_set", label_sets)
        case m.ColumnIs(column=column, operator=operator, value=value):
            return column_compares(column, operator, value=value)
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


def _needs_annotations(node: m.Meaning) -> bool:
    """Whether a row condition reads columns that `attribute_values` has not."""
    match node:
        case m.ColumnIs():
            return True
        case m.Not(part=part):
            return _needs_annotations(part)
        case m.And(parts=parts) | m.Or(parts=parts):
            return any(_needs_annotations(part) for part in parts)
    return False


def _of_class(members: Sequence[m.ClassMember]) -> Sql:
    names = _one_of("class", [member.name for member in members])
    if all(member.label_sets is None for member in members):
        return names
    choices = [
        Sql("class = ?", (member.name,))
        if member.label_sets is None
        else joined(" AND ", [Sql("class = ?", (member.name,)), _one_of("label_set", member.label_sets)])
        for member in members
    ]
    return Sql("{} AND ({})").filled(names, joined(" OR ", choices))


def _of_asset(node: m.Meaning) -> Sql:
    if isinstance(node, m.Everything):
        return TRUE
    assert isinstance(node, m.AssetIs)
    compares = uri_compares if node.column == "uri" else column_compares
    return compares(node.column, node.operator, value=node.value)


def _one_of(column: str, values: Sequence[object]) -> Sql:
    if not values:
        return Sql("false")
    return Sql(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def at(paths: tuple[str, ...]) -> Sql:
    """A condition on `path`: one of those. Written so that DuckDB skips the row groups of others."""
    if len(paths) == 1:
        return Sql("path = ?", paths)
    return Sql(f"path IN ({', '.join('?' * len(paths))})", paths)


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
