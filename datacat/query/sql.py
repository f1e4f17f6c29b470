"""Meaning -> SQL with bound values: the assets for which it holds, and the annotations that show why.

Each part of a query becomes a SELECT of assets (an asset perhaps more than once); `pairs.py` has the annotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datacat.model.schemas import SET_ASIDE
from datacat.query import meaning as m
from datacat.query import outside
from datacat.query.across import counted_across, uncounted_across
from datacat.query.compare import TRUE, Sql, at, column_compares, joined, one_of, time_compares, uri_compares
from datacat.query.coverage import decided
from datacat.query.pairs import Pairs, denying, holding, narrowed
from datacat.query.tree import Operator
from datacat.query.values_counted import counted_values
from datacat.query.voices import counted, plain_count, uncounted

STANDING = f"(status IS NULL OR status NOT IN ({', '.join(map(repr, SET_ASIDE))}))"
# What `copies` takes for somebody's copy: what is missing, empty, or stands in a label file itself is nobody's.
_HAS_BYTES = "digest IS NOT NULL AND NOT is_missing AND coalesce(size, 1) > 0 AND NOT contains(uri, '#task-')"
# Of copies that are shown as one asset, and of addresses that are assets of their own.
_DUPLICATE = Sql(
    "SELECT asset FROM other_addresses UNION ALL SELECT asset FROM assets SEMI JOIN "  # noqa: S608 - our own words
    f"(SELECT digest FROM assets WHERE {_HAS_BYTES} GROUP BY digest HAVING count(*) > 1) USING (digest) "
    f"WHERE {_HAS_BYTES}"
)
_OF_STATE = {
    "missing": Sql("SELECT asset FROM assets WHERE is_missing"),
    "unreadable": Sql("SELECT asset FROM assets WHERE fault IS NOT NULL"),
    "labelled": Sql(f"SELECT asset FROM annotations WHERE {STANDING}"),  # noqa: S608 - our own words
    "unlabelled": Sql(
        f"SELECT asset FROM assets ANTI JOIN (FROM annotations WHERE {STANDING}) USING (asset)"  # noqa: S608 - so
    ),
    "duplicate": _DUPLICATE,
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
            case m.MetadataIs(paths=paths):
                return holding(node, lambda where: self._listed("metadata_values", [at(paths), *where]))
            case m.HasMetadata(paths=paths):
                return self._listed("metadata_values", [at(paths)])
        found = outside.assets(node)
        return Sql("SELECT asset FROM ({}) WHERE {}").filled(found, self.within)

    def pairs(self, node: m.Meaning) -> Sql:
        """A SELECT of asset, annotation and class of each annotation for which a predicate holds."""
        return Pairs(self.within).of(node)

    def pairs_of(self, node: m.InLabelSet) -> Sql:
        """The same of the annotations of some label sets."""
        of_them = m.LabelSetIs(node.shown, node.label_sets)
        return self.pairs(m.And((of_them, m.Standing())) if node.is_standing else of_them)

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
            case m.InLabelSet():
                return self.pairs_of(node)
            case _:
                return None
        return joined(" UNION ALL ", found) if found else None

    def _denied(self, node: m.Stated | m.Counted) -> Sql:
        """A SELECT of the assets of which it is known that a fact does not hold."""
        match node:
            case m.MetadataIs(paths=paths):
                return denying(node, lambda where: self._listed("metadata_values", [at(paths), *where]))
            case m.Counted():
                return (uncounted_across if node.is_across else uncounted)(node, within=self.within)
            case m.AgreementIs():
                return Sql("SELECT asset FROM ({}) WHERE {}").filled(outside.denied(node), self.within)
        stated = Sql("SELECT asset FROM ({}) WHERE {}").filled(Sql(outside.PLACES), self.within)
        return narrowed([stated], [self.assets(node)], by="asset")

    def _listed(self, table: str, where: Sequence[Sql]) -> Sql:
        return Sql("SELECT asset FROM {} WHERE {}").filled(Sql(table), joined(" AND ", [*where, self.within]))

    def _counted(self, node: m.Counted) -> Sql:
        plain = plain_count(node)
        if plain is not node:
            return self.assets(plain)
        return (counted_across if node.is_across else counted)(node, within=self.within)

    def _counted_values(self, node: m.CountedValues) -> Sql:
        return counted_values(node, within=self.within)

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
                    sets.append(self._denied(inner))
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
