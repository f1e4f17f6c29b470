"""Sets of addresses, as bits, moved to the assets that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from datacat.query.bitmap import WIDEST, Bitmap
from datacat.query.compare import Sql
from datacat.query.run import arrow, rows


@dataclass(frozen=True, slots=True)
class Addresses:
    """Which assets stand for which addresses.

    Attributes:
        bounds: the least and the greatest address; None where there is none, or where they are too many for bits.
        others: addresses for which another asset stands, as an array.
        assets: these assets.
    """

    bounds: tuple[int, int] | None
    others: Any
    assets: Any

    @classmethod
    def read(cls, cursor: duckdb.DuckDBPyConnection) -> Addresses:
        """Those of the state that a cursor shows."""
        ((low, high),) = rows(cursor, Sql("SELECT min(address), max(address) FROM addresses"))
        copies = arrow(cursor, Sql("SELECT asset, content FROM copies"))
        bounds = None if low is None or high - low >= WIDEST else (int(low), int(high))
        return cls(bounds, copies["asset"].to_numpy(), copies["content"].to_numpy())

    def moved(self, found: Bitmap) -> Bitmap:
        """The assets of some addresses."""
        import numpy as np  # 0.07 s to import, which catalogs without copies do not need

        bits: Any = np.unpackbits(np.frombuffer(found.bits, np.uint8))
        others, assets = self.others - found.low, self.assets - found.low
        is_set = bits[others] == 1
        bits[others] = 0
        bits[assets[is_set]] = 1
        return Bitmap(found.low, np.packbits(bits).tobytes())

    def add_up(self, counts: Any, *, low: int, most: int) -> None:
        """Adds what an array from `low` on counts at other addresses to what it counts at their asset's place."""
        import numpy as np

        others, assets = self.others - low, self.assets - low
        sums: Any = counts.astype(np.uint32)
        np.add.at(sums, assets, counts[others])
        sums[others] = 0
        counts[:] = np.minimum(sums, most)
