"""Coverage from label files to the catalog, as people declare and change it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.catalog import Catalog
from datacat.errors import UsageError
from datacat.indexing import coverage_claim, ingest
from datacat.model.names import LabelSetName
from datacat.model.report import IngestReport
from datacat.query.search import search
from datacat.sources.location import Location
from datacat.tables import Tables
from tests.ingest.test_formats import coco, picture, save
from tests.tables.places import SETTINGS, errors, rows


@pytest.fixture
def tables(catalog_root: Location) -> Tables:
    return Tables.create(catalog_root, SETTINGS, author="ada")


def put(tables: Tables, place: Path, **said: Any) -> IngestReport:
    claim = coverage_claim(**{"covers": None, "attributes": None, "ontology": None, **said})
    return ingest(
        tables,
        Location(str(place)),
        label_set=LabelSetName("a", "b"),
        media_root=None,
        format="auto",
        author="ada",
        message="",
        claim=claim,
    )


def covered(tables: Tables) -> dict[str, Any]:
    ((text,),) = rows(tables, "SELECT coverage FROM label_sets")
    assert errors(tables) == []
    found: dict[str, Any] = json.loads(text)
    return found


def single(tables: Tables) -> set[tuple[Any, ...]]:
    query = """SELECT parse_filename(uri), "class", answer, origin FROM coverage JOIN assets USING (asset)"""
    return set(rows(tables, query))


def test_a_detection_set_covers_its_classes_until_told_otherwise(tables: Tables, tmp_path: Path) -> None:
    save(tmp_path / "lake" / "a.json", coco(3))
    derived = {"classes": "declared", "attributes": "none", "origin": "derived", "ontology": None}
    put(tables, tmp_path / "lake")
    assert covered(tables) == derived
    report = put(tables, tmp_path / "lake", covers="none", attributes=["n"], ontology="v3")
    assert (report.changed, report.kept, report.files_new + report.files_changed) == (True, 3, 0)
    declared = {"classes": "none", "attributes": ["n"], "origin": "declared", "ontology": "v3"}
    assert covered(tables) == declared
    save(tmp_path / "lake" / "b.json", coco(1))
    put(tables, tmp_path / "lake")
    assert covered(tables) == declared
    assert put(tables, tmp_path / "lake").changed is False
    (tmp_path / "lake" / "b.json").unlink()
    report = put(tables, tmp_path / "lake", covers="auto", attributes="none", ontology="")
    assert (report.files_gone, report.removed, report.kept) == (1, 1, 3)
    assert covered(tables) == derived


def test_a_picture_without_label_file_is_not_covered(tables: Tables, tmp_path: Path) -> None:
    for name in ("a", "bb"):  # of other bytes: else they are one picture, which a label file covers
        picture(tmp_path / "lake" / "images" / f"{name}.png")
    save(tmp_path / "lake" / "data.yaml", "names: [car, roof]\n")
    save(tmp_path / "lake" / "labels" / "a.txt", "0 .5 .5 .1 .1\n")
    put(tables, tmp_path / "lake")
    assert covered(tables)["classes"] == "none"
    derived = {("a.png", name, "exhaustive", "derived") for name in ("car", "roof")}
    assert single(tables) == {*derived, ("bb.png", None, "not_exhaustive", "format")}
    save(tmp_path / "lake" / "labels" / "bb.txt", "")
    put(tables, tmp_path / "lake")
    assert single(tables) == derived | {("bb.png", name, "exhaustive", "derived") for name in ("car", "roof")}


def test_lvis_answers_by_image(tables: Tables, tmp_path: Path) -> None:
    document = coco(3)
    document["categories"] = [{"id": n, "name": name} for n, name in ((7, "Roof"), (1, "car"), (2, "cat"))]
    document["images"][0] |= {"neg_category_ids": [1], "not_exhaustive_category_ids": []}
    document["images"][1] |= {"neg_category_ids": [1, 2], "not_exhaustive_category_ids": [7]}
    document["images"][2] |= {"neg_category_ids": [1], "not_exhaustive_category_ids": "all"}
    save(tmp_path / "lake" / "a.json", document)
    put(tables, tmp_path / "lake")
    assert covered(tables) == {"classes": "none", "attributes": "none", "origin": "format", "ontology": None}
    assert single(tables) == {
        ("0.png", "Roof", "exhaustive", "format"),
        ("0.png", "car", "absent", "format"),
        ("1.png", "Roof", "not_exhaustive", "format"),
        ("1.png", "car", "absent", "format"),
        ("1.png", "cat", "absent", "format"),
        ("2.png", None, "not_exhaustive", "format"),
        ("2.png", "car", "absent", "format"),
    }


def test_claims_that_make_no_sense_are_refused(tables: Tables, tmp_path: Path) -> None:
    save(tmp_path / "lake" / "a.json", coco(3))
    for said in ({"covers": "some"}, {"attributes": "some"}):
        with pytest.raises(UsageError):
            put(tables, tmp_path / "lake", **said)
    assert tables.state().number == 0


def test_who_looked_for_a_class_and_found_none_may_say_so(tables: Tables, tmp_path: Path) -> None:
    save(tmp_path / "lake" / "a.json", coco(3))
    report = put(tables, tmp_path / "lake", covers=["boat", "Rooof"])
    (said,) = [text for text in report.assumed if text.startswith("--covers")]
    assert said == (
        "--covers: no label file names boat, Rooof, so that none was found on any asset (Rooof: did you mean Roof?)"
    )
    state = tables.state()
    found = search(tables.cursor(state), "-boat", state=state.number)
    assert found.count() == 3


def test_nothing_follows_for_an_image_that_no_file_lists(catalog_root: Location, tmp_path: Path) -> None:
    document = coco(2)
    document["categories"].append({"id": 8, "name": "bus"})
    document["annotations"].append({"id": 9, "image_id": 77, "category_id": 8, "bbox": [1, 1, 5, 5]})
    save(tmp_path / "lake" / "a.json", document)
    catalog = Catalog.init(str(catalog_root))
    catalog.ingest(str(tmp_path / "lake"), team="t", name="n")
    assert [hit.uri.rsplit("/", 1)[-1] for hit in catalog.search("bus")] == ["a.json#77"]
    assert (catalog.search("NOT Roof").count(), catalog.search("NOT bus").count()) == (0, 2)
    assert [hit.uri.rsplit("/", 1)[-1] for hit in catalog.search("?Roof")] == ["a.json#77"]


_VOC = "<annotation><filename>{0}.png</filename><object><name>{1}</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
_VOC += "<xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"


def _answers(catalog: Catalog, text: str) -> list[list[str]]:
    """Names of the pictures for which it holds, does not, and is unknown."""
    asked = (text, f"NOT ({text})", f"?({text})")
    return [sorted(Path(hit.uri).stem for hit in catalog.search(query)) for query in asked]


def test_a_picture_whose_voc_file_is_damaged_or_missing_is_not_without_objects(
    catalog_root: Location, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    for name in "abcd":
        picture(lake / "JPEGImages" / f"{name}.png", (60, 40 + ord(name)))
    for name, text in {"a": _VOC.format("a", "dog"), "b": _VOC.format("b", "cat"), "c": ""}.items():
        save(lake / "Annotations" / f"{name}.xml", text)
    save(lake / "ImageSets" / "Main" / "train.txt", "a\nb\nc\n")
    save(lake / "ImageSets" / "Main" / "test.txt", "d\n")
    catalog = Catalog.init(str(catalog_root))
    report = catalog.ingest(str(lake), team="t", name="voc", covers="all")
    assert _answers(catalog, "dog") == [["a"], ["b"], ["c", "d"]]
    ((reason, count, example),) = [(item.reason, item.count, item.example) for item in report.rejects]
    assert (reason, count) == (
        "the label file of a picture, and none that can be read: it is empty",
        1,
    )
    assert (example, report.skipped) == (f"{lake}/Annotations/c.xml, the whole file", ())


def test_a_picture_whose_yolo_file_is_damaged_or_missing_is_not_without_objects(
    catalog_root: Location, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    for name in "abcd":
        picture(lake / "images" / f"{name}.png", (60, 40 + ord(name)))
    for name, text in {"a": "0 .5 .5 .1 .1\n", "b": "\x89 garbage, no labels\n", "c": ""}.items():
        save(lake / "labels" / f"{name}.txt", text)
    save(lake / "data.yaml", "names: [plane]\n")
    catalog = Catalog.init(str(catalog_root))
    report = catalog.ingest(str(lake), team="t", name="n", covers="all")
    assert _answers(catalog, "plane") == [["a"], ["c"], ["b", "d"]]
    assert [item.example for item in report.rejects] == [f"{lake}/labels/b.txt, the whole file"]
    assert catalog.ingest(str(lake), team="t", name="n").changed is False
    save(lake / "labels" / "b.txt", "0 .5 .5 .2 .2\n")
    save(lake / "labels" / "d.txt", "")
    catalog.ingest(str(lake), team="t", name="n")
    assert _answers(catalog, "plane") == [["a", "b"], ["c", "d"], []]


def test_a_picture_without_a_label_file_takes_nothing_from_its_copy(
    catalog_root: Location, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    for name in "ab":
        picture(lake / "images" / f"{name}.png", (60, 40 + ord(name)))
    save(lake / "labels" / "a.txt", "0 .5 .5 .1 .1\n")
    save(lake / "labels" / "b.txt", "")
    (lake / "images" / "copy.png").write_bytes((lake / "images" / "b.png").read_bytes())
    catalog = Catalog.init(str(catalog_root))
    catalog.ingest(str(lake), team="t", name="n", covers=["0"])
    assert _answers(catalog, "class=0") == [["a"], ["b"], []]


def test_a_task_that_nobody_completed_was_not_looked_at(catalog_root: Location, tmp_path: Path) -> None:
    value = {"x": 1, "y": 1, "width": 9, "height": 9, "rectanglelabels": ["shed"]}
    region = {"id": "r", "type": "rectanglelabels", "from_name": "l", "to_name": "image", "value": value}
    tasks: dict[str, dict[str, Any]] = {
        "a": {"annotations": [{"id": 1, "result": [region]}]},
        "b": {"annotations": [{"id": 2, "result": []}], "drafts": [{"result": [region]}]},
        "c": {"annotations": []},
        "d": {},
        "e": {"annotations": [], "predictions": [4075]},
        "f": {"annotations": [{"id": 3, "result": [], "was_cancelled": True}]},
        "g": {"annotations": [{"id": 4, "result": [region], "was_cancelled": True}]},
        "h": {"annotations": [], "drafts": [{"result": []}]},
        "i": {"annotations": [7]},
        "j": {"annotations": [{"id": 5, "result": [None]}]},
    }
    for name in tasks:
        picture(tmp_path / "lake" / f"{name}.png", (60, 40 + ord(name)))
    said = [
        {"id": n, "data": {"image": f"{name}.png"}, **task} for n, (name, task) in enumerate(tasks.items())
    ]
    save(tmp_path / "lake" / "a.json", said)
    catalog = Catalog.init(str(catalog_root))
    report = catalog.ingest(str(tmp_path / "lake"), team="t", name="n", covers=["shed", "barn"])
    assert sum(item.count for item in report.rejects) == 2
    assert _answers(catalog, "shed") == [["a"], ["b"], list("cdefghij")]
    assert _answers(catalog, "barn") == [[], ["a", "b"], list("cdefghij")]


def test_what_is_set_aside_in_any_case_is_no_look(catalog_root: Location, tmp_path: Path) -> None:
    shed = {"class": "shed", "box": [1, 1, 5, 5]}
    said = {
        "a": [shed],
        "b": [],
        "c": [shed | {"status": "skipped"}, shed | {"status": "draft"}],
        "d": [shed | {"status": " Cancelled "}],
        "e": [shed | {"status": "draft"}, {"class": "tree", "box": [1, 1, 5, 5]}],
    }
    for name in said:
        picture(tmp_path / "lake" / f"{name}.png", (60, 40 + ord(name)))
    lines = [json.dumps({"asset": f"{name}.png", "annotations": rows}) for name, rows in said.items()]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(lines))
    catalog = Catalog.init(str(catalog_root))
    catalog.ingest(str(tmp_path / "lake"), team="t", name="n", covers=["shed", "barn"])
    assert _answers(catalog, "shed") == [["a"], ["b", "e"], ["c", "d"]]
    assert _answers(catalog, "barn") == [[], ["a", "b", "e"], ["c", "d"]]
    assert catalog.search("[status:cancelled]").count() == 1


def test_who_looked_is_asked_beside_another_condition_too(catalog_root: Location, tmp_path: Path) -> None:
    car = {"class": "car", "box": [1, 1, 5, 5]}
    said = [
        car,
        car | {"class": "tree"},
        car | {"kind": "prediction", "model": "m"},
        car | {"status": "draft"},
    ]
    for number in range(4):
        picture(tmp_path / "lake" / f"{number}.png", (60, 40 + number))
    lines = [json.dumps({"asset": f"{number}.png", **row}) for number, row in enumerate(said)]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(lines))
    catalog = Catalog.init(str(catalog_root))
    catalog.ingest(str(tmp_path / "lake"), team="t", name="n", covers="all")
    assert _answers(catalog, "tree") == [["1"], ["0"], ["2", "3"]]
    for text in ("car AND NOT tree", "count(car)>=1 AND NOT tree", "car AND count(tree)=0"):
        assert [Path(hit.uri).stem for hit in catalog.search(text)] == ["0"]
    assert catalog.search("car[status=draft] AND NOT tree").count() == 0


def test_who_has_not_looked_neither_agrees_nor_disagrees(catalog_root: Location, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for number in range(3):
        picture(lake / "images" / f"{number}.png", (60, 40 + number))
    save(lake / "labels" / "0.txt", "0 .5 .5 .2 .2\n")
    save(lake / "labels" / "2.txt", "")
    save(lake / "data.yaml", "names: [car]\n")
    boxes = [
        {"asset": f"{n}.png", "class": "car", "box": [24, 16 + 0.4 * n, 12, 8 + 0.2 * n]} for n in (0, 1)
    ]
    save(tmp_path / "b" / "b.ndjson", "\n".join(map(json.dumps, [*boxes, {"asset": "2.png"}])))
    catalog = Catalog.init(str(catalog_root))
    catalog.ingest(str(lake), team="a", name="x", covers="all")
    catalog.ingest(str(tmp_path / "b"), team="b", name="x", media_root=str(lake / "images"), covers="all")
    assert _answers(catalog, "car[team=a]") == [["0"], ["2"], ["1"]]
    assert catalog.search("agreement<0.5").count() == 0
    assert [Path(hit.uri).stem for hit in catalog.search("agreement>=0.5")] == ["0", "2"]
    assert catalog.overlap("a", "b").agreement == 1
