"""Annotations of which nobody can tell the class: no class is verified as absent beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat import Catalog
from datacat.model.report import IngestReport
from datacat.testing.format_suite import read, rows

_BOX = {"bbox": [1, 2, 30, 40], "area": 1200, "iscrowd": 0}
_CATEGORIES = [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}]


def _coco(folder: Path, *annotations: dict[str, Any], categories: list[Any]) -> tuple[Catalog, IngestReport]:
    """A catalog of two pictures, of which the second has no annotation."""
    folder.mkdir()
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 640, "height": 480} for n in (1, 2)]
    told = [{"id": n, "image_id": 1, **said} for n, said in enumerate(annotations)]
    document = {"images": images, "categories": categories, "annotations": told}
    (folder / "coco.json").write_text(json.dumps(document))
    catalog = Catalog.init(folder.parent / "catalog")
    return catalog, catalog.ingest(folder, team="a", name="b")


def _free_of(catalog: Catalog, name: str) -> tuple[list[str], list[str]]:
    """Pictures that are known to be free of a class, and those of which nobody knows."""
    found = [catalog.search(text) for text in (f"NOT {name}", f"?{name}")]
    free, unknown = [sorted(Path(hit.uri).name for hit in hits) for hits in found]
    return free, unknown


@pytest.mark.parametrize(
    "said",
    [
        {"category_id": 3, **_BOX},
        {"category_id": None, **_BOX},
        _BOX,
        {"category_id": None, "caption": "a car", **_BOX},
        {"category_id": None, "segmentation": [[1, 1, 9, 1, 9, 9]]},
    ],
)
def test_an_annotation_whose_class_cannot_be_told_is_unknown_for_every_class(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    catalog, report = _coco(tmp_path / "lake", said, categories=_CATEGORIES)
    assert _free_of(catalog, "car") == _free_of(catalog, "bus") == (["2.jpg"], ["1.jpg"])
    assert report.annotations == 1
    assert [reject.count for reject in report.rejects] == [1]
    assert "unknown for every class" in report.rejects[0].reason


def test_a_coco_annotation_without_category_and_place_may_be_any(tmp_path: Path) -> None:
    bus = {"image_id": 2, "category_id": 2, **_BOX}
    catalog, report = _coco(tmp_path / "lake", {"category_id": None}, bus, categories=_CATEGORIES)
    assert _free_of(catalog, "car") == (["2.jpg"], ["1.jpg"])
    assert [reject.count for reject in report.rejects] == [1]


def test_a_number_that_another_category_has_for_its_name_is_no_class(tmp_path: Path) -> None:
    categories = [{"id": 1, "name": "3"}, {"id": 2, "name": "bus"}]
    catalog, _ = _coco(tmp_path / "lake", {"category_id": 3, **_BOX}, categories=categories)
    assert _free_of(catalog, "bus") == (["2.jpg"], ["1.jpg"])


def test_a_caption_is_a_statement_of_its_own(tmp_path: Path) -> None:
    catalog, report = _coco(
        tmp_path / "lake", {"caption": "a street"}, {"category_id": 1, **_BOX}, categories=_CATEGORIES
    )
    assert not report.rejects
    assert _free_of(catalog, "bus") == (["1.jpg", "2.jpg"], [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.xml",
            "<annotation><filename>a.jpg</filename><object><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax>"
            "<ymax>9</ymax></bndbox></object></annotation>",
        ),
        ("l.ndjson", '{"asset": "a.jpg", "box": [1, 1, 8, 8]}\n'),
        (
            "e.json",
            '[{"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": [{"id": "r", "type": '
            '"rectanglelabels", "from_name": "l", "to_name": "image", "original_width": 50, "original_height": 50, '
            '"value": {"x": 1, "y": 1, "width": 8, "height": 8, "rectanglelabels": []}}]}]}]',
        ),
    ],
)
def test_what_is_drawn_without_a_class_may_be_any_in_every_format(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / name).write_text(text)
    catalog = Catalog.init(tmp_path / "catalog")
    report = catalog.ingest(tmp_path / "lake", team="a", name="b", covers=["car"])
    assert _free_of(catalog, "car") == ([], ["a.jpg"])
    assert report.annotations == 1


_PREDICTED = {"kind": "prediction", "box": [1, 1, 8, 8]}


@pytest.mark.parametrize(
    ("more", "answers"),
    [
        ({}, (["a.jpg"], [])),
        ({"text": "a street"}, (["a.jpg"], [])),
        (_PREDICTED, ([], ["a.jpg"])),  # a model's alone: nobody looked
    ],
)
def test_a_statement_without_a_class_leaves_absence_as_it_is(
    tmp_path: Path, more: dict[str, Any], answers: tuple[list[str], list[str]]
) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "l.ndjson").write_text(json.dumps({"asset": "a.jpg", **more}) + "\n")
    catalog = Catalog.init(tmp_path / "catalog")
    report = catalog.ingest(tmp_path / "lake", team="a", name="b", covers=["car"])
    assert _free_of(catalog, "car") == answers
    assert not report.rejects


def test_a_class_that_has_a_number_and_no_name_is_one(tmp_path: Path) -> None:
    catalog, report = _coco(tmp_path / "lake", {"category_id": 3, **_BOX}, categories=[])
    assert not report.rejects
    assert catalog.search("3").count() == 1


def test_the_first_annotation_without_a_class_is_told_with_its_own_id(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = [{"class": "car", "external_id": "0"} for _ in range(12)]
    told[3] = {"external_id": "z"}
    told[9] = {"external_id": "a"}
    told[11] = {}
    lines = [json.dumps({"asset": "a.jpg", "box": [n, 1, 5, 5], **said}) for n, said in enumerate(told)]
    lines += [json.dumps({"asset": "b.jpg", "box": [1, 1, 5, 5], **said}) for said in (told[11], told[9])]
    (tmp_path / "l.ndjson").write_text("\n".join(lines))
    found = rows(read(tmp_path, tmp_path / "out"), "rejects")
    assert [(row["key"], row["position"], row["excerpt"]) for row in found] == [
        ("a.jpg", "line 4", "id z"),
        ("b.jpg", "line 13", ""),
    ]
