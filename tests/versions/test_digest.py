"""The digest covers what rows say, and nothing of how they are stored."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import struct
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacat.model.snapshot import LATER, MANIFEST
from datacat.versions.digest import TableDigest

_SCHEMA = pa.schema(
    [
        pa.field("text", pa.string()),
        pa.field("number", pa.float64()),
        pa.field("count", pa.int32()),
        pa.field("flag", pa.bool_()),
        pa.field("time", pa.timestamp("us", tz="UTC")),
        pa.field("names", pa.list_(pa.string())),
    ]
)
_TIME = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | st.text(st.characters(codec="utf-8"), max_size=4),
            "number": st.none() | st.floats(),
            "count": st.none() | st.integers(-(2**31), 2**31 - 1),
            "flag": st.none() | st.booleans(),
            "time": st.none() | st.just(_TIME),
            "names": st.none() | st.lists(st.sampled_from(["a/b", "c/d"]), max_size=3),
        }
    ),
    max_size=12,
)


def _digest(
    rows: list[dict[str, Any]],
    *,
    schema: pa.Schema = _SCHEMA,
    step: int = 1000,
    later: Sequence[str] = (),
) -> str:
    digest = TableDigest(schema, later=later)
    table = pa.Table.from_pylist(rows, schema=schema)
    for start in range(0, len(rows), step):
        digest.update(table.slice(start, step))
    return digest.hexdigest()


@given(_ROWS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_order_and_batches_do_not_matter(rows: list[dict[str, Any]], random: Any, step: int) -> None:
    shuffled = random.sample(rows, len(rows))
    assert _digest(shuffled, step=step) == _digest(rows)


@given(_ROWS, _ROWS)
def test_different_rows_have_different_digests(
    left: list[dict[str, Any]], right: list[dict[str, Any]]
) -> None:
    assert (_digest(left) == _digest(right)) == (_plain(left) == _plain(right))


def _plain(rows: list[dict[str, Any]]) -> list[str]:
    """The rows as sorted texts, floats by their bits."""
    return sorted(
        repr([struct.pack(">d", value) if _is_number(value) else value for _, value in sorted(row.items())])
        for row in rows
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, float) and not math.isnan(value)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([{"text": ""}], [{"text": None}]),
        ([{"number": 0.0}], [{"number": None}]),
        ([{"number": 0.1}], [{"number": math.nextafter(0.1, 1)}]),
        ([{"flag": False}], [{"flag": None}]),
        ([{"names": []}], [{"names": None}]),
        ([{"names": ["a/b", "c/d"]}], [{"names": ["a/bc/d"]}]),
        ([{"count": 1}], [{"count": 1}, {"count": 1}]),
        ([], [{}]),
    ],
)
def test_near_twins_are_told_apart(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
    assert _digest(left) != _digest(right)


def test_the_encoding_is_the_documented_one() -> None:
    schema = pa.schema([pa.field("uri", pa.string()), pa.field("x", pa.float64())])
    row = struct.pack(">q", len("é".encode()) + 1) + b"\x01" + struct.pack(">d", 0.5) + "é".encode()
    hashed = hashlib.sha256(row).digest()
    header = json.dumps({"columns": ["uri", "x"], "rows": 1}, separators=(",", ":")).encode()
    leaves = [hashlib.sha256(hashed if number == hashed[0] else b"").digest() for number in range(256)]
    expected = hashlib.sha256(header + b"".join(leaves)).hexdigest()
    assert _digest([{"uri": "é", "x": 0.5}], schema=schema) == expected


def test_the_digest_of_a_manifest_never_changes() -> None:
    """A digest that was printed in a paper must be met by every later version of datacat."""
    rows = [
        {
            "uri": "/lake/1.png",
            "label_set": "mapping/roofs",
            "class": "Roof",
            "x": 1.5,
            "created": _TIME,
            "is_crowd": False,
            "attributes": '{"a": 1e400}',
        }
    ]
    expected = "5f82321b606e7b2633ab4e8b49911e44feec194373d4abaa8f14059ff0599717"
    assert _digest(rows, schema=MANIFEST["annotations"], later=LATER) == expected


_LATER_SCHEMA = pa.schema([*_SCHEMA, pa.field("model", pa.string()), pa.field("track", pa.string())])
_LATER_VALUES = st.none() | st.text(st.characters(codec="utf-8"), max_size=3)


@given(_ROWS)
def test_columns_that_came_later_change_nothing_while_they_are_empty(rows: list[dict[str, Any]]) -> None:
    assert _digest(rows, schema=_LATER_SCHEMA, later=("model", "track")) == _digest(rows)


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "modela"]), _LATER_VALUES, _LATER_VALUES), min_size=2, max_size=2
    )
)
def test_columns_that_came_later_tell_rows_apart(values: list[tuple[str, str | None, str | None]]) -> None:
    left, right = (
        _digest(
            [dict(zip(("text", "model", "track"), row, strict=True))],
            schema=_LATER_SCHEMA,
            later=("model", "track"),
        )
        for row in values
    )
    assert (left == right) is (values[0] == values[1])


def test_what_came_later_stands_behind_the_row_as_documented() -> None:
    schema = pa.schema([pa.field("uri", pa.string()), pa.field("model", pa.string())])
    row = struct.pack(">q", 2) + b"x" + struct.pack(">q", 5) + b"model" + struct.pack(">q", 2) + "é".encode()
    hashed = hashlib.sha256(row).digest()
    header = json.dumps({"columns": ["uri"], "rows": 1}, separators=(",", ":")).encode()
    leaves = [hashlib.sha256(hashed if number == hashed[0] else b"").digest() for number in range(256)]
    expected = hashlib.sha256(header + b"".join(leaves)).hexdigest()
    assert _digest([{"uri": "x", "model": "é"}], schema=schema, later=("model",)) == expected
