"""A label file that was damaged since it was read takes none of its labels away."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacat.catalog import Catalog
from datacat.errors import LabelsLost
from datacat.sources.location import Location
from tests.catalog.lakes import draw

_VOC = "<annotation><filename>{0}.png</filename><size><width>60</width><height>40</height></size>{1}</annotation>"
_BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
_OBJECT = f"<object><name>car</name>{_BOX}</object>"


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    draw(tmp_path / "lake", ["a.png", "b.png"])
    return Catalog.init(str(catalog_root))


def _ingest(catalog: Catalog, tmp_path: Path) -> tuple[int, int]:
    report = catalog.ingest(str(tmp_path / "lake"), team="t", name="n")
    return report.added, report.removed


def _coco(name: str) -> str:
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}
    categories = [{"id": 1, "name": "car"}]
    images = [{"id": 1, "file_name": name}]
    return json.dumps({"images": images, "categories": categories, "annotations": [box]})


def test_a_file_that_was_cut_off_keeps_its_labels(catalog: Catalog, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"lake/{name}.json").write_text(_coco(f"{name}.png"))
    _ingest(catalog, tmp_path)
    path = tmp_path / "lake/a.json"
    path.write_text(path.read_text()[: path.read_text().index('"annotations"') + 18])
    with pytest.raises(LabelsLost, match=r"a\.json had 1 annotation, and now gives none \(the JSON"):
        _ingest(catalog, tmp_path)
    assert catalog.search("car").count() == 2


@pytest.mark.parametrize("text", ["", _VOC.format("a", _OBJECT)[:60]])
def test_a_file_that_is_no_label_file_any_more_is_not_taken_for_gone(
    catalog: Catalog, tmp_path: Path, text: str
) -> None:
    for name in "ab":
        (tmp_path / f"lake/{name}.xml").write_text(_VOC.format(name, _OBJECT))
    _ingest(catalog, tmp_path)
    (tmp_path / "lake/a.xml").write_text(text)
    with pytest.raises(LabelsLost, match=r"a\.xml had 1 annotation, and now (gives none|is no label file)"):
        _ingest(catalog, tmp_path)
    assert catalog.search("car").count() == 2


def test_a_file_that_is_put_right_or_moved_away_is_taken(catalog: Catalog, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"lake/{name}.xml").write_text(_VOC.format(name, _OBJECT))
    _ingest(catalog, tmp_path)
    (tmp_path / "lake/a.xml").write_text(_VOC.format("a", _OBJECT * 2))
    assert _ingest(catalog, tmp_path)[0] > 0
    (tmp_path / "lake/a.xml").unlink()
    assert _ingest(catalog, tmp_path) == (0, 2)


def test_a_file_of_which_all_labels_were_taken_out_is_taken(catalog: Catalog, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"lake/{name}.json").write_text(_coco(f"{name}.png"))
    _ingest(catalog, tmp_path)
    empty = {**json.loads(_coco("a.png")), "annotations": []}
    (tmp_path / "lake/a.json").write_text(json.dumps(empty))
    assert _ingest(catalog, tmp_path) == (0, 1)


_MANY = 40
_HEADER = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf\n"


def _lines(line: str, *, head: str = "") -> str:
    return head + "".join(line.format(number) + "\n" for number in range(10, 10 + _MANY))


def _many_coco() -> str:
    document = json.loads(_coco("a.png"))
    (box,) = document["annotations"]
    return json.dumps(document | {"annotations": [box | {"id": number} for number in range(_MANY)]})


def _many_tasks() -> str:
    value = {"x": 10, "y": 10, "width": 20, "height": 20, "rectanglelabels": ["car"]}
    region = {"from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": value}
    return json.dumps(
        [
            {"id": number, "data": {"image": "a.png"}, "annotations": [{"id": number, "result": [region]}]}
            for number in range(_MANY)
        ]
    )


# Each format's file of 40 records, what stands once in each of them, and what would make one of them wrong.
_FILES = {
    "a.ndjson": (
        _lines('{{"asset":"a.png","class":"car","box":[{0},10,20,20]}}'), '"box":[', '"box":[null,'
    ),
    "a.txt": (_lines("0 0.5 0.{0} 0.2 0.1"), " 0.5 ", " nan "),
    "a.csv": (_lines("a,xclick,/m/0,1,0.1,0.2,0.{0},0.9,0,0", head=_HEADER), "xclick,/m/0,1,0.1,", "xclick,/m/0,1,x,"),
    "a.json": (_many_coco(), '"bbox": [', '"bbox": ["x", '),
    "b.json": (_many_tasks(), '"value": {"x": 10,', '"value": {"x": "left",'),
}  # fmt: skip


def _behind(text: str, mark: str, *, number: int) -> int:
    """Where the mark of a record ends, by the number of the record."""
    at = -1
    for _ in range(number + 1):
        at = text.index(mark, at + 1)
    return at + len(mark)


def _stored(catalog: Catalog) -> int:
    ((count,),) = catalog.cursor().execute("SELECT count(*) FROM annotations").fetchall()
    return int(count)


@pytest.mark.parametrize("number", [1, 25])
@pytest.mark.parametrize("name", _FILES)
def test_a_file_that_was_cut_off_behind_its_first_record_keeps_its_labels(
    catalog: Catalog, tmp_path: Path, name: str, number: int
) -> None:
    (text, mark, _), path = _FILES[name], tmp_path / "lake" / name
    path.write_text(text)
    assert _ingest(catalog, tmp_path) == (_MANY, 0)
    path.write_text(text[: _behind(text, mark, number=number)])
    says = rf"{name} had 40 annotations, and now gives {number} \((it|the JSON) ends in the middle"
    with pytest.raises(LabelsLost, match=says):
        _ingest(catalog, tmp_path)
    assert _stored(catalog) == _MANY


@pytest.mark.parametrize(("number", "end"), [(1, "\n"), (_MANY - 1, "")])
@pytest.mark.parametrize("name", _FILES)
def test_one_wrong_record_among_others_is_a_reject(
    catalog: Catalog, tmp_path: Path, name: str, number: int, end: str
) -> None:
    (text, mark, wrong), path = _FILES[name], tmp_path / "lake" / name
    path.write_text(text)
    _ingest(catalog, tmp_path)
    at = _behind(text, mark, number=number)
    path.write_text((text[: at - len(mark)] + wrong + text[at:]).rstrip("\n") + end)
    report = catalog.ingest(str(tmp_path / "lake"), team="t", name="n")
    assert (report.annotations, sum(reject.count for reject in report.rejects)) == (_MANY - 1, 1)


def test_a_damaged_file_that_gives_as_much_as_before_is_taken(catalog: Catalog, tmp_path: Path) -> None:
    text, mark, _ = _FILES["a.ndjson"]
    path = tmp_path / "lake/a.ndjson"
    for count in (9, 25):
        path.write_text(text[: _behind(text, mark, number=count)])
        report = catalog.ingest(str(tmp_path / "lake"), team="t", name="n")
        notes = [
            note for note in report.notes if "damaged file: it ends in the middle of its last record" in note
        ]
        assert (report.annotations, len(report.rejects), len(notes)) == (count, 1, 1)


def test_a_hole_in_a_file_of_lines_is_damage(catalog: Catalog, tmp_path: Path) -> None:
    """A disk that lost a block gives zeros instead of it."""
    text, mark, _ = _FILES["a.ndjson"]
    path = tmp_path / "lake/a.ndjson"
    path.write_text(text)
    _ingest(catalog, tmp_path)
    start, end = _behind(text, mark, number=5), _behind(text, mark, number=20)
    path.write_bytes(text[:start].encode() + bytes(end - start) + text[end:].encode())
    with pytest.raises(
        LabelsLost, match=r"had 40 annotations, and now gives 24 \(NUL bytes in the middle of it"
    ):
        _ingest(catalog, tmp_path)


def test_a_parquet_file_with_a_page_that_cannot_be_read_keeps_its_labels(
    catalog: Catalog, tmp_path: Path
) -> None:
    path = tmp_path / "lake/a.parquet"
    rows = pa.table({"asset": ["a.png"] * 20_000, "class": [f"car {n}" for n in range(20_000)]})
    pq.write_table(rows, path, row_group_size=10_000, use_dictionary=False)
    _ingest(catalog, tmp_path)
    content, page = bytearray(path.read_bytes()), pq.ParquetFile(path).metadata.row_group(1).column(1)
    content[page.data_page_offset : page.data_page_offset + 64] = bytes(64)
    path.write_bytes(content)
    with pytest.raises(
        LabelsLost, match=r"a\.parquet had 20,000 annotations, and now gives [0-9,]+ \(a damaged"
    ):
        _ingest(catalog, tmp_path)


def test_a_large_file_that_was_cut_off_keeps_its_labels(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacat.ingest.tasks._LARGE", 100)
    text, mark, _ = _FILES["a.ndjson"]
    path = tmp_path / "lake/a.ndjson"
    path.write_text(text)
    _ingest(catalog, tmp_path)
    path.write_text(text[: _behind(text, mark, number=20)])
    with pytest.raises(LabelsLost, match=r"and now gives 20 \(it ends in the middle"):
        _ingest(catalog, tmp_path)


def test_the_reason_is_that_of_the_first_reject_by_number(catalog: Catalog, tmp_path: Path) -> None:
    path, good = tmp_path / "lake/a.ndjson", '{"asset":"a.png","class":"car"}\n'
    for name in "ab":
        (tmp_path / f"lake/{name}.ndjson").write_text(good)
    _ingest(catalog, tmp_path)
    wrong = [f'{{"asset":"a.png","word {n}":1}}' for n in range(1, 12)]
    path.write_text("\n".join(wrong) + "\n")
    with pytest.raises(LabelsLost, match=r"gives none \(unknown key 'word 1'"):
        _ingest(catalog, tmp_path)
