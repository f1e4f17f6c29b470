"""Shapes of no size are kept and said, as boxes of no size are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import read, rows
from tests.ingest.test_formats import coco, picture, save

_NOTE = "a polygon of no size: its points are one, or lie on one line"
_TRIANGLE = [1, 1, 5, 1, 1, 5]


@pytest.mark.parametrize(
    ("ring", "is_flat"),
    [
        ("0.1 0.1 0.1 0.1 0.1 0.1", True),
        ("0.1 0.1 0.5 0.1 0.3 0.1", True),
        ("0.1 0.1 0.2 0.2 0.4 0.4", True),
        ("0.1 0.1 0.5 0.1 0.1 0.5", False),
        ("0.1 0.1 0.1001 0.1 0.1 0.1001", False),
    ],
)
def test_a_polygon_of_no_size_is_noted(tmp_path: Path, ring: str, *, is_flat: bool) -> None:
    picture(tmp_path / "lake" / "images" / "a.png")
    save(tmp_path / "lake" / "labels" / "a.txt", f"0 {ring}\n")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [row["geometry_type"] for row in rows(staged, "annotations")] == ["polygon"]
    assert (staged.tally.notes.get(_NOTE) == 1) is is_flat


@pytest.mark.parametrize(
    ("rings", "said", "is_flat"),
    [
        ([[2, 2, 2, 2, 2, 2]], {}, True),
        ([[2, 2, 2, 2, 2, 2], _TRIANGLE], {}, False),
        ([_TRIANGLE], {"bbox": [1, 1, 0, 0], "area": 0}, False),
    ],
)
def test_the_points_of_a_polygon_say_whether_it_has_a_size(
    tmp_path: Path, rings: list[Any], said: dict[str, Any], *, is_flat: bool
) -> None:
    document = coco(1)
    document["annotations"] = [{"id": 1, "image_id": 0, "category_id": 7, "segmentation": rings, **said}]
    save(tmp_path / "lake" / "a.json", document)
    assert (_NOTE in read(tmp_path / "lake", tmp_path / "out").tally.notes) is is_flat


@pytest.mark.parametrize(
    ("type_", "geometry"),
    [
        ("mask", {"size": [4, 4], "counts": [16]}),
        ("rotated", {"center": [5, 5], "size": [9, 0], "degrees": 30}),
    ],
)
def test_a_mask_and_a_rotated_box_of_no_size_are_noted(tmp_path: Path, type_: str, geometry: Any) -> None:
    said = {"asset": "a.png", "class": "x", "geometry_type": type_, "geometry": geometry}
    save(tmp_path / "lake" / "a.ndjson", json.dumps(said) + "\n")
    assert "a mask or rotated box of no size" in read(tmp_path / "lake", tmp_path / "out").tally.notes
