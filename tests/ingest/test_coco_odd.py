"""What COCO files say twice, half, or in a way of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.catalog import Catalog
from datacat.errors import FormatError
from datacat.testing.format_suite import Staged, read, rows
from tests.ingest.test_formats import coco, save

_PLAIN = {"image_id": 0, "category_id": 7, "bbox": [1, 2, 3, 4]}
_RING = [1, 2, 4, 2, 4, 6]


def staged_of(tmp_path: Path, *annotations: dict[str, Any], **document: Any) -> Staged:
    said = [{"id": n, **_PLAIN, **annotation} for n, annotation in enumerate(annotations)]
    save(tmp_path / "lake" / "a.json", {**coco(2), "annotations": said, **document})
    return read(tmp_path / "lake", tmp_path / "out")


def shapes(staged: Staged) -> list[tuple[Any, ...]]:
    columns = ("geometry_type", "x", "y", "w", "h", "area")
    return [tuple(row[name] for name in columns) for row in rows(staged, "annotations")]


def reasons(staged: Staged) -> list[tuple[Any, ...]]:
    return [(row["key"], row["class"], row["reason"]) for row in rows(staged, "rejects")]


def test_one_two_and_three_spellings_of_an_id_are_one(tmp_path: Path) -> None:
    images = [{"id": "1", "file_name": "a.png"}, {"id": 2.0, "file_name": "b.png"}]
    said = [{"image_id": 1, "category_id": "7"}, {"image_id": "2", "category_id": 7.0, "id": 9.0}]
    found = rows(staged_of(tmp_path, *said, images=images), "annotations")
    assert [(row["key"], row["class"], row["external_id"]) for row in found] == [
        ("1", "Roof", "0"),
        ("2", "Roof", "9"),
    ]


@pytest.mark.parametrize("area", [{}, {"area": 12}])
@pytest.mark.parametrize(
    "broken",
    [
        [[1, 2, 3]], [[]], [1, 2, 3], [_RING, [5]], [[1, 2, 3, 4]], [["a", 2, 3, 4, 5, 6]], "x", [[None] * 6],
        {"size": [4, 4], "counts": [1, 2]}, {"counts": "32;"}, {"size": [4, 4], "counts": "3"}, 5,
    ],
)  # fmt: skip
def test_a_broken_segmentation_leaves_the_box(tmp_path: Path, broken: Any, area: dict[str, Any]) -> None:
    staged = staged_of(
        tmp_path, {"segmentation": broken, **area}, {"segmentation": broken, "bbox": [], **area}
    )
    assert shapes(staged) == [("box", 1, 2, 3, 4, 12)]
    assert (
        sum(count for note, count in staged.tally.notes.items() if "of which the box was kept" in note) == 1
    )
    ((key, class_, reason),) = reasons(staged)
    assert (key, class_) == ("0", "Roof")
    assert reason.endswith("; and there is no bbox")


def test_whole_segmentations_give_the_box_where_there_is_none(tmp_path: Path) -> None:
    mask = {"size": [80, 100], "counts": [100, 5, 7895]}
    staged = staged_of(
        tmp_path,
        {"segmentation": [_RING], "bbox": None},
        {"segmentation": _RING, "bbox": None},
        {"segmentation": mask, "bbox": None, "iscrowd": 1},
        {"keypoints": [5, 6, 2, 0, 0, 0, 9, 9, 1], "bbox": None},
    )
    assert shapes(staged) == [
        ("polygon", 1, 2, 3, 4, 6),
        ("polygon", 1, 2, 3, 4, 6),
        ("mask", 1, 20, 1, 5, 5),
        ("keypoints", 5, 6, 4, 3, None),
    ]


def test_keypoints_that_are_none_leave_the_box(tmp_path: Path) -> None:
    named = [{"id": 7, "name": "Roof", "keypoints": ["ridge", "eaves"], "skeleton": [[1, 2]]}]
    staged = staged_of(
        tmp_path,
        {"keypoints": [1, 2]},
        {"keypoints": [1, 2, "v"], "bbox": None},
        {"keypoints": [1, 2, 2]},
        {"keypoints": [1, 2, 2, 3, 4, 1]},
        categories=named,
    )
    found = [json.loads(row["geometry"] or "null") for row in rows(staged, "annotations")]
    assert found == [
        None,
        {"points": [[1, 2, 2]]},
        {"points": [[1, 2, 2], [3, 4, 1]], "names": ["ridge", "eaves"], "edges": [[1, 2]]},
    ]
    assert [reason for _, _, reason in reasons(staged)] == [
        "keypoints are not a list of x, y, v; and there is no bbox"
    ]
    assert (
        staged.tally.notes["keypoints of another number than their category names; kept without names"] == 3
    )


def test_numbers_that_are_none_are_rejected_with_place_asset_and_class(tmp_path: Path) -> None:
    whole = json.dumps({**coco(2), "annotations": [{**_PLAIN, "id": n} for n in range(3)]})
    first, second, third, fourth = whole.split('"bbox": [1, 2, 3, 4]')
    text = f'{first}"bbox": ["1", 2, 3, 4]{second}"bbox": [NaN, 2, 3, 4]{third}"bbox": [1, 2, 3]{fourth}'
    save(tmp_path / "lake" / "a.json", text)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert rows(staged, "annotations") == []
    assert {(key, class_) for key, class_, _ in reasons(staged)} == {("0", "Roof")}
    places = [row["position"].split(",")[0] for row in rows(staged, "rejects")]
    assert sorted(places) == [f"annotations[{n}]" for n in range(3)]


def test_a_record_is_rejected_whole(tmp_path: Path) -> None:
    staged = staged_of(
        tmp_path, {"attributes": {"a": 1}, "bbox": [1, 2]}, {"attributes": {"a": 2}, "image_id": None}
    )
    assert (rows(staged, "annotations"), rows(staged, "leaves")) == ([], [])
    assert len(rows(staged, "rejects")) == 2


def test_boxes_in_fractions_are_noted(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, {"bbox": [0.1, 0.2, 0.3, 0.4]}, {"bbox": [0, 0, 2, 2]})
    assert [count for note, count in staged.tally.notes.items() if "in fractions?" in note] == [1]


def test_a_mask_of_another_size_than_its_picture_is_noted(tmp_path: Path) -> None:
    masks = ({"segmentation": {"size": size, "counts": [100, 5, 7895]}} for size in ([80, 100], [100, 80]))
    staged = staged_of(tmp_path, *masks)
    assert staged.tally.notes["a mask of another size than the label file says of its picture"] == 1


def test_sizes_that_are_none_are_unknown_and_noted(tmp_path: Path) -> None:
    sizes = [(0, 5), ("wide", 5), (True, 5), ("640", 480.0)]
    images = [{"id": n, "file_name": f"{n}.png", "width": w, "height": h} for n, (w, h) in enumerate(sizes)]
    staged = staged_of(tmp_path, images=images)
    assert [(row["width"], row["height"]) for row in rows(staged, "listed")] == [(None, 5)] * 3 + [(640, 480)]
    assert staged.tally.notes["a width or height that is no number of pixels; taken as unknown"] == 3


def test_a_category_id_with_two_names_is_no_class(tmp_path: Path) -> None:
    listed = [{"id": 7, "name": "Roof"}, {"id": 7.0, "name": "Wall"}, {"id": 8, "name": "Roof"}]
    staged = staged_of(tmp_path, {}, {"category_id": 8}, categories=listed)
    assert [row["class"] for row in rows(staged, "annotations")] == ["Roof"]
    assert reasons(staged) == [("0", None, "category id 7 stands for two names, so its class cannot be told")]
    assert staged.tally.notes["a category name that has several ids; they are one class"] == 1
    assert sorted({row["class"] for row in rows(staged, "classes")}) == ["Roof", "Wall"]


def test_the_root_that_roboflow_writes_is_no_class(tmp_path: Path) -> None:
    birds = [{"id": n, "name": name, "supercategory": "birds"} for n, name in ((1, "heron"), (2, "swan"))]
    root = {"id": 0, "name": "birds", "supercategory": "none"}
    staged = staged_of(tmp_path, {"category_id": 1}, categories=[root, *birds])
    assert [(row["class"], row["parent"]) for row in rows(staged, "classes")] == [
        ("heron", "birds"),
        ("swan", "birds"),
    ]
    assert any("Roboflow" in text for text in staged.tally.assumed)


def test_what_a_category_says_besides_is_kept(tmp_path: Path) -> None:
    listed = [{"id": 7, "name": "Roof", "supercategory": "building", "color": [1, 2, 3], "isthing": 1}]
    (row,) = rows(staged_of(tmp_path, categories=listed), "classes")
    assert (row["parent"], json.loads(row["details"])) == ("building", {"color": [1, 2, 3], "isthing": 1})


def test_a_third_spelling_of_one_image_changes_nothing(tmp_path: Path) -> None:
    images = [
        {"id": 0, "file_name": "a.png"},
        {"id": 0.0, "file_name": "a.png"},
        {"id": 1, "file_name": "b.png"},
    ]
    staged = staged_of(tmp_path, {}, {"image_id": 1}, images=images)
    assert len(rows(staged, "annotations")) == 2
    assert len(rows(staged, "listed")) == 2


def test_pictures_that_claim_one_id_keep_what_is_said_of_each(tmp_path: Path) -> None:
    images = [{"id": 0, "file_name": f"{name}.png", "by": name, "neg_category_ids": [7]} for name in "ab"]
    images.append({"id": 1, "file_name": "c.png", "by": "c", "neg_category_ids": [7]})
    staged = staged_of(
        tmp_path, {"attributes": {"n": 1}}, {"image_id": 1, "attributes": {"n": 2}}, images=images
    )
    assert [row["key"] for row in rows(staged, "annotations")] == ["1"]
    assert [row["text"] for row in rows(staged, "leaves")] == ["2"]
    said = {(row["key"], row["text"]) for row in rows(staged, "listed_leaves") if row["path"] == "by"}
    assert said == {("0", "a"), ("0 (images[1])", "b"), ("1", "c")}
    assert {row["key"] for row in rows(staged, "coverage")} == {"1"}


def test_a_name_that_is_text_stays_as_written_though_it_looks_like_a_number(tmp_path: Path) -> None:
    """The name "1.0" became the class 1."""
    said = {7: ("1.0", "2.0"), 8: (1.0, 2), 9: ("007", "none")}
    categories = [
        {"id": number, "name": name, "supercategory": above} for number, (name, above) in said.items()
    ]
    lake = tmp_path / "lake"
    save(
        lake / "a.json",
        {
            **coco(1),
            "annotations": [{"id": 1, **_PLAIN}, {"id": 2, **_PLAIN, "category_id": 8}],
            "categories": categories,
        },
    )
    found = {
        row["source_id"]: (row["class"], row["parent"])
        for row in rows(read(lake, tmp_path / "out"), "classes")
    }
    assert found == {"7": ("1.0", "2.0"), "8": ("1", "2"), "9": ("007", None)}
    catalog = Catalog.init(str(tmp_path / "catalog"))
    catalog.ingest(str(lake), team="t", name="n")
    assert [catalog.search(f'class:"{name}"').count() for name in ("1.0", "1")] == [1, 1]


def test_a_licence_is_named_beside_its_number(tmp_path: Path) -> None:
    images = [{"id": 0, "file_name": "a.png", "license": 3.0}, {"id": 1, "file_name": "b.png", "license": 9}]
    listed = [{"id": 3, "name": "CC0", "url": "https://example.org/zero"}]
    staged = staged_of(tmp_path, images=images, licenses=listed)
    said = [json.loads(row["metadata"]) for row in rows(staged, "listed")]
    assert said == [
        {"license": 3.0, "license_name": "CC0", "license_url": "https://example.org/zero"},
        {"license": 9},
    ]


def test_a_panoptic_segment_that_is_none_is_rejected_alone(tmp_path: Path) -> None:
    segments = [
        {"id": 5, "category_id": 7, "bbox": [1, 2, 3, 4], "own": 1},
        {"id": 6, "category_id": 7, "bbox": "x"},
        3,
    ]
    staged = staged_of(tmp_path, {"segments_info": segments, "file_name": "0.png"}, {})
    found = [(row["position"], row["external_id"], row["attributes"]) for row in rows(staged, "annotations")]
    assert found == [
        ("annotations[0].segments_info[0]", "0.png#5", '{"own": 1}'),
        ("annotations[1]", "1", None),
    ]
    assert [(row["position"], row["key"]) for row in rows(staged, "rejects")] == [
        ("annotations[0].segments_info[1]", "0"),
        ("annotations[0].segments_info[2]", "0"),
    ]


def test_what_nothing_is_made_of_is_named(tmp_path: Path) -> None:
    more = {
        "info": {"year": 2020},
        "videos": [{"id": 1}, {"id": 2}],
        "tracks": [],
        "ids": [1, 2],
        "licenses": {},
    }
    staged = staged_of(tmp_path, {}, **more)
    noted = {note: count for note, count in staged.tally.notes.items() if "`" in note}
    assert noted == {
        "`info` beside the lists of the file, which is not read": 1,
        "a record of the list `videos`, which is not read": 2,
        "`ids` beside the lists of the file, which is not read": 1,
    }


def test_a_list_of_results_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    save(
        tmp_path / "lake" / "results.json",
        [{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}],
    )
    with pytest.raises(FormatError, match="a list of COCO results: it names no pictures"):
        read(tmp_path / "lake", tmp_path / "out")


def test_a_picture_in_two_splits_is_noted(tmp_path: Path) -> None:
    for split in ("train", "val"):
        save(tmp_path / "lake" / f"instances_{split}.json", coco(1))
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert staged.tally.notes["an asset that label files put into several splits"] == 1


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": True, "file_name": "a.png"}, "`id`: true is no identifier"),
        ({"id": [1], "file_name": "a.png"}, "`id`: a list or an object is no identifier"),
        ({"id": 0.5, "file_name": "a.png"}, "`id`: 0.5 is no identifier: it is no whole number"),
        ({"id": "", "file_name": "a.png"}, "`id`: an empty text is no identifier"),
        ({"file_name": "a.png"}, "no id"),
        ({"id": None, "file_name": "a.png"}, "no id"),
    ],
)
@pytest.mark.parametrize("key", ["images", "categories"])
def test_an_id_that_is_none_is_named(
    tmp_path: Path, key: str, *, record: dict[str, Any], reason: str
) -> None:
    records = [*coco(2)[key], {**record, "name": "x"}]
    assert reasons(staged_of(tmp_path, {}, **{key: records})) == [(None, None, reason)]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"image_id": float(2**63)}, "`image_id`: 9.223372036854775e+18 is no identifier: so large"),
        ({"image_id": 1.5}, "`image_id`: 1.5 is no identifier: it is no whole number"),
        ({"image_id": ""}, "`image_id`: an empty text is no identifier"),
        ({"image_id": None}, "no image_id"),
        ({"category_id": 1.5}, "`category_id`: 1.5 is no identifier: it is no whole number"),
    ],
)
def test_an_id_that_an_annotation_states_and_that_is_none_is_named(
    tmp_path: Path, said: dict[str, Any], reason: str
) -> None:
    ((_, _, found),) = reasons(staged_of(tmp_path, said))
    assert found.startswith(reason.replace("775e", "776e"))


def test_an_annotation_is_kept_without_an_id_that_is_none(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, {"id": 1.5}, {"id": None}, {})
    assert [row["external_id"] for row in rows(staged, "annotations")] == [None, None, "2"]
    note = "an annotation `id` that is no identifier: the annotation is kept without it"
    assert staged.tally.notes[note] == 1
