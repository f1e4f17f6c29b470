"""Meaning -> SQL with bound values: the assets for which it holds, and the annotations that show why.

Each part of a query becomes a SELECT of assets (an asset perhaps more than once); `pairs.py` has the annotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datacat.query import meaning as m
from datacat.query import outside
from datacat.query.compare import (
    TRUE,
    Sql,
    column_compares,
    joined,
    time_compares,
    uri_compares,
)
from datacat.query.coverage import decided
from datacat.query.pairs import EVERY, Pairs, at, narrowed, needs_size, of_row, one_of
from datacat.query.tree import COMPARE, OPPOSITE, Operator

_OF_STATE = {
    "missing": Sql("SELECT asset FROM assets WHERE is_missing"),
    "unreadable": Sql("SELECT asset FROM assets WHERE fault IS NOT NULL"),
    "labelled": Sql("SELECT asset FROM annotations"),
    "unlabelled": Sql("SELECT asset FROM assets ANTI JOIN annotations USING (asset)"),
    # Of copies that are shown as one asset, and of addresses that are assets of their own.
    "duplicate": Sql(
        "SELECT asset FROM other_addresses UNION ALL "
        "SELECT asset FROM assets SEMI JOIN "
        "(SELECT digest FROM assets WHERE digest IS NOT NULL GROUP BY digest HAVING count(*) > 1) USING (digest)"
    ),
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
            case (
                m.Not() | m.Absent() | m.Denied() | m.Neither() | m.Everything() | m.AssetIs() | m.AssetTime()
            ):
                return self._all((node,))
            case m.Some(predicate=predicate):
                return Sql("SELECT asset FROM ({})").filled(self.pairs(predicate))
            case m.Counted():
                return self._counted(node)
            case m.CountedValues():
                return self._counted_values(node)
            case m.AssetState(state=state):
                return Sql("SELECT asset FROM ({}) WHERE {}").filled(_OF_STATE[state], self.within)
            case m.SplitIs(operator=operator, values=values):
                return self._listed("label_set_assets", [column_compares("split", operator, values=values)])
            case m.InLabelSet(label_sets=label_sets):
                return self._listed("label_set_assets", [one_of("label_set", label_sets)])
            case m.MetadataIs():
                return self._said_of(node)
            case m.HasMetadata(paths=paths):
                return self._listed("metadata_values", [at(paths)])
        found = outside.assets(node)
        return Sql("SELECT asset FROM ({}) WHERE {}").filled(found, self.within)

    def pairs(self, node: m.Meaning) -> Sql:
        """A SELECT of asset, annotation and class of each annotation for which a predicate holds."""
        return Pairs(self.within).of(node)

    def decided(self, predicate: m.Meaning) -> Sql | None:
        """See `coverage.decided`."""
        return decided(predicate, within=self.within)

    def evidence(self, node: m.Meaning) -> Sql | None:
        """A SELECT of asset, annotation and class that show why `node` holds; None: none can."""
        match node:
            case m.And(parts=parts):
                found = [sql for part in parts if (sql := self.evidence(part))]
            case m.Or(parts=parts):
                template = Sql("SELECT asset, annotation, class FROM ({}) SEMI JOIN ({}) USING (asset)")
                found = [
                    template.filled(sql, self.assets(part)) for part in parts if (sql := self.evidence(part))
                ]
            case m.Some(predicate=predicate) | m.Counted(predicate=predicate):
                return self.pairs(predicate)
            case m.CountedValues(predicate=predicate):
                return self.pairs(predicate)
            case m.InLabelSet(shown=shown, label_sets=label_sets):
                return self.pairs(m.LabelSetIs(shown, label_sets))
            case _:
                return None
        return joined(" UNION ALL ", found) if found else None

    def _said_of(self, node: m.MetadataIs) -> Sql:
        if node.quantifier not in EVERY:
            return self._listed("metadata_values", [at(node.paths), node.compares])
        leaves = self._listed("metadata_values", [at(node.paths)])
        return Sql(f"{{}} GROUP BY asset HAVING {EVERY[node.quantifier]}").filled(leaves, node.compares)

    def _stated(self, node: m.Meaning) -> Sql:
        """A SELECT of the assets of which somebody says what a fact asks about."""
        if isinstance(node, m.MetadataIs):
            return self._listed("metadata_values", [at(node.paths), Sql("text IS NOT NULL")])
        return Sql("SELECT asset FROM ({}) WHERE {}").filled(Sql(outside.PLACES), self.within)

    def _listed(self, table: str, where: Sequence[Sql]) -> Sql:
        return Sql("SELECT asset FROM {} WHERE {}").filled(Sql(table), joined(" AND ", [*where, self.within]))

    def _counted(self, node: m.Counted) -> Sql:
        """A count that zero fulfils holds where the opposite does not and somebody has looked."""
        if COMPARE[node.operator](0, node.number):
            opposite = m.Counted(node.predicate, OPPOSITE[node.operator], node.number)
            looked = self.decided(node.predicate) or self._listed("assets", [])
            return narrowed([looked], [self._counted(opposite)], by="asset")
        # A row of `annotations` comes once; leaves of one annotation may come several times.
        number = "*" if of_row(node.predicate) is not None else "DISTINCT annotation"
        template = f"SELECT asset FROM ({{}}) GROUP BY asset HAVING count({number}) {{}} ?"  # noqa: S608 - our own words
        return Sql(template, (node.number,)).filled(self.pairs(node.predicate), _operator(node.operator))

    def _counted_values(self, node: m.CountedValues) -> Sql:
        if COMPARE[node.operator](0, node.number):
            opposite = m.CountedValues(
                node.name, node.column, node.predicate, OPPOSITE[node.operator], node.number
            )
            return narrowed([self._listed("assets", [])], [self._counted_values(opposite)], by="asset")
        row = of_row(node.predicate)
        if row is not None and not needs_size(node.predicate):
            source = Sql("(SELECT * FROM annotations WHERE {})").filled(row)
        else:
            rows = Sql("SELECT annotation FROM ({})").filled(self.pairs(node.predicate))
            source = Sql("annotations SEMI JOIN ({}) USING (annotation)").filled(rows)
        column = node.column
        if column == "team":
            source, column = Sql("{} JOIN label_sets USING (label_set)").filled(source), "team"
        if (shape := _few_values(node)) is not None:
            template = f"SELECT asset FROM {{}} WHERE {{}} GROUP BY asset HAVING {shape.format(column)}"  # noqa: S608 - our own words
            return Sql(template).filled(source, self.within)
        template = f"SELECT asset FROM {{}} WHERE {{}} GROUP BY asset HAVING count(DISTINCT {column}) {{}} ?"  # noqa: S608 - our own words
        return Sql(template, (node.number,)).filled(source, self.within, _operator(node.operator))

    def _all(self, parts: Sequence[m.Meaning]) -> Sql:
        """Columns of `assets` in one scan; the others joined to it one after the other."""
        wide = [part for part in parts if _reads_everything(part)]
        rest = [part for part in parts if not _reads_everything(part)]
        if wide and any(isinstance(part, m.Some | m.Counted | m.CountedValues) for part in rest):
            # Only the annotations of assets that the rest leaves over are grouped: 0.3 s where all take 1.5 s.
            left = Sql("asset IN (SELECT asset FROM ({}))").filled(self._all(rest))
            narrow = Sets(joined(" AND ", [left, self.within]))
            return narrowed([narrow.assets(part) for part in wide], [], by="asset")
        rows = [row for part in parts if (row := _of_asset(part)) is not None]
        sets: list[Sql] = []
        looks: list[Sql] = []
        absent: list[Sql] = []
        for part in parts:
            if (asked := _of_address(part)) is not None:
                sets += [self._listed("addresses", [condition]) for condition in asked.holds]
                absent += [self._listed("addresses", [condition]) for condition in asked.fails]
                continue
            match part:
                case (
                    m.Everything() | m.AssetIs() | m.AssetTime() | m.Denied(part=m.AssetIs() | m.AssetTime())
                ):
                    continue
                case m.Denied(part=inner):
                    sets.append(self._stated(inner))
                    absent.append(self.assets(inner))
                case m.Not(part=inner):
                    absent.append(self.assets(inner))
                case m.Absent(predicate=predicate):
                    looked = self.decided(predicate)
                    looks += [looked] if looked else []
                    absent.append(self.pairs(predicate))
                case m.Neither(yes=yes, no=no):
                    absent += [self.assets(yes), self.assets(no)]
                case _:
                    sets.append(self.assets(part))
        # Who looked at what is the largest set, so it comes first: hash tables are made of the others.
        sets = [*looks, *sets]
        if rows or not sets:
            sets.insert(0, self._listed("assets", rows))
        return narrowed(sets, absent, by="asset")


def _reads_everything(node: m.Meaning) -> bool:
    """Whether all annotations would have to be grouped by asset."""
    return isinstance(node, m.CountedValues) and isinstance(node.predicate, m.Anything)


def _few_values(node: m.CountedValues) -> str | None:
    """One value, or more than one, is told by the least and the greatest; sets of values take three times as long."""
    compare = COMPARE[node.operator]
    one, two, more = (compare(number, node.number) for number in (1, 2, 3))
    if node.number > 2 or two is not more:
        return None
    answers = {
        (True, True): "count({0}) > 0",
        (True, False): "min({0}) = max({0})",
        (False, True): "min({0}) <> max({0})",
    }
    return answers.get((one, two))


@dataclass(frozen=True, slots=True)
class _OfAddress:
    """A condition on where an asset lies: what must hold of some address of it, and what of none."""

    holds: tuple[Sql, ...] = ()
    fails: tuple[Sql, ...] = ()


_EQUALS = {Operator.UNEQUAL: Operator.EQUAL, Operator.NOT_IN: Operator.IN}


def _of_address(node: m.Meaning) -> _OfAddress | None:
    """What a condition asks of the addresses of an asset, any of which fulfils it; None where it asks nothing."""
    part = node.part if isinstance(node, m.Denied) else node
    stated: tuple[Sql, ...] = ()
    match part:
        case m.AssetIs(column="uri"):
            holds = uri_compares("uri", _EQUALS.get(part.operator, part.operator), values=part.values)
        case m.AssetTime(column="modified" | "first_seen"):
            holds = time_compares(part.column, _EQUALS.get(part.operator, part.operator), period=part.period)
            stated = (Sql(f"{part.column} IS NOT NULL"),)
        case _:
            return None
    is_denied = isinstance(node, m.Denied) is not (part.operator in _EQUALS)
    return _OfAddress(stated, (holds,)) if is_denied else _OfAddress((holds,))


def _of_asset(node: m.Meaning) -> Sql | None:
    """A condition on a row of `assets`; None where it needs more."""
    if _of_address(node) is not None:
        return None
    match node:
        case m.AssetIs():
            return _column(node)
        case m.AssetTime():
            return _asset_time(node, time_compares(node.column, node.operator, period=node.period))
        case m.Denied(part=m.AssetIs() as part):
            stated = (
                "width IS NOT NULL AND height <> 0"
                if part.column == "aspect"
                else f"{part.column} IS NOT NULL"
            )
            return Sql(f"({stated} AND ({{}}) IS NOT TRUE)").filled(_column(part))
        case m.Denied(part=m.AssetTime() as part):
            stated_time = _asset_time(part, Sql(f"{part.column} IS NOT NULL"))
            holds = _asset_time(part, time_compares(part.column, part.operator, period=part.period))
            return Sql("({} AND ({}) IS NOT TRUE)").filled(stated_time, holds)
    return None


def _column(node: m.AssetIs) -> Sql:
    if node.column == "aspect":
        ratio = "(width::DOUBLE / nullif(height, 0))"
        return column_compares("aspect", node.operator, values=node.values, expression=ratio)
    return column_compares(node.column, node.operator, values=node.values)


def _asset_time(node: m.AssetTime, holds: Sql) -> Sql:
    if node.column != "captured":
        return holds
    # What a label file says of it counts as well as what EXIF says.
    return Sql("({} OR asset IN (SELECT asset FROM label_set_assets WHERE {}))").filled(holds, holds)


def _operator(operator: Operator) -> Sql:
    return Sql("<>" if operator is Operator.UNEQUAL else operator.value)
