"""Label Studio's many kinds of results."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import read, rows
from tests.ingest.test_formats import save


def staged_rows(
    tmp_path: Path, *results: dict[str, Any], kind: str = "annotations", **facts: Any
) -> list[dict[str, Any]]:
    task = {"id": 1, "data": {"image": "a.png"}, kind: [{"id": 5, "result": list(results), **facts}]}
    save(tmp_path / "lake" / "a.json", [task])
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert rows(staged, "rejects") == []
    return rows(staged, "annotations")


def item(type_: str, **value: Any) -> dict[str, Any]:
    sizes = {"original_width": 200, "original_height": 100}
    return {"id": "r", "type": type_, "from_name": "f", "to_name": "image", "value": value, **sizes}


BOX = {"x": 10, "y": 10, "width": 20, "height": 20}


def test_percent_become_pixels(tmp_path: Path) -> None:
    (row,) = staged_rows(tmp_path, item("rectanglelabels", **BOX, rectanglelabels=["a"]))
    assert [row[side] for side in "xywh"] == [20, 10, 40, 20]


def test_a_turned_box_has_its_centre(tmp_path: Path) -> None:
    (row,) = staged_rows(tmp_path, item("rectanglelabels", **BOX, rotation=90, rectanglelabels=["a"]))
    geometry = json.loads(row["geometry"])
    assert row["geometry_type"] == "rotated"
    assert geometry["center"] == pytest.approx([20 - 10, 10 + 20])
    assert [row[side] for side in "xywh"] == pytest.approx([0, 10, 20, 40])
    assert math.isclose(row["area"], 800)


def test_several_labels_give_a_row_each(tmp_path: Path) -> None:
    found = staged_rows(tmp_path, item("rectanglelabels", **BOX, rectanglelabels=["a", "b"]))
    assert [(row["class"], row["external_id"]) for row in found] == [("a", "r"), ("b", "r")]


def test_what_else_is_said_of_a_region_is_an_attribute(tmp_path: Path) -> None:
    said = {**item("choices", **BOX, choices=["wet"]), "from_name": "state"}
    (row,) = staged_rows(tmp_path, item("rectanglelabels", **BOX, rectanglelabels=["a"]), said)
    assert json.loads(row["attributes"])["state"] == ["wet"]


@pytest.mark.parametrize(
    ("result", "type_", "class_"),
    [
        (item("polygonlabels", points=[[0, 0], [50, 0], [0, 50]], polygonlabels=["p"]), "polygon", "p"),
        (item("keypointlabels", x=50, y=50, width=1, keypointlabels=["k"]), "keypoints", "k"),
        (item("brushlabels", format="rle", rle=[1, 2], brushlabels=["m"]), "other", "m"),
        (item("choices", choices=["yes"]), "none", "yes"),
        (item("taxonomy", taxonomy=[["a", "b"]]), "none", "a/b"),
        (item("labels", start=3, end=9, text="word", labels=["PER"]), "span", "PER"),
        (item("labels", start=0.5, end=2, channel=0, labels=["noise"]), "range", "noise"),
        (item("textarea", text=["one", "two"]), "none", None),
    ],
)
def test_each_kind_of_result(tmp_path: Path, result: dict[str, Any], type_: str, class_: str | None) -> None:
    (row,) = staged_rows(tmp_path, result)
    assert (row["geometry_type"], row["class"]) == (type_, class_)
    if result["type"] == "textarea":
        assert row["text"] == "one\ntwo"


def test_who_and_in_which_state(tmp_path: Path) -> None:
    facts = {"completed_by": {"email": "a@b"}, "was_cancelled": True, "created_at": "2024-01-02T03:04:05Z"}
    (row,) = staged_rows(tmp_path, item("choices", choices=["x"]), **facts)
    assert (row["annotator"], row["status"], row["created"].year) == ("a@b", "cancelled", 2024)


def test_predictions_are_told_apart(tmp_path: Path) -> None:
    (row,) = staged_rows(
        tmp_path, item("choices", choices=["x"]), kind="predictions", score=0.25, model_version="m1"
    )
    assert (row["kind"], row["confidence"], row["model"]) == ("prediction", 0.25, "m1")
    assert (row["annotator"], row["track"], json.loads(row["attributes"])) == (None, None, {"from_name": "f"})


def test_a_region_over_time_is_a_track(tmp_path: Path) -> None:
    frames = [{"frame": n, "enabled": True, "x": n, "y": 1, "width": 5, "height": 5} for n in (1, 9)]
    box = item("videorectangle", framesCount=20, sequence=frames, labels=["car"])
    stretch = item("timelinelabels", ranges=[{"start": 3, "end": 9}], timelinelabels=["night"]) | {"id": "t"}
    found = staged_rows(tmp_path, box, stretch)
    assert [(row["class"], row["track"]) for row in found] == [("car", "r"), ("night", "t")]


def test_relations_are_kept(tmp_path: Path) -> None:
    relation = {"type": "relation", "from_id": "x", "to_id": "y", "direction": "right", "labels": ["part of"]}
    (row,) = staged_rows(tmp_path, relation)
    assert row["class"] == "part of"
    assert json.loads(row["attributes"])["to_id"] == "y"
