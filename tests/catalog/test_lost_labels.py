"""A label file that was damaged since it was read takes none of its labels away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.errors import LabelsLost
from datacat.sources.location import Location
from tests.catalog.lakes import draw

_VOC = "<annotation><filename>{0}.png</filename><size><width>60</width><height>40</height></size>{1}</annotation>"
_BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
_OBJECT = f"<object><name>car</name>{_BOX}</object>"


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    draw(tmp_path / "lake", ["a.png", "b.png"])
    return Catalog.init(str(catalog_root))


def _ingest(catalog: Catalog, tmp_path: Path) -> tuple[int, int]:
    report = catalog.ingest(str(tmp_path / "lake"), team="t", name="n")
    return report.added, report.removed


def _coco(name: str) -> str:
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}
    categories = [{"id": 1, "name": "car"}]
    images = [{"id": 1, "file_name": name}]
    return json.dumps({"images": images, "categories": categories, "annotations": [box]})


def test_a_file_that_was_cut_off_keeps_its_labels(catalog: Catalog, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"lake/{name}.json").write_text(_coco(f"{name}.png"))
    _ingest(catalog, tmp_path)
    path = tmp_path / "lake/a.json"
    path.write_text(path.read_text()[: path.read_text().index('"annotations"') + 18])
    with pytest.raises(LabelsLost, match=r"a\.json had 1 annotation, and now gives none \(the JSON"):
        _ingest(catalog, tmp_path)
    assert catalog.search("car").count() == 2


@pytest.mark.parametrize("text", ["", _VOC.format("a", _OBJECT)[:60]])
def test_a_file_that_is_no_label_file_any_more_is_not_taken_for_gone(
    catalog: Catalog, tmp_path: Path, text: str
) -> None:
    for name in "ab":
        (tmp_path / f"lake/{name}.xml").write_text(_VOC.format(name, _OBJECT))
    _ingest(catalog, tmp_path)
    (tmp_path / "lake/a.xml").write_text(text)
    with pytest.raises(LabelsLost, match=r"a\.xml had 1 annotation, and now (gives none|is no label file)"):
        _ingest(catalog, tmp_path)
    assert catalog.search("car").count() == 2


def test_a_file_that_is_put_right_or_moved_away_is_taken(catalog: Catalog, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"lake/{name}.xml").write_text(_VOC.format(name, _OBJECT))
    _ingest(catalog, tmp_path)
    (tmp_path / "lake/a.xml").write_text(_VOC.format("a", _OBJECT * 2))
    assert _ingest(catalog, tmp_path)[0] > 0
    (tmp_path / "lake/a.xml").unlink()
    assert _ingest(catalog, tmp_path) == (0, 2)


def test_a_file_of_which_all_labels_were_taken_out_is_taken(catalog: Catalog, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"lake/{name}.json").write_text(_coco(f"{name}.png"))
    _ingest(catalog, tmp_path)
    empty = {**json.loads(_coco("a.png")), "annotations": []}
    (tmp_path / "lake/a.json").write_text(json.dumps(empty))
    assert _ingest(catalog, tmp_path) == (0, 1)
