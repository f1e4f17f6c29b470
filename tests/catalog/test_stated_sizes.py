"""What an ingest says of label files that state another size of a picture than it has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from datacat.catalog import Catalog
from tests.ingest.test_formats import save

_ORIENTATION = 0x0112


def _picture(path: Path, orientation: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", (64, 48))
    exif = picture.getexif()
    exif[_ORIENTATION] = orientation
    picture.save(path, exif=exif)


def _notes(folder: Path, orientation: int) -> str:
    """Of a picture of 64x48 that a COCO file says to be 48x64."""
    _picture(folder / "lake/a.jpg", orientation)
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [50, 10, 10, 10]}
    images = [{"id": 1, "file_name": "a.jpg", "width": 48, "height": 64}]
    document = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": [box]}
    save(folder / "lake/a.json", document)
    report = Catalog.init(str(folder / "catalog")).ingest(str(folder / "lake"), team="a", name="x")
    return "\n".join(report.notes)


def test_swapped_sides_that_no_exif_explains_are_said(tmp_path: Path) -> None:
    notes = _notes(tmp_path, orientation=1)
    assert "label file says 48x64, the picture is 64x48: 1" in notes
    assert "swaps width and height of a picture that no EXIF turns" in notes


def test_swapped_sides_that_exif_explains_are_said_so(tmp_path: Path) -> None:
    notes = _notes(tmp_path, orientation=6)
    assert "a label file gives the size of a picture as its EXIF turns it: 1" in notes
    assert "no EXIF turns" not in notes


@pytest.mark.parametrize(("orientation", "wide"), [(1, 16), (6, 12)])
def test_fractions_of_every_format_are_of_the_picture_as_it_is_shown(
    tmp_path: Path, orientation: int, wide: int
) -> None:
    """A quarter of a picture of 64x48 is 16 pixels wide, of the same picture turned 12."""
    for team in ("neutral", "yolo"):
        _picture(tmp_path / team / "a.jpg", orientation)
    record = {"asset": "a.jpg", "class": "car", "box": [0.5, 0.5, 0.25, 0.25], "is_relative": True}
    save(tmp_path / "neutral/a.ndjson", json.dumps(record))
    save(tmp_path / "yolo/a.txt", "0 0.625 0.625 0.25 0.25\n")
    save(tmp_path / "yolo/classes.txt", "car\n")
    catalog = Catalog.init(str(tmp_path / "catalog"))
    reports = [catalog.ingest(str(tmp_path / team), team=team, name="x") for team in ("neutral", "yolo")]
    assert any("fractions are of a picture as its EXIF turns it" in said for said in reports[0].assumed) is (
        orientation == 6
    )
    for team in ("neutral", "yolo"):
        assert catalog.search(f"car[team:{team} width={wide}]").count() == 1
    assert catalog.search("car[team:neutral iou(car[team:yolo])>0.99]").count() == 1


def test_a_format_that_states_no_size_is_not_said_to(tmp_path: Path) -> None:
    """Of YOLO's pictures that EXIF turns, it was said that the label file gives their size."""
    _picture(tmp_path / "lake/a.jpg", 6)
    save(tmp_path / "lake/a.txt", "0 0.5 0.5 0.25 0.25\n0 0.1 0.1 0.4 0.1 0.4 0.4\n")
    save(tmp_path / "lake/classes.txt", "car\n")
    report = Catalog.init(str(tmp_path / "catalog")).ingest(str(tmp_path / "lake"), team="a", name="x")
    assert report.annotations == 2
    assert not any("a label file gives the size" in note for note in report.notes)


def test_two_addresses_of_a_picture_are_each_of_the_size_that_is_stated_of_it(tmp_path: Path) -> None:
    """A frozen box was brought from the larger of two sizes that one label file states of one picture's copies."""
    for name in ("a.jpg", "b.jpg"):
        _picture(tmp_path / "lake" / name, 1)
    images = [
        {"id": 1, "file_name": "a.jpg", "width": 128, "height": 96},
        {"id": 2, "file_name": "b.jpg", "width": 32, "height": 24},
    ]
    boxes = [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20]},
        {"id": 2, "image_id": 2, "category_id": 1, "bbox": [10, 10, 5, 5]},
    ]
    document = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": boxes}
    save(tmp_path / "lake/a.json", document)
    catalog = Catalog.init(str(tmp_path / "catalog"))
    catalog.ingest(str(tmp_path / "lake"), team="a", name="x")
    catalog.freeze("cars", query="car").export(tmp_path / "out", format="coco")
    (written,) = (tmp_path / "out").rglob("*.json")
    found = sorted(one["bbox"] for one in json.loads(written.read_text())["annotations"])
    assert found == [[0, 0, 10, 10], [20, 20, 10, 10]]
