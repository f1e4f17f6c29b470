"""A catalog's own tree has no links, and nothing in it is removed that datacat did not name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.errors import CatalogError, CatalogNotFound
from datacat.sources.location import Location, filesystem
from datacat.tables import Tables, identifiers
from datacat.tables.salvage import salvaged
from datacat.testing.staging import LabelFile, box, corpus, ingest
from tests.tables.places import SETTINGS, errors, rows

LINKED = ("log", "log/_delta_log", "log/logical_table=assets", "ids", "leases", "ids/0000000000.json")


@pytest.fixture
def tables(catalog_root: Location, tmp_path: Path) -> Tables:
    made = Tables.create(catalog_root, SETTINGS, author="ada")
    corpus(made, folder=tmp_path)
    return made


def led_away(tables: Tables, name: str, *, to: Path) -> Path:
    """Moves a part of the catalog to another place and leaves a link; returns the other place."""
    place = Path(f"{tables.root}/{name}")
    place.rename(to)
    place.symlink_to(to)
    return to


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.parametrize(
    "use",
    [
        lambda tables: Tables.open(tables.root, SETTINGS),
        lambda tables: tables.gc(grace_s=0, forget_before=3),
        lambda tables: tables.compact(author="ada"),
    ],
    ids=["open", "gc", "compact"],
)
def test_a_link_is_refused(
    tables: Tables, tmp_path: Path, *, name: str, use: Callable[[Tables], object]
) -> None:
    away = led_away(tables, name, to=tmp_path / "away")
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(CatalogError, match="is a link, and a catalog has none") as caught:
        use(tables)
    assert (caught.value.where, away.exists()) == (f"{tables.root}/{name}", True)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_doctor_names_the_link_and_goes_on(tables: Tables, tmp_path: Path) -> None:
    led_away(tables, "log/logical_table=assets", to=tmp_path / "away")
    _, state, (found,) = salvaged(tables.root, SETTINGS, at=None)
    assert (state.number, "logical_table=assets: is a link" in found.text) == (3, True)
    assert any("logical_table=assets is a link" in text for text in errors(tables))


def test_the_root_may_be_reached_through_a_link(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tables.root.path)
    there = Tables.open(Location(str(tmp_path / "link")), SETTINGS)
    ingest(there, "a/b", files=[LabelFile("/l/1", ["/x.png"], [box("/x.png", "Roof")])], folder=tmp_path)
    there.gc(grace_s=0)
    assert rows(there, "FROM annotations") == rows(Tables.open(tables.root, SETTINGS), "FROM annotations")


def check_a_lost_log_is_no_empty_place(root: Location, tmp_path: Path) -> None:
    corpus(Tables.create(root, SETTINGS, author="ada"), folder=tmp_path)
    filesystem(root, SETTINGS).rm(root.child("log/_delta_log").path, recursive=True)
    for use in (Tables.open, lambda *given: Tables.create(*given, author="ada")):
        with pytest.raises(
            CatalogError, match="the log of this catalog is lost; log/logical_table="
        ) as caught:
            use(root, SETTINGS)
        assert not isinstance(caught.value, CatalogNotFound)
    _, state, (found,) = salvaged(root, SETTINGS, at=None)
    assert (state.number, "the log of this catalog is lost" in found.text) == (-1, True)


def test_a_lost_log_is_no_empty_place_on_disk(catalog_root: Location, tmp_path: Path) -> None:
    check_a_lost_log_is_no_empty_place(catalog_root, tmp_path)


def test_a_lost_log_is_no_empty_place_on_s3(s3: Location, tmp_path: Path) -> None:
    check_a_lost_log_is_no_empty_place(s3, tmp_path)


def test_an_interrupted_init_is_begun_again(catalog_root: Location) -> None:
    identifiers.start(catalog_root, SETTINGS)
    with pytest.raises(CatalogNotFound):
        Tables.open(catalog_root, SETTINGS)
    assert Tables.create(catalog_root, SETTINGS, author="ada").state().number == 0


@pytest.mark.parametrize("name", ["mine.parquet", "precious.txt", "deep/0123456789abcdef.parquet"])
def test_what_is_not_ours_is_named_and_stays(tables: Tables, name: str) -> None:
    stranger = Path(f"{tables.root}/log/logical_table=assets/{name}")
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_text("mine")
    (note,) = tables.check(tables.state())
    assert (note.severity, str(stranger) in note.text) == ("note", True)
    tables.gc(grace_s=0, forget_before=3)
    assert stranger.read_text() == "mine"


def test_a_temporary_file_of_somebody_else_stays(tables: Tables) -> None:
    mine = [
        Path(f"{tables.root}/{name}") for name in ("ids/notes.tmp", "leases/a#b", "log/_delta_log/x.torn-1")
    ]
    for path in mine:
        path.write_text("mine")
    tables.gc(grace_s=0)
    assert all(path.exists() for path in mine)


def test_what_a_killed_writer_left_in_ids_goes_and_what_is_whole_stays(tables: Tables) -> None:
    whole = [Path(f"{tables.root}/ids/{name}") for name in ("newest.json", "space-ViT-B-32.v2-0123abcd.json")]
    left = [Path(f"{path}.{'a' * 32}.tmp") for path in whole]
    for path in (whole[1], *left):
        path.write_text("{}")
    assert set(tables.gc(grace_s=0).removed) >= {str(path) for path in left}
    assert [path.exists() for path in (*whole, *left)] == [True, True, False, False]
