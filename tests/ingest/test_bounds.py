"""A box, an area and a polygon of one annotation are compared: what differs is noted, and nothing is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import Staged, read, rows
from tests.ingest.test_formats import save

_RING = [[100, 100, 200, 100, 200, 150, 100, 150]]
_BOX = "a box that is not the one around its polygon: the box counts"
_AREA = "an area that is not that of its polygon: the area counts"
_LARGE = "an area that is larger than its box: the area counts"
_CORNERS = (
    "a label file of which most boxes fit their polygons or areas as if bbox were x1,y1,x2,y2 "
    "and not x,y,width,height"
)


def _coco(folder: Path, *said: dict[str, Any], name: str = "a.json") -> None:
    document = {
        "images": [{"id": 1, "file_name": f"{name}.png", "width": 640, "height": 480}],
        "categories": [{"id": 1, "name": "roof"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "iscrowd": 0} | one for n, one in enumerate(said)
        ],
    }
    save(folder / "lake" / name, json.dumps(document))


def _notes(folder: Path, *said: dict[str, Any]) -> dict[str, int]:
    _coco(folder, *said)
    return _told(read(folder / "lake", folder / "out"), folder)


def _told(staged: Staged, folder: Path) -> dict[str, int]:
    notes = {note.replace(f"{folder}/lake/", ""): count for note, count in staged.tally.notes.items()}
    return {note: count for note, count in notes.items() if "box" in note or "area" in note}


def test_boxes_that_are_corners_are_told_by_their_polygons(tmp_path: Path) -> None:
    right = {"bbox": [100, 100, 100, 50], "segmentation": _RING, "area": 5000}
    corners = {"bbox": [100, 100, 200, 150], "segmentation": _RING, "area": 5000}
    notes = _notes(tmp_path, right, corners, corners, corners)
    assert notes == {f"{_BOX} (first: a.json, annotations[1])": 3, f"{_CORNERS} (first: a.json)": 1}
    (row, *_) = rows(read(tmp_path / "lake", tmp_path / "again"), "annotations")[1:]
    assert (row["x"], row["y"], row["w"], row["h"], row["area"]) == (100, 100, 200, 150, 5000)


def test_boxes_that_are_corners_are_told_by_their_areas(tmp_path: Path) -> None:
    assert _notes(tmp_path, *[{"bbox": [100, 100, 200, 150], "area": 5000}] * 3) == {
        f"{_CORNERS} (first: a.json)": 1
    }


def test_one_box_of_another_place_is_no_pattern(tmp_path: Path) -> None:
    right = {"bbox": [100, 100, 100, 50], "segmentation": _RING, "area": 5000}
    notes = _notes(tmp_path, right, right | {"bbox": [100, 100, 110, 50]}, right)
    assert notes == {f"{_BOX} (first: a.json, annotations[1])": 1}


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"bbox": [1, 1, 9, 9], "area": 1000000}, _LARGE),
        ({"bbox": [1, 1, 9, 9], "area": -5}, "an area below 0: taken as unknown"),
        ({"bbox": [100, 100, 100, 50], "segmentation": _RING, "area": 50}, _AREA),
        ({"bbox": [100, 100, 100, 50], "segmentation": _RING, "area": 0}, _AREA),
        ({"bbox": [100, 100, 100, 50], "segmentation": _RING, "area": 1e6}, _AREA),
        ({"bbox": [100, 100, 100, 50], "segmentation": _RING * 2, "area": 1e6}, _AREA),
    ],
)
def test_an_area_that_cannot_be_is_noted(tmp_path: Path, said: dict[str, Any], note: str) -> None:
    first = "" if "below 0" in note else " (first: a.json, annotations[0])"
    assert _notes(tmp_path, said) == {f"{note}{first}": 1}


@pytest.mark.parametrize(
    "said",
    [
        {"bbox": [100.37, 99.6, 99.88, 50.81], "segmentation": _RING, "area": 4702.5},  # rounded
        {"bbox": [100, 100, 101, 51], "segmentation": _RING, "area": 5151},  # by pixels
        {"segmentation": _RING},
        {"bbox": [100, 100, 100, 50]},
        {"bbox": [100, 100, 100, 50], "segmentation": _RING},
        {"bbox": [100, 100, 100, 50], "segmentation": [*_RING, [120, 110, 180, 110, 180, 140, 120, 140]],
         "area": 3200},  # a hole
        {"bbox": [100, 100, 100, 50], "segmentation": [[100, 100, 200, 100, 200, 150]], "area": 5000},  # of its box
        {"bbox": [100, 100, 100, 50], "area": 900},  # of a mask that is not there
        {"bbox": [0, 0, 100, 50], "segmentation": [[0, 0, 100, 0, 100, 50, 0, 50]], "area": 5000},
        {"bbox": [0, 0, 2, 2], "segmentation": {"size": [480, 640], "counts": [0, 2, 478, 2, 306718]}, "area": 4,
         "iscrowd": 1},
    ],
)  # fmt: skip
def test_what_is_rounded_or_left_out_is_not_noted(tmp_path: Path, said: dict[str, Any]) -> None:
    notes = _notes(tmp_path, said, said)
    assert {note for note in notes if "first pixel" not in note} == set()


_HUGE = [[0, 0, 1e308, 0, 1e308, 1e308, 0, 1e308]]
_ENDLESS = [[-1e308, -1e308, 1e308, -1e308, 1e308, 1e308, -1e308, 1e308]]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ({"bbox": [100, 100, 100, 50], "segmentation": _HUGE, "area": 5000}, [_BOX, _AREA]),
        ({"bbox": [100, 100, 100, 50], "segmentation": _ENDLESS, "area": 5000}, [_BOX, _AREA]),
        ({"bbox": [0, 0, 1e308, 1e308], "segmentation": _HUGE, "area": 5000}, [_AREA]),
        ({"bbox": [1e308, 1e308, 1e308, 1e308], "segmentation": _RING, "area": 5000}, [_BOX]),
    ],
)
def test_coordinates_near_the_largest_number_are_compared_without_a_warning(
    tmp_path: Path, said: dict[str, Any], noted: list[str]
) -> None:
    notes = _notes(tmp_path, said)
    assert {note for note in notes if "outside the image" not in note} == {
        f"{note} (first: a.json, annotations[0])" for note in noted
    }


@pytest.mark.parametrize("ring", [_HUGE, _ENDLESS])
def test_a_shape_that_no_number_can_measure_is_rejected_or_its_box_kept(
    tmp_path: Path, ring: list[list[float]]
) -> None:
    _coco(tmp_path, {"segmentation": ring}, {"segmentation": ring, "bbox": [1, 2, 3, 4]})
    staged = read(tmp_path / "lake", tmp_path / "out")
    (reject,) = rows(staged, "rejects")
    assert reject["reason"] == "geometry of a polygon reaches beyond all numbers; and there is no bbox"
    (kept,) = rows(staged, "annotations")
    assert [kept[name] for name in ("geometry_type", "x", "y", "w", "h", "area")] == ["box", 1, 2, 3, 4, 12]
    assert any("of which the box was kept" in note for note in staged.tally.notes)


def test_an_area_that_no_number_holds_is_unknown(tmp_path: Path) -> None:
    assert _notes(tmp_path, {"bbox": [0, 0, 1e308, 1e308]}) == {
        "an area beyond all numbers: taken as unknown": 1,
        "a box that reaches outside the image": 1,
    }


def test_the_first_is_told_over_many_files_and_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacat.ingest.bounds._ROWS", 7)
    right = {"bbox": [100, 100, 100, 50], "segmentation": _RING, "area": 5000}
    for number in range(3):
        wrong = [right | {"bbox": [0, 0, 9, 9]}] * number
        _coco(tmp_path, *[right] * (20 + number), *wrong, name=f"{number}.json")
    told = _told(read(tmp_path / "lake", tmp_path / "out"), tmp_path)
    assert told == {f"{_BOX} (first: 1.json, annotations[21])": 3}


def test_the_neutral_form_is_compared_too(tmp_path: Path) -> None:
    said = {"asset": "a.png", "class": "roof"}
    polygon = {"geometry_type": "polygon", "geometry": _RING}
    records = [
        {"box": [1, 2, 30, 40], "x": 1, "y": 2, "w": 30, "h": 40.000001},
        {"box": [1, 2, 30, 40], "w": 31},
        {"box": [1, 2, 30, 40], "x": 5, "y": 5, "w": 5, "h": 5},
        polygon,
        polygon | {"box": [1, 2, 30, 40]},
    ]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(json.dumps(said | record) for record in records))
    staged = read(tmp_path / "lake", tmp_path / "out")
    twice = "a `box` and other `x`, `y`, `w`, `h` beside it: `box` counts"
    assert _told(staged, tmp_path) == {
        f"{twice} (first: a.ndjson, line 2)": 2,
        f"{_BOX} (first: a.ndjson, line 5)": 1,
    }
    assert [row["w"] for row in rows(staged, "annotations")] == [30, 30, 30, 100, 30]


def test_of_very_many_polygons_one_whose_area_cannot_be_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacat.ingest.bounds._LOOKED_AT", 2)
    right = {"bbox": [100, 100, 100, 50], "segmentation": _RING, "area": 5000}
    notes = _notes(tmp_path, *[right] * 21, right | {"area": 1e6}, *[right] * 21)
    assert notes == {f"{_AREA} (first: a.json, annotations[21])": 1}


def test_of_very_many_polygons_all_are_counted_where_some_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacat.ingest.bounds._LOOKED_AT", 2)
    corners = {"bbox": [100, 100, 200, 150], "segmentation": _RING, "area": 5000}
    notes = _notes(tmp_path, *[corners] * 40)
    assert notes == {f"{_BOX} (first: a.json, annotations[0])": 40, f"{_CORNERS} (first: a.json)": 1}
