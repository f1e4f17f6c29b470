"""States that were committed and are gone from the end of the log are an error, and `gc` removes nothing of theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.errors import CatalogError
from datacat.sources.location import Location, filesystem
from datacat.tables import Tables, newest, recovery
from datacat.tables.salvage import salvaged
from datacat.testing.staging import LabelFile, box, corpus, ingest
from tests.tables.places import SETTINGS, errors, go, rows, worker


@pytest.fixture
def tables(catalog_root: Location, tmp_path: Path) -> Tables:
    """States 0 to 3."""
    made = Tables.create(catalog_root, SETTINGS, author="ada")
    corpus(made, folder=tmp_path)
    return made


@pytest.fixture
def remote(s3: Location, tmp_path: Path) -> Tables:
    """The same on S3."""
    made = Tables.create(s3, SETTINGS, author="ada")
    corpus(made, folder=tmp_path)
    return made


def lose(tables: Tables, *numbers: int) -> None:
    """Takes entries out of the log."""
    for number in numbers:
        place = recovery.entry_place(tables.store.files.log, number)
        filesystem(place, SETTINGS).rm_file(place.path)


def check_lost_states_are_named(tables: Tables) -> None:
    lose(tables, 2, 3)
    before = {file.path for file in tables.store.files.stored()}
    for use in (
        lambda: Tables.open(tables.root, SETTINGS),
        lambda: tables.gc(grace_s=0),
        lambda: tables.gc(grace_s=0, forget_before=1),
        lambda: tables.compact(author="ada"),
        lambda: Tables.open(tables.root, SETTINGS, at=3),
    ):
        with pytest.raises(CatalogError, match=r"states 2 to 3 are lost.*the log ends with 1") as caught:
            use()
        assert "from a backup" in (caught.value.hint or "")
    assert {file.path for file in tables.store.files.stored()} == before
    assert Tables.open(tables.root, SETTINGS, at=1).state(1).number == 1
    there, state, (found,) = salvaged(tables.root, SETTINGS, at=None)
    assert (state.number, "states 2 to 3 are lost" in found.text) == (1, True)
    assert [item for item in there.check(state) if item.severity == "error"] != []
    assert not any("in no state" in item.text for item in there.check(state))


def test_lost_states_are_named_on_disk(tables: Tables) -> None:
    check_lost_states_are_named(tables)


def test_lost_states_are_named_on_s3(remote: Tables) -> None:
    check_lost_states_are_named(remote)


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-40]], ids=["empty", "cut"])
def test_an_entry_that_was_whole_once_was_not_torn(tables: Tables, damage: Callable[[bytes], bytes]) -> None:
    last = Path(recovery.entry_place(tables.store.files.log, 3).path)
    last.write_bytes(damage(last.read_bytes()))
    with pytest.raises(CatalogError, match="state 3 is lost"):
        Tables.open(tables.root, SETTINGS)
    _, state, _ = salvaged(tables.root, SETTINGS, at=None)
    found = [
        item.severity for item in tables.check(state) if "entry 3" in item.text or "state 3" in item.text
    ]
    assert found == ["error"]


def test_who_gives_the_lost_states_up_goes_on(tables: Tables, tmp_path: Path) -> None:
    lose(tables, 2, 3)
    Path(newest.place(tables.root).path).unlink()
    opened = Tables.open(tables.root, SETTINGS)
    assert len(opened.gc(grace_s=0).removed) > 0
    files = [LabelFile("/l/1", ["/x.png"], [box("/x.png", "Roof")])]
    assert ingest(opened, "a/b", files=files, folder=tmp_path).state == 2
    assert (newest.recorded(tables.root, SETTINGS), errors(opened)) == (2, [])


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b'{"state": 1}', b'{"state": 9, "check": "0"}', b"\xff"]
)
def test_without_a_record_the_log_is_taken_as_it_is(tables: Tables, content: bytes | None) -> None:
    kept = Path(newest.place(tables.root).path)
    kept.unlink() if content is None else kept.write_bytes(content)
    opened = Tables.open(tables.root, SETTINGS)
    found = [(item.severity, "would not be noticed" in item.text) for item in opened.check(opened.state())]
    assert (opened.state().number, found) == (3, [] if content is None else [("note", True)])


def check_a_record_may_lag(tables: Tables, folder: Path) -> None:
    """As a writer leaves it that was killed between its commit and the record."""
    kept = newest.place(tables.root)
    old = filesystem(kept, SETTINGS).cat_file(kept.path)
    files = [LabelFile("/l/1", ["/x.png"], [box("/x.png", "Roof")])]
    ingest(tables, "a/b", files=files, folder=folder)
    filesystem(kept, SETTINGS).pipe_file(kept.path, old)
    opened = Tables.open(tables.root, SETTINGS)
    assert (opened.state().number, newest.recorded(tables.root, SETTINGS), errors(opened)) == (4, 3, [])
    ingest(opened, "a/c", files=files, folder=folder)
    assert newest.recorded(tables.root, SETTINGS) == 5


def test_a_record_may_lag_on_disk(tables: Tables, tmp_path: Path) -> None:
    check_a_record_may_lag(tables, tmp_path)


def test_a_record_may_lag_on_s3(remote: Tables, tmp_path: Path) -> None:
    check_a_record_may_lag(remote, tmp_path)


def check_two_writers(tables: Tables, folder: Path) -> None:
    """Whoever opens while two write is never told that anything is lost."""
    writers = [worker(tables.root, name, rounds=2, folder=folder / name) for name in ("a", "b")]
    for writer in writers:
        go(writer)
    seen = 0
    while any(writer.poll() is None for writer in writers):
        seen = max(seen, Tables.open(tables.root, SETTINGS).state().number)
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [(None, 0)] * 2
    last = tables.state().number
    assert (seen > 3, last - 1 <= newest.recorded(tables.root, SETTINGS) <= last) == (True, True)
    kept = Path(newest.place(tables.root).path) if not tables.root.is_s3 else None
    assert kept is None or "state" in json.loads(kept.read_bytes())
    assert len(rows(tables, "SELECT name FROM label_sets WHERE team = 'team'")) == 2


def test_two_writers_on_disk(tables: Tables, tmp_path: Path) -> None:
    check_two_writers(tables, tmp_path)


def test_two_writers_on_s3(remote: Tables, tmp_path: Path) -> None:
    check_two_writers(remote, tmp_path)


def test_files_of_a_writer_that_was_killed_stay_orphans(tables: Tables) -> None:
    orphan = Path(f"{tables.root}/log/logical_table=assets/{'0' * 16}-{'1' * 16}-{'2' * 64}.parquet")
    orphan.write_bytes(b"x")
    left = Path(f"{newest.place(tables.root).path}.{'a' * 32}.tmp")
    left.write_bytes(b"{")
    (note,) = tables.check(tables.state())
    assert (note.severity, "in no state" in note.text) == ("note", True)
    tables.gc(grace_s=0)
    assert (orphan.exists(), left.exists(), newest.recorded(tables.root, SETTINGS)) == (False, False, 3)
