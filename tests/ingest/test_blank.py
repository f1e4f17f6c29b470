"""A class name in which nothing can be seen is no name, in every format: no picture is free of a class for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat import Catalog
from datacat.ingest.blank import name_of
from datacat.model.report import IngestReport
from tests.ingest.test_formats import picture, save

_BLANKS = ["", "  ", "\t\n", "\u00a0", "\u200b\u2060", "\ufeff", "\u3164", "\u2800 ", "\u200e\ufe0f"]
_SIZE = {"original_width": 100, "original_height": 80}


def _neutral(name: str) -> list[dict[str, Any]]:
    return [
        {"asset": "a.png", "class": name, "box": [1, 2, 3, 4]},
        {"asset": "b.png", "class": "car", "box": [1, 2, 3, 4]},
    ]


def _studio(name: str, *, type_: str = "rectanglelabels", **place: float) -> list[dict[str, Any]]:
    def task(number: int, label: str) -> dict[str, Any]:
        result = {"id": "r", "type": type_, "from_name": "l", "to_name": "image", **(_SIZE if place else {})}
        said = [{**result, "value": {**place, type_: [label]}}]
        data = {"image": f"{'ab'[number]}.png"}
        return {"id": number, "data": data, "annotations": [{"id": number, "result": said}]}

    return [task(0, name), task(1, "car")]


def _voc(picture_: str, name: str) -> str:
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    size = "<size><width>100</width><height>80</height></size>"
    said = f"<object><name>{name}</name>{box}</object>"
    return f"<annotation><filename>{picture_}.png</filename>{size}{said}</annotation>"


def _ingested(tmp_path: Path, files: dict[str, Any], **options: Any) -> tuple[Catalog, IngestReport]:
    """A catalog of the pictures a and b; somebody looked for cars on both."""
    for number, name in enumerate("ab"):
        picture(tmp_path / "lake" / f"{name}.png", (100, 80 + number))
    for name, content in files.items():
        save(tmp_path / "lake" / name, content)
    catalog = Catalog.init(tmp_path / "catalog")
    return catalog, catalog.ingest(tmp_path / "lake", team="a", name="b", **options)


def _classes(catalog: Catalog) -> set[str | None]:
    return {row[0] for row in catalog.cursor().execute('SELECT "class" FROM annotations').fetchall()}


def _free_of(catalog: Catalog, name: str) -> tuple[list[str], list[str]]:
    """Pictures that are known to be free of a class, and those of which nobody knows."""
    found = [catalog.search(text) for text in (f"NOT {name}", f"?{name}")]
    free, unknown = [sorted(Path(hit.uri).name for hit in hits) for hits in found]
    return free, unknown


@pytest.mark.parametrize("name", _BLANKS)
def test_what_nobody_can_see_is_no_name(name: str) -> None:
    assert name_of(name) is None


@pytest.mark.parametrize("name", ["0", "-", "?", " car", "\u200bcar", "車", "☃", "e\u0301", "null"])
def test_whatever_can_be_seen_is_a_name_as_it_is_written(name: str) -> None:
    assert name_of(name) == name


@pytest.mark.parametrize("name", ["", "  ", "\u200b"])
def test_a_blank_class_of_a_neutral_record_may_be_any(tmp_path: Path, name: str) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in _neutral(name))
    catalog, report = _ingested(tmp_path, {"x.ndjson": lines}, covers=["car"])
    assert _classes(catalog) == {None, "car"}
    assert _free_of(catalog, "car") == ([], ["a.png"])
    assert [reject.count for reject in report.rejects] == [1]
    assert any("nothing can be seen" in note for note in report.notes)


@pytest.mark.parametrize("place", [{}, {"x": 1, "y": 1, "width": 5, "height": 5}])
def test_a_blank_label_of_label_studio_may_be_any(tmp_path: Path, place: dict[str, float]) -> None:
    type_ = "rectanglelabels" if place else "choices"
    tasks = _studio(" \u200b", type_=type_, **place)
    catalog, report = _ingested(tmp_path, {"x.json": tasks}, covers=["car"])
    assert _classes(catalog) == {None, "car"}
    assert _free_of(catalog, "car") == ([], ["a.png"])
    assert [reject.count for reject in report.rejects] == [1]


def test_a_path_of_blank_taxons_and_a_blank_text_are_no_names(tmp_path: Path) -> None:
    tasks = _studio("x", type_="taxonomy")
    tasks[0]["annotations"][0]["result"][0]["value"] = {"taxonomy": [["", " "]]}
    tasks[1]["annotations"][0]["result"][0].update(type="choices", value={"choices": ""})
    catalog, _ = _ingested(tmp_path, {"x.json": tasks}, covers=["car"])
    assert _classes(catalog) == {None}
    assert _free_of(catalog, "car") == ([], ["a.png", "b.png"])


def test_a_blank_name_of_pascal_voc_may_be_any(tmp_path: Path) -> None:
    files = {"a.xml": _voc("a", "\u2060 "), "b.xml": _voc("b", "car")}
    catalog, _ = _ingested(tmp_path, files, covers=["car"])
    assert _classes(catalog) == {None, "car"}
    assert _free_of(catalog, "car") == ([], ["a.png"])


@pytest.mark.parametrize("name", ["", " ", "\u200b"])
def test_a_category_of_coco_without_a_name_is_called_by_its_id(tmp_path: Path, name: str) -> None:
    images = [{"id": n, "file_name": f"{'ab'[n]}.png", "width": 100, "height": 80 + n} for n in range(2)]
    said = [{"id": n, "image_id": n, "category_id": n + 1, "bbox": [1, 2, 3, 4]} for n in range(2)]
    categories = [{"id": 1, "name": name}, {"id": 2, "name": "car"}]
    document = {"images": images, "annotations": said, "categories": categories}
    catalog, report = _ingested(tmp_path, {"x.json": document})
    assert _classes(catalog) == {"1", "car"}
    assert _free_of(catalog, "car") == (["a.png"], [])
    assert "a category without a name; its id was kept as the class" in report.notes


@pytest.mark.parametrize(
    ("name", "text"), [("data.yaml", 'names: [" ", car]\nnc: 2\n'), ("classes.txt", "\u200b\ncar\n")]
)
def test_a_class_of_yolo_without_a_name_is_called_by_its_number(tmp_path: Path, name: str, text: str) -> None:
    lines = {f"{stem}.txt": f"{number} .5 .5 .1 .1\n" for number, stem in enumerate("ab")}
    catalog, report = _ingested(tmp_path, {name: text, **lines})
    assert _classes(catalog) == {"0", "car"}
    assert _free_of(catalog, "car") == (["a.png"], [])
    assert report.notes == ("class 0 has no name; its number was kept as the class",)


def test_a_description_of_open_images_without_a_name_leaves_the_identifier(tmp_path: Path) -> None:
    lines = "ImageID,Source,LabelName,Confidence\na,verification,/m/0,1\nb,verification,/m/1,1\n"
    names = "LabelName,DisplayName\n/m/0,\u00a0\n/m/1,car\n"
    catalog, report = _ingested(tmp_path, {"labels.csv": lines, "class-descriptions.csv": names})
    assert _classes(catalog) == {"/m/0", "car"}
    assert "a class without a description: it is named by its identifier" in report.notes


def test_a_blank_prediction_answers_nothing(tmp_path: Path) -> None:
    said = {"asset": "a.png", "class": " ", "kind": "prediction"}
    lines = [json.dumps(said), json.dumps({"asset": "a.png", "class": "bus"})]
    catalog, report = _ingested(tmp_path, {"x.ndjson": "\n".join(lines)}, covers=["car", "bus"])
    assert not report.rejects
    assert _free_of(catalog, "car") == (["a.png"], [])
