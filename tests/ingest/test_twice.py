"""A second list or key of one JSON document, and whatever stands behind its end, are never taken in without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat import Catalog
from datacat.ingest.json_stream import scan
from datacat.ingest.twice import keys_twice, records_with_keys_twice
from datacat.model.report import IngestReport
from tests.ingest.test_formats import picture, save

_BOX = {"id": 1, "image_id": 0, "category_id": 1, "bbox": [1, 2, 30, 40]}


def _coco(**more: Any) -> str:
    images = [{"id": n, "file_name": f"{'ab'[n]}.png", "width": 100, "height": 80 + n} for n in range(2)]
    return json.dumps(
        {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": [_BOX], **more}
    )


def _studio(number: int, *labels: str) -> str:
    value = {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": list(labels)}
    result = {"id": "r", "type": "rectanglelabels", "from_name": "l", "to_name": "image", "value": value}
    data = {"image": f"{'ab'[number]}.png"}
    return json.dumps({"id": number, "data": data, "annotations": [{"id": number, "result": [result]}]})


def _ingested(tmp_path: Path, name: str, text: str, **options: Any) -> tuple[Catalog, IngestReport]:
    for number, stem in enumerate("ab"):
        picture(tmp_path / "lake" / f"{stem}.png", (100, 80 + number))
    save(tmp_path / "lake" / name, text)
    catalog = Catalog.init(tmp_path / "catalog")
    return catalog, catalog.ingest(tmp_path / "lake", team="a", name="b", **options)


def _answers(catalog: Catalog, name: str = "car") -> list[list[str]]:
    """Pictures that have a class, are free of it, and of which nobody knows."""
    found = [catalog.search(text) for text in (name, f"NOT {name}", f"?{name}")]
    return [sorted(Path(hit.uri).name for hit in hits) for hits in found]


def _text(count: int, key: str) -> str:
    tail = "the records of all are read, where most tools take the last alone"
    return f"`{key}` stands {count} times in one file: {tail}"


@pytest.mark.parametrize("second", [[], [{**_BOX, "id": 2, "image_id": 1}]])
def test_a_second_list_of_annotations_is_read_too_and_said(tmp_path: Path, second: list[Any]) -> None:
    text = f'{_coco()[:-1]}, "annotations": {json.dumps(second)}}}'
    catalog, report = _ingested(tmp_path, "x.json", text)
    assert report.annotations == 1 + len(second)
    assert _text(2, "annotations") in report.notes
    assert _answers(catalog)[2] == []


def test_second_lists_of_images_and_categories_are_said(tmp_path: Path) -> None:
    again = '"images": [], "categories": [{"id": 2, "name": "bus"}], "categories": []'
    catalog, report = _ingested(tmp_path, "x.json", f"{_coco()[:-1]}, {again}}}")
    assert {_text(2, "images"), _text(3, "categories")} <= set(report.notes)
    assert _answers(catalog) == [["a.png"], ["b.png"], []]


@pytest.mark.parametrize(
    ("behind", "what"),
    [
        (f"\n{_coco(annotations=[{**_BOX, 'image_id': 1}])}", "another document"),
        ("[1]", "another document"),
        (" }} xyz", "something"),
        ("garbage", "something"),
        ("\n\0\0\0", "something"),
    ],
)
def test_what_stands_behind_a_document_is_not_read_and_it_is_damaged(
    tmp_path: Path, behind: str, what: str
) -> None:
    catalog, report = _ingested(tmp_path, "x.json", _coco() + behind)
    at = len(_coco() + behind) - len(behind.lstrip())
    assert f"damaged file: {what} stands behind the end of its JSON, at byte {at}: not read" in report.notes
    assert _answers(catalog) == [["a.png"], [], ["b.png"]]


def test_a_second_list_of_tasks_is_not_read(tmp_path: Path) -> None:
    text = f"[{_studio(0, 'car')}]\n[{_studio(1, 'car')}]"
    _, report = _ingested(tmp_path, "x.json", text, covers=["car"])
    assert (report.annotations, report.assets) == (1, 1)
    assert any(note.startswith("damaged file: another document stands behind") for note in report.notes)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_white_space_behind_a_document_is_nothing(size: int) -> None:
    content = b'\xef\xbb\xbf {"images": [{"a": "}]"}], "annotations": []}\r\n\t \n'
    layout = scan([content[at : at + size] for at in range(0, len(content), size)], shape="object")
    assert (layout.fault, [section.key for section in layout.sections]) == (None, ["images", "annotations"])


def test_the_end_of_a_document_is_found_whatever_the_blocks(tmp_path: Path) -> None:
    content = b'[{"a": 1}, {"a": 2}]  [{"a": 3}]'
    for size in (1, 2, 19, 20, 21, 22, 100):
        layout = scan([content[at : at + size] for at in range(0, len(content), size)], shape="array")
        assert layout.fault == "another document stands behind the end of its JSON, at byte 22: not read"
        assert [section.count for section in layout.sections] == [2]


def test_annotations_that_stand_twice_in_a_task_leave_its_picture_unknown(tmp_path: Path) -> None:
    task = f'{_studio(0, "car")[:-1]}, "annotations": [{{"id": 7, "result": []}}]}}'
    catalog, report = _ingested(tmp_path, "x.json", f"[{task}, {_studio(1, 'bus')}]", covers=["car", "bus"])
    assert _answers(catalog) == [[], ["b.png"], ["a.png"]]
    assert [reject.reason.partition(":")[0] for reject in report.rejects] == [
        "`annotations` stands twice in one task"
    ]


def test_results_that_stand_twice_in_an_annotation_reject_it(tmp_path: Path) -> None:
    task = _studio(0, "car").replace('"result":', '"result": [], "result":')
    catalog, _ = _ingested(tmp_path, "x.json", f"[{task}, {_studio(1, 'bus')}]", covers=["car"])
    assert _answers(catalog) == [[], ["b.png"], ["a.png"]]


@pytest.mark.parametrize(
    ("record", "place", "unknown"),
    [
        ('{"asset": "a.png", "class": "bus", "class": "car"}', "line 1", ["car", "bus"]),
        ('{"asset": "a.png", "class": "bus", "confidence": 1, "confidence": 0}', "line 1", ["bus"]),
        (
            '{"asset": "a.png", "annotations": [{"class": "car"}], "annotations": []}',
            "line 1",
            ["car", "bus"],
        ),
        (
            '{"asset": "a.png", "annotations": [{"class": "car", "class": "car"}]}',
            "line 1, annotations[0]",
            ["car", "bus"],
        ),
    ],
)
def test_a_key_that_stands_twice_rejects_a_neutral_record(
    tmp_path: Path, record: str, place: str, unknown: list[str]
) -> None:
    lines = f'{record}\n{{"asset": "a.png", "text": "x"}}\n{{"asset": "b.png", "class": "cat"}}\n'
    catalog, report = _ingested(tmp_path, "x.ndjson", lines, covers=["car", "bus"])
    (reject,) = report.rejects
    assert reject.reason.endswith("stands twice in one record: which of them counts?")
    assert reject.example.endswith(place)
    for name in ("car", "bus"):
        assert _answers(catalog, name)[2] == (["a.png"] if name in unknown else [])


def test_a_key_that_stands_twice_in_a_coco_annotation_is_noted(tmp_path: Path) -> None:
    text = _coco().replace('"bbox": [1, 2, 30, 40]', '"bbox": [1, 2, 30, 40], "bbox": [5, 6, 7, 8]')
    catalog, report = _ingested(tmp_path, "x.json", text)
    assert "a key that stands twice in one annotation: the last counts" in report.notes
    assert catalog.search("car[x=5]").count() == 1


@pytest.mark.parametrize(
    ("key", "what"), [('"file_name"', "image"), ('"id"', "image"), ('"name"', "category")]
)
def test_a_key_that_stands_twice_in_an_image_or_category_is_noted(
    tmp_path: Path, key: str, what: str
) -> None:
    value = "7" if key == '"id"' else '"x"'
    _, report = _ingested(tmp_path, "x.json", _coco().replace(f"{key}:", f"{key}: {value}, {key}:", 1))
    assert f"a key that stands twice in one {what}: the last counts" in report.notes


def test_a_key_within_another_object_is_not_twice() -> None:
    assert keys_twice(b'{"a": {"a": 1}, "b": "a", "b": ["\\"a\\":"]}', ("a", "b")) == ["b"]
    chunk = b'\n {"a": 1}, {"b": {"a": 2}, "a": 3}, {"a": 4, "a": 5}, {"a": '
    assert records_with_keys_twice(chunk, {"a": 3, "b": 1}) == {2: ["a"]}
