"""Pascal VOC: what stands in a file twice, and what two sources say of a picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datacat.testing.format_suite import read, rows

from .test_formats import picture, save


def _box(left: int) -> str:
    return f"<bndbox><xmin>{left}</xmin><ymin>2</ymin><xmax>{left + 4}</xmax><ymax>9</ymax></bndbox>"


def _file(folder: Path, stem: str, *objects: str, filename: str = "") -> None:
    text = "".join(f"<object>{item}</object>" for item in objects)
    save(
        folder / f"{stem}.xml", f"<annotation><filename>{filename or stem}.png</filename>{text}</annotation>"
    )


def test_a_second_box_of_an_object_is_an_annotation_of_its_own(tmp_path: Path) -> None:
    _file(tmp_path / "lake", "a", f"<name>cat</name><truncated>1</truncated>{_box(1)}{_box(20)}")
    staged = read(tmp_path / "lake", tmp_path / "out")
    found = [(row["class"], row["x"], row["position"]) for row in rows(staged, "annotations")]
    assert found == [("cat", 1, "object[0]"), ("cat", 20, "object[0], box[1]")]
    assert staged.tally.notes["a further box of one object: each is an annotation of its own"] == 1


def test_an_object_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    _file(
        tmp_path / "lake",
        "a",
        f"<name>cat</name>{_box(1)}<bndbox><xmin>x</xmin></bndbox>",
        f"<name>dog</name>{_box(3)}",
    )
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [row["class"] for row in rows(staged, "annotations")] == ["dog"]
    (reject,) = rows(staged, "rejects")
    assert (reject["key"], reject["class"], reject["reason"]) == ("0", "cat", "<xmin> is 'x', no number")


def test_parts_and_repeated_elements_are_kept(tmp_path: Path) -> None:
    part = f"<part><name>head</name>{_box(2)}</part>"
    _file(tmp_path / "lake", "a", f"<name>cat</name>{_box(1)}{part}{part}<pose>Left</pose>")
    staged = read(tmp_path / "lake", tmp_path / "out")
    (row,) = rows(staged, "annotations")
    assert [item["name"] for item in json.loads(row["attributes"])["part"]] == ["head", "head"]
    assert any("<part>s" in note for note in staged.tally.notes)


def test_metadata_that_stand_twice_are_both_kept(tmp_path: Path) -> None:
    head = "<filename>a.png</filename><tag>x</tag><tag>y</tag>"
    text = f"<annotation>{head}<object><name>c</name>{_box(1)}</object></annotation>"
    save(tmp_path / "lake" / "a.xml", text)
    (row,) = rows(read(tmp_path / "lake", tmp_path / "out"), "listed")
    assert json.loads(row["metadata"]) == {"tag": ["x", "y"]}


def test_a_filename_of_another_name_is_said(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "lake" / f"{name}.png")
    _file(tmp_path / "lake", "a", f"<name>cat</name>{_box(1)}", filename="b")
    _file(tmp_path / "lake", "b", f"<name>cat</name>{_box(1)}")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert {Path(row["uri"]).name for row in rows(staged, "listed")} == {"b.png"}
    assert staged.tally.notes["a file whose <filename> is another than its own name: <filename> counts"] == 1
    assert any("several label files are about" in note for note in staged.tally.notes)


def test_a_picture_of_two_image_sets_is_said_and_no_word_is_a_split(tmp_path: Path) -> None:
    _file(tmp_path / "lake" / "Annotations", "test_drive", f"<name>cat</name>{_box(1)}")
    _file(tmp_path / "lake" / "Annotations", "a", f"<name>cat</name>{_box(1)}")
    save(tmp_path / "lake" / "ImageSets" / "Main" / "train.txt", "a 1\n")
    save(tmp_path / "lake" / "ImageSets" / "Main" / "val.txt", "a\n")
    staged = read(tmp_path / "lake", tmp_path / "out")
    splits = {Path(row["uri"]).stem: row["split"] for row in rows(staged, "listed")}
    assert splits == {"a": "val", "test_drive": None}
    assert staged.tally.notes["a picture that stands in two image sets: the last is kept"] == 1


def test_a_file_that_only_names_its_picture_lists_it(tmp_path: Path) -> None:
    _file(tmp_path / "lake", "a", f"<name>cat</name>{_box(1)}")
    _file(tmp_path / "lake", "b")
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert {Path(row["uri"]).name for row in rows(staged, "listed")} == {"a.png", "b.png"}
    assert (staged.skipped, rows(staged, "rejects")) == ((), [])


def test_pictures_that_only_image_sets_name_are_listed(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    _file(lake / "Annotations", "a", f"<name>cat</name>{_box(1)}")
    for name in "abc":
        picture(lake / "JPEGImages" / f"{name}.png")
    save(lake / "ImageSets" / "Main" / "train.txt", "a\n")
    save(lake / "ImageSets" / "Main" / "test.txt", "b\nnope\n")
    save(lake / "ImageSets" / "Main" / "dog_train.txt", "a  1\nb -1\n")
    save(lake / "ImageSets" / "Main" / "tiny.txt", "a\n")
    staged = read(lake, tmp_path / "out")
    found = {(Path(row["uri"]).name, row["split"]) for row in rows(staged, "listed")}
    assert found == {("a.png", "train"), ("b.png", "test")}
    notes = staged.tally.notes
    assert notes["a list of one class (dog_train.txt) in ImageSets, which is not read"] == 1
    assert notes["an image set of another name in ImageSets, which is not read"] == 1
    missing = "an image set names a picture of which there is no label file, nor one picture of that name"
    assert notes[missing] == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
def test_xml_in_the_encoding_that_it_declares_is_read(tmp_path: Path, encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding[:6] if "utf" in encoding else encoding}"?>'
    for space in ("", " "):  # an even and an odd number of bytes
        text = f"{declared}<annotation>{space}<object><name>Käfer</name>{_box(1)}</object></annotation>"
        path = save(tmp_path / "lake" / f"a{len(space)}.xml", "")
        path.write_bytes(text.encode(encoding))
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [row["class"] for row in rows(staged, "annotations")] == ["Käfer"] * 2


@pytest.mark.parametrize("filename", ["n0144_0", "images/n0144_0", ""])
def test_a_file_name_without_an_ending_is_that_of_the_only_picture(tmp_path: Path, filename: str) -> None:
    lake = tmp_path / "lake"
    picture(lake / "images" / "n0144_0.JPEG")
    save(
        lake / "Annotations" / "n0144_0.xml",
        f"<annotation><filename>{filename}</filename><object><name>a</name>{_box(1)}</object></annotation>",
    )
    staged = read(lake, tmp_path / "out")
    (row,) = rows(staged, "listed")
    assert row["uri"] == str(lake / "images" / "n0144_0.JPEG")
    assert "1 media matched by rule: a name without an ending, of which there is one" in staged.tally.assumed
    assert not staged.tally.notes.keys() & {
        "a file whose <filename> is another than its own name: <filename> counts"
    }


def test_a_file_name_without_an_ending_that_two_pictures_have_is_bound_to_none(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for name in ("x/a.jpg", "y/a.png"):
        picture(lake / name)
    save(
        lake / "a.xml",
        f"<annotation><filename>a</filename><object><name>a</name>{_box(1)}</object></annotation>",
    )
    staged = read(lake, tmp_path / "out")
    assert rows(staged, "listed")[0]["uri"] == str(lake / "a")
    assert any("may be" in note for note in staged.tally.notes)
