"""Sets of assets as bits, against sets of numbers."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.query.bitmap import Bitmap, gathered
from datacat.query.compare import Sql
from datacat.query.hit import ASSET_IDS


def _gathered(assets: list[int], *, low: int, high: int) -> Bitmap:
    listed = Sql("SELECT unnest(?::BIGINT[]) AS asset", (assets,))
    return gathered(duckdb.connect(), listed, low=low, high=high)


@settings(deadline=None)
@given(
    st.lists(st.integers(3, 90)),
    st.integers(0, 3),
    st.integers(90, 110),
    st.integers(-1, 120),
    st.integers(1, 9),
)
def test_bits_are_the_set(assets: list[int], low: int, high: int, position: int, most: int) -> None:
    bitmap = _gathered(assets, low=low, high=high)
    wanted = sorted(set(assets))
    assert len(bitmap) == len(wanted)
    assert pa.Table.from_batches(bitmap.batches(), ASSET_IDS)["asset"].to_pylist() == wanted
    assert bitmap.after(position, most=most) == [asset for asset in wanted if asset > position][:most]


def test_many_are_unpacked_in_slices() -> None:
    assets = [5, 1_048_580, 1_048_581, 3_000_000]
    bitmap = _gathered(assets, low=5, high=3_000_000)
    listed = [batch["asset"].to_pylist() for batch in bitmap.batches()]
    assert [asset for part in listed for asset in part] == assets
    assert len(listed) == 3
