"""The assets that fulfil a plan: how many there are, a page of them, or a table of all.

A page of a class is read without finding all: annotations of a class are stored by asset, so the first ones lie in a
few row groups.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cached_property

import duckdb
import pyarrow as pa

from datacat.query.bitmap import Bitmap, gathered
from datacat.query.compare import Sql
from datacat.query.hit import ASSET_IDS
from datacat.query.moved import ByAddress, is_of_any_address, needs_picture
from datacat.query.plan import Plan
from datacat.query.run import arrow, rows
from datacat.query.tally import is_tallied, tallied

_WINDOW = 64  # assets looked through for each that is wanted, at first
_GROWTH = 16
_numbers = itertools.count()


def table_name() -> str:
    """One that no temporary table has yet."""
    return f"matching_{next(_numbers)}"


class Matching:
    """See the module."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        plan: Plan,
        *,
        bounds: Callable[[], tuple[int, int] | None],
        by_address: ByAddress | None = None,
    ) -> None:
        self._cursor, self._plan, self._find_bounds = cursor, plan, bounds
        is_moved = is_tallied(plan.wanted) or is_of_any_address(plan.wanted)
        self._by_address = by_address if is_moved and not needs_picture(plan.wanted) else None

    @cached_property
    def count(self) -> int:
        """How many there are."""
        if self._bitmap is not None:
            return len(self._bitmap)
        ((number,),) = rows(self._cursor, Sql("SELECT count(*) FROM {}").filled(self.table))
        return int(number)

    @cached_property
    def every(self) -> pa.Table:
        """All of them in order, of schema `ASSET_IDS`."""
        if self._bitmap is not None:
            return pa.Table.from_batches(self._bitmap.batches(), schema=ASSET_IDS)
        return arrow(self._cursor, Sql("SELECT asset FROM {} ORDER BY asset").filled(self.table))

    @cached_property
    def table(self) -> Sql:
        """A temporary table of them."""
        name = table_name()
        if self._bitmap is None:
            found = Sql("SELECT DISTINCT asset FROM ({})").filled(self._plan.assets())
            rows(self._cursor, Sql(f"CREATE TEMP TABLE {name} AS {{}}").filled(found))
            return Sql(name)
        source = f"{name}_source"
        self._cursor.register(source, pa.RecordBatchReader.from_batches(ASSET_IDS, self._bitmap.batches()))
        rows(self._cursor, Sql(f"CREATE TEMP TABLE {name} AS FROM {source}"))
        self._cursor.unregister(source)
        return Sql(name)

    def annotated(self, annotations: Sql) -> Sql:
        """A temporary table of the annotations that fulfil a plan which asks for nothing else.

        That of their assets is then made of it, so that both are looked for once.
        """
        name, assets = table_name(), table_name()
        found = Sql("SELECT DISTINCT asset, annotation, class FROM ({})").filled(annotations)
        rows(self._cursor, Sql(f"CREATE TEMP TABLE {name} AS {{}}").filled(found))
        if "table" not in self.__dict__:
            found = Sql("SELECT DISTINCT asset FROM {}").filled(Sql(name))
            rows(self._cursor, Sql(f"CREATE TEMP TABLE {assets} AS {{}}").filled(found))
            self.__dict__["table"] = Sql(assets)
        return Sql(name)

    def evidence(self, annotations: Sql, *, assets: Sql, is_once: bool) -> Sql:
        """A temporary table of the annotations of some SELECT that are on `assets`.

        Args:
            annotations: the SELECT.
            assets: a table.
            is_once: whether it has each annotation once.
        """
        name = table_name()
        create = Sql(
            f"CREATE TEMP TABLE {name} AS SELECT {'' if is_once else 'DISTINCT'} asset, annotation FROM ({{}}) "  # noqa: S608 - our own words
            "SEMI JOIN {} USING (asset) ORDER BY asset"
        )
        rows(self._cursor, create.filled(annotations, assets))
        return Sql(name)

    def different(self, assets: Sql) -> int:
        """How many different assets some other SELECT has."""
        if self._bounds is not None:
            return len(gathered(self._cursor, assets, low=self._bounds[0], high=self._bounds[1]))
        ((number,),) = rows(self._cursor, Sql("SELECT count(DISTINCT asset) FROM ({})").filled(assets))
        return int(number)

    def page(self, *, after: int | None, most: int) -> list[int]:
        """The first `most` behind `after`, in order."""
        if self._bounds is None:
            within = Sql("asset > ?", (-1 if after is None else after,))
            query = Sql("SELECT DISTINCT asset FROM ({}) ORDER BY asset LIMIT ?", (most,))
            return [asset for (asset,) in rows(self._cursor, query.filled(self._plan.assets(within=within)))]
        low, high = self._bounds
        position = low - 1 if after is None else after
        if self._moved is not None:
            return self._moved.after(position, most=most)
        if self._plan.reads_by_asset and not self._is_gathered:
            return self._through_windows(position, high=high, most=most)
        if after is None or self._is_gathered:
            assert self._bitmap is not None
            return self._bitmap.after(position, most=most)
        within = Sql("asset > ?", (after,))
        found = gathered(self._cursor, self._plan.assets(within=within), low=low, high=high)
        return found.after(position, most=most)

    @property
    def _is_gathered(self) -> bool:
        return "_bitmap" in self.__dict__

    def _through_windows(self, after: int, *, high: int, most: int) -> list[int]:
        """Looks through windows of assets, each wider than the last."""
        found: list[int] = []
        width = _WINDOW * most
        while after < high and len(found) < most:
            within = Sql("asset > ? AND asset <= ?", (after, after + width))
            query = Sql("SELECT DISTINCT asset FROM ({}) ORDER BY asset LIMIT ?", (most - len(found),))
            found += [
                asset for (asset,) in rows(self._cursor, query.filled(self._plan.assets(within=within)))
            ]
            after, width = after + width, width * _GROWTH
        return found

    @cached_property
    def _bounds(self) -> tuple[int, int] | None:
        return self._find_bounds()

    @cached_property
    def _moved(self) -> Bitmap | None:
        """What is found by address; None where it cannot be, or where each asset has one."""
        if self._by_address is None or self._by_address.known.bounds is None:
            return None
        cursor, known = self._by_address.cursor, self._by_address.known
        assert known.bounds is not None
        low, high = known.bounds
        if is_tallied(self._plan.wanted):
            return tallied(cursor, self._plan.wanted, low=low, high=high, addresses=known)
        found = gathered(cursor, self._plan.assets(), low=low, high=high)
        return known.moved(found) if found.bits else found

    @cached_property
    def _bitmap(self) -> Bitmap | None:
        if self._moved is not None:
            return self._moved
        if self._bounds is None:
            return None
        low, high = self._bounds
        if is_tallied(self._plan.wanted):
            return tallied(self._cursor, self._plan.wanted, low=low, high=high)
        return gathered(self._cursor, self._plan.assets(), low=low, high=high)
