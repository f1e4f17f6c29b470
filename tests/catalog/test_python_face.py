"""The catalog as a program or a notebook sees it: paths, identifiers, sequences, objects, HTML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import datacat
from datacat.catalog import Catalog
from datacat.errors import LocationError
from datacat.query.html import escaped
from datacat.query.match import object_of
from tests.catalog.lakes import box, coco, draw

EVIL = "<script>\u202e"
TWICE = '{"a": 1, "a": 2, "big": 123456789012345678901234567890}'


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Two roofs and one of an evil class; all by `Path`."""
    draw(tmp_path / "lake", ["a.png", "b.png", "c.png"])
    tools = {"from_name": "label", "image_rotation": 0, "material": "slate"}
    said = [box("a.png", "roof", attributes=tools), box("b.png", "roof"), box("c.png", EVIL)]
    coco(tmp_path / "lake" / "labels.json", said)
    made = datacat.init(tmp_path / "catalog")
    made.ingest(tmp_path / "lake", team="mapping", name="roofs", media_root=tmp_path / "lake", author="ada")
    return datacat.open(tmp_path / "catalog")


def test_a_path_cannot_hold_an_s3_address() -> None:
    with pytest.raises(LocationError, match="cannot hold s3"):
        datacat.open(Path("s3://bucket/catalog"))


def test_a_hit_leads_to_its_asset(catalog: Catalog) -> None:
    hit = catalog.search("roof")[0]
    assert catalog.asset(hit.asset).uri == hit.uri
    assert catalog.asset(str(hit.asset)) == catalog.asset(hit.asset)
    assert catalog.media(hit.asset).read() == Path(hit.uri).read_bytes()


@pytest.mark.parametrize("limit", [None, 2, 1])
def test_hits_are_a_sequence_of_the_page(catalog: Catalog, limit: int | None) -> None:
    hits = catalog.search("media:image", limit=limit)
    listed = list(hits)
    assert len(hits) == len(listed) == (limit or 3)
    assert [hits[place].asset for place in range(len(hits))] == [hit.asset for hit in listed]
    assert hits[-1].uri == listed[-1].uri
    assert [hit.asset for hit in hits[:2]] == [hit.asset for hit in listed[:2]]
    with pytest.raises(IndexError):
        hits[len(hits)]


def test_attributes_are_objects_in_every_face(tmp_path: Path) -> None:
    draw(tmp_path / "lake", ["a.png"])
    line = json.dumps({"asset": "a.png", "class": "roof", "attributes": "X"}).replace('"X"', TWICE)
    (tmp_path / "lake" / "labels.ndjson").write_text(line + "\n")
    made = datacat.init(tmp_path / "catalog")
    made.ingest(tmp_path / "lake", team="mapping", name="roofs", author="ada")
    (match,) = made.search("roof")[0].matches
    assert match.attributes is not None
    assert (match.attributes["a"], match.attributes["big"]) == (2, 123456789012345678901234567890)
    assert made.asset("a.png").annotations[0].attributes == match.attributes
    assert match.as_document()["attributes"] == match.attributes
    (streamed,) = b"".join(made.search("roof").stream("ndjson")).splitlines()
    assert json.loads(streamed)["matches"][0]["attributes"]["big"] == match.attributes["big"]


def test_what_json_cannot_hold_stays_as_it_was_written() -> None:
    assert object_of('{"a": NaN, "b": [-Infinity, 1e999, 0.5]}') == {
        "a": "NaN",
        "b": ["-Infinity", "1e999", 0.5],
    }
    assert object_of(None) is None


def test_what_tools_write_for_themselves_is_a_facet_only_when_asked_for(catalog: Catalog) -> None:
    def paths(**asked: bool) -> set[str]:
        facets = catalog.search("roof").facets(**asked).facets  # type: ignore[arg-type]
        return {facet.name.removeprefix("attributes.") for facet in facets if "." in facet.name}

    assert paths() == {"material"}
    assert paths(all_paths=True) == {"material", "from_name", "image_rotation"}
    assert catalog.search("roof").facets(["from_name"]).facets[0].values[0].value == "label"


def test_a_notebook_shows_pictures_and_runs_nothing(catalog: Catalog) -> None:
    hits = catalog.search("media:image")
    shown = hits._repr_html_()
    assert shown.count("data:image/jpeg;base64,") == 3
    catalog.freeze("roofs", query="roof", author="ada")
    others = (catalog, catalog.overview(), hits.facets(), catalog.snapshots, catalog.snapshot("roofs"))
    for page in (shown, *(one._repr_html_() for one in others)):
        assert page.startswith(("<div", "<p"))
        assert "<script" not in page
        assert "\u202e" not in page


def test_cells_are_short_and_escaped() -> None:
    assert escaped(EVIL) == "&lt;script&gt;\\u202e"
    assert len(escaped("x" * 9999)) == 160
