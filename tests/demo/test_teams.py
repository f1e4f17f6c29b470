"""The lake of the demo, read back through the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

import datacat
from datacat.catalog import Catalog
from datacat.demo.teams import Lake, write_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_lake(tmp_path_factory.mktemp("demo") / "lake", seed=3, count=60)


@pytest.fixture(scope="module")
def filled(lake: Lake) -> Catalog:
    catalog = datacat.init(str(lake.folder.parent / "catalog"))
    for team in lake.teams:
        report = catalog.ingest(
            str(team.location), team=team.name, name=team.label_set, media_root=str(lake.media)
        )
        assert report.format == team.format
    return catalog


def test_the_same_seed_writes_the_same_label_files(lake: Lake, tmp_path: Path) -> None:
    again = write_lake(tmp_path, seed=3, count=60)
    assert again.pictures == lake.pictures
    for path in lake.folder.rglob("*"):
        if path.suffix in (".json", ".txt", ".yaml"):
            assert (tmp_path / path.relative_to(lake.folder)).read_bytes() == path.read_bytes()


def test_every_team_calls_its_roofs_differently(lake: Lake, filled: Catalog) -> None:
    labelled = {(row["team"], row["class"]) for row in _classes(filled)}
    assert {(team.name, team.roof_word) for team in lake.teams} <= labelled
    assert len({team.roof_word.casefold() for team in lake.teams}) == 3


def test_nobody_labels_what_the_pictures_are_searched_for(lake: Lake, filled: Catalog) -> None:
    drawn = {thing.label for picture in lake.pictures for thing in picture.things}
    assert {"pool", "panels", "lake", "boat"} <= drawn
    assert not {row["class"].casefold() for row in _classes(filled)} & {"pool", "panels", "lake", "boat"}


def test_search_finds_what_was_drawn(lake: Lake, filled: Catalog) -> None:
    """Every picture of `mapping` with a slate roof, by the query and by the truth."""
    labelled = {Path(hit.uri).name for hit in filled.search("team:mapping", limit=None)}
    slate = {
        Path(picture.path).name
        for picture in lake.pictures
        if any(roof.attributes["material"] == "slate" for roof in picture.of("roof"))
    }
    found = {Path(hit.uri).name for hit in filled.search("[team:mapping material=slate]", limit=None)}
    assert found == slate & labelled
    assert found


def test_the_odd_records_are_reported(filled: Catalog) -> None:
    (reject,) = filled.rejects().to_pylist()
    assert reject["label_set"] == "driving/street-objects"
    missing = filled.search("is:missing", limit=None)
    assert [Path(hit.uri).name for hit in missing] == ["9999.jpg"]


def _classes(catalog: Catalog) -> list[dict[str, str]]:
    sql = "SELECT DISTINCT l.team, a.class FROM annotations a JOIN label_sets l USING (label_set)"
    return catalog.cursor().execute(sql).to_arrow_table().to_pylist()
