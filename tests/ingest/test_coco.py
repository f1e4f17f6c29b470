"""What COCO files say beyond the usual: models, tracks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datacat.testing.format_suite import Staged, read, rows
from tests.ingest.test_formats import coco, save


def staged_of(tmp_path: Path, *annotations: dict[str, Any], **document: Any) -> Staged:
    """An image and a class for annotations that say only what differs."""
    plain = {"image_id": 0, "category_id": 7, "bbox": [1, 2, 3, 4]}
    said = [{"id": n, **plain, **annotation} for n, annotation in enumerate(annotations)]
    save(tmp_path / "lake" / "a.json", {**coco(2), "annotations": said, **document})
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert rows(staged, "rejects") == []
    return staged


def test_a_model_and_a_track_are_columns_and_no_attributes(tmp_path: Path) -> None:
    staged = staged_of(
        tmp_path,
        {"model": "yolo-v11", "score": 0.5, "track_id": 12},
        {"track_id": "t-1", "attributes": {"red": True}},
        {"track_id": 5, "own": 1},
        {"model": "corolla"},
        {},
    )
    found = rows(staged, "annotations")
    columns = ("kind", "model", "track", "attributes")
    assert [tuple(row[name] for name in columns) for row in found] == [
        ("prediction", "yolo-v11", "12", None),
        ("annotation", None, "t-1", '{"red": true}'),
        ("annotation", None, "5", '{"own": 1}'),
        ("annotation", "corolla", None, None),
        ("annotation", None, None, None),
    ]


def test_a_model_that_is_no_text_is_an_attribute(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, {"model": {"year": 2020}}, {"model": 5, "track_id": [1]}, {"track_id": None})
    found = [(row["model"], row["track"], row["attributes"]) for row in rows(staged, "annotations")]
    assert [(model, track, json.loads(text or "null")) for model, track, text in found] == [
        (None, None, {"model": {"year": 2020}}),
        (None, None, {"model": 5, "track_id": [1]}),
        (None, None, None),
    ]


def test_a_track_among_attributes_is_read_and_their_bytes_stay(tmp_path: Path) -> None:
    said = {"track_id": 3, "keyframe": True}
    staged = staged_of(
        tmp_path,
        {"attributes": said},
        {"attributes": {"deep": {"track_id": 9}}},
        {"attributes": {"track_id": True}},
    )
    found = rows(staged, "annotations")
    assert [row["track"] for row in found] == ["3", None, None]
    assert found[0]["attributes"] == json.dumps(said)


def test_models_and_tracks_survive_writing_and_reading(tmp_path: Path) -> None:
    from datacat.ingest.registry import formats
    from datacat.testing.format_suite import manifest

    staged = staged_of(
        tmp_path,
        {"model": "m", "score": 0.5, "track_id": 12},
        {"track_id": "007"},
        {"model": "m", "bbox": [9, 2, 3, 4]},
    )
    (tmp_path / "written").mkdir()
    writer: Any = formats()["coco"]
    assert writer.write(*manifest(staged), tmp_path / "written", media="reference") == [
        "3 × ids of annotations, numbered anew from 1",  # 0 is none to COCOeval
        "2 × that an asset is missing from the lake",
    ]
    columns = ("kind", "model", "track", "confidence")
    before, after = (
        [tuple(row[name] for name in columns) for row in rows(found, "annotations")]
        for found in (staged, read(tmp_path / "written", tmp_path / "back"))
    )
    assert sorted(map(str, after)) == sorted(map(str, before))


def licences_of(tmp_path: Path, listed: list[Any], *used: Any) -> list[tuple[str, bool]]:
    images = [{"id": n, "file_name": f"{n}.png", "license": said} for n, said in enumerate(used)]
    save(
        tmp_path / "lake" / "a.json",
        {**coco(2), "licenses": listed, **({"images": images} if images else {})},
    )
    staged = read(tmp_path / "lake", tmp_path / "out")
    return [(row["licence"], row["is_used"]) for row in rows(staged, "licences")]


def test_licences_are_those_that_are_listed_and_those_that_images_name(tmp_path: Path) -> None:
    listed = [
        {"id": 1, "name": "CC BY 4.0"},
        {"id": "2", "url": "https://example.org/own"},
        {"id": 3, "name": "", "url": ""},
        {"id": 4, "name": "CC0"},
    ]
    found = licences_of(tmp_path, listed, 1, 2, 1, 3, 9, [1], None)
    all_listed = [("CC BY 4.0", False), ("https://example.org/own", False), ("CC0", False)]
    assert found == [*all_listed, ("CC BY 4.0", True), ("https://example.org/own", True)]


def test_a_licence_that_is_none_is_rejected_with_its_place(tmp_path: Path) -> None:
    assert licences_of(tmp_path, ["MIT", {"id": 1, "name": "CC0"}, {"id": 2, "name": 5}]) == [("CC0", False)]
    rejects = rows(read(tmp_path / "lake", tmp_path / "again"), "rejects")
    assert [row["position"].split(",")[0] for row in rejects] == ["licenses[0]", "licenses[2]"]
