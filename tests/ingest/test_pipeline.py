"""What is read, what is not read again, what is missing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datacat.config import Settings
from datacat.errors import FormatError, LocationError
from datacat.ingest.pipeline import IngestRequest, MediaFacts, Staged, stage
from datacat.sources.location import Location
from datacat.testing.format_suite import read, rows
from tests.ingest.test_formats import coco, picture, save


def known(staged: Staged) -> dict[str, object]:
    media = {row["uri"]: MediaFacts(**row) for row in rows(staged, "media")}
    return {"known_files": {facts.uri: facts for facts in staged.files}, "known_media": media}


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="no such file or folder"):
        read(tmp_path / "nowhere", tmp_path / "out")


def test_nothing_recognised_says_what_was_looked_at(tmp_path: Path) -> None:
    save(tmp_path / "lake" / "notes.txt", "hello")
    with pytest.raises(FormatError, match=r"notes\.txt"):
        read(tmp_path / "lake", tmp_path / "out")


def test_two_formats_ask_for_one(tmp_path: Path) -> None:
    save(tmp_path / "lake" / "a.json", coco())
    save(tmp_path / "lake" / "b.ndjson", '{"asset": "x.png"}\n')
    with pytest.raises(FormatError, match=r"coco \(a\.json\); neutral \(b\.ndjson\)"):
        read(tmp_path / "lake", tmp_path / "out")
    skipped = read(tmp_path / "lake", tmp_path / "one", format="coco").skipped
    assert [reason for _, reason in skipped] == ["a neutral label file"]


def test_only_the_changed_file_is_read(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    save(lake / "a.json", coco(2))
    changed = save(lake / "b.json", coco(3))
    gone = save(lake / "c.json", coco(1))
    first = read(lake, tmp_path / "1")
    save(changed, coco(4))
    gone.unlink()
    second = read(lake, tmp_path / "2", **known(first))
    assert [second.files[number].uri for number in second.read] == [str(changed)]
    assert second.gone == (str(gone),)
    assert len(rows(second, "annotations")) == 4


def test_touched_but_equal_bytes_count_as_unchanged(tmp_path: Path) -> None:
    path = save(tmp_path / "lake" / "a.json", coco())
    first = read(tmp_path / "lake", tmp_path / "1")
    os.utime(path, ns=(1, 1))
    second = read(tmp_path / "lake", tmp_path / "2", **known(first))
    assert second.read == ()
    assert second.files[0].etag != first.files[0].etag
    assert second.files[0].digest == first.files[0].digest


def test_known_media_are_not_hashed_again_and_changed_ones_are(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for number in range(2):
        picture(lake / f"{number}.png")
    path = save(lake / "a.json", coco())
    first = read(lake, tmp_path / "1")
    facts = known(first)
    planted = {uri: MediaFacts(**{**_row(m), "digest": "planted"}) for uri, m in facts["known_media"].items()}
    picture(lake / "1.png", (50, 40))
    path.write_text(path.read_text() + " ")
    second = read(lake, tmp_path / "2", known_files=facts["known_files"], known_media=planted)
    media = {Path(row["uri"]).name: row for row in rows(second, "media")}
    assert media["0.png"]["digest"] == "planted"
    assert (media["1.png"]["width"], len(media["1.png"]["digest"])) == (50, 64)


def _row(facts: MediaFacts) -> dict[str, object]:
    return {name: getattr(facts, name) for name in MediaFacts.__slots__}


def test_a_changed_class_list_reads_all_again(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    picture(lake / "a.png")
    save(lake / "a.txt", "0 .5 .5 .1 .1\n")
    names = save(lake / "x.names", "car\n")
    first = read(lake, tmp_path / "1")
    save(names, "truck\n")
    second = read(lake, tmp_path / "2", **known(first))
    assert len(second.read) == 2
    assert [row["class"] for row in rows(second, "annotations")] == ["truck"]


def test_a_picture_without_labels_is_listed(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for name in ("a.png", "b.png"):
        picture(lake / name)
    save(lake / "a.txt", "0 .5 .5 .1 .1\n")
    staged = read(lake, tmp_path / "out")
    assert {Path(row["uri"]).name for row in rows(staged, "listed")} == {"a.png", "b.png"}


def test_odd_records_are_kept_and_noted(tmp_path: Path) -> None:
    document = coco(4)
    document["annotations"][0]["bbox"] = [1, 1, 0, 5]
    document["annotations"][1]["bbox"] = [90, 1, 20, 5]
    document["annotations"][2] |= {"category_id": 99, "id": 3}
    document["annotations"][3]["image_id"] = "gone"
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "annotations")) == 4
    notes = staged.tally.notes
    assert notes["a box of no size"] == 1
    assert notes["a box that reaches outside the image"] == 1
    assert notes["an annotation id that was used before in the same file"] == 1
    assert notes["annotations speak of an image that their file does not list"] == 1
    assert any("category 99" in note for note in notes)


def test_bad_records_are_rejected_and_the_rest_kept(tmp_path: Path) -> None:
    text = json.dumps(coco(5))
    text = text.replace('"bbox": [1, 2, 3, 4]', '"bbox": [1, 2]').replace(
        '"bbox": [2, 2, 3, 4]', '"bbox": Infinity'
    )
    text = text.replace('{"n": 3}', '{"n": ' + "[" * 3000 + "]" * 3000 + "}")
    save(tmp_path / "lake" / "a.json", text)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert sorted(row["external_id"] for row in rows(staged, "annotations")) == ["0", "4"]
    rejects = rows(staged, "rejects")
    assert [row["position"].split(",")[0] for row in sorted(rejects, key=lambda row: row["position"])] == [
        f"annotations[{number}]" for number in (1, 2, 3)
    ]


def test_attributes_keep_their_bytes(tmp_path: Path) -> None:
    written = '{"z": 1e400, "a": 123456789012345678901234567890,  "a": 0.50}'
    save(tmp_path / "lake" / "a.json", json.dumps(coco(1)).replace('{"n": 0}', written))
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert rows(staged, "annotations")[0]["attributes"] == written


def test_equal_image_ids_do_not_multiply_annotations(tmp_path: Path) -> None:
    document = coco(2)
    document["images"].append({"id": 1, "file_name": "other.png"})
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert sorted(row["key"] for row in rows(staged, "listed")) == ["0", "1", "1 (images[2])"]
    assert [row["external_id"] for row in rows(staged, "annotations")] == ["0"]
    rejects = {row["position"].split(",")[0]: row["reason"] for row in rows(staged, "rejects")}
    assert sorted(rejects) == ["annotations[1]", "images[1]", "images[2]"]
    assert all("the image id 1 is claimed by 2 pictures" in reason for reason in rejects.values())


def test_images_listed_twice_the_same_are_no_fault(tmp_path: Path) -> None:
    document = coco(3)
    document["images"] += [document["images"][1]] * 3 + [{**document["images"][2], "width": 7}] * 2
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert sorted(row["key"] for row in rows(staged, "listed")) == ["0", "1", "2"]
    assert len(rows(staged, "rejects")) == 1


def test_a_large_file_is_read_in_ranges_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datacat.ingest.tasks._LARGE", 1000)
    monkeypatch.setattr("datacat.ingest.tasks._ALONE_BYTES", 1000)
    monkeypatch.setattr("datacat.ingest.format.CUT", 2000)
    save(tmp_path / "lake" / "a.json", coco(400))
    request = IngestRequest(Location(str(tmp_path / "lake")))
    staged = stage(
        request, into=tmp_path / "out", known_files={}, known_media={}, settings=Settings(threads=2)
    )
    found = rows(staged, "annotations")
    assert sorted(int(row["external_id"]) for row in found) == list(range(400))
    assert len({row["row"] for row in found}) == 400
    assert len(staged.paths("annotations")) == len(
        {pq.ParquetFile(path) for path in staged.paths("annotations")}
    )


@pytest.mark.parametrize(
    ("name", "where"),
    [
        (r"C:\data\img\7.png", "img/7.png"),
        ("/home/pi/img/7.png", "img/7.png"),
        ("img%207.png", "img 7.png"),
        ("https://host/x/7.PNG?token=1", "img/7.png"),
        ("7.png", "labels/7.png"),
    ],
)
def test_names_are_matched_by_rule(tmp_path: Path, name: str, where: str) -> None:
    document = coco(1)
    document["images"][0]["file_name"] = name
    picture(tmp_path / "lake" / where)
    save(tmp_path / "lake" / "labels" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert rows(staged, "listed")[0]["uri"] == str(tmp_path / "lake" / where)
    assert any("media matched by rule" in text for text in staged.tally.assumed)


def test_two_equal_tails_match_nothing(tmp_path: Path) -> None:
    document = coco(1)
    document["images"][0]["file_name"] = r"D:\7.png"
    for folder in ("x", "y"):
        picture(tmp_path / "lake" / folder / "7.png")
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    (row,) = (row for row in rows(staged, "media"))
    assert row["is_missing"]
    assert row["uri"] == str(tmp_path / "lake" / "7.png")


def test_yolo_lines_that_are_none_are_rejected_with_their_number(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "a.png")
    lines = [
        "0 .5 .5 .1 .1",
        "0 .5 .5 .1",
        "x 1 2 3 4",
        "1 .5 .5 .1 .1 .9",
        "0 .1 .1 .2 .2 .3 .1 .7",
        "2 nan 1 1 1",
    ]
    save(tmp_path / "lake" / "a.txt", "\r\n".join(lines))
    staged = read(tmp_path / "lake", tmp_path / "out", format="yolo")
    assert [row["position"] for row in rows(staged, "rejects")] == ["line 2", "line 3", "line 5", "line 6"]
    first, second = rows(staged, "annotations")
    assert (first["x"], first["w"], first["is_relative"]) == (pytest.approx(45), pytest.approx(10), False)
    assert (second["kind"], second["confidence"]) == ("prediction", 0.9)
