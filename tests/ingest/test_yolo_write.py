"""What is exported as YOLO is what Ultralytics reads.

`loaded` states its rules anew, as published in version 8.4 (where it looks for labels, which lines it refuses, what
data.yaml must have); the last test asks Ultralytics itself, where it is installed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from PIL import Image

from datacat.ingest.yolo_write import write
from datacat.model.snapshot import MANIFEST

Loaded = dict[str, list[list[float]]]


def loaded(folder: Path, split: str) -> Loaded:
    """The boxes (class, centre, size) of each picture of a split by its name, as Ultralytics takes them in."""
    data = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))
    assert {"train", "val"} <= data.keys()
    assert list(data["names"]) == list(range(len(data["names"])))
    root = Path(data.get("path") or folder)
    lists = data[split] if isinstance(data[split], list) else [data[split]]
    lines = [line for name in lists for line in (root / name).read_text("utf-8").splitlines()]
    found = {}
    for line in lines:
        picture = line.replace("./", f"{root}{os.sep}", 1) if line.startswith("./") else line
        with Image.open(picture) as image:
            image.verify()
        label = (
            f"{os.sep}labels{os.sep}".join(picture.rsplit(f"{os.sep}images{os.sep}", 1)).rsplit(".", 1)[0]
            + ".txt"
        )
        found[Path(picture).name] = _boxes(Path(label), len(data["names"]))
    return found


def _boxes(label: Path, class_count: int) -> list[list[float]]:
    written = label.read_text("utf-8").splitlines()
    lines = [list(map(float, line.split())) for line in written if line.strip()]
    if any(len(line) > 6 for line in lines):
        assert not any(len(line) == 5 for line in lines), "boxes and polygons are mixed"
        rings = [(line[0], np.array(line[1:]).reshape(-1, 2)) for line in lines]
        ends = [(number, ring.min(0), ring.max(0)) for number, ring in rings]
        lines = [[number, *((low + high) / 2), *(high - low)] for number, low, high in ends]
    for line in lines:
        assert len(line) == 5
        assert max(line[1:]) <= 1.01
        assert min(line) >= 0
        assert min(line[3:]) > 0
        assert line[0] % 1 == 0
        assert line[0] < class_count
    return lines


def _tables(
    folder: Path, statements: list[dict[str, Any]], *, split: str = "all", **asset: Any
) -> tuple[pa.Table, pa.Table]:
    uris = sorted({row["uri"] for row in statements})
    for uri in uris:
        if not asset.get("is_missing"):
            Path(uri).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 48)).save(uri)
    known = {"media": "image", "width": 64, "height": 48, "is_missing": False, "split": split} | asset
    assets = pa.Table.from_pylist([{"uri": uri, **known} for uri in uris], schema=MANIFEST["assets"])
    plain = {
        "kind": "annotation",
        "geometry_type": "box",
        "is_relative": False,
        "is_crowd": False,
        "class": "a",
    }
    rows = [plain | row for row in statements]
    return assets, pa.Table.from_pylist(rows, schema=MANIFEST["annotations"])


def _box(uri: Path | str, *sides: float, **more: Any) -> dict[str, Any]:
    return {"uri": str(uri), **dict(zip("xywh", sides, strict=True)), **more}


@pytest.mark.parametrize("media", ["copy", "link"])
def test_exported_labels_are_read_and_not_those_of_the_source(media: str, tmp_path: Path) -> None:
    picture = tmp_path / "lake" / "images" / "a.png"
    (tmp_path / "lake" / "labels").mkdir(parents=True)
    (tmp_path / "lake" / "labels" / "a.txt").write_text("9 0.5 0.5 0.5 0.5\n")
    (tmp_path / "out").mkdir()
    losses = write(*_tables(tmp_path, [_box(picture, 16, 12, 32, 24)]), tmp_path / "out", media=media)
    for split in ("train", "val"):
        assert loaded(tmp_path / "out", split) == {"a.png": [[0, 0.5, 0.5, 0.5, 0.5]]}
    assert "1 × data.yaml without a split val, for which the pictures of train stand" in losses


def test_boxes_are_cut_at_the_edge_or_left_out_and_counted(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    boxes = [(50, 30, 15, 18.5), (-2, 4, 10, 10), (10, 10, 10, 10), (30, 30, -9, -9), (70, 10, 5, 5)]
    (tmp_path / "out").mkdir()
    losses = write(*_tables(tmp_path, [_box(picture, *box) for box in boxes]), tmp_path / "out", media="copy")
    assert len(loaded(tmp_path / "out", "train")["a.png"]) == 3
    assert "2 × boxes that reach outside their picture, cut at its edge" in losses
    assert "2 × boxes without area within their picture, left out" in losses


def test_a_picture_has_boxes_or_polygons_but_not_both(tmp_path: Path) -> None:
    picture, other = tmp_path / "a.png", tmp_path / "b.png"
    ring = {"geometry_type": "polygon", "geometry": "[[8, 12, 40, 12, 40, 60, 8, 60]]"}
    rows = [_box(picture, 16, 12, 32, 24), _box(picture, 8, 12, 32, 48, **ring), _box(other, 0, 0, 32, 24)]
    (tmp_path / "out").mkdir()
    losses = write(*_tables(tmp_path, rows), tmp_path / "out", media="copy")
    found = loaded(tmp_path / "out", "train")
    assert found["a.png"][0] == pytest.approx([0, 0.5, 0.5, 0.5, 0.5])
    assert found["a.png"][1] == pytest.approx([0, 0.375, 0.625, 0.5, 0.75])
    assert found["b.png"] == [[0, 0.25, 0.25, 0.5, 0.5]]
    assert "1 × boxes beside polygons of the same picture, written as polygons" in losses
    assert "1 × polygons that reach outside their picture, cut at its edge" in losses


def test_names_that_no_file_can_have_are_written_otherwise(tmp_path: Path) -> None:
    names = ["a\0b", "a\nb", "a\\b", "..", "x" * 300, "ü" * 200, "b.jpg?sign=1/..", "A_b"]
    uris = [f"s3://bucket/{number}/{name}.png" for number, name in enumerate(names)]
    (tmp_path / "out").mkdir()
    tables = _tables(tmp_path, [_box(uri, 1, 1, 2, 2) for uri in uris], is_missing=True)
    losses = write(*tables, tmp_path / "out", media="reference")
    files = [path.name for path in (tmp_path / "out" / "labels").rglob("*.txt")]
    assert len({name.casefold() for name in files}) == len(uris)
    assert all(len(name.encode()) < 200 and name.isprintable() for name in files)
    assert any(line.endswith("names of pictures that no file can have, written otherwise") for line in losses)


def test_missing_pictures_are_left_out_of_the_lists(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    tables = _tables(tmp_path, [_box(tmp_path / "a.png", 1, 1, 2, 2)], is_missing=True)
    losses = write(*tables, tmp_path / "out", media="copy")
    assert (tmp_path / "out" / "all.txt").read_text() == ""
    assert "1 × annotations of pictures that are left out" in losses


def test_a_text_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assets, said = _tables(tmp_path, [_box(tmp_path / "1.txt", 1, 1, 2, 2)], is_missing=True)
    row = {**assets.to_pylist()[0], "media": "text", "is_missing": False}
    assets = pa.Table.from_pylist([row], schema=assets.schema)
    losses = write(assets, said, tmp_path / "out", media="copy")
    assert losses[:2] == ["1 × annotations of pictures that are left out", "1 × assets that are no pictures"]


def test_shapes_with_one_box_are_no_repeats(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    crack = {**_box(tmp_path / "a.png", 1, 1, 20, 20), "geometry_type": "polyline"}
    rows = [crack | {"geometry": shape} for shape in ("[1, 1, 21, 21]", "[1, 21, 21, 1]", "[1, 1, 21, 21]")]
    losses = write(*_tables(tmp_path, rows), tmp_path / "out", media="copy")
    assert len(loaded(tmp_path / "out", "train")["a.png"]) == 1
    assert "1 × annotations whose line another one of the picture has too" in losses
    assert "1 × shapes whose line another one of the picture has too: their boxes are equal" in losses


@pytest.mark.parametrize(
    ("splits", "train", "val"),
    [
        (("train", "val"), {"0.png"}, {"1.png"}),
        (("train", "test"), {"0.png"}, {"0.png"}),
        (("one", "two"), {"0.png", "1.png"}, {"0.png", "1.png"}),
        (("val", "test"), {"0.png"}, {"0.png"}),
    ],
)
def test_data_yaml_always_has_train_and_val(
    splits: tuple[str, ...], train: set[str], val: set[str], tmp_path: Path
) -> None:
    tables = [
        _tables(tmp_path, [_box(tmp_path / f"{n}.png", 1, 1, 2, 2)], split=split)
        for n, split in enumerate(splits)
    ]
    (tmp_path / "out").mkdir()
    write(*(pa.concat_tables(kind) for kind in zip(*tables, strict=True)), tmp_path / "out", media="copy")
    found = {split: set(loaded(tmp_path / "out", split)) for split in ("train", "val")}
    assert found == {"train": train, "val": val}


def test_classes_have_the_index_that_is_given(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    tables = _tables(tmp_path, [_box(tmp_path / "a.png", 16, 12, 32, 24)])
    write(*tables, tmp_path / "out", media="copy", classes={"yes": 0, "no": 1, "a": 2})
    assert loaded(tmp_path / "out", "train")["a.png"][0][0] == 2
    assert yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())["names"] == {
        0: "yes",
        1: "no",
        2: "a",
    }


@pytest.mark.slow
def test_ultralytics_itself_loads_it(tmp_path: Path) -> None:
    data = pytest.importorskip("ultralytics.data.utils", reason="Ultralytics is not installed")
    ring = {"geometry_type": "polygon", "geometry": "[[8, 12, 40, 12, 40, 60, 8, 60]]"}
    rows = [
        _box(tmp_path / "images" / "a.png", -16, 12, 32, 24),
        _box(tmp_path / "images" / "a.png", 8, 12, 32, 48, **ring),
    ]
    (tmp_path / "out").mkdir()
    write(*_tables(tmp_path, rows), tmp_path / "out", media="link")
    checked = data.check_det_dataset(str(tmp_path / "out" / "data.yaml"), autodownload=False)
    (picture,) = Path(checked["train"]).read_text().splitlines()
    path = str(tmp_path / "out" / picture)
    (label,) = data.img2label_paths([path])
    found = data.verify_image_label((path, label, "", False, 1, 0, 0, False))
    assert found[1].shape == (2, 5)
    assert found[1] == pytest.approx(np.array(loaded(tmp_path / "out", "train")["a.png"]), abs=1e-6)
