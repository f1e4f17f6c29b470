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
    ("polygon", [[1, 2, 3, 4]], "2 points, which make no polygon"),
    ("mask", {"size": [4, 4], "counts": [3, 2]}, "do not cover 4 x 4 pixels"),
    ("mask", {"size": [4, 4], "counts": "ü"}, "characters that are none of theirs"),
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


def boxes_of(tmp_path: Path, *records: dict[str, Any]) -> list[tuple[Any, ...]]:
    staged = staged_of(tmp_path, *records)
    assert rows(staged, "rejects") == []
    return [tuple(row[name] for name in ("x", "y", "w", "h", "area")) for row in rows(staged, "annotations")]


def test_a_geometry_without_a_box_gets_the_box_around_it(tmp_path: Path) -> None:
    found = boxes_of(
        tmp_path,
        {"geometry_type": "polygon", "geometry": [[1, 2, 5, 2, 5, 4], [0, 9, 1, 9, 1, 10]]},
        {"geometry_type": "polyline", "geometry": [3, 8, 1, 2]},
        {"geometry_type": "keypoints", "geometry": {"points": [[0, 0, 0], [4, 6, 1], [2, 9, 2]]}},
        {"geometry_type": "mask", "geometry": {"size": [4, 4], "counts": [3, 2, 11]}},
        {"geometry_type": "rotated", "geometry": {"center": [5, 5], "size": [4, 2], "degrees": 90}},
        {"geometry_type": "span", "geometry": {"start": 3, "end": 9}},
    )
    assert found[:4] == [(0, 2, 5, 8, 4.5), (1, 2, 2, 6, None), (2, 6, 2, 3, None), (0, 0, 2, 4, 2)]
    assert found[4] == pytest.approx((4, 3, 2, 4, 8))
    assert found[5] == (None,) * 5


def test_a_box_and_an_area_that_are_said_count(tmp_path: Path) -> None:
    said = {"geometry_type": "polygon", "geometry": [[1, 2, 5, 2, 5, 4]], "box": [0, 0, 9, 9], "area": 7}
    assert boxes_of(tmp_path, said) == [(0, 0, 9, 9, 7)]


def test_the_box_of_a_mask_is_in_fractions_where_all_is(tmp_path: Path) -> None:
    mask = {"geometry_type": "mask", "geometry": {"size": [4, 8], "counts": [4, 4, 24]}, "is_relative": True}
    assert boxes_of(tmp_path, mask) == [(0.125, 0, 0.125, 1, None)]


def test_an_iso_time_may_be_a_date_and_is_in_utc(tmp_path: Path) -> None:
    said = [
        "2026-03-14",
        "2026-03-14T08:30:00+01:00",
        "2026-03-14 08:30",
        "20260314T083000Z",
        "14.3.2026",
        "soon",
    ]
    staged = staged_of(tmp_path, *({"created": text} for text in said))
    found = [f"{row['created']:%d %H:%M}" for row in rows(staged, "annotations")]
    assert found == ["14 00:00", "14 07:30", "14 08:30", "14 08:30"]
    assert "times without a zone are UTC" in staged.tally.assumed
    assert ["is no ISO time" in row["reason"] for row in rows(staged, "rejects")] == [True, True]
    assert {(row["key"], row["class"]) for row in rows(staged, "rejects")} == {("a.png", "car")}


def test_a_rejected_record_takes_no_asset_from_a_good_one(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, {"width": "wide"}, {"width": 9, "height": 9}, {"width": 0})
    assert [(row["uri"].rsplit("/", 1)[-1], row["width"]) for row in rows(staged, "listed")] == [("a.png", 9)]
    assert [row["position"] for row in rows(staged, "rejects")] == ["line 1", "line 3"]


def test_identifiers_may_be_numbers(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, {"external_id": 7, "track": 7.0}, {"external_id": "007"})
    found = [(row["external_id"], row["track"]) for row in rows(staged, "annotations")]
    assert found == [("7", "7"), ("007", None)]


def test_what_stands_beside_a_list_of_annotations_is_not_dropped(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, {"annotations": [{"class": "car"}]}, {"asset": "b.png"})
    assert [row["key"] for row in rows(staged, "listed")] == ["b.png"]
    (reject,) = rows(staged, "rejects")
    assert reject["reason"] == "`class` beside `annotations`: of which of them?"


@pytest.mark.parametrize("order", [1, -1])
def test_each_record_may_say_a_part_of_what_is_known_of_its_asset(tmp_path: Path, order: int) -> None:
    pieces = [
        {"asset": "a.png", "class": "car", "box": [1, 2, 3, 4], "width": 100, "height": 80},
        {"asset": "a.png", "split": "val", "metadata": {"cam": 3}},
    ]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(map(json.dumps, pieces[::order])))
    staged = read(tmp_path / "lake", tmp_path / "out")
    (row,) = rows(staged, "listed")
    found = (row["width"], row["height"], row["split"], json.loads(row["metadata"]))
    assert found == (100, 80, "val", {"cam": 3})
    assert [(leaf["path"], leaf["number"]) for leaf in rows(staged, "listed_leaves")] == [("cam", 3)]
    assert (rows(staged, "rejects"), staged.tally.notes) == ([], {})


def test_what_records_say_differently_of_one_asset_is_noted(tmp_path: Path) -> None:
    lines = [
        {"asset": "a.png", "split": split, "metadata": {"cam": n}} for n, split in enumerate(("train", "val"))
    ]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(map(json.dumps, [*lines, lines[0]])))
    staged = read(tmp_path / "lake", tmp_path / "out")
    (row,) = rows(staged, "listed")
    assert (row["split"], row["metadata"]) == ("train", '{"cam": 0}')
    note = "an asset of which several records of a file say different {}: the first counts"
    assert staged.tally.notes == {note.format("splits"): 1, note.format("metadata"): 1}
    assert [leaf["number"] for leaf in rows(staged, "listed_leaves")] == [0]


@pytest.mark.parametrize("first", [{"width": 100, "box": [10, 10, 20, 20]}, {"height": 7}])
def test_width_and_height_come_from_one_record(tmp_path: Path, first: dict[str, Any]) -> None:
    lines = [
        {"asset": "a.png"} | said for said in (first, {"width": 200, "height": 50}, {"width": 9, "height": 9})
    ]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(map(json.dumps, lines)))
    (row,) = rows(read(tmp_path / "lake", tmp_path / "out"), "listed")
    assert (row["width"], row["height"]) == (200, 50)


def test_width_and_height_in_records_of_their_own_are_put_together(tmp_path: Path) -> None:
    lines = [{"asset": "a.png", "height": 50}, {"asset": "a.png", "width": 200}]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(map(json.dumps, lines)))
    (row,) = rows(read(tmp_path / "lake", tmp_path / "out"), "listed")
    assert (row["width"], row["height"]) == (200, 50)


def test_pieces_far_apart_in_a_large_file_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datacat.ingest.tasks._LARGE", 100)
    monkeypatch.setattr("datacat.ingest.format.CUT", 200)
    lines = [json.dumps({"asset": "a.png", "class": "car", "text": "x" * 100}) for _ in range(9)]
    last = json.dumps({"asset": "a.png", "split": "val"})
    save(tmp_path / "lake" / "a.ndjson", "\n".join([*lines, last]))
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [row["split"] for row in rows(staged, "listed")] == ["val"]
    assert (len(rows(staged, "annotations")), rows(staged, "rejects")) == (9, [])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_excerpt_of_a_record_is_the_record(tmp_path: Path, end: str) -> None:
    lines = ('{"asset": "a.png", "class": "x", "box": [1]}', '{"asset": 5}', '{"asset": "b.png"}', "{")
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "a.ndjson").write_bytes("".join(f"{line}{end}" for line in lines).encode())
    staged = read(tmp_path / "lake", tmp_path / "out", format="neutral")
    assert [row["excerpt"] for row in rows(staged, "rejects")] == [lines[0], lines[1], lines[3]]
