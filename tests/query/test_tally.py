"""Counts in an array find what GROUP BY and joins find."""

from __future__ import annotations

import duckdb
import pytest

from datacat.query.bitmap import bounds
from datacat.query.plan import plan
from datacat.query.tally import is_tallied, tallied
from tests.query.cases import corpus


def _both(cursor: duckdb.DuckDBPyConnection, text: str) -> tuple[list[int], list[int]]:
    planned = plan(cursor, text)
    assert is_tallied(planned.wanted)
    known = bounds(cursor)
    assert known is not None
    low, high = known
    by_joins = planned.assets()
    found = cursor.execute(by_joins.text, list(by_joins.values)).fetchall()
    counted = tallied(cursor, planned.wanted, low=low, high=high).after(low - 1, most=1_000_000)
    return counted, sorted({asset for (asset,) in found})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("count(roof)>=2", [0]),
        ("count(roof)>=2 roof", [0]),
        ("count(roof)>=2 -car", [0]),
        ("count(roof)>1 count(car)>1", []),
        ("count(roof)!=0 count(roof)>1", [0]),
        ("count(roof[created>2020])>=2", []),
        ("count(roof)>65000", []),
    ],
)
def test_counts_find_what_joins_find(text: str, found: list[int]) -> None:
    assert _both(corpus().cursor(), text) == (found, found)


def test_many_of_one_asset_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datacat.query.run._BATCH", 1)
    counted, joined = _both(corpus().cursor(), "count(roof)>=2")
    assert counted == joined != []


@pytest.mark.parametrize(
    "text",
    [
        "car",  # no count
        "count(roof)<3",  # zero fulfils it
        "count([material=slate])>=2",  # leaves may come several times
        "count(roof)>=70000",
        "count(roof)>=2 media:image",
        "count(roof)>=2 -bicycle",  # somebody must have looked
        "count(person)>=2",  # a model made one of them
    ],
)
def test_the_rest_is_left_to_joins(text: str) -> None:
    assert not is_tallied(plan(corpus().cursor(), text).wanted)


def test_more_than_fits_two_bytes_is_as_many() -> None:
    cursor = corpus().cursor()
    cursor.execute(
        "INSERT INTO stored.annotations BY NAME SELECT asset, class, kind, label_set, source_file, "
        "1000 + range AS annotation FROM range(65533), (FROM annotations WHERE class = 'Roof' AND asset = 0 LIMIT 1)"
    )
    assert _both(cursor, "count(roof)>=2") == ([0], [0])
