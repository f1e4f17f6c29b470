"""Label Studio's many kinds of results."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import read, rows
from tests.ingest.test_formats import save
from tests.ingest.test_pipeline import picture


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
    assert (row["annotator"], row["status"], row["created"].year) == ("a@b", "skipped", 2024)


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


RECTANGLE = {"x": 10, "y": 20, "width": 30, "height": 40}


def export(folder: Path, *tasks: dict[str, Any], name: str = "export.json") -> Path:
    save(folder / "lake" / name, list(tasks))
    return folder / "lake"


def task(data: dict[str, Any], *results: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"id": 1, "data": data, "annotations": [{"id": 5, "result": list(results), **facts}]}


def named(staged: Any) -> dict[str, str]:
    """The key of each listed asset by what it was called."""
    return {row["key"]: row["uri"].rsplit("/", 1)[-1] for row in rows(staged, "listed")}


def of(to_name: str, name: str = "r", **more: Any) -> dict[str, Any]:
    return {
        **item("rectanglelabels", **RECTANGLE, rectanglelabels=["gate"]),
        "to_name": to_name,
        "id": name,
        **more,
    }


def test_predictions_that_are_only_numbers_are_noted_and_nothing_is_lost(tmp_path: Path) -> None:
    one = {**task({"image": "a.png"}, of("image")), "predictions": [4075, 4076]}
    staged = read(export(tmp_path, one), tmp_path / "out")
    assert list(named(staged).values()) == ["a.png"]
    assert [row["class"] for row in rows(staged, "annotations")] == ["gate"]
    assert rows(staged, "rejects") == []
    assert staged.tally.notes["predictions that are only numbers: what they say is not in the file"] == 2


def test_a_region_that_cannot_be_read_is_rejected_alone_and_whole(tmp_path: Path) -> None:
    odd = item("rectanglelabels", x="left", y=1, width=2, height=3, rectanglelabels=["odd"]) | {"id": "o"}
    staged = read(export(tmp_path, task({"image": "a.png"}, odd, of("image"))), tmp_path / "out")
    (reject,) = rows(staged, "rejects")
    assert (reject["key"], reject["class"]) == ("1", "odd")
    assert [row["class"] for row in rows(staged, "annotations")] == ["gate"]


def test_regions_of_one_id_at_several_places_are_each_kept(tmp_path: Path) -> None:
    other = item("rectanglelabels", **{**RECTANGLE, "x": 60}, rectanglelabels=["barn"])
    staged = read(export(tmp_path, task({"image": "a.png"}, of("image"), other)), tmp_path / "out")
    assert [(row["class"], row["x"]) for row in rows(staged, "annotations")] == [("gate", 20), ("barn", 120)]
    assert staged.tally.notes["a region id that stands for several regions: each was kept"] == 1


def test_a_label_given_twice_to_one_region_counts_once(tmp_path: Path) -> None:
    staged = read(export(tmp_path, task({"image": "a.png"}, of("image"), of("image"))), tmp_path / "out")
    assert len(rows(staged, "annotations")) == 1
    assert staged.tally.notes["a label given to one region twice: counted once"] == 1


@pytest.mark.parametrize("to_name", ["right", "$right"])
def test_each_region_stands_on_the_medium_that_it_names(tmp_path: Path, to_name: str) -> None:
    data = {"left": "l.jpg", "right": "r.jpg"}
    staged = read(export(tmp_path, task(data, of(to_name), of("left", "s"))), tmp_path / "out")
    assert named(staged) == {"1.left": "l.jpg", "1.right": "r.jpg"}
    assert [(row["external_id"], row["key"]) for row in rows(staged, "annotations")] == [
        ("r", "1.right"),
        ("s", "1.left"),
    ]


def test_a_region_goes_to_the_only_medium_of_its_kind(tmp_path: Path) -> None:
    data = {"sound": "a.wav", "shown": "a.png", "words": "some words that were said"}
    noise = item("labels", start=0.5, end=2, channel=0, labels=["noise"]) | {"id": "n", "to_name": "audio"}
    staged = read(export(tmp_path, task(data, of("canvas"), noise)), tmp_path / "out")
    assert {row["class"]: row["key"] for row in rows(staged, "annotations")} == {
        "gate": "1.shown",
        "noise": "1.sound",
    }
    assert "`canvas` shows `data.shown`, the only image of its task" in staged.tally.assumed


def test_the_labelling_configuration_beside_an_export_says_what_a_name_shows(tmp_path: Path) -> None:
    config = '<View><Image name="one" value="$first"/><Image name="two" value="$second"/></View>'
    save(tmp_path / "lake" / "config.xml", config)
    data = {"first": "a.jpg", "second": "b.jpg"}
    staged = read(export(tmp_path, task(data, of("two"))), tmp_path / "out")
    assert [row["key"] for row in rows(staged, "annotations")] == ["1.second"]


def test_pages_of_a_list_are_media_of_their_own(tmp_path: Path) -> None:
    data = {"pages": [{"url": "https://h/1.png"}, {"url": "https://h/2.png"}]}
    stated = of("sheet", "s", item_index=0)
    staged = read(export(tmp_path, task(data, of("page_1"), stated)), tmp_path / "out")
    assert {row["external_id"]: row["key"] for row in rows(staged, "annotations")} == {
        "r": "1.pages[1]",
        "s": "1.pages[0]",
    }


def test_a_region_whose_medium_cannot_be_told_is_rejected_for_each_that_it_may_be_on(tmp_path: Path) -> None:
    data = {"before": "a.jpg", "after": "b.jpg"}
    other = task({"image": "c.jpg"}, of("canvas", "s")) | {"id": 2}
    staged = read(export(tmp_path, task(data, of("canvas")), other), tmp_path / "out")
    assert [row["key"] for row in rows(staged, "annotations")] == ["2"]
    found = rows(staged, "rejects")
    assert {(row["key"], row["class"]) for row in found} == {("1.before", "gate"), ("1.after", "gate")}
    assert "before, after" in found[0]["reason"]


def test_values_of_a_whole_task_are_attributes_of_it(tmp_path: Path) -> None:
    said = [
        {"id": name, "type": type_, "from_name": name, "to_name": "image", "value": {key: value}}
        for name, type_, key, value in (
            ("quality", "rating", "rating", 4), ("storeys", "number", "number", 12),
            ("built", "datetime", "datetime", "1998-05-01"), ("remark", "textarea", "text", ["leaks"]),
            ("rank", "ranker", "ranker", {"best": ["a"]}), ("nicer", "pairwise", "selected", "left"),
        )
    ]  # fmt: skip
    staged = read(export(tmp_path, task({"image": "a.png"}, *said)), tmp_path / "out")
    (row,) = rows(staged, "annotations")
    assert json.loads(row["attributes"]) == {
        "quality": 4, "storeys": 12, "built": "1998-05-01", "remark": ["leaks"], "rank": {"best": ["a"]},
        "nicer": "left",
    }  # fmt: skip
    assert (row["class"], row["text"], row["geometry_type"]) == (None, "leaks", "none")


def test_values_of_a_whole_task_go_with_its_classes(tmp_path: Path) -> None:
    good = item("choices", choices=["good", "dry"]) | {"from_name": "state"}
    stars = {**item("rating", rating=4), "id": "s", "from_name": "quality"}
    staged = read(export(tmp_path, task({"image": "a.png"}, good, stars)), tmp_path / "out")
    found = [(row["class"], json.loads(row["attributes"])) for row in rows(staged, "annotations")]
    said = {"quality": 4, "from_name": "state"}
    assert found == [("good", said), ("dry", said)]


def test_what_is_written_about_a_region_is_its_text_and_an_attribute(tmp_path: Path) -> None:
    box = item("rectangle", **RECTANGLE, rotation=0)
    label = item("labels", **RECTANGLE, labels=["Title"])
    words = item("textarea", **RECTANGLE, rotation=0, text=["Hello world"]) | {"from_name": "transcription"}
    staged = read(export(tmp_path, task({"image": "a.png"}, box, label, words)), tmp_path / "out")
    (row,) = rows(staged, "annotations")
    assert (row["class"], row["text"], row["geometry_type"]) == ("Title", "Hello world", "box")
    assert json.loads(row["attributes"])["transcription"] == ["Hello world"]


@pytest.mark.parametrize(
    ("kind", "facts", "status"),
    [
        ("annotations", {"was_cancelled": True, "ground_truth": True}, "skipped"),
        ("annotations", {"ground_truth": True}, "ground_truth"),
        ("annotations", {"was_cancelled": "True"}, "skipped"),
        ("annotations", {"was_cancelled": "false", "ground_truth": "1"}, "ground_truth"),
        ("annotations", {"was_cancelled": "0", "ground_truth": "False"}, None),
        ("drafts", {}, "draft"),
        ("annotations", {}, None),
    ],
)
def test_the_state_of_an_annotation(
    tmp_path: Path, kind: str, facts: dict[str, Any], status: str | None
) -> None:
    (row,) = staged_rows(tmp_path, item("choices", choices=["x"]), kind=kind, **facts)
    assert row["status"] == status


def test_the_same_export_twice_counts_once(tmp_path: Path) -> None:
    one = task({"image": "/data/upload/1/x.jpg"}, of("image"))
    export(tmp_path, one, name="a/export.json")
    staged = read(
        export(tmp_path, one, task({"image": "y.jpg"}, of("image")), name="b/copy.json"), tmp_path / "out"
    )
    assert len(rows(staged, "annotations")) == 2
    assert {row["uri"].rsplit("/", 1)[-1] for row in rows(staged, "listed")} == {"x.jpg", "y.jpg"}
    repeated = "an annotation that was read before, with the same id and content: counted once"
    assert staged.tally.notes[repeated] == 1


def test_an_annotation_that_was_changed_since_is_kept_beside_the_old_one(tmp_path: Path) -> None:
    export(tmp_path, task({"image": "x.jpg"}, of("image")), name="a.json")
    staged = read(
        export(tmp_path, task({"image": "x.jpg"}, of("image", "s")), name="b.json"), tmp_path / "out"
    )
    assert len(rows(staged, "annotations")) == 2
    assert staged.tally.notes["an annotation id with other content than before: both were kept"] == 1


def test_tasks_that_share_an_id_keep_their_own_pictures(tmp_path: Path) -> None:
    lake = export(tmp_path, task({"image": "a.png"}, of("image")), task({"image": "b.png"}, of("image", "s")))
    staged = read(lake, tmp_path / "out")
    uris = {row["key"]: row["uri"].rsplit("/", 1)[-1] for row in rows(staged, "listed")}
    assert {row["external_id"]: uris[row["key"]] for row in rows(staged, "annotations")} == {
        "r": "a.png",
        "s": "b.png",
    }


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("/data/local-files/?d=img/cat+dog.png", "img/cat+dog.png"),
        ("/data/local-files/?d=img/cat%2Bdog.png", "img/cat+dog.png"),
        ("/data/local-files/?d=img/a%20b.png", "img/a b.png"),
        ("/data/local-files/?d=img/a%20b.png", "img/a%20b.png"),
        ("/data/local-files/?d=img/a+b.png", "img/a b.png"),
        ("/data/local-files/?d=img/a&b#1.png", "img/a&b#1.png"),
        ("/data/upload/1/0123abcd-yard.png", "img/yard.png"),
        ("/data/upload/1/0123abcd-yard.png", "upload/1/0123abcd-yard.png"),
    ],
)
def test_names_of_the_server_are_found(tmp_path: Path, value: str, where: str) -> None:
    picture(tmp_path / "lake" / where)
    staged = read(export(tmp_path, task({"image": value}, of("image"))), tmp_path / "out")
    assert [row["uri"] for row in rows(staged, "listed")] == [str(tmp_path / "lake" / where)]


def test_regions_without_a_size_take_that_of_their_picture(tmp_path: Path) -> None:
    bare = {key: value for key, value in of("image", "s").items() if not key.startswith("original")}
    staged = read(export(tmp_path, task({"image": "a.png"}, bare, of("image"))), tmp_path / "out")
    assert [(row["x"], row["is_relative"]) for row in rows(staged, "annotations")] == [(20, False)] * 2
