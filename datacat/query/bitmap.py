"""Sets of assets as bits: identifiers are dense, so a bit for each is small, and setting one is quick.

At 100 million annotations a class has 3.6 million assets: a hash table gathers the different ones in 0.9 s,
setting a bit for each takes 0.1 s. The bits of 14 million assets are 1.8 MB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from datacat.query.compare import Sql
from datacat.query.hit import ASSET_IDS
from datacat.query.run import rows

WIDEST = 400_000_000  # bits: 50 MB in each thread
_SLICE = 1 << 17  # bytes whose assets are numbers at once
_SOME = re.compile(rb"[^\0]")


@dataclass(frozen=True, slots=True)
class Bitmap:
    """The assets `low + n` for each bit n that is set, the first bit of a byte being its highest."""

    low: int
    bits: bytes

    def __len__(self) -> int:
        return int.from_bytes(self.bits).bit_count()

    def after(self, position: int, *, most: int) -> list[int]:
        """The first `most` assets behind `position`."""
        found: list[int] = []
        first = max(0, position + 1 - self.low)
        for match in _SOME.finditer(self.bits, first // 8):
            byte, place = match[0][0], match.start() * 8
            found += [self.low + place + n for n in range(8) if byte & (128 >> n) and place + n >= first]
            if len(found) >= most:
                break
        return found[:most]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All assets in order, of schema `ASSET_IDS`."""
        import numpy as np  # 0.07 s to import, which a count does not need

        for start in range(0, len(self.bits), _SLICE):
            piece = np.frombuffer(self.bits, np.uint8, min(_SLICE, len(self.bits) - start), start)
            places = np.flatnonzero(np.unpackbits(piece)) + (self.low + start * 8)
            yield pa.record_batch([pa.array(places, pa.int64())], schema=ASSET_IDS)


def bounds(cursor: duckdb.DuckDBPyConnection) -> tuple[int, int] | None:
    """The least and the greatest asset; None where there is none, or where they are too many to set bits for."""
    ((low, high),) = rows(cursor, Sql("SELECT min(asset), max(asset) FROM assets"))
    return None if low is None or high - low >= WIDEST else (int(low), int(high))


def gathered(cursor: duckdb.DuckDBPyConnection, assets: Sql, *, low: int, high: int) -> Bitmap:
    """The assets of a SELECT, all between `low` and `high`."""
    last = high + (low - high - 1) % 8  # whole bytes, so that DuckDB puts no padding in front
    query = Sql(f"SELECT bitstring_agg(asset, {low}, {last})::BLOB FROM ({{}})").filled(assets)  # noqa: S608 - numbers
    ((bits,),) = rows(cursor, query)
    return Bitmap(low, bits or b"")
