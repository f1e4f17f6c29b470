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
    ("range", {"start": 1, "end": 6}, "`start_s` is missing"),
    ("range", {"start_s": "1", "end_s": 6}, "`start_s`: text where a number belongs"),
    ("span", {"start_s": 1, "end_s": 6}, "`start` is missing"),
    ("keypoints", [[1, 2, 2]], "where an object belongs"),
    ("keypoints", {"points": [[1, 2]]}, "`points[0]`: "),
    ("mask", {"counts": "32;"}, "`size` is missing"),
    ("rotated", {"center": [1, 2], "size": [3, 4]}, "`degrees` is missing"),
    ("polygon", [1, 2, 3, 4], "where a list belongs"),
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
