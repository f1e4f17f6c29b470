"""YOLO: what the numbers of a line are, whose names they have, and which split a picture is in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from datacat.errors import FormatError
from datacat.ingest.formats.yolo.lines import Line, Names, has_tracks, is_cut_off, kind_of, statement
from datacat.ingest.pipeline import Staged
from datacat.testing.format_suite import read, rows

from .test_formats import picture, save

BOX = "0 0.5 0.5 0.2 0.2\n"


def _lake(folder: Path, *names: str, text: str = BOX) -> Path:
    """A picture in images/ and a label file in labels/ for each name, as `train/a`."""
    for name in names:
        picture(folder / "images" / f"{name}.png")
        save(folder / "labels" / f"{name}.txt", text)
    return folder


def _splits(staged: Staged) -> dict[str, str | None]:
    return {Path(row["uri"]).stem: row["split"] for row in rows(staged, "listed")}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0 0.5 0.5 0.2 0.2", "label"),
        ("0 -0.02 0.5 0.2 1.3", "label"),  # over the edge
        ("0 0.5 0.5 0.2 0.2 0.91 12", "label"),
        ("3 120 44 310 200", "odd"),  # pixels
        ("1 1 912 484 97 109 0 7 1", "odd"),  # MOT
        ("1,1,912,484,97,109,0,7,1", "odd"),
        ("12 5 0.5 0.5 0.2 0.2", "odd"),  # frame, id, box
        ("718.856 0.0 607.193 45.38", "other"),  # a camera matrix
        ("P0: 7.2e2 0 6.0e2 0 0 7.2e2 1.8e2 0 0 0 1 0", "other"),
        (
            "Car 0.00 0 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57",
            "other",
        ),  # KITTI
        ("a readme with five words", "other"),
    ],
)
def test_lines_are_told_by_the_range_of_their_numbers(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("3 120 44 310 200", "120 is no fraction of the picture's size"),
        ("0 .1 .1 .2 .2 300 .1", "300 is no fraction"),
        ("0.5 .5 .5 .1 .1", "0.5 is no class number"),
        ("-1 .5 .5 .1 .1", "-1 is no class number"),
        ("0 .5 .5 .1 .1 7.5", "7.5 behind a box is neither"),
        ("0 .5 .5 .1 .1 -0.5", "-0.5 behind a box is neither"),
        ("0 .5 .5 .1 inf", "not finite"),
        ("0 0x1 .5 .1 .1", "'0x1' is no number"),
    ],
)
def test_numbers_of_another_kind_are_rejected_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        statement(Line(text, Names(), (100, 80)))


@pytest.mark.parametrize(
    ("text", "type_", "more"),
    [
        ("0 .5 .5 .1 .1 .4 .4 2 .6 .6 0 .75", "keypoints", (0.75, None, "prediction")),
        ("0 .5 .5 .1 .1 .4 .4 2 .6 .6 0 .75 12", "keypoints", (0.75, "12", "prediction")),
        ("0 .5 .5 .1 .1", "box", (None, None, None)),
        ("0 .5 .5 .1 .1 .75", "box", (0.75, None, "prediction")),
    ],
)
def test_what_stands_behind_keypoints_is_read_as_behind_a_box(
    text: str, type_: str, more: tuple[Any, ...]
) -> None:
    found = statement(Line(text, Names({}, (2, 3)), None))
    assert found["shape"].type == type_
    assert tuple(found.get(name) for name in ("confidence", "track", "kind")) == more


@pytest.mark.parametrize(
    "more", [" .4 .4 .6 .6", " .4 .4", " .1 .1 .2 .2 .3 .3 .4 .4 .5 .5", " .4 .4 2 .6 .6 0 3"]
)
def test_a_line_of_another_length_than_kpt_shape_says_is_no_polygon(tmp_path: Path, more: str) -> None:
    lake = _lake(tmp_path / "lake", "a", "b")
    save(lake / "data.yaml", "names: [person, dog]\nkpt_shape: [2, 3]\n")
    save(lake / "labels" / "a.txt", f"0 .5 .5 .1 .1{more}\n")
    staged = read(lake, tmp_path / "out")
    (reject,) = rows(staged, "rejects")
    assert reject["class"] == "person"
    assert [row["geometry_type"] for row in rows(staged, "annotations")] == ["box"]
    assert "a box without keypoints, where kpt_shape says that there are some" in staged.tally.notes


def test_a_kpt_shape_of_no_points_says_nothing(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake", "a", text="0 .1 .1 .2 .2 .3 .1\n")
    save(lake / "data.yaml", "names: [person]\nkpt_shape: [0, 3]\n")
    staged = read(lake, tmp_path / "out")
    assert [row["geometry_type"] for row in rows(staged, "annotations")] == ["polygon"]


def test_tracks_confidences_and_keypoints_are_told_apart() -> None:
    def said(text: str, **options: Any) -> tuple[Any, ...]:
        found = statement(Line(text, Names({}, options.pop("keypoints", None)), None, **options))
        return found["shape"].type, found.get("confidence"), found.get("track")

    assert said("0 .5 .5 .1 .1 1") == ("box", 1.0, None)
    assert said("0 .5 .5 .1 .1 1", tracked=True) == ("box", None, "1")
    assert said("0 .5 .5 .1 .1 .25", tracked=True) == ("box", 0.25, None)
    assert said("0.0 .5 .5 .1 .1 .25 300") == ("box", 0.25, "300")
    assert said("0 .1 .1 .2 .1 .2 .2") == ("polygon", None, None)
    assert said("0 .5 .5 .1 .1 .4 .4 2 .6 .6 0", keypoints=(2, 3)) == ("keypoints", None, None)
    assert has_tracks(["0 .5 .5 .1 .1 1", "0 .5 .5 .1 .1 12"])
    assert not has_tracks(["0 .5 .5 .1 .1 1", "0 .5 .5 .1 .1 .5", "0 .5 .5 .1 .1"])


def test_a_reject_names_its_picture_and_its_class(tmp_path: Path) -> None:
    save(tmp_path / "lake" / "data.yaml", "names: [car, roof]")
    _lake(tmp_path / "lake", "a", text=f"{BOX}1 40 30 20 10\nroof 0.5 0.5 0.1 0.1\n")
    found = rows(read(tmp_path / "lake", tmp_path / "out"), "rejects")
    assert [(row["position"], row["key"], row["class"]) for row in found] == [
        ("line 2", "0", "roof"),
        ("line 3", "0", None),
    ]


def test_a_binary_label_file_keeps_its_picture(tmp_path: Path) -> None:
    _lake(tmp_path / "lake", "a", "b")
    (tmp_path / "lake" / "labels" / "b.txt").write_bytes(b"0 0.5 0.5 0.2 0.2\n\0\0")
    staged = read(tmp_path / "lake", tmp_path / "out")
    (reject,) = rows(staged, "rejects")
    assert (reject["key"], reject["reason"]) == ("0", "binary, no label lines")
    assert set(_splits(staged)) == {"a", "b"}


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("names: {0: car, 1: car}", "gives one name to several class numbers"),
        ("nc: 3\nnames: [car, roof]", "says nc: 3 and names 2 classes"),
        ("names: [car]\nnames: [roof]", "has the key 'names' twice"),
        ("names: [car]\ntrain: ../../secret", "of which nothing lies here"),
    ],
)
def test_oddities_of_data_yaml_are_noted(yaml: str, says: str, tmp_path: Path) -> None:
    save(_lake(tmp_path / "lake", "a") / "data.yaml", yaml)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "annotations")) == 1
    assert [note for note in staged.tally.notes if says in note]


@pytest.mark.parametrize(
    "yaml", ["names: {a: b}", "names: [[x]]", "names: text", "names: [a\n", "names: [*a]"]
)
def test_a_data_yaml_that_cannot_be_read_is_a_reject(yaml: str, tmp_path: Path) -> None:
    save(_lake(tmp_path / "lake", "a") / "data.yaml", yaml)
    staged = read(tmp_path / "lake", tmp_path / "out")
    (reject,) = rows(staged, "rejects")
    assert Path(staged.files[reject["file"]].uri).name == "data.yaml"
    assert [row["class"] for row in rows(staged, "annotations")] == ["0"]


def test_two_files_that_name_classes_differently_are_noted(tmp_path: Path) -> None:
    save(_lake(tmp_path / "lake", "a") / "data.yaml", "names: [car]")
    save(tmp_path / "lake" / "classes.txt", "roof\n")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [row["class"] for row in rows(staged, "annotations")] == ["car"]
    assert staged.tally.notes["data.yaml and classes.txt name classes differently: the first counts"] == 1


def test_a_data_yaml_elsewhere_names_the_pictures_that_it_points_to(tmp_path: Path) -> None:
    _lake(tmp_path / "lake" / "set", "train/a")
    save(tmp_path / "lake" / "config" / "data.yaml", "path: ../set\ntrain: images/train\nnames: [car]")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [row["class"] for row in rows(staged, "annotations")] == ["car"]
    assert _splits(staged) == {"a": "train"}


@pytest.mark.parametrize(
    "line", ["./images/one/a.png", "images/one/a.png", "/home/x/set/images/one/a.png", "D:\\s\\a.png"]
)
def test_lists_name_pictures_in_many_ways(line: str, tmp_path: Path) -> None:
    _lake(tmp_path / "lake", "one/a", "one/b")
    save(tmp_path / "lake" / "train.txt", f"{line}\n")
    save(tmp_path / "lake" / "val.txt", "nowhere/z.png\n")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert _splits(staged) == {"a": "train", "b": None}
    assert staged.tally.notes["a line of val.txt names no picture that was found"] == 1


def test_roboflow_writes_one_folder_too_many_above(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        picture(tmp_path / "lake" / split / "images" / f"{split}_1.png")
        save(tmp_path / "lake" / split / "labels" / f"{split}_1.txt", BOX)
    save(tmp_path / "lake" / "data.yaml", "train: ../train/images\nval: ../valid/images\nnames: [car]")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert _splits(staged) == {"train_1": "train", "valid_1": "val"}


def test_somebodys_absolute_folder_is_read_by_its_tail_of_two(tmp_path: Path) -> None:
    _lake(tmp_path / "lake", "train/a", "val/b")
    yaml = "train: /home/x/set/images/train\nval: [C:\\set\\images\\val]\ntest: /else/images\nnames: [car]"
    save(tmp_path / "lake" / "data.yaml", yaml)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert _splits(staged) == {"a": "train", "b": "val"}
    assert any("says test: /else/images" in note for note in staged.tally.notes)


def test_folders_give_splits_and_that_is_said(tmp_path: Path) -> None:
    _lake(tmp_path / "lake", "train/station", "val2017/test_drive", "trainable/x")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert _splits(staged) == {"station": "train", "test_drive": "val", "x": None}
    assert "split val from the name of a folder" in staged.tally.assumed


def test_a_picture_in_two_splits_is_said(tmp_path: Path) -> None:
    save(_lake(tmp_path / "lake", "a", "b") / "data.yaml", "train: images\nval: images\nnames: [car]")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert staged.tally.notes["a picture that stands in two splits: the first is kept"] == 2


def test_boxes_are_in_the_frame_that_the_picture_is_shown_in(tmp_path: Path) -> None:
    (tmp_path / "lake" / "images").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "lake" / "images" / "a.jpg", exif=exif)
    save(tmp_path / "lake" / "labels" / "a.txt", "0 0.5 0.5 0.5 0.5\n")
    staged = read(tmp_path / "lake", tmp_path / "out")
    (listed,), (box,) = rows(staged, "listed"), rows(staged, "annotations")
    assert (listed["width"], listed["height"], box["w"], box["h"]) == (48, 64, 24, 32)


def test_two_pictures_of_one_name_are_said(tmp_path: Path) -> None:
    _lake(tmp_path / "lake", "a")
    Image.new("RGB", (10, 10)).save(tmp_path / "lake" / "images" / "a.jpg")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "listed")) == 2
    assert staged.tally.notes["several pictures have the name of one label file: the first is its own"] == 1


def test_a_text_of_numbers_beside_labels_is_none_without_a_picture(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "a.png")
    save(tmp_path / "lake" / "a.txt", BOX)
    save(tmp_path / "lake" / "calib.txt", "1 718.8 0 607.1 45.3\n")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "listed")) == 1
    assert [reason for uri, reason in staged.skipped if uri.endswith("calib.txt")] == [
        "no line is one of YOLO, and no picture has that name"
    ]


def test_a_mot_file_alone_is_not_yolo(tmp_path: Path) -> None:
    save(tmp_path / "lake" / "gt.txt", "1,1,912,484,97,109,0,7,1\n2,1,912,484,97,109,0,7,1\n")
    with pytest.raises(FormatError, match="not YOLO"):
        read(tmp_path / "lake", tmp_path / "out")


@pytest.mark.parametrize("head", ["", "imagesource:GoogleEarth\ngsd:0.14\n"])
def test_lists_of_corners_are_read_with_the_lines_that_dota_has_above_them(tmp_path: Path, head: str) -> None:
    picture(tmp_path / "lake" / "images" / "P1.png", (640, 480))
    corners = "100.0 100.0 200.0 100.0 200.0 150.0 100.0 150.0 small-vehicle 0\n"
    save(tmp_path / "lake" / "labelTxt" / "P1.txt", head + corners)
    staged = read(tmp_path / "lake", tmp_path / "out")
    (row,) = rows(staged, "annotations")
    assert (row["class"], row["w"], row["h"]) == ("small-vehicle", 100, 50)
    noted = {"a line `imagesource:` or `gsd:` of DOTA, which is not kept": 2} if head else {}
    assert (rows(staged, "rejects"), staged.tally.notes) == ([], noted)


def test_a_list_of_corners_without_any_object_is_read(tmp_path: Path) -> None:
    for name in ("P1", "P2"):
        picture(tmp_path / "lake" / "images" / f"{name}.png", (640, 480))
    head, line = "imagesource:GoogleEarth\ngsd:0.14\n", "1 1 9 1 9 9 1 9 ship 0\n"
    for name, text in (("P1", head), ("P2", head + line)):
        save(tmp_path / "lake" / "labelTxt" / f"{name}.txt", text)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert (len(rows(staged, "annotations")), len(rows(staged, "listed")), rows(staged, "rejects")) == (
        1,
        2,
        [],
    )
    assert staged.tally.notes == {"a line `imagesource:` or `gsd:` of DOTA, which is not kept": 4}


@pytest.mark.parametrize(
    ("lines", "is_cut"),
    [
        (["0 .1 .1 .1 .1", "0 .1 .1"], True),
        (["0 .1 .1"], True),
        (["0 .1 .1 .1 .1", "0 .1 .1", ""], False),
        (["0 .1 .1 .1 .1", "0 .1 .1 .1 x"], False),
        (["imagesource:x", "1 1 9 1 9 9 1 9 ship 0", "1 1 9 1 9"], True),
        (["0 .1 .1 .2 .1 .2 .2 .1 .2", "0 .1 .1 .2 .1 .2 .2 .1"], True),
    ],
)
def test_a_last_line_that_is_cut_off_is_told_from_a_wrong_one(lines: list[str], is_cut: bool) -> None:
    assert is_cut_off(lines) is is_cut


def test_of_a_cut_off_line_the_class_is_not_known(tmp_path: Path) -> None:
    """Any class may have stood behind it."""
    staged = read(_lake(tmp_path / "lake", "a", text=f"{BOX}1 0.5 0."), tmp_path / "out")
    assert [(row["key"], row["class"]) for row in rows(staged, "rejects")] == [("0", None)]


_WIDER = "0--Parade/0_a.jpg\n2\n1 2 2 2 0 0 0 0 0 0\n1 1 3 2 0 0 0 0 0 0\n"


@pytest.mark.parametrize("folder", ["split", "annotations", "labels"])
@pytest.mark.parametrize("garbage", [_WIDER, "449 330 122 149\n" * 3, "0 1 2\n" * 3, "\x00\x01\x02"])
def test_a_text_without_a_line_of_yolo_makes_no_picture(tmp_path: Path, folder: str, garbage: str) -> None:
    lake = _lake(tmp_path / "lake", "a")
    save(lake / folder / "wider_face_train_bbx_gt.txt", garbage)
    staged = read(lake, tmp_path / "out")
    assert [Path(row["uri"]).name for row in rows(staged, "listed")] == ["a.png"]
    assert rows(staged, "rejects") == []
    assert [Path(uri).name for uri, _ in staged.skipped] == ["wider_face_train_bbx_gt.txt"]


def test_a_place_of_nothing_but_garbage_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "lake" / "labels" / "a.txt", "449 330 122 149 7\n" * 3)
    with pytest.raises(FormatError, match="no line is one of YOLO"):
        read(tmp_path / "lake", tmp_path / "out")
