"""Values written out as literals are what they would be if they were bound."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.query.compare import Sql

_SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(-(1 << 62), 1 << 62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)


@settings(deadline=None)
@given(st.lists(_SCALARS, min_size=1, max_size=5))
def test_literals_are_the_values(values: list[object]) -> None:
    sql = Sql(
        "SELECT " + ", ".join("?, typeof(?)" for _ in values), tuple(v for one in values for v in (one, one))
    )
    written = sql.written_out
    cursor = duckdb.connect()
    if written is None:
        assert any(isinstance(value, str) and "\0" in value for value in values)
        return
    found, bound = (cursor.execute(*call).fetchone() for call in ((written,), (sql.text, list(sql.values))))
    assert found is not None
    assert bound is not None
    assert [*found[::2]] == [*bound[::2]] == values
    assert [_family(name) for name in found[1::2]] == [_family(name) for name in bound[1::2]]


def _family(name: str) -> str:
    return "INTEGER" if name in ("INTEGER", "BIGINT", "HUGEINT") else name


@pytest.mark.parametrize(
    "sql",
    [
        Sql("SELECT '?' = ?", ("a",)),  # one question mark too many
        Sql("SELECT ?", ([1, 2],)),
        Sql("SELECT ?", ("a\0b",)),
        Sql("SELECT ?", (float("nan"),)),
        Sql("SELECT " + ", ".join("?" * 101), (1,) * 101),
    ],
)
def test_what_cannot_be_written_is_bound(sql: Sql) -> None:
    assert sql.written_out is None


def test_the_first_query_of_a_process_does_not_import_pandas() -> None:
    code = (
        "import sys, duckdb; from datacat.query.run import rows; from datacat.query.compare import Sql;"
        "assert rows(duckdb.connect(), Sql('SELECT ?', ('x',))) == [('x',)]; print('pandas' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
