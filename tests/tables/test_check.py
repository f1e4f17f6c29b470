"""Damage of every kind is found, and a whole catalog has none."""

from __future__ import annotations

import uuid
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from datacat.errors import CatalogError
from datacat.model.schemas import TABLES
from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.tables.change import Change
from datacat.tables.state import State
from datacat.testing.staging import LabelFile, box, corpus, ingest
from tests.tables.places import SETTINGS, add_concepts, errors

A = "/lake/a.png"
ODD = {
    "deep": {"list": [[1, 2], {"x": [None, True, "é", {"y": 1e-7}]}], "": 5, "e": {}, "big": 2**70},
    "number": -0.0,
    "text": "1e400",
}


@pytest.fixture
def tables(catalog_root: Location, tmp_path: Path) -> Tables:
    made = Tables.create(catalog_root, SETTINGS, author="ada")
    corpus(made, folder=tmp_path)
    ingest(made, "odd/odd", files=[LabelFile("/l/odd", [A], [box(A, "x", attributes=ODD)])], folder=tmp_path)
    return made


def rewrite(tables: Tables, kind: str, *, rows: str) -> None:
    """Commits a SELECT over the old rows (`{old}`) in place of all files of a kind."""

    def plan(state: State) -> Change:
        store = tables.store
        cursor: duckdb.DuckDBPyConnection = store.cursor(state, kinds=())
        old = store.files.select(kind, state.of(kind))
        adds = store.files.write(cursor, kind, rows=rows.format(old=f"({old})"))
        return Change(tuple(adds), state.of(kind), lambda *_: True)

    tables.store.commit(plan, author="vandal", message="damage")


def path_of(tables: Tables, kind: str) -> Path:
    return Path(f"{tables.root}/log/{tables.state().of(kind)[0].path}")


def test_a_whole_catalog_has_no_findings(tables: Tables) -> None:
    assert list(tables.check(tables.state())) == []
    assert list(tables.check(tables.state(0))) == []


def test_a_file_that_is_gone(tables: Tables) -> None:
    path_of(tables, "annotations").unlink()
    (text,) = errors(tables)
    assert "is gone" in text


def test_a_file_of_another_size(tables: Tables) -> None:
    path = path_of(tables, "assets")
    path.write_bytes(path.read_bytes()[:-3])
    (text,) = errors(tables)
    assert "bytes, not" in text


def test_a_file_that_cannot_be_read(tables: Tables) -> None:
    path = path_of(tables, "assets")
    path.write_bytes(b"x" * path.stat().st_size)
    (text,) = errors(tables)
    assert text.startswith(f"{tables.state().of('assets')[0].path} cannot be read")


def test_a_log_entry_that_is_gone(tables: Tables) -> None:
    Path(f"{tables.root}/log/_delta_log/{1:020}.json").write_bytes(b"{")
    state = State(0, None, ())
    assert [f.text[:23] for f in tables.check(state) if f.severity == "error"] == ["log entry 1 is gone or "]


@pytest.mark.parametrize(
    ("kind", "damage", "found"),
    [
        ("assets", "FROM {old} UNION ALL FROM {old}", "4 URIs are more than one asset"),
        ("assets", "FROM {old} UNION ALL FROM {old}", "4 assets share a number"),
        ("assets", "FROM {old} WHERE asset <> 2", "of an asset that is not there"),
        ("assets", "FROM {old} WHERE asset <> 2", "listed assets are not there"),
        ("annotations", "FROM {old} UNION ALL (FROM {old} LIMIT 1)", "annotations share a number"),
        ("label_sets", "FROM {old} WHERE label_set <> 2", "of a label set that is not there"),
        ("source_files", "FROM {old} WHERE label_set <> 2", "of a label file that is not there"),
        ("annotations", "FROM {old} WHERE annotation <> 1", "of no annotation"),
        ("attribute_values", "SELECT * REPLACE ('tree' AS class) FROM {old}", "another class"),
        ("attribute_values", "FROM {old} WHERE path <> 'material'", "says other than"),
        ("attribute_values", "SELECT * REPLACE (0.5 AS number) FROM {old}", "says other than"),
        ("annotations", "SELECT * REPLACE (annotation + 9 AS annotation) FROM {old}", "would be given next"),
    ],
)  # fmt: skip
def test_rows_that_disagree(tables: Tables, kind: str, damage: str, found: str) -> None:
    rewrite(tables, kind, rows=damage)
    assert any(found in text for text in errors(tables))


@pytest.mark.parametrize("damage", ["gone", "emptied"])
def test_lost_identifiers_are_named_and_the_rest_is_checked(tables: Tables, damage: str) -> None:
    folder = Path(f"{tables.root}/ids")
    for path in folder.iterdir():
        path.unlink() if damage == "gone" else path.write_bytes(b"")
    rewrite(tables, "attribute_values", rows="SELECT * REPLACE (0.5 AS number) FROM {old}")
    found = [item for item in tables.check(tables.state()) if item.severity == "error"]
    (lost,) = [item for item in found if "the record of used identifiers" in item.text]
    assert "from a backup" in lost.hint
    assert any("says other than" in item.text for item in found)
    with pytest.raises(CatalogError, match="gc removes nothing: the record of used identifiers"):
        tables.gc(grace_s=0)


def test_orphans_are_a_note(tables: Tables) -> None:
    Path(f"{tables.root}/log/logical_table=assets/{uuid.uuid4()}.parquet").write_bytes(b"x")
    (note,) = tables.check(tables.state())
    assert (note.severity, note.hint) == ("note", "Remove them: datacat gc")


def test_concepts_are_no_trouble(tables: Tables) -> None:
    row = pa.Table.from_pylist([{"concept": "roof", "class": "Roof"}], schema=TABLES["concepts"])
    add_concepts(tables, row)
    assert list(tables.check(tables.state())) == []
