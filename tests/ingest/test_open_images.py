"""Open Images: boxes, verified classes, parents, and what follows of coverage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from datacat.testing.format_suite import Staged, read, rows
from tests.ingest.test_formats import picture, save

FLAGS = "IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
BOXES = f"ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,{FLAGS}"
IMAGE_LABELS = "ImageID,Source,LabelName,Confidence"


def staged_of(tmp_path: Path, **files: list[str]) -> Staged:
    """CSV files by name without ending; class descriptions of Car and Ship beside them."""
    save(
        tmp_path / "lake" / "class-descriptions.csv",
        "LabelName,DisplayName\n/m/0,Car\n/m/1,Ship\n/m/2,Thing\n",
    )
    for name, lines in files.items():
        save(tmp_path / "lake" / f"{name}.csv", "\n".join(lines) + "\n")
    return read(tmp_path / "lake", tmp_path / "out")


def said(staged: Staged) -> set[tuple[Any, ...]]:
    return {(row["key"], row["class"], row["answer"]) for row in rows(staged, "coverage")}


def test_boxes_are_pixels_where_the_picture_is_there(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "a.png", (100, 80))
    line = "xclick,/m/0,1,0.1,0.5,0.25,1,1,0,-1,0,0"
    staged = staged_of(tmp_path, boxes=[BOXES, f"a,{line}", f"b,{line}"])
    a, b = sorted(rows(staged, "annotations"), key=lambda row: str(row["key"]))
    assert [a[side] for side in "xywh"] == pytest.approx([10, 20, 40, 60])
    assert (a["is_relative"], a["area"], a["class"], a["confidence"]) == (False, 2400, "Car", 1)
    assert ([b[side] for side in "xywh"], b["is_relative"]) == (pytest.approx([0.1, 0.25, 0.4, 0.75]), True)
    expected = {
        "IsOccluded": True,
        "IsTruncated": False,
        "IsDepiction": False,
        "IsInside": False,
        "Source": "xclick",
    }
    assert json.loads(a["attributes"]) == expected
    assert {Path(row["uri"]).name for row in rows(staged, "listed")} == {"a.png", "b.jpg"}


def test_what_was_verified_as_absent_is_coverage(tmp_path: Path) -> None:
    lines = ["a,verification,/m/0,1", "a,verification,/m/1,0", "b,machine,/m/0,0.3", "b,machine,/m/1,0"]
    staged = staged_of(tmp_path, labels=[IMAGE_LABELS, *lines])
    found = {
        (row["key"], row["class"], row["kind"], row["confidence"]) for row in rows(staged, "annotations")
    }
    assert found == {
        ("a", "Car", "annotation", 1.0),
        ("b", "Car", "prediction", 0.3),
        ("b", "Ship", "prediction", 0.0),
    }
    assert {row["geometry_type"] for row in rows(staged, "annotations")} == {"none"}
    assert said(staged) == {("a", "Ship", "absent")}


def test_boxes_are_exhaustive_but_for_groups(tmp_path: Path) -> None:
    lines = ["a,xclick,/m/0,1,0,1,0,1,0,0,0,0,0", "a,xclick,/m/1,1,0,1,0,1,0,0,1,0,0"]
    staged = staged_of(tmp_path, boxes=[BOXES, *lines])
    assert said(staged) == {("a", None, "exhaustive"), ("a", "Ship", "not_exhaustive")}
    assert sorted(row["is_crowd"] for row in rows(staged, "annotations")) == [False, True]


def test_parents_come_from_the_hierarchy(tmp_path: Path) -> None:
    tree = {
        "LabelName": "/m/root",
        "Subcategory": [{"LabelName": "/m/2", "Subcategory": [{"LabelName": "/m/0"}]}],
    }
    save(tmp_path / "lake" / "hierarchy.json", tree)
    staged = staged_of(tmp_path, labels=[IMAGE_LABELS, "a,verification,/m/0,1"])
    found = {(row["class"], row["source_id"], row["parent"]) for row in rows(staged, "classes")}
    assert found == {("Car", "/m/0", "Thing"), ("Ship", "/m/1", None), ("Thing", "/m/2", None)}


def test_image_lists_give_split_and_metadata(tmp_path: Path) -> None:
    header = "ImageID,Subset,OriginalURL,License,Rotation"
    staged = staged_of(tmp_path, images=[header, 'a,validation,http://x,"by, 2.0",90', "b,test,,,"])
    found = {
        row["key"]: (row["split"], json.loads(row["metadata"] or "null")) for row in rows(staged, "listed")
    }
    metadata = {"OriginalURL": "http://x", "License": "by, 2.0", "Rotation": "90"}
    assert found == {"a": ("validation", metadata), "b": ("test", None)}


def test_lines_that_are_none_are_rejected_with_their_number(tmp_path: Path) -> None:
    lines = [
        "a,xclick,/m/0,1,0,x,0,1,0,0,0,0,0",
        "a,xclick",
        ",xclick,/m/0,1,0,1,0,1",
        "",
        "a,xclick,/m/9,1,0,1,0,1",
    ]
    staged = staged_of(tmp_path, boxes=[BOXES, *lines])
    rejects = [(row["position"], row["reason"]) for row in rows(staged, "rejects")]
    assert rejects == [
        ("line 2", "XMax is 'x', no number"),
        ("line 3", "2 values for 13 columns"),
        ("line 4", "no ImageID"),
    ]
    assert [row["class"] for row in rows(staged, "annotations")] == ["/m/9"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,x,/m/0,1,12,50,0.1,0.2,0,0,0,0,0", "XMin is 12, no fraction of the picture's size: pixels?"),
        ("a,x,,1,0.1,0.2,0.1,0.2,0,0,0,0,0", "no LabelName"),
        ("a,x,/m/0,2,0.1,0.2,0.1,0.2,0,0,0,0,0", "Confidence is '2', not between 0 and 1"),
    ],
)
def test_a_line_of_other_numbers_is_rejected(tmp_path: Path, line: str, reason: str) -> None:
    good = "a,x,/m/1,1,0.1,0.2,0.1,0.2,0,0,0,0,0"
    staged = staged_of(tmp_path, boxes=[BOXES, good, line])
    assert [(row["key"], row["reason"]) for row in rows(staged, "rejects")] == [("a", reason)]
    assert len(rows(staged, "annotations")) == 1


def test_flags_in_words_are_read_and_others_noted(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, boxes=[BOXES, "a,x,/m/0,1,0.1,0.2,0.1,0.2,2,False,true,-1,"])
    (row,) = rows(staged, "annotations")
    assert json.loads(row["attributes"]) == {
        "IsOccluded": "2",
        "IsTruncated": False,
        "IsGroupOf": True,
        "Source": "x",
    }
    assert row["is_crowd"]
    assert staged.tally.notes["IsOccluded that is neither 0 nor 1 (nor -1: unknown): kept as text"] == 1


def test_a_class_that_is_absent_and_there_is_noted(tmp_path: Path) -> None:
    boxes = [BOXES, "a,x,/m/0,1,0.1,0.2,0.1,0.2,0,0,0,0,0"]
    labels = [IMAGE_LABELS, "a,verification,/m/0,0", "a,verification,/m/1,0", "b,verification,/m/0,0"]
    staged = staged_of(tmp_path, boxes=boxes, labels=labels)
    note = "a class that is said to be absent from an asset which has it: both are kept"
    assert staged.tally.notes[note] == 1


@pytest.mark.parametrize(
    "lines",
    [
        ["LabelName,XMax,XMin,YMax,YMin,ImageID", "/m/0,0.2,0.1,0.4,0.3,a"],
        ["imageid,source,labelname,confidence,xmin,xmax,ymin,ymax", "a,x,/m/0,1,0.1,0.2,0.3,0.4"],
        ["ImageID;Source;LabelName;Confidence;XMin;XMax;YMin;YMax", "a;x;/m/0;1;0.1;0.2;0.3;0.4"],
        ['"ImageID","LabelName","XMin","XMax","YMin","YMax"', '"a","/m/0","0.1","0.2","0.3","0.4"'],
    ],
)
def test_a_header_is_known_by_its_columns(tmp_path: Path, lines: list[str]) -> None:
    staged = staged_of(tmp_path, boxes=lines)
    (row,) = rows(staged, "annotations")
    assert (row["key"], row["class"]) == ("a", "Car")
    assert [row[side] for side in "xywh"] == pytest.approx([0.1, 0.3, 0.1, 0.1])


def test_boxes_lie_in_the_picture_as_its_exif_turns_it(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "lake" / "a.jpg", exif=exif)
    staged = staged_of(tmp_path, boxes=[BOXES, "a,xclick,/m/0,1,0.25,0.75,0.25,0.75,0,-1,0,0"])
    (listed,), (box,) = rows(staged, "listed"), rows(staged, "annotations")
    assert (listed["width"], listed["height"], box["w"], box["h"]) == (48, 64, 24, 32)
