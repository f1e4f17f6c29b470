"""Leaves of nested attributes, against an obvious recursive walk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacat.ingest.attributes import Leaves

_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text("ab", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=10,
)


def plain(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in plain(item, f"{path}.{key}" if path else key)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in plain(item, f"{path}[]")]
    return [(path, value)]


def leaves(document: str) -> list[tuple[str, str | None, float | None]]:
    found = Leaves()
    found.extract(document.encode(), 7)
    assert found.rows == [7] * len(found)
    return list(zip(found.paths, found.texts, found.numbers, strict=True))


@given(st.dictionaries(st.text("xyz", min_size=1, max_size=2), _values, max_size=4))
def test_leaves_are_those_of_a_recursive_walk(document: dict[str, Any]) -> None:
    def cell(path: str, value: Any) -> tuple[str, str | None, float | None]:
        text = None if value is None else value if isinstance(value, str) else json.dumps(value)
        number = float(value) if isinstance(value, int) and not isinstance(value, bool) else None
        return path, text, number

    assert sorted(leaves(json.dumps(document)), key=str) == sorted(
        (cell(*leaf) for leaf in plain(document)), key=str
    )


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0.50", 0.5),
        ("1e400", None),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("-1E2", -100.0),
    ],
)
def test_numbers_keep_their_text(written: str, number: float | None) -> None:
    assert leaves(f'{{"n": {written}}}') == [("n", written, number)]


def test_hostile_nesting_is_an_error_not_a_crash() -> None:
    with pytest.raises(RecursionError):
        Leaves().extract(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 0)
