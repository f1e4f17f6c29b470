"""What Label Studio's results say in another form than belongs there, or twice and differently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import Staged, read, rows
from tests.ingest.test_formats import save
from tests.ingest.test_label_studio import BOX, item

GOOD = item("rectanglelabels", **BOX, rectanglelabels=["good"])


def staged_of(tmp_path: Path, *results: dict[str, Any], **data: Any) -> Staged:
    results = tuple(dict(one, id=str(number)) for number, one in enumerate(results))
    task = {"id": 1, "data": data or {"image": "a.png"}, "annotations": [{"id": 5, "result": list(results)}]}
    save(tmp_path / "lake" / "a.json", [task])
    return read(tmp_path / "lake", tmp_path / "out")


def test_a_text_instead_of_a_list_of_labels_is_one_label(tmp_path: Path) -> None:
    staged = staged_of(
        tmp_path, item("rectanglelabels", **BOX, rectanglelabels="D"), item("choices", choices="wet")
    )
    assert {row["class"] for row in rows(staged, "annotations")} == {"D", "wet"}
    assert staged.tally.notes["a text where a list of labels belongs: read as one label"] == 2


def test_labels_that_are_none_reject_their_region(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, item("rectanglelabels", **BOX, rectanglelabels={"a": 1}), GOOD)
    (reject,) = rows(staged, "rejects")
    assert reject["reason"] == "`rectanglelabels` is an object where a list of labels belongs"
    assert [row["class"] for row in rows(staged, "annotations")] == ["good"]


@pytest.mark.parametrize("value", [{"x": 10, "y": 10}, {"x": 10, "y": 10, "w": 20, "h": 20}])
def test_a_rectangle_that_does_not_say_where_it_is_is_noted(tmp_path: Path, value: dict[str, Any]) -> None:
    staged = staged_of(tmp_path, item("rectanglelabels", **value, rectanglelabels=["a"]))
    (row,) = rows(staged, "annotations")
    assert (row["class"], row["geometry_type"], row["w"]) == ("a", "other", None)
    assert staged.tally.notes["a region that does not say where it is: kept without a box"] == 1


def test_a_side_that_is_no_number_is_named(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, item("rectanglelabels", **{**BOX, "y": "10"}, rectanglelabels=["a"]), GOOD)
    assert [row["reason"] for row in rows(staged, "rejects")] == ["`y` is text where a number belongs"]


def test_a_key_point_has_the_box_around_it(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, item("keypointlabels", x=10, y=10, width=1, keypointlabels=["eye"]))
    (row,) = rows(staged, "annotations")
    assert [row[side] for side in "xywh"] == [20, 10, 0, 0]


def _span(tmp_path: Path, inside: str, **value: Any) -> tuple[dict[str, int], dict[str, int]]:
    one = {"type": "labels", "from_name": "l", "to_name": "text", "value": {**value, "labels": ["Ann"]}}
    staged = staged_of(tmp_path, one, text=inside)
    (row,) = rows(staged, "annotations")
    return json.loads(row["geometry"]), staged.tally.notes


@pytest.mark.parametrize(
    ("text", "start", "end", "marked", "found", "note"),
    [
        ("\U0001f4a9This is an annotation.", 13, 23, "annotation", (12, 22), "UTF-16 units"),
        ("\U0001f4a9This is an annotation.", 12, 22, "annotation", (12, 22), None),
        ("plain words here", 6, 11, "words", (6, 11), None),
        ("plain  words\nhere", 7, 17, "words\\nhere", (7, 17), None),
        ("plain words here", 6, 11, "other", (6, 11), "is another than stands there"),
        ("plain words here", 6, 1100, "words", (6, 1100), "reaches beyond its text"),
    ],
)
def test_a_span_is_compared_with_its_own_text(
    tmp_path: Path, text: str, start: int, end: int, marked: str, found: tuple[int, int], note: str | None
) -> None:
    geometry, notes = _span(tmp_path, text, start=start, end=end, text=marked)
    assert (geometry["start"], geometry["end"]) == found
    assert [note in said for said in notes] == ([True] if note else [])
