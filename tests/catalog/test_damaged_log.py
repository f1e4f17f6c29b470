"""A damaged log: what does not rest on the damage stays usable, and doctor tells all that it can."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.cli.main import main
from datacat.errors import CatalogError, StateNotFound
from datacat.model.finding import Finding
from tests.catalog.lakes import box, coco, draw


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """States 1 to 4, each with a label of its own, and a snapshot of state 2."""
    draw(tmp_path / "lake", ["a.png"])
    made = Catalog.init(str(tmp_path / "cat"))
    for number in range(1, 5):
        coco(tmp_path / "lake/labels.json", [box("a.png", f"c{number}")])
        made.ingest(str(tmp_path / "lake"), team="t", name="n")
        if number == 2:
            made.freeze("two", query="c2")
    return tmp_path / "cat"


def _entry(place: Path, number: int) -> Path:
    return place / f"log/_delta_log/{number:020}.json"


def _finds(place: Path, at: int) -> int:
    return Catalog.open(str(place), at=at).search(f"c{at}").count()


def _examined(place: Path) -> list[Finding]:
    return Catalog.examine(str(place))


def test_states_before_a_damaged_entry_are_searched(place: Path) -> None:
    _entry(place, 3).write_bytes(b"")
    assert [_finds(place, at) for at in (1, 2)] == [1, 1]
    for at in (3, 4, None):
        with pytest.raises(CatalogError, match="log entry 3 is empty"):
            Catalog.open(str(place), at=at)
    with pytest.raises(StateNotFound):
        Catalog.open(str(place), at=5)


def test_states_after_a_checkpoint_are_searched(place: Path) -> None:
    Catalog.open(str(place))._tables.store.log.checkpoint(3)
    _entry(place, 2).unlink()
    assert [_finds(place, at) for at in (1, 3, 4)] == [1, 1, 1]
    with pytest.raises(CatalogError, match="log entry 2 is gone"):
        Catalog.open(str(place), at=2)
    (found,) = [item for item in _examined(place) if "log entry 2" in item.text]
    assert found.text == "log entry 2 is gone or damaged: what state 2 held cannot be told"
    assert found.hint == "Restore it from a backup. States up to 1 and from 3 on open with --at."


def test_states_before_two_damaged_entries_at_the_end_are_searched(place: Path) -> None:
    for number in (3, 4):
        _entry(place, number).write_bytes(b"{")
    assert [_finds(place, at) for at in (1, 2)] == [1, 1]
    with pytest.raises(CatalogError, match="log entries 3 and 4 cannot be read"):
        Catalog.open(str(place))
    texts = [item.text for item in _examined(place)]
    assert any(text.endswith("is of state 2, the newest that can be told") for text in texts)
    assert sum("is gone or damaged: what state" in text for text in texts) == 2


def test_doctor_goes_on_behind_a_damaged_entry(place: Path) -> None:
    _entry(place, 3).write_bytes(b"")
    victim = next(
        item for item in Catalog.open(str(place), at=2)._tables.state(2).files if item.kind == "assets"
    )
    (place / "log" / victim.path).unlink()
    (place / "snapshots/two/1/manifest/assets.parquet").unlink()
    found = _examined(place)
    texts = " | ".join(item.text for item in found)
    assert "log entry 3 is empty: what states from 3 on hold cannot be told. What is said" in texts
    assert "what states 3 to 4 held cannot be told" in texts
    assert f"{victim.path} is gone" in texts
    assert {item.subject for item in found} >= {"log", "files", "snapshots"}


def test_deep_doctor_reads_data_files_though_the_log_is_damaged(place: Path) -> None:
    newest = next(item for item in Catalog.open(str(place))._tables.state(4).files if item.kind == "assets")
    _entry(place, 3).write_bytes(b"")
    path = place / "log" / newest.path
    path.write_bytes(path.read_bytes()[:-9] + b"\1" + path.read_bytes()[-8:])
    found = [item.text for item in Catalog.examine(str(place), deep=True)]
    assert f"{newest.path} has other bytes than were committed" in found


def test_the_first_entry_may_be_the_damaged_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _entry(place, 0).write_bytes(b"")
    found = _examined(place)
    assert "is of no state" in found[0].text
    assert [item.text for item in found if item.subject in ("files", "vectors")] == []
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "-C", str(place)])
    assert (ended.value.code, "log entry 0" in capsys.readouterr().out) == (1, True)


def test_a_flipped_bit_in_a_checkpoint_is_named(place: Path) -> None:
    Catalog.open(str(place))._tables.store.log.checkpoint(4)
    path = _entry(place, 4).with_suffix(".checkpoint.parquet")
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    assert any("checkpoint of state 4" in item.text for item in _examined(place))
    path.unlink()
    (path.parent / "_last_checkpoint").unlink()
    assert _finds(place, 4) == 1
    assert _examined(place) == []


def test_a_catalog_whose_log_is_lost_is_found_from_within(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(place / "log/_delta_log")
    monkeypatch.chdir(place / "snapshots")
    with pytest.raises(CatalogError, match="the log of this catalog is lost"):
        Catalog.open()
