"""Every real folder of ../shared/data whose format we read, in one catalog; the counts are those of `test_formats`,
which says why where they are not those of NOTE.txt."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from datacat.catalog import Catalog
from datacat.model.report import IngestReport
from tests.real.test_formats import COUNTS, DATA, MIXED, pytestmark

__all__ = ["pytestmark"]  # this module is of the same group
Counts = tuple[str, str, int, int, int]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    made = Catalog.init(str(tmp_path_factory.mktemp("real") / "catalog"))
    for counts in COUNTS:
        ingested(made, counts)
    return made


def ingested(catalog: Catalog, counts: Counts) -> IngestReport:
    folder, format_, *_ = counts
    chosen = format_ if folder in MIXED else "auto"
    return catalog.ingest(str(DATA / folder), team=format_, name=named(folder), format=chosen)


def named(folder: str) -> str:
    """The label set's name for a folder."""
    return re.sub(r"[^A-Za-z0-9]+", "-", folder)


def rows(catalog: Catalog, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return catalog.cursor().execute(query, list(values)).fetchall()


@pytest.mark.parametrize("counts", COUNTS, ids=[counts[0] for counts in COUNTS])
def test_counts(catalog: Catalog, counts: Counts) -> None:
    folder, format_, annotations, listed, missing = counts
    ((label_set, kind),) = rows(
        catalog,
        "SELECT label_set, format FROM label_sets WHERE team = ? AND name = ?",
        format_,
        named(folder),
    )
    assert kind == format_
    own = "FROM {} WHERE label_set = ?"
    assert rows(catalog, f"SELECT count(*) {own.format('annotations')}", label_set) == [(annotations,)]
    # A row for each asset that a label file speaks of: two files may speak of one.
    assert rows(catalog, f"SELECT count(*) {own.format('label_set_assets')}", label_set) == [(listed,)]
    of_set = f"asset IN (SELECT asset {own.format('label_set_assets')})"
    assert rows(catalog, f"SELECT count(*) FROM assets WHERE is_missing AND {of_set}", label_set) == [
        (missing,)
    ]
    assert rows(catalog, f"SELECT count(*) {own.format('rejects')}", label_set) == [(0,)]


def test_no_uri_is_two_assets(catalog: Catalog) -> None:
    assert rows(catalog, "SELECT uri FROM assets GROUP BY uri HAVING count(*) > 1") == []


def test_notes_of_bccd(catalog: Catalog) -> None:
    listed = {row["class"]: row for row in catalog.classes().to_pylist()}
    counted = {name: listed[name]["annotations"] for name in ("RBC", "WBC", "Platelets")}
    assert counted == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    # Suspected missing labels. VOC declares no classes, so nobody says that there is none.
    assert catalog.search("label_set:pascal_voc/bccd-voc ?rbc").count() == 15
    assert catalog.search("label_set:pascal_voc/bccd-voc NOT rbc").count() == 0
    assert rows(catalog, "SELECT count(*) FROM annotations WHERE class = 'RBC' AND w = 0 AND h = 0") == [(2,)]
    truncated = "SELECT count(*) FROM attribute_values WHERE path = 'truncated' AND number = 1 AND class = ?"
    assert sum(rows(catalog, truncated, name)[0][0] for name in counted) == 1131


def test_a_second_ingest_changes_nothing(catalog: Catalog) -> None:
    state = catalog.state
    reports = [ingested(catalog, counts) for counts in COUNTS]
    assert not any(report.changed for report in reports)
    assert {report.state for report in reports} == {state} == {catalog.state}


def test_the_catalog_is_sound(catalog: Catalog) -> None:
    assert catalog.doctor() == []


def found(catalog: Catalog, query: str) -> set[str]:
    return {hit.uri for hit in catalog.search(query, limit=None)}


def test_search_finds_what_the_voc_files_say(catalog: Catalog) -> None:
    folder = DATA / "bccd_voc/BCCD"
    for name in ("RBC", "WBC", "Platelets"):
        said = set()
        for path in folder.glob("Annotations/*.xml"):
            root = ElementTree.parse(path).getroot()
            if name in [each.findtext("name") for each in root.iter("object")]:
                said.add(str(folder / "JPEGImages" / f"{path.stem}.jpg"))
        assert found(catalog, name.lower()) == said


def test_search_finds_what_the_yolo_files_say(catalog: Catalog) -> None:
    folder = DATA / "aerial_cars_kit"
    names = (folder / "aerial.names").read_text().split()
    said: dict[str, int] = {}
    for path in folder.glob("*.txt"):
        lines = [line.split() for line in path.read_text().splitlines() if path.name != "NOTE.txt"]
        count = sum(names[int(line[0])] == "car" for line in lines)
        if count:
            said[str(path.with_suffix(".png"))] = count
    hits = list(catalog.search("cars label_set:yolo/aerial-cars-kit", limit=None))
    cars = {hit.uri: sum(match.class_name == "car" for match in hit.matches) for hit in hits}
    assert cars == said


def test_search_finds_what_the_coco_files_say(catalog: Catalog) -> None:
    folder = DATA / "labelbox_sdk/libs/labelbox/tests/data/assets/coco"
    for name in ("person", "dining table", "zebra"):
        said = set()
        for path in folder.glob("*.json"):
            document = json.loads(path.read_text())
            (number,) = [each["id"] for each in document["categories"] if each["name"] == name]
            files = {image["id"]: image["file_name"] for image in document["images"]}
            asked = [one for one in document["annotations"] if one.get("category_id") == number]
            said |= {str(folder / "images" / files[one["image_id"]]) for one in asked}
        # Some of these pictures lie among the captions' too, and are shown at that address.
        hits = catalog.search(f"{name}s label_set:coco/labelbox-sdk", limit=None)
        assert {uri for hit in hits for uri in hit.addresses if uri.startswith(str(folder))} == said
        assert len(hits) == len(said) > 0


def test_a_snapshot_of_it_verifies(catalog: Catalog, tmp_path: Path) -> None:
    frozen = catalog.freeze("cells", query="rbc", split="train=0.8,val=0.1,test=0.1")
    said = frozen.summary()
    assert (said["assets"], said["annotations"]) == (349, 4155)
    assert sum(said["splits"].values()) == 349
    report = frozen.verify()
    assert (report.ok, report.checked) == (True, 349)
    frozen.export(str(tmp_path / "coco"), format="coco")


def test_what_was_exported_comes_back_to_the_same_assets(catalog: Catalog, tmp_path: Path) -> None:
    frozen = catalog.freeze("platelets", query="platelets")
    frozen.export(str(tmp_path / "coco"), format="coco")
    media_root = str(DATA / "bccd_voc/BCCD/JPEGImages")
    copy = Catalog.init(str(tmp_path / "copy"))
    ingested(copy, next(counts for counts in COUNTS if counts[0] == "bccd_voc"))
    report = copy.ingest(str(tmp_path / "coco"), team="back", name="cells", media_root=media_root)
    assert (report.assets, report.assets_new, report.assets_missing) == (201, 0, 0)
    assert report.classes == (("Platelets", 361),)
    ours = found(copy, "platelets team:back")
    assert ours == found(copy, "platelets team:pascal_voc") == found(catalog, "platelets")
