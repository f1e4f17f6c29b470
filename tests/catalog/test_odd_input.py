"""Odd input is kept and reported, or rejected and reported; never lost, never a crash."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest

from datacat.catalog import Catalog
from datacat.errors import FormatError
from datacat.model.report import IngestReport
from datacat.sources.location import Location
from tests.catalog.lakes import HEIGHT, WIDTH, draw
from tests.catalog.processes import errors

BOX = [1, 2, 30, 20]


@pytest.fixture
def catalog(catalog_root: Location) -> Catalog:
    return Catalog.init(str(catalog_root))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    draw(tmp_path / "lake", ["a.png", "b.png"])
    return tmp_path / "lake"


def ingested(catalog: Catalog, lake: Path) -> IngestReport:
    report = catalog.ingest(str(lake), team="mapping", name="odd")
    assert errors(catalog) == []
    assert not catalog.ingest(str(lake), team="mapping", name="odd").changed
    return report


def rows(catalog: Catalog, query: str) -> list[tuple[Any, ...]]:
    return catalog.cursor().execute(query).fetchall()


def coco_text(*annotations: str, picture: str = "a.png") -> str:
    """A COCO file of annotations as they are written; each gets a picture and a class."""
    listed = ", ".join('{"image_id": 1, "category_id": 1, %s}' % one for one in annotations)  # noqa: UP031
    image = json.dumps({"id": 1, "file_name": picture, "width": WIDTH, "height": HEIGHT})
    return f'{{"images": [{image}], "categories": [{{"id": 1, "name": "roof"}}], "annotations": [{listed}]}}'


def noted(report: IngestReport, text: str) -> bool:
    return any(text in note for note in report.notes)


def test_odd_boxes_are_kept_as_they_are_and_noted(catalog: Catalog, lake: Path) -> None:
    boxes = [[5, 5, 0, 0], [5, 5, 10, 0], [60, 40, 30, 30], [-5, -5, 10, 10], [5, 5, -3, 4]]
    text = coco_text(*(f'"id": {number}, "bbox": {box}' for number, box in enumerate(boxes)))
    (lake / "labels.json").write_text(text)
    report = ingested(catalog, lake)
    assert (report.annotations, report.rejects) == (5, ())
    assert [
        list(row) for row in rows(catalog, "SELECT x, y, w, h FROM annotations ORDER BY external_id")
    ] == [*boxes[:4], [2, 5, 3, 4]]
    assert noted(report, "a box of no size")
    assert noted(report, "a box of negative width or height")
    assert noted(report, "a box that reaches outside the image: 2")


def test_infinity_is_no_json_so_its_record_is_rejected_with_its_place(catalog: Catalog, lake: Path) -> None:
    text = coco_text(
        f'"id": 1, "bbox": {BOX}, "attributes": {{"height_m": Infinity}}',
        '"id": 2, "bbox": [1, 2, NaN, 4]',
        f'"id": 3, "bbox": {BOX}, "attributes": {{"height_m": 1e999}}',
    )
    (lake / "labels.json").write_text(text)
    report = ingested(catalog, lake)
    assert (report.annotations, sum(reject.count for reject in report.rejects)) == (1, 2)
    assert rows(catalog, "SELECT external_id, attributes FROM annotations") == [("3", '{"height_m": 1e999}')]
    rejected = catalog.rejects().to_pylist()
    assert [each["position"].split(",")[0] for each in rejected] == ["annotations[0]", "annotations[1]"]
    assert all("no valid JSON" in each["reason"] for each in rejected)
    assert "Infinity" in rejected[0]["excerpt"]
    assert catalog.search("has:height_m").count() == 1


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b""], ids=["BOM", "no BOM"])
def test_windows_made_it(catalog: Catalog, lake: Path, mark: bytes) -> None:
    text = coco_text(f'"id": 1,\n "bbox": {BOX}', picture=r"C:\Users\ann\Téléphone\a.png")
    (lake / "labels.json").write_bytes(mark + text.replace("\n", "\r\n").encode())
    report = ingested(catalog, lake)
    assert (report.annotations, report.assets, report.assets_missing) == (1, 1, 0)
    assert catalog.asset("a.png").uri == str(lake / "a.png")
    assert any("matched by rule" in text for text in report.assumed)


def test_missing_pictures_are_kept_as_missing(catalog: Catalog, lake: Path) -> None:
    (lake / "labels.json").write_text(coco_text(f'"id": 1, "bbox": {BOX}', picture=r"D:\gone\x.png"))
    report = ingested(catalog, lake)
    assert (report.annotations, report.assets_missing) == (1, 1)
    assert noted(report, "media was not found")
    (hit,) = catalog.search(f"roof[width>5%] is:missing width={WIDTH}")  # as the label file says
    assert (hit.uri.rsplit("/", 1)[1], hit.width) == ("x.png", WIDTH)


def test_the_size_of_a_missing_picture_may_come_later(catalog: Catalog, lake: Path) -> None:
    written = coco_text(f'"id": 1, "bbox": {BOX}', picture="x.png")
    unsized = json.loads(written)
    del unsized["images"][0]["width"], unsized["images"][0]["height"]
    (lake / "labels.json").write_text(json.dumps(unsized))
    ingested(catalog, lake)
    assert catalog.search(f"width={WIDTH}").count() == 0
    (lake / "labels.json").write_text(written)
    ingested(catalog, lake)
    assert catalog.search(f"width={WIDTH} is:missing").count() == 1


def test_equal_ids_are_kept_apart(catalog: Catalog, lake: Path) -> None:
    (lake / "labels.json").write_text(
        coco_text(*[f'"id": 7, "bbox": {BOX}'] * 3, '"id": 7, "bbox": [0, 0, 5, 5]')
    )
    report = ingested(catalog, lake)
    assert report.annotations == 4
    assert noted(report, "an annotation id that was used before in the same file: 3")
    assert rows(catalog, "SELECT external_id, count(DISTINCT annotation) FROM annotations GROUP BY ALL") == [
        ("7", 4)
    ]


def test_several_classes_of_one_annotation_are_several_rows(catalog: Catalog, lake: Path) -> None:
    value = {"x": 10, "y": 10, "width": 50, "height": 50, "rectanglelabels": ["roof", "damaged", "roof"]}
    result = {"id": "r1", "type": "rectanglelabels", "from_name": "l", "to_name": "i", "value": value}
    result |= {"original_width": WIDTH, "original_height": HEIGHT}
    task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"id": 5, "result": [result]}]}
    (lake / "tasks.json").write_text(json.dumps([task]))
    report = ingested(catalog, lake)
    assert dict(report.classes) == {"roof": 2, "damaged": 1} or dict(report.classes) == {
        "roof": 1,
        "damaged": 1,
    }
    assert catalog.search("damaged roof").count() == 1
    assert len(rows(catalog, "SELECT DISTINCT external_id FROM annotations")) == 1


def test_empty_yolo_files_are_pictures_without_objects(catalog: Catalog, lake: Path) -> None:
    (lake / "obj.names").write_text("roof\ncar\n")
    (lake / "a.txt").write_text("0 0.5 0.5 0.2 0.2\r\n\r\n1 0.5 0.5 0 0\r\n7 0.1 0.1 0.1 0.1\r\nnonsense\r\n")
    (lake / "b.txt").write_bytes(b"")
    report = ingested(catalog, lake)
    assert (report.annotations, report.assets, report.assets_missing) == (3, 2, 0)
    assert noted(report, "a box of no size")
    (reject,) = catalog.rejects("mapping/odd").to_pylist()
    assert (reject["position"], Path(reject["file"]).name) == ("line 5", "a.txt")
    assert [hit.uri for hit in catalog.search("is:unlabelled")] == [str(lake / "b.png")]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xef\xbb\xbf", b"{", b"\x00" * 64])
def test_an_empty_label_file_beside_others_is_named(catalog: Catalog, lake: Path, content: bytes) -> None:
    (lake / "labels.json").write_text(coco_text(f'"id": 1, "bbox": {BOX}'))
    (lake / "odd.json").write_bytes(content)
    report = ingested(catalog, lake)
    assert report.annotations == 1
    named = [path for path, _ in report.skipped] + [
        reject["file"] for reject in catalog.rejects().to_pylist()
    ]
    assert str(lake / "odd.json") in named


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{"])
def test_an_empty_label_file_alone_is_refused(catalog: Catalog, lake: Path, content: bytes) -> None:
    (lake / "labels.json").write_bytes(content)
    with pytest.raises(FormatError, match="no label file was recognised"):
        catalog.ingest(str(lake), team="mapping", name="odd")
    assert catalog.state == 0


def test_a_file_that_breaks_off_keeps_its_whole_records(catalog: Catalog, lake: Path) -> None:
    text = coco_text(*(f'"id": {number}, "bbox": {BOX}' for number in range(5)))
    (lake / "labels.json").write_text(text[: text.index('"id": 4')])
    report = ingested(catalog, lake)
    assert report.annotations == 4
    assert sum(reject.count for reject in report.rejects) >= 1
