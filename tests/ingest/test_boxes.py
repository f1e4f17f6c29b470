"""A box of negative width or height is the same box in every format, with its corners the other way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import Staged, read, rows
from tests.ingest.test_formats import picture, save

_NOTE = "a box of negative width or height: its corners were taken the other way round"


def _coco(lake: Path) -> None:
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [30, 40, -20, -10]}
    images = [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}]
    document = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": [box]}
    save(lake / "a.json", document)


def _voc(lake: Path) -> None:
    box = "<bndbox><xmin>30</xmin><ymin>40</ymin><xmax>10</xmax><ymax>30</ymax></bndbox>"
    save(lake / "a.xml", f"<annotation><object><name>car</name>{box}</object></annotation>")


def _label_studio(lake: Path) -> None:
    value = {"x": 30, "y": 50, "width": -20, "height": -12.5, "rectanglelabels": ["car"]}
    result = {"id": "r", "type": "rectanglelabels", "from_name": "l", "to_name": "image", "value": value}
    result |= {"original_width": 100, "original_height": 80}
    save(lake / "a.json", [{"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [result]}]}])


def _yolo(lake: Path) -> None:
    save(lake / "a.txt", "0 0.2 0.4375 -0.2 -0.125\n")


def _neutral(lake: Path) -> None:
    save(lake / "a.ndjson", json.dumps({"asset": "a.png", "class": "car", "box": [30, 40, -20, -10]}))


def _open_images(lake: Path) -> None:
    save(
        lake / "a.csv",
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\na,x,/m/0,1,0.3,0.1,0.5,0.375\n",
    )


@pytest.mark.parametrize("write", [_coco, _voc, _label_studio, _yolo, _neutral, _open_images])
def test_a_box_of_negative_size_spans_the_same_corners(tmp_path: Path, write: Any) -> None:
    picture(tmp_path / "lake" / "a.png", (100, 80))
    write(tmp_path / "lake")
    staged = read(tmp_path / "lake", tmp_path / "out")
    (row,) = rows(staged, "annotations")
    assert [row[side] for side in ("x", "y", "w", "h", "area")] == pytest.approx([10, 30, 20, 10, 200])
    assert staged.tally.notes[_NOTE] == 1
    assert "a box of no size" not in staged.tally.notes


def _stated(tmp_path: Path, **said: Any) -> tuple[dict[str, Any], Staged]:
    save(tmp_path / "lake" / "a.ndjson", json.dumps({"asset": "a.png", "class": "car", **said}))
    staged = read(tmp_path / "lake", tmp_path / "out")
    (row,) = rows(staged, "annotations")
    return row, staged


def test_an_area_below_0_is_unknown(tmp_path: Path) -> None:
    row, staged = _stated(tmp_path, box=[1, 2, 9, 9], area=-5)
    assert (row["w"], row["area"]) == (9, None)
    assert staged.tally.notes["an area below 0: taken as unknown"] == 1


def test_an_area_that_is_said_stays_beside_a_box_that_is_turned(tmp_path: Path) -> None:
    row, _ = _stated(tmp_path, box=[30, 40, -20, -10], area=120)
    assert [row[side] for side in ("x", "y", "w", "h", "area")] == [10, 30, 20, 10, 120]


def test_a_polygon_outside_of_its_picture_is_noted_whatever_its_box(tmp_path: Path) -> None:
    far = [[600, 10, 700, 10, 700, 80]]
    statements = [
        {"geometry_type": "polygon", "geometry": far},
        {"geometry_type": "polygon", "geometry": far, "box": [1, 1, 5, 5]},
        {"geometry_type": "polygon", "geometry": [[0.5, 0.5, 1.5, 0.5, 1, 1]], "is_relative": True},
        {"geometry_type": "polygon", "geometry": [[1, 1, 9, 1, 9, 9], [-3, 4, 5, 5, 6, 6]]},
        {"geometry_type": "polygon", "geometry": [[0, 0, 100.2, 0, 100.2, 50.4]]},
    ]
    record = {
        "asset": "a.png",
        "width": 100,
        "height": 50,
        "annotations": [{"class": "a", **s} for s in statements],
    }
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "l.ndjson").write_text(json.dumps(record) + "\n")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert staged.tally.notes["a polygon that reaches outside the image"] == 4
