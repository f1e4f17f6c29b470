"""Annotations drawn on another size of a picture than it has."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

import datacat
from datacat.catalog import Catalog
from datacat.model.report import IngestReport
from datacat.model.snapshot import MANIFEST
from datacat.query.drawn import way_of
from datacat.versions.drawn import on_pictures, upright_boxes


def made(
    tmp_path: Path, *, said: tuple[int, int], orientation: int = 1, **annotation: Any
) -> tuple[Catalog, IngestReport]:
    """A catalog of one picture of 64x48 pixels, of which a label file states the size `said`."""
    lake = tmp_path / "lake"
    lake.mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (64, 48)).save(lake / "z.jpg", exif=exif)
    box = {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [0.5 * said[0], 0, 0.25 * said[0], 0.5 * said[1]],
    }
    images = [{"id": 1, "file_name": "z.jpg", "width": said[0], "height": said[1]}]
    document = {
        "images": images,
        "categories": [{"id": 1, "name": "shed"}],
        "annotations": [box | annotation],
    }
    (lake / "labels.json").write_text(json.dumps(document))
    cat = datacat.init(str(tmp_path / "catalog"))
    return cat, cat.ingest(str(lake), team="t", name="n")


def exported(cat: Catalog, tmp_path: Path, format_: str) -> tuple[str, tuple[str, ...]]:
    snapshot = cat.freeze("x", query="shed")
    report = snapshot.export(tmp_path / format_, format=format_)
    name = "*/z.txt" if format_ == "yolo" else "instances_*.json"
    (path,) = (tmp_path / format_).rglob(name)
    return path.read_text(), report.losses


@pytest.mark.parametrize(
    ("said", "orientation", "note"),
    [
        ((64, 48), 1, None),
        ((640, 480), 1, "label file says 640x480, the picture is 64x48: 1"),
        ((48, 64), 1, "label file says 48x64, the picture is 64x48: 1"),
        ((48, 64), 6, "a label file gives the size of a picture as its EXIF turns it: 1"),
        (
            (64, 48),
            6,
            "a label file gives the size of a picture before its EXIF turns it, so its boxes are turned with it: 1",
        ),
    ],
)
def test_another_size_than_the_picture_has_is_noted(
    tmp_path: Path, said: tuple[int, int], orientation: int, note: str | None
) -> None:
    _, report = made(tmp_path, said=said, orientation=orientation)
    assert [text for text in report.notes if "size" in text or "says" in text] == ([note] if note else [])


@pytest.mark.parametrize(
    ("said", "orientation"), [((64, 48), 1), ((640, 480), 1), ((32, 48), 1), ((48, 64), 6)]
)
def test_fractions_are_of_the_size_it_was_drawn_on(
    tmp_path: Path, said: tuple[int, int], orientation: int
) -> None:
    cat, _ = made(tmp_path, said=said, orientation=orientation)
    assert exported(cat, tmp_path, "yolo")[0].split() == ["0", "0.625", "0.25", "0.25", "0.5"]


def test_coordinates_are_of_the_picture_as_it_is(tmp_path: Path) -> None:
    polygon = [[320, 0, 480, 0, 480, 240]]
    cat, _ = made(tmp_path, said=(640, 480), segmentation=polygon)
    document = json.loads(exported(cat, tmp_path, "coco")[0])
    assert [document["images"][0][side] for side in ("width", "height")] == [64, 48]
    (found,) = document["annotations"]
    assert found["bbox"] == pytest.approx([32, 0, 16, 24])
    assert found["segmentation"][0] == pytest.approx([32, 0, 48, 0, 48, 24])
    assert found["area"] == pytest.approx(16 * 24 / 2)


def test_a_mask_of_another_size_becomes_its_box_and_is_counted(tmp_path: Path) -> None:
    mask = {"size": [480, 640], "counts": [0, 100, 307100]}
    cat, _ = made(tmp_path, said=(640, 480), segmentation=mask)
    text, losses = exported(cat, tmp_path, "coco")
    assert "segmentation" not in text
    assert any("masks drawn on another size" in loss for loss in losses)


def test_a_picture_drawn_on_as_its_exif_turns_it_is_exported_so(tmp_path: Path) -> None:
    cat, _ = made(tmp_path, said=(48, 64), orientation=6)
    document = json.loads(exported(cat, tmp_path, "coco")[0])
    assert [document["images"][0][side] for side in ("width", "height")] == [48, 64]
    assert document["annotations"][0]["bbox"] == [24, 0, 12, 32]


@pytest.mark.parametrize(
    ("said", "orientation", "shape", "box"),
    [
        ((640, 480), 1, (3, 48, 64), [32, 0, 48, 24]),
        ((48, 64), 6, (3, 64, 48), [24, 0, 36, 32]),
    ],
)
def test_a_data_set_for_training_has_boxes_on_its_pictures(
    tmp_path: Path, said: tuple[int, int], orientation: int, shape: tuple[int, ...], box: list[float]
) -> None:
    pytest.importorskip("torch")
    cat, _ = made(tmp_path, said=said, orientation=orientation)
    pixels, target = cat.freeze("x", query="shed").torch()[0]
    assert tuple(pixels.shape) == shape
    assert target["boxes"][0].tolist() == pytest.approx(box)


def test_a_digest_says_on_which_size_it_was_drawn(tmp_path: Path) -> None:
    """Without a disagreement a row has the digest that it always had: `LATER` in `model.snapshot`."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    same, _ = made(tmp_path / "a", said=(64, 48))
    other, _ = made(tmp_path / "b", said=(640, 480), bbox=[32, 0, 16, 24])
    digests = [cat.freeze("x", query="shed").definition.digests.annotations for cat in (same, other)]
    assert digests[0] != digests[1]


def _tables(*drawn: str | None, orientation: int | None) -> tuple[pa.Table, pa.Table]:
    """A manifest of one picture, 64x48 as older releases and 48x64 as this one says, with a box for each size."""
    width, height = (64, 48) if orientation is None else (48, 64)
    asset = {"uri": "a.jpg", "width": width, "height": height, "orientation": orientation}
    box = {
        "uri": "a.jpg",
        "geometry_type": "box",
        "x": 4.0,
        "y": 8.0,
        "w": 10.0,
        "h": 20.0,
        "is_relative": False,
    }
    boxes = [{**box, "drawn": size} for size in drawn]
    return tuple(  # type: ignore[return-value]
        pa.Table.from_pylist(rows, schema=MANIFEST[name])
        for name, rows in (("assets", [asset]), ("annotations", boxes))
    )


@pytest.mark.parametrize("keeps_stored", [False, True])
def test_an_older_manifest_means_the_turned_picture_by_swapped_sides(keeps_stored: bool) -> None:
    assets, said, losses = on_pictures(*_tables("48x64", orientation=None), keeps_stored=keeps_stored)
    assert (assets["width"][0].as_py(), assets["height"][0].as_py()) == (48, 64)
    assert [said[side][0].as_py() for side in "xywh"] == [4, 8, 10, 20]
    assert losses == []


@pytest.mark.parametrize(
    ("drawn", "keeps_stored", "size", "boxes"),
    [
        (("64x48",), True, (64, 48), [[4, 8, 10, 20]]),
        (("64x48",), False, (48, 64), [[20, 4, 20, 10]]),
        (("64x48", None), True, (48, 64), [[20, 4, 20, 10], [4, 8, 10, 20]]),
        (("128x96", None), True, (48, 64), [[34, 2, 10, 5], [4, 8, 10, 20]]),
        (("96x128",), True, (48, 64), [[2, 4, 5, 10]]),
    ],
)
def test_what_was_drawn_on_the_stored_picture_is_turned_where_anything_else_was_not(
    drawn: tuple[str | None, ...], keeps_stored: bool, size: tuple[int, int], boxes: list[list[float]]
) -> None:
    assets, said, _ = on_pictures(*_tables(*drawn, orientation=6), keeps_stored=keeps_stored)
    assert (assets["width"][0].as_py(), assets["height"][0].as_py()) == size
    assert [[row[side] for side in "xywh"] for row in said.to_pylist()] == boxes


def _many(count: int, *, drawn: dict[int, str]) -> tuple[pa.Table, pa.Table]:
    """Pictures of 48x64 that EXIF has turned, each with a box, in chunks; of some, drawn on another size."""
    sizes = {"width": 48, "height": 64, "orientation": 6}
    assets = [{"uri": f"{at:06}.jpg", **sizes} for at in range(count)]
    box = {"class": "car", "geometry_type": "box", "x": 4.0, "y": 8.0, "w": 10.0, "h": 20.0, "area": 200.0}
    said = [
        {
            "uri": row["uri"],
            **box,
            "is_relative": False,
            "attributes": f'{{"at": {at}}}',
            "drawn": drawn.get(at),
        }
        for at, row in enumerate(assets)
    ]
    halves = (said[: count // 2], said[count // 2 :])
    tables = [pa.Table.from_pylist(half, schema=MANIFEST["annotations"]) for half in halves]
    return pa.Table.from_pylist(assets, schema=MANIFEST["assets"]), pa.concat_tables(tables)


def test_all_other_rows_stay_where_and_what_they_are() -> None:
    assets, rows = _many(9, drawn={2: "64x48", 7: "96x128", 8: "64x48"})
    expected = rows.to_pylist()
    expected[2] |= {"x": 20.0, "y": 4.0, "w": 20.0, "h": 10.0}
    expected[8] |= {"x": 20.0, "y": 4.0, "w": 20.0, "h": 10.0}
    upright = [{**row, "drawn": row["drawn"] if at == 7 else None} for at, row in enumerate(expected)]
    found = upright_boxes(assets, rows.drop_columns(["area"])).to_pylist()
    assert found == [{name: row[name] for name in row if name != "area"} for row in upright]
    expected[7] |= {"x": 2.0, "y": 4.0, "w": 5.0, "h": 10.0, "area": 50.0}
    assert on_pictures(assets, rows, keeps_stored=False)[1].to_pylist() == expected


@pytest.mark.parametrize(
    "act", [upright_boxes, lambda assets, rows: on_pictures(assets, rows, keeps_stored=True)]
)
def test_one_turned_picture_makes_no_objects_of_all_annotations(act: Callable[..., Any]) -> None:
    assets, rows = _many(20_000, drawn={5: "64x48"})
    assets = assets.set_column(
        assets.schema.get_field_index("orientation"),
        assets.schema.field("orientation"),
        pa.array([6 if at == 5 else None for at in range(20_000)], assets.schema.field("orientation").type),
    )
    tracemalloc.start()
    act(assets, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize(
    ("orientation", "center", "degrees"),
    [(5, [8, 4], 80), (6, [40, 4], 100), (7, [40, 60], -100), (8, [8, 60], -80)],
)
def test_turned_boxes_turn_with_their_picture(orientation: int, center: list[float], degrees: float) -> None:
    way = way_of((64, 48), shown=(48, 64), orientation=orientation, is_relative=False)
    assert way is not None
    found = way.geometry("rotated", {"center": [4, 8], "size": [10, 20], "degrees": 10})
    assert found == {"center": center, "size": [10, 20], "degrees": degrees}


def test_points_and_their_outline_turn_with_their_picture() -> None:
    way = way_of((64, 48), shown=(48, 64), orientation=8, is_relative=False)
    assert way is not None
    found = way.geometry("keypoints", {"points": [[4, 8, 2]], "segmentation": [[0, 0, 64, 0, 64, 48]]})
    assert found == {"points": [[8, 60, 2]], "segmentation": [[0, 64, 0, 0, 48, 0]]}


def test_masks_of_the_stored_picture_stay_where_it_is_written_and_are_boxes_else() -> None:
    mask = {"geometry_type": "mask", "geometry": '{"size": [48, 64], "counts": [0, 3072]}'}
    assets, annotations = _tables("64x48", orientation=6)
    said = pa.Table.from_pylist([annotations.to_pylist()[0] | mask], schema=annotations.schema)
    kept, turned = (on_pictures(assets, said, keeps_stored=keeps) for keeps in (True, False))
    assert (kept[1]["geometry"][0].as_py(), kept[2]) == (mask["geometry"], [])
    assert turned[1]["geometry_type"][0].as_py() == "box"
    assert "before its EXIF turns it" in turned[2][0]


def test_a_turned_box_that_is_none_on_the_picture_is_its_box_in_every_face(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    Image.new("RGB", (100, 80)).save(lake / "z.png")
    turned = {"center": [20, 10], "size": [10, 4], "degrees": 90}
    said = {"asset": "z.png", "width": 50, "height": 20, "class": "ship", "geometry_type": "rotated"}
    (lake / "a.ndjson").write_text(json.dumps({**said, "geometry": turned}))
    cat = datacat.init(str(tmp_path / "catalog"))
    cat.ingest(str(lake), team="t", name="n")
    (shown,) = cat.asset(str(lake / "z.png")).annotations
    assert (shown.geometry_type, shown.geometry) == ("box", None)
    cat.freeze("x", query="ship").export(tmp_path / "coco", format="coco")
    (path,) = (tmp_path / "coco").rglob("instances_*.json")
    (written,) = json.loads(path.read_text())["annotations"]
    assert written["bbox"] == pytest.approx([36, 20, 8, 40])
    assert [shown.x, shown.y, shown.w, shown.h] == pytest.approx(written["bbox"])
