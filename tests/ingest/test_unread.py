"""Formats that are known and not read; folders of several; ingests of which nothing was understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import datacat
from datacat.errors import FormatError, NothingUnderstood, SeveralFormats
from datacat.ingest.format import Sample
from datacat.ingest.registry import formats
from datacat.ingest.unread import is_prose, known_format
from datacat.testing.format_suite import read, rows
from tests.ingest.test_formats import coco, picture, save

_BOX = {"x": 1, "y": 2, "w": 3, "h": 4}
_KNOWN: list[tuple[str, str, Any]] = [
    (
        "LabelMe JSON",
        "a.json",
        {"version": "5", "shapes": [{"label": "a", "points": []}], "imagePath": "a.png"},
    ),
    ("VIA 2", "a.json", {"a.png12": {"filename": "a.png", "size": 12, "regions": [], "file_attributes": {}}}),
    ("VIA 2", "a.json", {"_via_settings": {}, "_via_img_metadata": {}}),
    ("VIA 3", "a.json", {"project": {"pid": 1}, "config": {}, "attribute": {}, "file": {}, "view": {}}),
    ("Labelbox export v2", "a.ndjson", {"data_row": {"id": "x"}, "projects": {"p": {"labels": []}}}),
    ("Labelbox export v1", "a.json", [{"ID": "x", "Labeled Data": "https://h/a.png", "Label": {}}]),
    ("Supervisely JSON", "a.json", {"tags": [], "size": {"height": 1}, "objects": [{"classTitle": "a"}]}),
    (
        "Darwin 2",
        "a.json",
        {"version": "2.0", "item": {"name": "a"}, "annotations": [{"bounding_box": _BOX}]},
    ),
    ("Darwin 1", "a.json", {"dataset": "d", "image": {"filename": "a.png"}, "annotations": []}),
    ("Cityscapes", "a.json", {"imgHeight": 1, "imgWidth": 2, "objects": [{"label": "a", "polygon": []}]}),
    ("Scalabel", "a.json", [{"name": "a.jpg", "labels": [{"category": "car", "box2d": {}}]}]),
    ("Create ML", "a.json", [{"image": "a.jpg", "annotations": [{"label": "a", "coordinates": {}}]}]),
    ("COCO results", "a.json", [{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}]),
    ("JSON_MIN", "a.json", [{"image": "a.png", "id": 1, "label": [], "annotator": 1, "annotation_id": 2}]),
    ("SQuAD", "a.json", {"version": "1.1", "data": [{"title": "t", "paragraphs": []}]}),
    ("spaCy", "a.json", [["some text", {"entities": [[0, 4, "X"]]}]]),
    ("doccano", "a.jsonl", {"id": 1, "text": "some", "label": [[0, 4, "X"]]}),
    (
        "GeoJSON",
        "a.geojson",
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {}}]},
    ),
    ("FiftyOne", "samples.json", {"samples": [{"_id": {}, "filepath": "a.png"}]}),
    (
        "Datumaro",
        "a.json",
        {"info": {}, "categories": {"label": {}}, "items": [{"id": "a", "annotations": []}]},
    ),
    ("Croissant", "a.json", {"@context": {}, "@type": "sc:Dataset", "distribution": []}),
    ("dataset_info", "dataset_info.json", {"features": {"image": {}}, "splits": {"train": {}}}),
    ("ImageFolder", "metadata.jsonl", {"file_name": "a.png", "text": "a"}),
    ("NAB windows", "a.json", {"real/a.csv": [["2014-01-01", "2014-01-02"]]}),
    (
        "CVAT XML",
        "a.xml",
        '<annotations><version>1.1</version><image id="0" name="a.png"></image></annotations>',
    ),
    ("CVAT XML", "a.xml", '<annotations><meta/><track id="0" label="car"></track></annotations>'),
    (
        "KITTI labels",
        "a.txt",
        "Car 0.00 0 -1.57 599.41 156.40 629.75 189.25 2.85 2.63 12.34 0.47 1.49 69.44 -1.56\n",
    ),
    ("MOT tracks", "gt.csv", "1,1,912,484,97,109,0,7,1\n1,2,1338,418,167,379,1,1,1\n"),
    ("RTTM", "a.rttm", "SPEAKER a 1 0.50 1.25 <NA> <NA> anna <NA> <NA>\n"),
    ("CTM", "a.ctm", "a 1 0.50 0.25 hello 0.9\na 1 0.75 0.25 there 0.9\n"),
    ("Audacity", "a.txt", "0.5\t1.25\tdog\n1.5\t1.5\tclick\n"),
    ("CoNLL", "a.conll", "Anna\tB-PER\nlives\tO\nin\tO\nBonn\tB-LOC\n\nShe\tO\n"),
    ("brat", "a.ann", "T1\tPER 0 4\tAnna\n"),
    (
        "VIA 2 CSV",
        "a.csv",
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes\n",
    ),
    ("TensorFlow", "a.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,1,2,a,1,2,3,4\n"),
    ("WebVTT", "a.vtt", "WEBVTT\n\n00:01.000 --> 00:04.000\nhello\n"),
    ("TFRecord", "a.tfrecord", "\0\0"),
    ("of no format that is known", "a.json", {"annotations": [{"what": 1}]}),
]


def sample(name: str, content: Any) -> Sample:
    text = content if isinstance(content, str) else json.dumps(content)
    return Sample(f"/lake/{name}", len(text), text.encode(), b"")


@pytest.mark.parametrize(("title", "name", "content"), _KNOWN)
def test_a_format_that_is_not_read_is_known(title: str, name: str, content: Any) -> None:
    assert title in (known_format(sample(name, content)) or "")
    taken = [f.name for f in formats().values() if f.sniff(sample(name, content)) == "labels"]
    assert taken == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", {"settings": {"a": 1}}), ("a.json", []), ("a.json", ""), ("a.txt", "a note of somebody\n"),
        ("a.csv", "date,value\n2020,1\n"), ("a.xml", "<project><a/></project>"), ("a.txt", "7\n"),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_not_named(name: str, content: Any) -> None:
    assert known_format(sample(name, content)) is None


def test_prose_and_code_are_told_by_name() -> None:
    assert all(
        map(is_prose, ["README.md", "README", "LICENSE", "LICENSE.txt", "train.py", "NOTE.txt", "notes.rst"])
    )
    assert not any(
        map(is_prose, ["train.txt", "notebook.json", "noted.csv", "a.xml", "readings.csv", "labels.txt"])
    )


@pytest.mark.parametrize("size", [10, 200_000])
def test_coco_is_known_by_its_records(tmp_path: Path, size: int) -> None:
    """Whatever stands in front, however long."""
    (found,) = [formats()["coco"]]
    for order in (("images", "annotations", "categories"), ("categories", "annotations", "images")):
        document = coco(2)
        document["images"][1]["file_name"] = "x" * size + ".png"
        text = json.dumps({name: document[name] for name in order}).encode()
        assert found.sniff(Sample("/a.json", len(text), text[:65536], text[65536:][-65536:])) == "labels"


def test_the_likely_format_is_named_where_none_is_read(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        save(tmp_path / name, _KNOWN[7][2])
    with pytest.raises(
        FormatError, match=r"a\.json \(and 1 more\) looks like Darwin 2 JSON \(V7\), which is not read"
    ):
        read(tmp_path, tmp_path / "out")


def test_what_looks_like_labels_comes_first_among_the_skipped(tmp_path: Path) -> None:
    save(tmp_path / "lake" / "labels.json", coco(1))
    for name in ("README.md", "LICENSE", "a.json", "train.py"):
        save(tmp_path / "lake" / name, {})
    save(tmp_path / "lake" / "z.xml", _KNOWN[24][2])
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [(uri.rsplit("/", 1)[-1], reason) for uri, reason in staged.skipped] == [
        ("z.xml", "looks like CVAT XML, which is not read"),
        ("a.json", "no coco label file"),
    ]


def test_labels_of_another_format_than_the_chosen_one_are_named(tmp_path: Path) -> None:
    save(tmp_path / "lake" / "labels.json", coco(1))
    save(tmp_path / "lake" / "0.txt", "0 0.5 0.5 0.1 0.1\n")
    staged = read(tmp_path / "lake", tmp_path / "out", format="yolo")
    assert staged.skipped == ((str(tmp_path / "lake" / "labels.json"), "a coco label file"),)
    with pytest.raises(FormatError, match=r"0\.txt is a yolo label file; labels\.json is a coco label file"):
        read(tmp_path / "lake", tmp_path / "out", format="label_studio")


def test_several_formats_are_named_with_their_numbers(tmp_path: Path) -> None:
    save(tmp_path / "labels.json", coco(1))
    for number in range(2):
        save(tmp_path / f"{number}.txt", "0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(SeveralFormats) as caught:
        read(tmp_path, tmp_path / "out")
    assert caught.value.formats == (("coco", 1), ("yolo", 2))


def test_an_ingest_of_which_nothing_was_understood_commits_nothing(tmp_path: Path) -> None:
    cat = datacat.init(str(tmp_path / "catalog"))
    document = coco(2)
    save(tmp_path / "lake" / "a.json", document)
    first = cat.ingest(str(tmp_path / "lake"), team="t", name="n")
    for each in document["annotations"]:
        each["bbox"] = ["left", 2, 3, 4]
    for each in document["images"]:
        del each["file_name"]
    save(tmp_path / "lake" / "a.json", document)
    with pytest.raises(
        NothingUnderstood, match=r"every record was rejected: 2 × .*; 2 × an image without file_name"
    ):
        cat.ingest(str(tmp_path / "lake"), team="t", name="n")
    cat.refresh()
    assert (cat.state, cat.search("roof").count()) == (first.state, 2)


def test_pictures_without_objects_beside_a_reject_are_understood(tmp_path: Path) -> None:
    document = coco(2)
    document["annotations"] = [document["annotations"][0] | {"bbox": [1, 2, 3]}]  # of one of two pictures
    for number in range(2):
        picture(tmp_path / "lake" / f"{number}.png")
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert (len(rows(staged, "listed")), len(rows(staged, "rejects"))) == (2, 1)
