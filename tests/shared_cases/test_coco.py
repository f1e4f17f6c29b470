"""Cases of COCO and the neutral form."""

from __future__ import annotations

import json
from pathlib import Path

from pycocotools.coco import COCO

import datacat
from datacat.sources.location import Location
from datacat.testing.format_suite import read, rows
from tests.shared_cases.conftest import Case


def test_a_broken_polygon_leaves_the_box_with_and_without_an_area(case: Case) -> None:
    folder, columns = (
        case("coco-broken-polygon-with-area"),
        ("geometry_type", "x", "y", "w", "h", "area", "geometry"),
    )
    found = {}
    for name in ("with-area", "without-area"):
        staged = read(folder / name, folder.parent / name, media_root=Location(str(folder / "images")))
        assert rows(staged, "rejects") == []
        assert any("broken polygon" in note and count == 4 for note, count in staged.tally.notes.items())
        found[name] = [tuple(row[column] for column in columns) for row in rows(staged, "annotations")]
    assert found["with-area"] == found["without-area"] == [("box", 1, 1, 9, 9, 81, None)] * 4


def test_annotations_of_an_id_that_two_pictures_claim_are_rejected(case: Case) -> None:
    folder = case("coco-duplicate-image-id")
    staged = read(folder, folder.parent / "out")
    assert rows(staged, "annotations") == []
    assert [row["uri"].rsplit("/", 1)[-1] for row in rows(staged, "listed")] == ["r1.png", "r2.png"]
    places = [row["position"] for row in rows(staged, "rejects")]
    assert sorted(places) == ["annotations[0]", "annotations[1]", "images[0]", "images[1]"]


def test_an_id_with_a_fraction_of_zero_is_the_whole_number(case: Case) -> None:
    folder = case("coco-float-ids")
    catalog = datacat.init(str(folder.parent / "cat"))
    catalog.ingest(str(folder), team="t", name="n")
    assert sorted(hit.uri.rsplit("/", 1)[-1] for hit in catalog.search("shed")) == ["k1.png", "k2.png"]
    assert catalog.search("NOT shed").count() == 0


def exported(folder: Path, *, query: str) -> tuple[Path, tuple[str, ...]]:
    """The folder of an export of what `query` finds, and what was lost."""
    catalog = datacat.init(str(folder.parent / "cat"))
    catalog.ingest(str(folder), team="t", name="n")
    report = catalog.freeze("x", query=query).export(folder.parent / "out", format="coco")
    return folder.parent / "out" / "annotations", report.losses


def test_captions_load_in_pycocotools(case: Case) -> None:
    folder, _ = exported(case("coco-captions-export"), query="text~gate")
    loaded = COCO(str(folder / "captions_all.json"))
    assert [item["caption"] for item in loaded.loadAnns(loaded.getAnnIds())] == ["a gate in a wall"]


def test_metadata_come_back_or_are_named(case: Case) -> None:
    folder, losses = exported(case("coco-metadata-export"), query="gate")
    document = json.loads((folder / "instances_all.json").read_text())
    assert document["licenses"] == [{"id": 1, "name": "CC BY 4.0", "url": "https://example.invalid/by"}]
    (image,) = document["images"]
    assert (image["license"], image["date_captured"]) == (1, "2020-01-02 03:04:05")
    parents = {item["name"]: (item["id"], item["supercategory"]) for item in document["categories"]}
    assert parents == {"gate": (1, "building part"), "fence": (2, "building part")}
    assert image["neg_category_ids"] == [2]
    assert "1 × ids of categories, numbered anew from 1" in losses


def test_a_panoptic_segment_is_an_annotation_with_its_mask(case: Case) -> None:
    folder = case("coco-panoptic")
    staged = read(folder, folder.parent / "out")
    found = [(row["class"], row["w"], json.loads(row["geometry"])) for row in rows(staged, "annotations")]
    assert found == [("gate", 30, {"png": "7.png", "id": 100}), ("lawn", 640, {"png": "7.png", "id": 200})]


def test_lists_that_are_not_read_are_named_with_their_count(case: Case) -> None:
    folder = case("coco-scene-lists")
    staged = read(folder, folder.parent / "out")
    for name in ("scene_annotations", "scene_categories"):
        assert staged.tally.notes[f"a record of the list `{name}`, which is not read"] == 1


def test_a_date_alone_is_an_iso_time(case: Case) -> None:
    folder = case("neutral-created-date-only")
    staged = read(folder, folder.parent / "out")
    assert rows(staged, "rejects") == []
    assert len(rows(staged, "annotations")) == 4
