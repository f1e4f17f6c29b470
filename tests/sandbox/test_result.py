"""Rows out of the sandbox: right, streamed, and not believed more than needed."""

from __future__ import annotations

import datetime
import io
import json
import resource
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from datacat.errors import SqlError, SqlStopped, UsageError
from datacat.sandbox import VIEWS, SqlResult
from datacat.sandbox.process import Process
from datacat.tables import Tables
from tests.house.test_sizes import ROOT
from tests.sandbox.conftest import Ask


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_is_what_it_says(ask: Ask, view: object) -> None:
    """What `views.py` declares is what DuckDB gives, and what the reference says."""
    from datacat.sandbox import View

    assert isinstance(view, View)
    declared = [(column.name, column.type, column.meaning) for column in view.columns]
    typed = ", ".join(f'typeof(any_value("{column.name}"))' for column in view.columns)
    columns = [f"SELECT * FROM {view.name} LIMIT 0", f"SELECT {typed} FROM {view.name}"]
    assert ask(columns[0]).schema.names == [name for name, _, _ in declared]
    (types,) = ask(columns[1]).read_all().to_pylist()
    assert list(types.values()) == [kind for _, kind, _ in declared]
    page = (ROOT / "docs" / "reference" / "sql.md").read_text("utf-8")
    section = page.split(f"\n### {view.name}\n")[1].split("\n### ")[0]
    assert section.strip().splitlines()[0] == view.meaning
    rows = [line.strip("| ").split(" | ", 2) for line in section.splitlines() if line.startswith("| `")]
    assert rows == [[f"`{name}`", kind, meaning] for name, kind, meaning in declared]


def test_the_reference_names_no_other_view() -> None:
    page = (ROOT / "docs" / "reference" / "sql.md").read_text("utf-8")
    assert [line[4:] for line in page.splitlines() if line.startswith("### ")] == [v.name for v in VIEWS]


def test_the_views_hold_the_catalog(ask: Ask, tables: Tables) -> None:
    cursor = tables.cursor(tables.state())
    stored = {"files": "source_files", "classes": "class_counts", "paths": "path_counts"}
    names = {view.name for view in VIEWS} - {"concepts", "concept_classes"}
    for name in names:
        counted = cursor.execute(f"SELECT count(*) FROM {stored.get(name, name)}").fetchone()
        assert counted is not None
        assert ask(f"SELECT count(*) AS n FROM {name}").read_all()["n"][0].as_py() == counted[0], name
    assert ask("FROM concept_classes ORDER BY ALL").read_all().to_pylist() == [
        {"concept": "roof", "label_set": "claims/damage", "team": "claims", "class": "rooftop"},
        {"concept": "roof", "label_set": "extra/odd", "team": "extra", "class": "Fancy Roofs"},
        {"concept": "roof", "label_set": "mapping/roofs", "team": "mapping", "class": "Roof"},
    ]
    assert ask("SELECT concept FROM concepts").read_all().to_pylist() == [{"concept": "roof"}]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (
            "SELECT team, count(*) AS n FROM annotations JOIN assets USING (asset) WHERE NOT is_missing "
            "GROUP BY ALL ORDER BY n DESC, team",
            [("mapping", 3), ("claims", 1), ("extra", 1)],
        ),
        (
            "SELECT class, row_number() OVER (PARTITION BY team ORDER BY annotation) AS n FROM annotations "
            "WHERE team = 'mapping' ORDER BY n",
            [("Roof", 1), ("tree", 2), ("Roof", 3)],
        ),
        (
            "SELECT attributes->>'$.condition.inspector.name' AS who, (attributes->'$.condition.score')::DOUBLE AS s "
            "FROM annotations WHERE label_set = 'mapping/roofs' AND attributes IS NOT NULL ORDER BY s",
            [(None, 0.4), ("insp7", 0.83)],
        ),
        (
            "SELECT value FROM annotations, json_each(attributes, '$.tags') ORDER BY ALL",
            [('"old"',), ('"red"',)],
        ),
        (
            "SELECT a.class, b.text, c.number FROM annotations a JOIN attribute_values b USING (annotation) "
            "JOIN attribute_values c USING (annotation) WHERE b.path = 'material' AND c.path = 'condition.score' "
            "AND c.number > 0.5 ORDER BY ALL",
            [("Roof", "slate", 0.83), ("rooftop", "slate", 0.83)],
        ),
        ("SELECT DISTINCT path FROM attribute_values WHERE path LIKE 'doors%'", [("doors[].side",)]),
        ("SELECT f.uri, r.reason FROM rejects r JOIN files f USING (file)", [("/l/odd", "no box")]),
        (
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r",
            [(15,)],
        ),
    ],
)
def test_joins_windows_and_json(ask: Ask, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert [tuple(row.values()) for row in ask(sql).read_all().to_pylist()] == rows


def test_values_of_every_kind_come_out(ask: Ask) -> None:
    sql = """SELECT 1::HUGEINT AS huge, 1.5::DECIMAL(4, 2) AS exact, 'a'::ENUM('a', 'b') AS e, '{"a": 1}'::JSON AS j,
        '12345678-1234-1234-1234-123456789012'::UUID AS u, [1, NULL] AS l, {'a': {'b': 'c'}} AS s, MAP {'k': 1} AS m,
        DATE '2026-01-02' AS d, TIMESTAMPTZ '2026-01-02 03:04:05Z' AS t, NULL AS n,
        '\\xC3\\xA4'::BLOB AS b, true AS yes"""
    (row,) = ask(sql).read_all().to_pylist()
    assert row["t"].isoformat() == "2026-01-02T03:04:05+00:00"
    del row["t"]
    assert row == {
        "huge": 1,
        "exact": Decimal("1.50"),
        "e": "a",
        "j": '{"a": 1}',
        "n": None,
        "yes": True,
        "u": "12345678-1234-1234-1234-123456789012",
        "l": [1, None],
        "s": {"a": {"b": "c"}},
        "m": [("k", 1)],
        "d": datetime.date(2026, 1, 2),
        "b": "ä".encode(),
    }


def test_what_arrow_has_no_type_for_leaves_as_text_or_decimal(ask: Ask) -> None:
    sql = """SELECT ['a'::ENUM('a', 'b')] AS e, TIMETZ '10:00:00+02' AS t, '1010'::BIT AS b, 12::BIGNUM AS n,
        [{'x "y': 3::UHUGEINT}] AS u, MAP {'k': 2::HUGEINT} AS m, array_value(1::HUGEINT, 2) AS l, 1 AS l,
        union_value(a := 'a'::ENUM('a')) AS c"""
    table = ask(sql).read_all()
    assert table.schema.names == ["e", "t", "b", "n", "u", "m", "l", "l", "c"]
    assert [column.to_pylist()[0] for column in table.columns] == [
        ["a"],
        "10:00:00+02",
        "1010",
        "12",
        [{'x "y': 3}],
        [("k", 2)],
        [1, 2],
        1,
        "a",
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 170141183460469231731687303715884105727::HUGEINT",
        "SELECT (-170141183460469231731687303715884105727)::HUGEINT AS a, 2 AS b",
        "SELECT 340282366920938463463374607431768211455::UHUGEINT",
        "SELECT [340282366920938463463374607431768211455::UHUGEINT]",
    ],
)
def test_whole_numbers_of_more_than_38_digits_are_refused(ask: Ask, sql: str) -> None:
    with pytest.raises(SqlError, match=r"Could not cast value -?\d{39} to DECIMAL\(38,0\)"):
        ask(sql).read_all()


def test_columns_of_one_name_and_no_rows(ask: Ask) -> None:
    table = ask("SELECT 1 AS a, 2 AS a WHERE false").read_all()
    assert (table.schema.names, table.num_rows) == (["a", "a"], 0)


def test_the_state_is_the_one_that_was_asked_for(tables: Tables) -> None:
    from datacat.sandbox import run_sql

    counts = [
        run_sql(tables, "SELECT count(*) AS n FROM annotations", state=tables.state(at))
        .read_all()["n"][0]
        .as_py()
        for at in (0, 1, 2, 3, 4)
    ]
    assert counts == [0, 3, 5, 7, 8]


def test_a_catalog_on_s3_is_asked_through_its_local_copies(s3: object, tmp_path: Path) -> None:
    from datacat.sandbox import run_sql
    from datacat.sources.location import Location
    from datacat.testing.staging import corpus
    from tests.sandbox.conftest import SETTINGS

    assert isinstance(s3, Location)
    tables = Tables.create(s3.child("catalog"), SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    rows = run_sql(tables, "SELECT count(*) AS n FROM annotations", state=tables.state()).read_all()
    assert rows["n"].to_pylist() == [7]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT colour FROM annotations", 'Referenced column "colour" not found'),
        ("FROM annotation", "there is no view 'annotation'"),
        ("SELECT 'a'::INT", "Could not convert string 'a' to INT32"),
        ("SELECT CAST(range AS TINYINT) FROM range(100000)", "can't be cast"),
        ("", "there is no statement"),
    ],
)
def test_a_wrong_query_is_one_clear_error(ask: Ask, sql: str, message: str) -> None:
    with pytest.raises(SqlError) as wrong:
        ask(sql).read_all()
    assert message in str(wrong.value)
    assert "Traceback" not in str(wrong.value)


def test_limits_that_make_no_sense_are_refused(ask: Ask) -> None:
    for options in ({"timeout_s": 0}, {"timeout_s": float("nan")}, {"memory": "1KB"}, {"memory": "much"}):
        with pytest.raises(UsageError):
            ask("SELECT 1", **options)
    with pytest.raises(SqlError, match="characters"):
        ask(f"SELECT {'1' * 100_001}")


def test_ten_million_rows_leave_without_filling_memory(ask: Ask) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = total = 0
    for batch in ask("SELECT range AS i, 'row ' || range AS name FROM range(10000000)"):
        count += batch.num_rows
        total += batch.nbytes
    assert count == 10_000_000
    assert total > 200e6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


def test_wide_rows_come_in_pieces_of_bounded_size(ask: Ask) -> None:
    sizes = [batch.nbytes for batch in ask("SELECT repeat('x', 100000) AS text FROM range(1000)")]
    assert sum(sizes) > 100e6
    assert max(sizes) < 20e6


def test_time_in_which_nobody_reads_does_not_count(ask: Ask) -> None:
    rows = ask("SELECT range FROM range(1000000)", timeout_s=2)
    rows.read_next_batch()
    import threading

    threading.Event().wait(2.5)
    assert sum(batch.num_rows for batch in rows) > 900_000


# What a process says that was taken over, in place of rows. Each is a Python program.
_STREAM = """
import sys, pyarrow as pa, struct
out = sys.stdout.buffer
def stream(table, **options):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
"""
LIES = {
    "nothing at all": "",
    "no Arrow": "out.write(b'x' * 1000)",
    "a huge piece": "out.write(struct.pack('<iI', -1, 2_000_000_000) + b'x' * 1000)",
    "a negative piece": "out.write(struct.pack('<ii', -1, -5) + b'x' * 1000)",
    "half of it": "out.write(stream(pa.table({'a': range(10000)}))[:-5000])",
    "a bomb": "out.write(stream(pa.table({'a': [0] * (1 << 20)}), compression='zstd'))",
    "text beyond its end": """
buffers = [None, pa.py_buffer(struct.pack('<iii', 0, 5, 1 << 30)), pa.py_buffer(b'hello')]
array = pa.Array.from_buffers(pa.string(), 2, buffers)
out.write(stream(pa.table({'a': array})))""",
    "no text": "out.write(stream(pa.table({'a': pa.array([b'\\xff\\xfe']).view(pa.string())})))",
    "a dictionary": "out.write(stream(pa.table({'a': pa.array(['x']).dictionary_encode()})))",
    "another account": "out.write(stream(pa.table({'a': [1]}))); sys.stderr.write('[1]')",
    "an endless account": """
out.write(stream(pa.table({'a': [1]})))
out.close()
while True:
    sys.stderr.write('x' * 9999)""",
    "an endless stream": "while True: out.write(stream(pa.table({'a': [1]}))[:8])",
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_result_is_refused(lie: str) -> None:
    process = Process([sys.executable, "-c", _STREAM + LIES[lie]], request=b"", timeout_s=5)
    with pytest.raises(SqlStopped):
        SqlResult(process).read_all()


def test_a_result_is_as_good_as_arrows_own_reader(ask: Ask) -> None:
    reader = ask("SELECT range AS i FROM range(200000)").to_reader()
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.read_all()["i"].to_pylist()[-1] in range(200_000)
    frame = ask("SELECT 1 AS i").to_pandas()
    assert frame.shape == (1, 1)  # type: ignore[attr-defined]


def test_the_command_prints_every_format(
    tables: Tables, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def printed(*arguments: str) -> tuple[bytes, bytes]:
        from datacat.cli.main import main

        with pytest.raises(SystemExit):
            main(["sql", "-C", str(tables.root), *arguments])
        return capfdbinary.readouterr()

    sql = "SELECT class, count(*) AS n, list(DISTINCT team) AS teams FROM annotations WHERE class = 'Roof' GROUP BY ALL"
    _check_formats(printed, sql, tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 'from stdin' AS a"))
    assert b"from stdin" in printed("-")[0]
    assert printed("SELECT * FROM range(2000)")[1].startswith(
        b"\xe2\x80\xa6 and more: these are the first 1,000 rows"
    )
    assert b"error: there is no view 'x'" in printed("FROM x")[1]
    assert b"annotations" in printed("--views")[0]
    assert b"there is no query" in printed()[1]
    assert b"a table is for the screen" in printed("SELECT 1", "-o", str(tmp_path / "x"))[1]
    assert b"cannot be written" in printed("SELECT 1", "--format", "csv", "-o", str(tmp_path / "no" / "x"))[1]
    assert (
        b"stopped after 1 s"
        in printed("SELECT count(*) FROM range(9999999) a, range(9999999) b", "--timeout", "1")[1]
    )


def _check_formats(printed: Callable[..., tuple[bytes, bytes]], sql: str, folder: Path) -> None:
    assert b"Roof   2  mapping" in printed(sql)[0]
    assert printed(sql, "--format", "csv")[0] == b'class,n,teams\nRoof,2,"[""mapping""]"\n'
    expected = {"class": "Roof", "n": 2, "teams": ["mapping"]}
    assert json.loads(printed(sql, "--format", "ndjson")[0]) == expected
    assert json.loads(printed(sql, "--format", "json")[0]) == [expected]
    assert json.loads(printed("FROM annotations WHERE false", "--format", "json")[0]) == []
    assert printed("SELECT 1 AS a, 2 AS a", "--format", "csv")[0] == b"a,a_1\n1,2\n"
    printed(sql, "--format", "arrow", "-o", str(folder / "rows.arrow"))
    assert pa.ipc.open_stream((folder / "rows.arrow").read_bytes()).read_all().to_pylist() == [expected]
