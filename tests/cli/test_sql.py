"""`datacat sql`: how rows are written."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.cli.main import main

_ROW = """
    SELECT INTERVAL '14 months 3 days 4 hours 5.25 seconds' AS long, -INTERVAL 3 DAY AS back, INTERVAL 0 DAY AS zero,
    NULL::INTERVAL AS nothing, 'ab'::BLOB AS bytes, [1, NULL] AS list, {'a': DATE '2020-01-02'} AS struct,
    TIME '10:00' AS time, 1.50::DECIMAL(5, 2) AS price
"""


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(Catalog.init(str(tmp_path / "catalog")).root)


def _ran(place: str, sql: str, *options: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["sql", sql, "-C", place, *options])
    return int(ended.value.code or 0)


def test_intervals_and_bytes_are_written_as_text(
    place: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert _ran(place, _ROW, "--format", "json") == 0
    (row,) = json.loads(capsysbinary.readouterr().out)
    assert [row[name] for name in ("long", "back", "zero", "nothing")] == [
        "P14M3DT14405.25S",
        "P-3D",
        "PT0S",
        None,
    ]
    assert (row["bytes"], row["list"], row["struct"]) == ("YWI=", [1, None], {"a": "2020-01-02"})
    assert _ran(place, _ROW, "--format", "csv") == 0
    (line,) = csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode()))
    assert (line["long"], line["zero"], line["nothing"]) == ("P14M3DT14405.25S", "PT0S", "")
    assert (line["bytes"], line["list"], line["struct"]) == ("YWI=", "[1,null]", '{"a":"2020-01-02"}')
    assert (line["time"], line["price"]) == ("10:00:00", "1.50")


_TIMES = """
    SELECT DATE '20000-01-01' AS late, DATE '0044-03-15 (BC)' AS early, '20000-01-01'::TIMESTAMPTZ AS zoned,
    'infinity'::TIMESTAMP AS never, '-infinity'::DATE AS ever, TIMESTAMP_NS '2020-01-01 00:00:00.123456789' AS fine,
    TIMESTAMP '2020-01-02 03:04:05' AS usual,
    [DATE '20000-01-01', NULL] AS list, {'a': 'infinity'::TIMESTAMP, 'b': INTERVAL 1 DAY, 'c': 'ab'::BLOB} AS struct,
    MAP {DATE '20000-01-01': [INTERVAL 1 DAY]} AS map
"""


def test_times_that_python_has_not_are_written_too(
    place: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    told = {
        "late": "20000-01-01",
        "early": "-0043-03-15",
        "zoned": "20000-01-01T00:00:00.000000Z",
        "never": "infinity",
        "ever": "-infinity",
        "fine": "2020-01-01T00:00:00.123456789",
        "usual": "2020-01-02T03:04:05",
        "list": ["20000-01-01", None],
        "struct": {"a": "infinity", "b": "P1D", "c": "YWI="},
        "map": [["20000-01-01", ["P1D"]]],
    }
    assert _ran(place, _TIMES, "--format", "json") == 0
    assert json.loads(capsysbinary.readouterr().out) == [told]
    assert _ran(place, _TIMES, "--format", "csv") == 0
    (line,) = csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode()))
    assert {name: json.loads(line[name]) if name in ("list", "struct", "map") else line[name]
            for name in told} == told  # fmt: skip
    assert _ran(place, _TIMES) == 0
    assert b"infinity" in capsysbinary.readouterr().out


def test_fields_without_names_are_all_there(place: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert _ran(place, "SELECT row(DATE '20000-01-01', 1, NULL) AS r", "--format", "ndjson") == 0
    assert [*json.loads(capsysbinary.readouterr().out)["r"].values()] == ["20000-01-01", 1, None]


def test_a_time_before_the_first_here_is_shown_as_it_is(
    place: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/New_York")
        time.tzset()
        assert _ran(place, "SELECT '0001-01-01'::TIMESTAMPTZ AS t") == 0
    time.tzset()
    assert capsys.readouterr().out.split()[1].endswith("1-01-01")


def test_no_rows_are_a_head_alone(place: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert _ran(place, "SELECT 1 AS a, 2 AS a WHERE false", "--format", "csv") == 0
    assert capsysbinary.readouterr().out == b"a,a_1\n"


def test_the_name_of_a_column_is_no_markup(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ran(place, 'SELECT 1 AS "[red]\x1b[2J"') == 0
    assert capsys.readouterr().out.split() == ["[red]\\x1b[2J", "1"]


def test_half_of_a_character_is_refused(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ran(place, "SELECT '\udcff'") == 2
    assert "is not in UTF-8" in capsys.readouterr().err


def test_what_is_wider_than_the_terminal_has_a_line_for_each_value(
    place: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    wide = ", ".join(f"{number} AS a_column_of_number_{number}" for number in range(10))
    assert _ran(place, f"SELECT {wide}, '[b]' AS \"x_[y]\" FROM range(2)") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["row 1", "a_column_of_number_0  0"]
    assert lines[11:14] == ["x_[y]                 [b]", "", "row 2"]
    assert _ran(place, "SELECT 1 AS a, 2 AS b") == 0
    assert capsys.readouterr().out.split() == ["a", "b", "1", "2"]
    assert _ran(place, f"SELECT '{'word ' * 100}' AS one") == 0  # is folded
    assert "row 1" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "query", ["SHOW tables", "DESCRIBE assets", "SUMMARIZE assets", "FROM (DESCRIBE assets)"]
)
def test_who_asks_for_tables_is_told_the_views(
    place: str, capsys: pytest.CaptureFixture[str], query: str
) -> None:
    assert _ran(place, query) == 2
    said = capsys.readouterr().err
    assert "SHOW, DESCRIBE and SUMMARIZE are not allowed" in said
    assert "label_sets" in said
    assert "datacat sql --views" in said
