"""Which label files list their images and classes, and what LVIS' form says of single images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import Staged, read, rows
from tests.ingest.test_coco import staged_of
from tests.ingest.test_formats import coco, picture, save


def exhaustive(staged: Staged) -> dict[tuple[str, ...], set[str]]:
    """Class lists, and the names of the files that cover them."""
    return {
        classes: {Path(staged.files[number].uri).name for number in numbers}
        for classes, numbers in staged.exhaustive.items()
    }


def test_each_coco_file_lists_its_own_classes(tmp_path: Path) -> None:
    save(tmp_path / "lake" / "a.json", coco(2))
    other = {**coco(1), "categories": [{"id": 1, "name": "car"}, {"id": 7, "name": "Roof"}]}
    save(tmp_path / "lake" / "b.json", other)
    save(tmp_path / "lake" / "c.json", {**coco(1), "categories": []})
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert exhaustive(staged) == {("Roof",): {"a.json"}, ("Roof", "car"): {"b.json"}}


def test_a_file_that_was_cut_off_covers_nothing(tmp_path: Path) -> None:
    path = save(tmp_path / "lake" / "a.json", coco(40))
    path.write_bytes(path.read_bytes()[:-300])
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert (len(rows(staged, "listed")), exhaustive(staged)) == (40, {})


def test_yolo_covers_pictures_with_a_label_file(tmp_path: Path) -> None:
    for name in "abc":
        picture(tmp_path / "lake" / "images" / f"{name}.png")
    save(tmp_path / "lake" / "data.yaml", "names: [car, roof]\n")
    save(tmp_path / "lake" / "labels" / "a.txt", "0 .5 .5 .1 .1\n")
    save(tmp_path / "lake" / "labels" / "b.txt", "")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "listed")) == 3
    assert exhaustive(staged) == {("car", "roof"): {"a.txt", "b.txt"}}


def test_yolo_without_names_covers_nothing(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "a.png")
    save(tmp_path / "lake" / "a.txt", "0 .5 .5 .1 .1\n")
    assert exhaustive(read(tmp_path / "lake", tmp_path / "out")) == {}


def lvis(tmp_path: Path, *images: dict[str, Any]) -> Staged:
    listed = [{"id": n, "file_name": f"{n}.png", **image} for n, image in enumerate(images)]
    names = [{"id": n, "name": name} for n, name in enumerate(("car", "bus", "roof", "cat"))]
    return staged_of(tmp_path, {"category_id": 0}, {"category_id": 2}, images=listed, categories=names)


def test_lvis_says_what_is_absent_and_what_is_not_complete(tmp_path: Path) -> None:
    staged = lvis(tmp_path, {"neg_category_ids": [1, 3], "not_exhaustive_category_ids": [2]}, {})
    assert exhaustive(staged) == {}
    said = {(row["key"], row["class"], row["answer"]) for row in rows(staged, "coverage")}
    assert said == {
        ("0", None, "exhaustive"),
        ("0", "bus", "absent"),
        ("0", "cat", "absent"),
        ("0", "roof", "not_exhaustive"),
    }
    paths = {(row["path"], row["text"]) for row in rows(staged, "listed_leaves")}
    assert paths == {
        ("neg_category_ids[]", "1"),
        ("neg_category_ids[]", "3"),
        ("not_exhaustive_category_ids[]", "2"),
    }


def test_lvis_lists_that_are_odd_are_noted(tmp_path: Path) -> None:
    staged = lvis(tmp_path, {"neg_category_ids": "all", "not_exhaustive_category_ids": [77, 2]})
    said = [(row["class"], row["answer"]) for row in rows(staged, "coverage")]
    assert said == [(None, "not_exhaustive"), ("roof", "not_exhaustive")]
    assert staged.tally.notes["neg_category_ids of an image is no list of categories"] == 1
    unlisted = "not_exhaustive_category_ids of an image names a category that is not listed"
    assert staged.tally.notes[f"{unlisted}: nothing counts as complete there"] == 1


@pytest.mark.parametrize("said", ["all", [[1]], {"1": True}, [9]])
def test_where_lvis_cannot_say_what_is_not_complete_nothing_is(tmp_path: Path, said: Any) -> None:
    staged = lvis(tmp_path, {"neg_category_ids": [1], "not_exhaustive_category_ids": said})
    found = {(row["class"], row["answer"]) for row in rows(staged, "coverage")}
    assert found == {(None, "not_exhaustive"), ("bus", "absent")}
