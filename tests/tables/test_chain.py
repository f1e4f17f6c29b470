"""Every log entry that a state rests on is held against what later ones keep of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.errors import CatalogError
from datacat.sources.location import Location, filesystem
from datacat.tables import Tables, newest
from datacat.tables.chain import RESTORE
from datacat.tables.salvage import salvaged
from datacat.testing.staging import corpus
from tests.tables.places import SETTINGS, errors, rows


@pytest.fixture
def tables(catalog_root: Location, tmp_path: Path) -> Tables:
    """States 0 to 3."""
    made = Tables.create(catalog_root, SETTINGS, author="ada")
    corpus(made, folder=tmp_path)
    return made


def entry(tables: Tables, number: int) -> Path:
    return Path(f"{tables.root}/log/_delta_log/{number:020}.json")


def cut(path: Path) -> None:
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[:-1]))


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.unlink(), "is gone"),
        (cut, "has .* bytes, not"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\n"), "has .* bytes, not"),
    ],
    ids=["emptied", "gone", "cut", "longer"],
)
def test_an_entry_in_the_middle_is_named(
    tables: Tables, *, number: int, damage: Callable[[Path], object], found: str
) -> None:
    damage(entry(tables, number))
    with pytest.raises(CatalogError, match=f"log entry {number} {found}.*") as caught:
        Tables.open(tables.root, SETTINGS)
    assert (caught.value.where, "backup" in (caught.value.hint or "")) == (str(entry(tables, number)), True)


def test_an_emptied_entry_on_s3_is_named(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    filesystem(s3, SETTINGS).pipe_file(s3.child(f"log/_delta_log/{2:020}.json").path, b"")
    with pytest.raises(CatalogError, match="log entry 2 is empty"):
        Tables.open(s3, SETTINGS)


def test_an_opened_catalog_finds_it_out_too(tables: Tables) -> None:
    opened = Tables.open(tables.root, SETTINGS)
    entry(tables, 1).write_bytes(b"")
    with pytest.raises(CatalogError, match="log entry 1 is empty"):
        opened.state()


def test_of_two_unreadable_entries_the_first_was_not_torn(tables: Tables) -> None:
    for number in (2, 3):
        entry(tables, number).write_bytes(b"")
    with pytest.raises(CatalogError, match="entries 2 and 3 cannot be read"):
        Tables.open(tables.root, SETTINGS)


def test_what_a_checkpoint_replaces_is_not_asked_for(tables: Tables) -> None:
    tables.store.log.checkpoint(2)
    before = rows(tables, "FROM annotations ORDER BY ALL")
    entry(tables, 1).write_bytes(b"")
    assert rows(Tables.open(tables.root, SETTINGS), "FROM annotations ORDER BY ALL") == before
    assert any("log entry 1 is gone or damaged" in text for text in errors(tables))


def test_states_behind_a_checkpoint_are_not_lost_with_their_entries(tables: Tables) -> None:
    tables.store.log.checkpoint(3)
    for number in (2, 3):
        entry(tables, number).unlink()
    assert Tables.open(tables.root, SETTINGS).state().number == 3


def test_an_empty_checkpoint_is_named(tables: Tables) -> None:
    tables.store.log.checkpoint(2)
    checkpoint = entry(tables, 2).with_suffix(".checkpoint.parquet")
    checkpoint.write_bytes(b"")
    with pytest.raises(CatalogError, match="the checkpoint of state 2 is empty"):
        Tables.open(tables.root, SETTINGS)
    checkpoint.unlink()
    (checkpoint.parent / "_last_checkpoint").unlink()
    assert Tables.open(tables.root, SETTINGS).state().number == 3


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("was", "became"),
    [
        (b'{"add":', b'{"aed":'),
        (b'"add":{', b'"add":y'),
        (b'"size":', b'"sizf":'),
        (b'Records\\":', b'Recores\\":'),
    ],
    ids=["action", "no JSON", "key", "statistics"],
)
def test_a_changed_entry_of_the_same_size_is_refused(
    tables: Tables, *, number: int, was: bytes, became: bytes
) -> None:
    path = entry(tables, number)
    path.write_bytes(path.read_bytes().replace(was, became, 1))
    with pytest.raises(CatalogError, match=f"log entry {number} is not the one that was committed") as caught:
        Tables.open(tables.root, SETTINGS)
    assert (caught.value.where, caught.value.hint) == (str(path), RESTORE)
    with pytest.raises(CatalogError, match=f"log entry {number} is not the one"):
        tables.gc(grace_s=0)
    _, state, _ = salvaged(tables.root, SETTINGS, at=None)
    found = [item.text for item in tables.check(state) if item.severity == "error"]
    assert f"log entry {number} is not the one that was committed: its digest is another" in found


def test_a_changed_message_is_refused_where_another_entry_follows(tables: Tables) -> None:
    path = entry(tables, 2)
    path.write_bytes(path.read_bytes().replace(b'"message":"i', b'"message":"I'))
    with pytest.raises(CatalogError, match="log entry 2 is not the one"):
        Tables.open(tables.root, SETTINGS)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_an_entry_that_was_cut_off_within_a_line_does_not_count(tables: Tables, share: float) -> None:
    path = entry(tables, 3)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    Path(newest.place(tables.root).path).unlink()  # the power cut came before it was written
    assert Tables.open(tables.root, SETTINGS).state().number == 2


def test_a_checkpoint_that_disagrees_is_found_by_doctor(tables: Tables) -> None:
    tables.store.log.checkpoint(1)
    other = entry(tables, 1).with_suffix(".checkpoint.parquet")
    good = other.read_bytes()
    tables.store.log.checkpoint(2)
    later = entry(tables, 2).with_suffix(".checkpoint.parquet")
    other.write_bytes(later.read_bytes())
    assert any("the checkpoint of state 1 and the log entries differ" in text for text in errors(tables))
    other.write_bytes(good)
    assert errors(Tables.open(tables.root, SETTINGS)) == []


def test_entries_without_a_chain_are_read(tables: Tables) -> None:
    """Of a release that kept none."""
    for number in range(4):
        lines = [json.loads(line) for line in entry(tables, number).read_text().splitlines()]
        for line in lines:
            line.get("commitInfo", {}).pop("previous", None)
        entry(tables, number).write_text("\n".join(map(json.dumps, lines)))
    opened = Tables.open(tables.root, SETTINGS)
    assert len(rows(opened, "FROM annotations")) == 7
    assert errors(opened) == []


def test_sizes_are_kept_over_hundreds(catalog_root: Location) -> None:
    """The sizes of a hundred entries stand in the one behind them, however many there are."""
    tables = Tables.create(catalog_root, SETTINGS, author="ada")
    made = entry(tables, 0).read_text().splitlines()
    for number in range(1, 103):
        linked = _linked(tables, number)
        info = {"commitInfo": {"timestamp": 1, "actionCount": 0, **linked}}
        entry(tables, number).write_text(json.dumps(info))
    assert len(made) > 1
    assert len(_linked(tables, 103)["previous"]["sizes"]) == 3
    assert Tables.open(catalog_root, SETTINGS).state().number == 102
    entry(tables, 50).write_text(entry(tables, 50).read_text() + " ")
    with pytest.raises(CatalogError, match="log entry 50 has"):
        Tables.open(catalog_root, SETTINGS)


def _linked(tables: Tables, number: int) -> dict[str, dict[str, list[int]]]:
    from datacat.tables.chain import link_to

    return link_to(tables.store.files.log, number - 1, settings=SETTINGS)
