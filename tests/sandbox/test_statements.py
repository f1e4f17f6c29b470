"""The third fence: what may be said, and what may not."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from datacat.sandbox.inside.allowed import Refused, check
from datacat.sandbox.inside.functions import FUNCTIONS, TABLE_FUNCTIONS

VIEWS = {"assets", "annotations"}
_FOLDER = Path(__file__).parent
ALLOWED = (_FOLDER / "allowed.sql").read_text().splitlines()
REFUSED = ["", "-- nothing", *(_FOLDER / "refused.sql").read_text().splitlines()]


def _check(sql: str) -> None:
    options = "skip_null := true, skip_empty := true, skip_default := true"
    row = duckdb.connect().execute(f"SELECT json_serialize_sql(?, {options})", [sql]).fetchone()
    assert row
    parsed = json.loads(row[0])
    if parsed["error"]:
        raise Refused(parsed["error_message"])
    check(parsed, views=VIEWS)


@pytest.mark.parametrize("sql", ALLOWED)
def test_what_reads_and_computes_is_allowed(sql: str) -> None:
    _check(sql)


@pytest.mark.parametrize("sql", REFUSED)
def test_all_else_is_refused(sql: str) -> None:
    with pytest.raises(Refused):
        _check(sql)


@pytest.mark.parametrize(
    "node",
    [
        {"type": "COPY_QUERY_NODE"},
        {"type": "SELECT_NODE", "info": {"file_path": "/tmp/x"}},
        {"type": "SHOW_REF"},
        {"class": "DEFAULT", "type": "COLUMN_REF"},
        {"type": "BASE_TABLE", "table_name": "assets", "qualified_name": {"path": ["main", "/etc/passwd"]}},
        {"type": "BASE_TABLE", "table_name": "assets", "qualified_name": {"path": ["stored", "assets"]}},
        {"type": "FUNCTION", "function_name": "abs", "qualified_name": {"path": ["getenv"]}},
        {"type": "SELECT_NODE", "cte_map": {"map": [], "more": 1}},
        {
            "type": "SELECT_NODE",
            "cte_map": {"map": [{"key": "a", "value": {"query_node": {"type": "COPY"}}}]},
        },
    ],
)
def test_what_another_duckdb_might_say_is_refused(node: dict[str, object]) -> None:
    with pytest.raises(Refused):
        check({"statements": [{"node": node}]}, views=VIEWS)


def test_no_function_on_the_list_reads_files_or_settings() -> None:
    """Of the functions that DuckDB has, those on the list do not change with the outside; and it knows them."""
    known = (
        duckdb.connect()
        .execute("SELECT lower(function_name), function_type FROM duckdb_functions()")
        .fetchall()
    )
    tables = {name for name, kind in known if kind in ("table", "table_macro", "pragma")}
    assert FUNCTIONS & tables == {"generate_series", "histogram", "range", "repeat", "unnest"}
    assert tables >= TABLE_FUNCTIONS
    words = (
        "read_",
        "duckdb_",
        "pg_",
        "pragma",
        "getenv",
        "setting",
        "secret",
        "variable",
        "log_",
        "sleep",
        "glob",
    )
    assert [name for name in FUNCTIONS if any(word in name for word in words)] == []


def test_an_error_names_the_nearest_view_or_function() -> None:
    for sql, near in (("FROM annotation", "annotations"), ("SELECT uper('a')", "upper")):
        with pytest.raises(Refused) as refused:
            _check(sql)
        assert refused.value.hint == f"Did you mean {near}?"
