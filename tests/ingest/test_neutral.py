"""Which geometries the neutral form takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import Staged, read, rows
from tests.ingest.test_formats import save

_GOOD: list[tuple[str, Any]] = [
    ("polygon", [[1, 2, 3, 4, 5.5, 6]]),
    ("polyline", [1, 2, 3, 4]),
    ("keypoints", {"points": [[1, 2, 2]], "names": ["nose"], "edges": [[1, 2]]}),
    ("mask", {"size": [4, 4], "counts": [3, 2, 11]}),
    ("mask", {"size": [4, 4], "counts": "32;"}),
    ("rotated", {"center": [1, 2], "size": [3, 4], "degrees": 30}),
    ("span", {"start": 3, "end": 9, "text": "a word"}),
    ("range", {"start_s": 1, "end_s": 2.5}),
    ("other", {"start": 1}),
]
_BAD: list[tuple[str, Any, str]] = [
    ("range", {"start": 1, "end": 6}, "missing required field `start_s`"),
    ("range", {"start_s": "1", "end_s": 6}, "Expected `float`, got `str` - at `$.start_s`"),
    ("span", {"start_s": 1, "end_s": 6}, "missing required field `start`"),
    ("keypoints", [[1, 2, 2]], "Expected `object`"),
    ("keypoints", {"points": [[1, 2]]}, "at `$.points[0]`"),
    ("mask", {"counts": "32;"}, "missing required field `size`"),
    ("rotated", {"center": [1, 2], "size": [3, 4]}, "missing required field `degrees`"),
    ("polygon", [1, 2, 3, 4], "Expected `array`"),
    ("polygon", [[1, 2, 3]], "an odd number of coordinates"),
    ("polyline", None, "there is none"),
]


def staged_of(tmp_path: Path, *records: dict[str, Any]) -> Staged:
    lines = [json.dumps({"asset": "a.png", "class": "car", **record}) for record in records]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(lines))
    return read(tmp_path / "lake", tmp_path / "out")


def test_each_geometry_is_kept_as_it_is(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, *({"geometry_type": type_, "geometry": shape} for type_, shape in _GOOD))
    found = [(row["geometry_type"], json.loads(row["geometry"])) for row in rows(staged, "annotations")]
    assert (found, rows(staged, "rejects")) == (_GOOD, [])


@pytest.mark.parametrize(("type_", "shape", "why"), _BAD)
def test_a_geometry_of_another_form_is_rejected(tmp_path: Path, type_: str, shape: Any, why: str) -> None:
    staged = staged_of(tmp_path, {"text": "kept"}, {"geometry_type": type_, "geometry": shape})
    (reject,) = rows(staged, "rejects")
    assert len(rows(staged, "annotations")) == 1
    assert reject["position"] == "line 2"
    assert reject["reason"].startswith(f"geometry of a {type_} is ")
    assert why in reject["reason"]


def test_a_box_has_four_numbers(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, {"geometry_type": "box"}, {"w": 1, "h": 2}, {"x": 0, "y": 0, "w": 1, "h": 2})
    assert [row["position"] for row in rows(staged, "rejects")] == ["line 1", "line 2"]


@pytest.mark.parametrize(
    ("type_", "shape", "box"),
    [
        ("polygon", [[1, 2, 5, 2, 5, 8, 1, 8]], (1, 2, 4, 6, 24)),
        ("polyline", [1, 2, 5, 8], (1, 2, 4, 6, None)),
        ("keypoints", {"points": [[1, 2, 2], [0, 0, 0], [5, 8, 1]]}, (1, 2, 4, 6, None)),
        ("mask", {"size": [4, 4], "counts": [5, 2, 9]}, (1, 1, 1, 2, 2)),
        ("rotated", {"center": [3, 5], "size": [4, 6], "degrees": 0}, (1, 2, 4, 6, 24)),
    ],
)
def test_a_shape_without_a_box_has_that_of_its_points(
    tmp_path: Path, type_: str, shape: Any, box: tuple[float | None, ...]
) -> None:
    staged = staged_of(tmp_path, {"geometry_type": type_, "geometry": shape})
    (row,) = rows(staged, "annotations")
    assert tuple(row[name] for name in ("x", "y", "w", "h", "area")) == box
