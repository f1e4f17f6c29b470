"""Files that ask for too much are refused, in little time and memory, and those beside them go in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacat.errors import FormatError
from datacat.ingest.attributes import Leaves
from datacat.ingest.limits import DEPTH, check_row_groups, csv_values, name_fault, read_xml, read_yaml
from datacat.testing.format_suite import read, rows

from .test_formats import coco, picture, save

_BOUNDED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from pathlib import Path
from datacat.testing.format_suite import read, rows
if __name__ == "__main__":
    staged = read(Path(sys.argv[1]), Path(sys.argv[2]), format=sys.argv[3])
    for row in rows(staged, "rejects"):
        print(row["reason"])
    print(len(rows(staged, "annotations")), "annotations")
"""
_ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
_OBJECT = "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>"


def _said(folder: Path, into: Path, format_name: str) -> list[str]:
    """What an ingest with 2 GB of memory and a minute says: its rejects' reasons, and how many annotations it has."""
    command = [sys.executable, "-c", _BOUNDED, str(folder), str(into), format_name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_yaml_is_read_as_it_is_written() -> None:
    text = b"a: [yes, 010, 1.50, null, ~, 2024-01-31]\nb: &x {k: 1}\nc: {<<: *x, l: 2}\nd:\n"
    assert read_yaml(text, where="y").tree == {
        "a": ["yes", "010", "1.50", "null", "~", "2024-01-31"],
        "b": {"k": "1"},
        "c": {"k": "1", "l": "2"},
        "d": "",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested deeper"),
        ("{a: " * 1_000, "nested deeper"),
        ("a: &a [*a]", "stands for nothing"),
        ("[a]: b" * 3, "a key that is a list"),
        ("x" * (5 << 20), "more than the 4,194,304"),
        ("- a\n" * 200_001, "expands to more than 200,000 values"),
        ("a: [", "not valid YAML at line 2"),
        ("a: \0", "not valid YAML"),
    ],
)
def test_yaml_beyond_the_limits_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read_yaml(text.encode(), where="y")


def test_xml_is_read_in_the_encoding_that_it_says() -> None:
    for encoding in ("utf-8", "utf-16", "latin-1", "gb2312"):
        text = "你" if encoding == "gb2312" else "ü"
        content = f'<?xml version="1.0" encoding="{encoding}"?><a>{text}</a>'.encode(encoding)
        assert read_xml(content, where="x").text == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<a>" * (DEPTH + 1) + "</a>" * (DEPTH + 1), "nested deeper than 100 levels"),
        (f"{_ENTITIES}<annotation>&b;</annotation>", "it declares entities"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "it declares entities"),
        ("<a>&b;</a>", "no valid XML at line 1: undefined entity"),
        ("<a", "no valid XML"),
    ],
)
def test_xml_beyond_the_limits_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read_xml(text.encode(), where="x")


@pytest.mark.parametrize(
    "bomb", [_OBJECT + "<a>" * 1500 + "</a>" * 1500, "<object>" * 50_000, f"{_OBJECT}&b;"]
)
def test_a_hostile_voc_file_leaves_the_others_alone(bomb: str, tmp_path: Path) -> None:
    head = _ENTITIES if "&b;" in bomb else ""
    save(tmp_path / "lake" / "a.xml", f"<annotation><filename>a.png</filename>{_OBJECT}</annotation>")
    save(tmp_path / "lake" / "b.xml", f"{head}<annotation><filename>b.png</filename>{bomb}</annotation>")
    (reason, count) = _said(tmp_path / "lake", tmp_path / "out", "pascal_voc")
    assert (reason.startswith("refused: "), count) == (True, "1 annotations")


def test_hostile_json_leaves_the_other_records_alone(tmp_path: Path) -> None:
    document = json.dumps(coco(2))
    deep, digits = "[" * 100_000 + "]" * 100_000, "9" * 1_000_000
    odd = [
        f'{{"id": 7, "image_id": 0, "category_id": 7, "bbox": [1, 2, 3, 4], "attributes": {{"a": {said}}}}}'
        for said in (deep, digits, "NaN", "Infinity")
    ]
    text = document.replace('"annotations": [', f'"annotations": [{",".join(odd)},')
    save(tmp_path / "lake" / "a.json", text)
    *reasons, count = _said(tmp_path / "lake", tmp_path / "out", "coco")
    assert count == "2 annotations"
    assert len(reasons) == 4
    assert not [reason for reason in reasons if "recursion" in reason or "Exceeds" in reason]


def test_paths_that_expand_are_refused() -> None:
    document = json.dumps({"k" * 100_000: dict.fromkeys(map(str, range(1_000)), 1)}).encode()
    leaves = Leaves()
    with pytest.raises(ValueError, match="the paths of its attributes"):
        leaves.extract(document, 0)
    with pytest.raises(ValueError):
        leaves.extract(b'{"a": 1, "b": %s}' % (b"9" * 5_000), 1)
    assert (len(leaves), leaves.rows, leaves.texts) == (0, [], [])


def test_a_giant_value_of_csv_rejects_its_line(tmp_path: Path) -> None:
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
    save(
        tmp_path / "lake" / "b.csv",
        f"{head}a,x,/m/0,1,0,1,0,1\n{'b' * 200_000},x,/m/0,1,0,1,0,1\nc,x\0,/m/0,1,0,z,0,1\n",
    )
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "annotations")) == 1
    first, second = rows(staged, "rejects")
    assert first["reason"] == "a value of more than 131,072 characters"
    assert second["position"] == "line 4"
    with pytest.raises(ValueError):
        csv_values("a" * 200_000)


def test_pictures_that_claim_or_hide_too_much_are_assets_with_a_fault(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def png(width: int, *chunks: bytes) -> bytes:
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, width, 8, 2, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")

    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"\0" * (64 << 20)))
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "0.png").write_bytes(png(100_000))
    (tmp_path / "lake" / "1.png").write_bytes(png(10, text))
    save(tmp_path / "lake" / "a.json", coco(2))
    media = {Path(row["uri"]).name: row for row in rows(read(tmp_path / "lake", tmp_path / "out"), "media")}
    assert media["0.png"]["fault"] == "the picture claims an unreasonable size"
    assert media["1.png"]["fault"] == "not a picture that can be read"


def test_names_that_no_file_can_have() -> None:
    assert name_fault("a/b c.jpg") is None
    assert name_fault("a\0.jpg") == "the name of the asset has a NUL in it"
    assert name_fault("a\n.jpg") is None
    assert name_fault("ü" * 3_000) == "the name of the asset is 6,000 bytes long, more than 4,096"


def test_a_yolo_file_with_a_billion_laughs_in_its_names_is_read_without_them(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "images" / "a.png")
    save(tmp_path / "lake" / "labels" / "a.txt", "0 0.5 0.5 0.1 0.1\n")
    levels = [
        f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]"
        for below, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    save(tmp_path / "lake" / "data.yaml", "\n".join(["a: &a [x]", *levels, "names: [*i]"]))
    reason, count = _said(tmp_path / "lake", tmp_path / "out", "yolo")
    assert (reason, count) == ("refused: it expands to more than 200,000 values", "1 annotations")


def test_a_damaged_parquet_file_leaves_the_others_alone(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    for name in ("a", "b"):
        table = pa.table({"asset": [f"{name}.png"] * 1000})
        pq.write_table(table, tmp_path / "lake" / f"{name}.parquet", compression="none", use_dictionary=False)
    path = tmp_path / "lake" / "a.parquet"
    path.write_bytes(path.read_bytes()[:20] + b"\xff" * 40 + path.read_bytes()[60:])
    staged = read(tmp_path / "lake", tmp_path / "out")
    (reject,) = rows(staged, "rejects")
    assert reject["reason"].startswith("a damaged Parquet file")
    assert {Path(row["uri"]).name for row in rows(staged, "listed")} == {"b.png"}


def test_row_groups_that_unpack_to_too_much_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"asset": ["x" * (1 << 20)]}), tmp_path / "a.parquet", compression="zstd")
    metadata = pq.read_metadata(tmp_path / "a.parquet")
    check_row_groups(metadata, where="a")
    monkeypatch.setattr("datacat.ingest.limits.COLUMN_BYTES", 1 << 19)
    with pytest.raises(FormatError, match="a column of a row group has"):
        check_row_groups(metadata, where="a")


@pytest.mark.parametrize("end", ["}\n", ""])
def test_a_record_that_is_too_large_does_not_take_others_along(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacat.ingest.tasks._LARGE", 10_000)
    for name, value in {"CUT": 10_000, "RECORD_BYTES": 20_000}.items():
        monkeypatch.setattr(f"datacat.ingest.format.{name}", value)
    small = '{"asset": "a.png", "class": "cat", "box": [1, 2, 3, 4]}\n'
    large = f'{{"asset": "b.png", "class": "cat", "box": [1, 2, 3, 4], "attributes": {{"a": "{"x" * 40_000}"}}{end}'
    save(tmp_path / "lake" / "a.ndjson", small * 3 + large)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "annotations")) == 3
    assert [row["reason"][:12] for row in rows(staged, "rejects")] == ["a record has"]
