"""One thing said twice by one label set, as every format may: kept, noted, and one thing wherever things count."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from tests.catalog.lakes import box, coco, draw


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog.init(str(tmp_path / "catalog"))


def _notes(catalog: Catalog, folder: Path, team: str = "a") -> str:
    return "\n".join(catalog.ingest(str(folder), team=team, name="x").notes)


def _yolo(folder: Path, places: list[str]) -> None:
    """Equal pictures with equal labels at several places."""
    draw(folder, ["first.png"])
    for place in places:
        split, stem = place.split("/")
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "first.png", folder / f"images/{split}/{stem}.png")
        (folder / f"labels/{split}/{stem}.txt").write_text("0 .5 .5 .2 .2\n0 .2 .2 .1 .1\n")
    (folder / "first.png").unlink()
    (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [car]\n")


def test_copies_of_a_picture_in_train_and_val(catalog: Catalog, tmp_path: Path) -> None:
    _yolo(tmp_path / "lake", ["train/a", "val/b"])
    notes = _notes(catalog, tmp_path / "lake")
    assert "2 annotations say what another of this label set says of the same picture" in notes
    assert "1 picture stands in several splits of this label set" in notes
    assert [catalog.search(f"count(car)={number}").count() for number in (2, 4)] == [1, 0]
    assert catalog.search("count(car)=4", by="uri").count() == 0
    catalog.freeze("cars", query="car").export(tmp_path / "out", format="yolo")
    (labels,) = (tmp_path / "out/labels").rglob("*.txt")
    assert len(labels.read_text().splitlines()) == 2


def test_a_copied_picture_agrees_with_another_team(catalog: Catalog, tmp_path: Path) -> None:
    _yolo(tmp_path / "one", ["train/a", "val/b"])
    _yolo(tmp_path / "other", ["train/c"])
    _notes(catalog, tmp_path / "one")
    _notes(catalog, tmp_path / "other", team="b")
    assert catalog.search("agreement=1").count() == 1
    assert catalog.overlap("a", "b").matched == 2
    assert catalog.search("count(car across teams)=2").count() == 1


def _export(folder: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((folder / "l.json").read_text())
    return document


@pytest.mark.parametrize("way", ["copied", "again", "renumbered", "within", "spelled"])
def test_a_coco_export_twice_is_said_and_counted_once(catalog: Catalog, tmp_path: Path, way: str) -> None:
    draw(tmp_path / "lake", ["a.png"])
    coco(tmp_path / "lake/l.json", [box("a.png", "car")], pictures=["a.png"])
    document = _export(tmp_path / "lake")
    if way == "renumbered":
        document["annotations"][0]["id"] = 900  # type: ignore[index]
    elif way == "within":
        document["annotations"].append(document["annotations"][0] | {"id": 77})  # type: ignore[attr-defined, index]
    elif way == "spelled":
        document["categories"][0]["name"] = "Car"  # type: ignore[index]
    name = "l.json" if way == "within" else "copy.json"
    (tmp_path / "lake" / name).write_text(json.dumps(document, indent=1 if way == "again" else None))
    notes = _notes(catalog, tmp_path / "lake")
    assert "1 annotation says what another of this label set says of the same picture" in notes
    assert [catalog.search(f"count(car)={number}").count() for number in (1, 2)] == [1, 0]


def test_two_empty_files_are_no_duplicates(catalog: Catalog, tmp_path: Path) -> None:
    draw(tmp_path / "lake", ["a.png", "b.png", "c.png"])
    coco(tmp_path / "lake/l.json", [box("c.png", "car")], pictures=["a.png", "b.png", "c.png"])
    for name in "ab":
        (tmp_path / f"lake/{name}.png").write_bytes(b"")
    _notes(catalog, tmp_path / "lake")
    assert catalog.search("is:duplicate").count() == catalog.search("is:duplicate", by="uri").count() == 0
