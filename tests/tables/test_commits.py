"""Commits: all or nothing, one at a time, known to have happened or not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyarrow.compute import field

from datacat.errors import (
    CatalogError,
    CatalogExists,
    CatalogNotFound,
    CommitConflict,
    LocationError,
    SchemaMismatch,
    StateNotFound,
)
from datacat.model.names import LabelSetName
from datacat.model.schemas import TABLES
from datacat.sources.location import Location
from datacat.tables import Tables, log, newest, store
from datacat.testing.staging import LabelFile, box, corpus, ingest, staged_from
from tests.tables.places import SETTINGS, add_concepts, errors, go, rows, worker

A, B = "/lake/a.png", "/lake/b.png"


@pytest.fixture
def tables(catalog_root: Location) -> Tables:
    return Tables.create(catalog_root, SETTINGS, author="ada")


def concept(name: str) -> pa.Table:
    return pa.Table.from_pylist([{"concept": name, "class": name}], schema=TABLES["concepts"])


def entry(tables: Tables, number: int) -> Path:
    return Path(f"{tables.root}/log/_delta_log/{number:020}.json")


def test_a_new_catalog_is_state_0(tables: Tables) -> None:
    state = tables.state()
    assert (state.number, state.files) == (0, ())
    (first,) = tables.log()
    assert (first.message, first.author, first.time) == ("create catalog", "ada", state.time)
    assert Path(f"{tables.root}/ids").is_dir()


def test_there_is_no_second_catalog_in_one_place(tables: Tables) -> None:
    with pytest.raises(CatalogExists):
        Tables.create(tables.root, SETTINGS, author="ada")


def test_no_catalog_says_how_to_make_one(catalog_root: Location) -> None:
    with pytest.raises(CatalogNotFound, match="datacat init"):
        Tables.open(catalog_root, SETTINGS)


def test_another_schema_version_is_refused(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SCHEMA_VERSION", 99)
    with pytest.raises(SchemaMismatch, match="version 4, this datacat reads version 99"):
        Tables.open(tables.root, SETTINGS)


def test_an_unknown_state_names_those_that_there_are(tables: Tables) -> None:
    for number in (1, -1):
        with pytest.raises(StateNotFound, match="It has 0 to 0"):
            tables.state(number)


def test_any_past_state_opens(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    counts = [rows(tables, "SELECT count(*) FROM annotations", at)[0][0] for at in range(4)]
    assert counts == [0, 3, 5, 7]


def test_cursors_of_different_states_do_not_mix(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    cursors = [tables.cursor(tables.state(at)) for at in range(4)]
    found = [cursor.execute("SELECT count(*) FROM annotations").fetchall()[0][0] for cursor in cursors]
    assert found == [0, 3, 5, 7]


def test_reading_needs_no_permission_to_write(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    before = sorted((path, path.stat().st_mtime_ns) for path in Path(str(tables.root)).rglob("*"))
    opened = Tables.open(tables.root, SETTINGS)
    assert len(rows(opened, "FROM annotations")) == 7
    opened.known_media(opened.state())
    assert list(opened.check(opened.state())) == []
    assert sorted((path, path.stat().st_mtime_ns) for path in Path(str(tables.root)).rglob("*")) == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocationError, match="file/catalog"):
        Tables.create(Location(f"{tmp_path}/file/catalog"), SETTINGS, author="ada")


@pytest.mark.parametrize("kind", ["annotations", "assets", "attribute_values", "label_sets"])
def test_other_engines_read_the_table(tables: Tables, tmp_path: Path, kind: str) -> None:
    corpus(tables, folder=tmp_path)
    dataset = DeltaTable(f"{tables.root}/log").to_pyarrow_dataset()
    columns = TABLES[kind].names
    key = [(columns[0], "ascending"), (columns[-1], "ascending")]
    found = dataset.to_table(columns=columns, filter=field("logical_table") == kind)
    theirs = found.cast(TABLES[kind]).sort_by(key)
    ours = tables.cursor(tables.state()).execute(f"FROM {kind}").to_arrow_table().select(columns)
    assert theirs.num_rows > 0
    assert theirs.equals(ours.sort_by(key))


def test_statistics_lead_other_engines_to_the_files(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    actions = pa.table(DeltaTable(f"{tables.root}/log").get_add_actions(flatten=True)).to_pylist()
    (found,) = (
        a for a in actions if a["partition.logical_table"] == "annotations" and a["min.label_set"] == 1
    )
    assert (found["min.class"], found["max.class"], found["null_count.class"]) == ("Roof", "tree", 0)
    assert (found["num_records"], found["min.asset"], found["max.asset"]) == (3, 1, 2)


def test_everything_is_synced_in_order(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), str(tables.root)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    ingest(
        tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "Roof", attributes={"m": 1})])], folder=tmp_path
    )
    commit = synced.index("log/_delta_log/00000000000000000001.json")
    assert synced[commit:] == ["log/_delta_log/00000000000000000001.json", "log/_delta_log"]
    for file in tables.state().files:
        assert synced.index(file.path.join(["log/", ""])) < commit
        folder = f"log/{os.path.dirname(file.path)}"
        assert synced.index(f"log/{file.path}") < synced.index(folder) < commit
    assert synced.index("log/_delta_log/00000000000000000000.json") < commit
    reservations = [number for number, path in enumerate(synced) if path.startswith("ids/")]
    assert reservations
    assert max(reservations) < commit


def cut(path: Path) -> bytes:
    """The entry without its last line, every line of it whole."""
    return b"\n".join(path.read_bytes().splitlines()[:-1])


@pytest.mark.parametrize(
    "torn", [lambda _: b"", lambda path: path.read_bytes()[:-40], lambda _: b"\0" * 400, cut],
    ids=["empty", "cut off", "zeros", "cut at a line"],
)  # fmt: skip
def test_a_torn_last_entry_does_not_count(
    tables: Tables, tmp_path: Path, torn: Callable[[Path], bytes]
) -> None:
    corpus(tables, folder=tmp_path)
    last = entry(tables, 3)
    last.write_bytes(torn(last))
    Path(newest.place(tables.root).path).unlink()  # the power cut came before it was written
    opened = Tables.open(tables.root, SETTINGS)
    assert opened.state().number == 2
    assert len(rows(opened, "FROM annotations")) == 5
    assert last.exists()  # a reader changes nothing
    (note, orphans) = opened.check(opened.state())
    assert (note.severity, "entry 3 is torn" in note.text) == ("note", True)
    assert "in no state" in orphans.text
    assert corpus(opened, folder=tmp_path)["driving/street"].state == 3
    assert len(rows(opened, "FROM annotations")) == 7
    assert errors(opened) == []
    assert [path.name[:30] for path in last.parent.glob("*.torn-*")] == [f"{3:020}.json.torn"]


def test_a_good_entry_is_never_moved_aside(tables: Tables, tmp_path: Path) -> None:
    """Two writers see the same torn entry; one repairs it and commits before the other looks again."""
    from datacat.tables import recovery

    corpus(tables, folder=tmp_path)
    recovery.make_room(tables.store.files.log, 3, settings=SETTINGS)
    assert tables.state().number == 3
    assert list(entry(tables, 3).parent.glob("*.torn-*")) == []


def failing(fault: Callable[[int, Callable[[], None]], None], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lets `fault(attempt, commit)` stand between us and delta-rs; returns the attempts made."""
    attempts: list[int] = []
    commit = DeltaTable.create_write_transaction

    def attempt(*args: Any, **options: Any) -> None:
        attempts.append(len(attempts))
        fault(attempts[-1], lambda: commit(*args, **options))

    monkeypatch.setattr(DeltaTable, "create_write_transaction", attempt)
    return attempts


def test_an_error_after_the_commit_is_found_to_be_a_commit(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(_: int, commit: Callable[[], None]) -> None:
        commit()
        raise OSError("the line went dead")

    attempts = failing(fault, monkeypatch)
    assert add_concepts(tables, concept("roof")) == 1
    assert len(attempts) == 1
    assert rows(tables, "SELECT concept FROM concepts") == [("roof",)]


def test_an_error_before_the_commit_is_tried_again(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(attempt: int, commit: Callable[[], None]) -> None:
        if attempt == 0:
            raise OSError("the line went dead")
        commit()

    failing(fault, monkeypatch)
    assert add_concepts(tables, concept("roof")) == 1
    assert len(tables.log()) == 2


def test_a_disk_that_refuses_is_said(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(_: int, __: Callable[[], None]) -> None:
        raise OSError("no space left on device")

    failing(fault, monkeypatch)
    with pytest.raises(CatalogError, match="no space left"):
        add_concepts(tables, concept("roof"))
    assert tables.state().number == 0


def test_others_who_are_always_faster_are_a_conflict(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Tables.open(tables.root, SETTINGS)
    active: list[bool] = []

    def fault(_: int, commit: Callable[[], None]) -> None:
        if not active:
            active.append(True)
            add_concepts(other, concept("other"), author="bob")
            active.clear()
        commit()

    monkeypatch.setattr(store, "_ATTEMPTS", 3)
    failing(fault, monkeypatch)
    with pytest.raises(CommitConflict, match="3 times"):
        add_concepts(tables, concept("roof"))
    assert len(tables.log()) == 4  # three of bob's


def between(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, *, other: Callable[[Tables], object]
) -> list[int]:
    """Lets somebody else commit just before our first attempt."""
    rival = Tables.open(tables.root, SETTINGS)
    busy: list[int] = []

    def fault(_: int, commit: Callable[[], None]) -> None:
        if not busy:
            busy.append(1)
            other(rival)
        commit()

    return failing(fault, monkeypatch)


def test_what_others_did_elsewhere_costs_no_second_linking(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    between(
        tables, monkeypatch,
        other=lambda rival: ingest(rival, "c/d", files=[LabelFile("/l/2", [B], [box(B, "car")])], folder=tmp_path),
    )  # fmt: skip
    report = ingest(tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "Roof")])], folder=tmp_path)
    assert report.state == 2
    assert rows(tables, "SELECT uri FROM assets ORDER BY uri") == [(A,), (B,)]
    assert not any("in no state" in finding.text for finding in tables.check(tables.state()))
    kept = [entry(tables, number).read_text().count("logical_table=annotations/") for number in (1, 2)]
    assert kept == [1, 1]
    assert len(list(Path(f"{tables.root}/log/logical_table=annotations").iterdir())) == 2


def test_a_uri_that_somebody_else_brought_meanwhile_is_theirs(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    between(
        tables, monkeypatch,
        other=lambda rival: ingest(rival, "c/d", files=[LabelFile("/l/2", [A], [box(A, "car")])], folder=tmp_path),
    )  # fmt: skip
    report = ingest(tables, "a/b", files=[LabelFile("/l/1", [A, B], [box(A, "Roof")])], folder=tmp_path)
    assert (report.state, report.assets_new) == (2, 1)
    assert rows(tables, "SELECT count(*), count(DISTINCT uri) FROM assets") == [(2, 2)]
    assert rows(tables, "SELECT count(DISTINCT asset) FROM annotations") == [(1,)]
    assert list(tables.check(tables.state())) == []  # the files of the first linking are gone


GHOST = {A: {"uri": A, "media": "image", "is_missing": True}}


@pytest.mark.parametrize("is_first_to_forget", [False, True])
def test_an_asset_is_not_forgotten_while_somebody_else_takes_it_up(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_first_to_forget: bool
) -> None:
    def forget(here: Tables) -> None:
        ingest(here, "a/b", files=[LabelFile("/l/1", [B], [box(B, "Roof")])], folder=tmp_path)

    def take_up(here: Tables) -> None:
        ingest(here, "c/d", files=[LabelFile("/l/2", [A], [box(A, "car")])], folder=tmp_path, media=GHOST)

    ingest(tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "Roof")])], folder=tmp_path, media=GHOST)
    ours, theirs = (take_up, forget) if is_first_to_forget else (forget, take_up)
    between(tables, monkeypatch, other=theirs)
    ours(tables)
    assert rows(tables, "SELECT uri, class FROM annotations JOIN assets USING (asset) ORDER BY uri") == [
        (A, "car"),
        (B, "Roof"),
    ]
    assert not [f.text for f in tables.check(tables.state()) if f.severity == "error"]


def test_the_same_label_set_twice_at_once_is_one(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LabelFile("/l/1", [A], [box(A, "Roof")])
    staged = staged_from([file], folder=tmp_path)
    between(tables, monkeypatch, other=lambda rival: ingest(rival, "a/b", files=[file], folder=tmp_path))
    report = tables.link(staged, label_set=LabelSetName("a", "b"), location="lake", author="ada")
    assert (report.changed, report.state, report.annotations) == (False, 1, 1)
    assert rows(tables, "SELECT count(*) FROM label_sets") == [(1,)]


@pytest.mark.parametrize("count", [2, 4])
def test_processes_ingest_at_the_same_moment(tables: Tables, tmp_path: Path, count: int) -> None:
    check_processes(tables, tmp_path, count=count, rounds=5)


def test_processes_ingest_into_s3_at_the_same_moment(s3: Location, tmp_path: Path) -> None:
    check_processes(Tables.create(s3, SETTINGS, author="ada"), tmp_path, count=3, rounds=3)


def check_processes(tables: Tables, folder: Path, *, count: int, rounds: int) -> None:
    workers = [worker(tables.root, f"w{n}", rounds=rounds, folder=folder / str(n)) for n in range(count)]
    for process in workers:
        go(process)
    states = [int(line) for process in workers for line in process.communicate()[0].split()]
    assert [process.returncode for process in workers] == [0] * count
    assert sorted(states) == list(range(1, count * rounds + 1))
    uris = 3 * (rounds - 1) + 5
    assert rows(tables, "SELECT count(*), count(DISTINCT uri) FROM assets") == [(uris, uris)]
    assert rows(tables, "SELECT count(*) FROM label_sets") == [(count,)]
    assert list(tables.check(tables.state())) == []
