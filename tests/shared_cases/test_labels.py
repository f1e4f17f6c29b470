"""Cases of Label Studio, of names and their media, and of folders that hold several things."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import datacat
from datacat.catalog import Catalog
from datacat.errors import FormatError
from datacat.model.report import IngestReport
from tests.shared_cases.conftest import Case


def ingested(folder: Path, **options: Any) -> tuple[Catalog, IngestReport]:
    """A catalog of its own in which a folder was ingested."""
    cat = datacat.init(str(folder.parent / "catalog"))
    place = str(options.pop("place", folder))
    return cat, cat.ingest(place, team="t", name="n", **options)


def annotations(cat: Catalog) -> list[dict[str, Any]]:
    """The rows of all annotations, with the names of their assets."""
    query = "SELECT a.uri, b.* FROM annotations b JOIN assets a USING (asset) ORDER BY b.external_id, b.x"
    table = cat.cursor().execute(query).to_arrow_table()
    return [{**row, "name": row["uri"].rsplit("/", 1)[-1]} for row in table.to_pylist()]


def assets(cat: Catalog) -> list[str]:
    """The names of all assets."""
    return sorted(
        uri.rsplit("/", 1)[-1] for (uri,) in cat.cursor().execute("SELECT uri FROM assets").fetchall()
    )


def test_predictions_as_ids(case: Case) -> None:
    cat, report = ingested(case("ls-predictions-as-ids"))
    assert assets(cat) == ["c1.png", "c2.png"]
    assert {(row["name"], row["class"]) for row in annotations(cat)} == {
        ("c1.png", "shed"),
        ("c2.png", "barn"),
    }
    assert (report.rejects, report.assets_missing) == ((), 0)
    assert any("predictions that are only numbers" in text for text in report.notes)


def test_same_region_id_twice(case: Case) -> None:
    cat, _ = ingested(case("ls-same-region-id-twice"))
    boxes = [(row["class"], [round(row[side], 6) for side in "xywh"]) for row in annotations(cat)]
    assert sorted(boxes) == [
        ("barn", [32, 24, 19.2, 14.4]),
        ("shed", [6.4, 4.8, 12.8, 9.6]),
        ("shed", [44.8, 4.8, 6.4, 4.8]),
    ]


def test_region_on_wrong_media(case: Case) -> None:
    cat, _ = ingested(case("ls-region-on-wrong-media"))
    assert {(row["name"], row["class"]) for row in annotations(cat)} == {
        ("yard.jpg", "gate"),
        ("street.jpg", "bicycle"),
    }
    assert assets(cat) == ["rain.wav", "street.jpg", "yard.jpg"]


def test_two_pictures(case: Case) -> None:
    cat, _ = ingested(case("ls-two-pictures"))
    assert [(row["name"], row["class"]) for row in annotations(cat)] == [("r.jpg", "gate")]
    assert assets(cat) == ["l.jpg", "r.jpg"]


def test_whole_task_values(case: Case) -> None:
    cat, _ = ingested(case("ls-whole-task-values"))
    (row,) = annotations(cat)
    said = json.loads(row["attributes"])
    assert (row["class"], row["text"]) == ("good", "leaks")
    assert (said["quality"], said["storeys"], said["built"]) == (4, 12, "1998-05-01")
    assert said["rank"] == {"best": ["a"], "rest": ["b"]}
    for query in ("[quality=4]", "[storeys=12]", "[built=1998-05-01]", "[rank.best=a]", "text~leaks"):
        assert cat.search(query).count() == 1, query


def test_text_of_a_region(case: Case) -> None:
    cat, _ = ingested(case("ls-ocr-text-of-region"))
    assert cat.search('title[transcription="Hello world"]').count() == 1
    assert cat.search("text~Hello").count() == 1


def test_skipped_task(case: Case) -> None:
    cat, _ = ingested(case("ls-skipped-task"))
    assert {row["name"]: row["status"] for row in annotations(cat)} == {"c1.png": "skipped", "c2.png": None}


def test_the_same_export_twice(case: Case) -> None:
    _, report = ingested(case("ls-twice"))
    assert report.classes == (("gate", 1),)
    assert any("with the same id and content: counted once" in text for text in report.notes)
    assert report.assets == 1


def test_upload_prefix(case: Case) -> None:
    folder = case("ls-upload-prefix")
    cat, report = ingested(folder, place=folder / "export", media_root=str(folder / "lake"))
    assert [row["uri"] for row in annotations(cat)] == [str(folder / "lake" / "yard.jpg")]
    assert any("upload prefix" in text for text in report.assumed)
    assert report.assets_missing == 0


def test_a_plus_is_tried_as_written(case: Case) -> None:
    cat, _ = ingested(case("ls-plus-binds-to-other-picture"))
    assert [row["name"] for row in annotations(cat)] == ["cat+dog.png"]


def test_unicode_normal_forms(case: Case) -> None:
    _, report = ingested(case("coco-unicode-normal-forms"))
    assert report.assets_missing == 0
    assert any("in another Unicode form" in text for text in report.assumed)


def test_a_size_that_disagrees(case: Case) -> None:
    folder = case("coco-size-disagrees")
    cat, report = ingested(folder)
    assert "label file says 640x480, the picture is 64x48: 1" in report.notes
    cat.freeze("x", query="shed").export(folder.parent / "out", format="yolo")
    (path,) = (folder.parent / "out").rglob("*/z.txt")
    numbers = [float(number) for number in path.read_text().split()]
    assert numbers == pytest.approx([0, (320 + 100) / 640, (240 + 50) / 480, 200 / 640, 100 / 480])


def test_a_key_called_annotations_is_not_coco(case: Case) -> None:
    folder = case("json-annotations-key-is-coco")
    with pytest.raises(FormatError, match=r"7\.json looks like Darwin 2 JSON"):
        ingested(folder)
    assert datacat.open(str(folder.parent / "catalog")).state == 0


def test_labels_between_prose(case: Case) -> None:
    _, report = ingested(case("mixed-hidden"))
    assert [(uri.rsplit("/", 1)[-1], reason) for uri, reason in report.skipped] == [
        ("zz_annotations.xml", "looks like CVAT XML, which is not read")
    ]
