"""COCO exports as pycocotools and our own reader take them; what does not come back is among the losses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pycocotools.coco import COCO

import datacat
from datacat.model.snapshot import ExportReport
from datacat.versions.snapshots import Snapshot
from tests.ingest.test_formats import picture, save

_MASK = {"size": [80, 100], "counts": "Z[2:V2000000000000000000000000000bU1Gkk1"}
_CATEGORIES = [
    {"id": 3, "name": "dog", "supercategory": "animal", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]},
    {"id": 7, "name": "cat", "supercategory": "animal", "color": [1, 2, 3]},
    {"id": 9, "name": "cow", "supercategory": "animal"},
]
_ANNOTATIONS: list[dict[str, Any]] = [
    {"category_id": 3, "bbox": [10, 10, 20, 20], "keypoints": [12, 12, 2, 30, 30, 1], "num_keypoints": 2},
    {"category_id": 7, "bbox": [1, 2, 30, 40], "segmentation": [[1, 2, 31, 2, 31, 42]], "area": 600},
    {"category_id": 7, "bbox": [30, 10, 31, 10], "segmentation": _MASK, "iscrowd": 1},
    {
        "category_id": 7,
        "bbox": [30, 10, 31, 10],
        "segmentation": {"size": [80, 100], "counts": [100, 50, 7850]},
    },
    {
        "category_id": 3,
        "bbox": [5, 5, 5, 5],
        "score": 0.5,
        "model": "m",
        "track_id": 4,
        "attributes": {"a": 1},
    },
    {"category_id": 7},
    {"caption": "a cat and a dog"},
]


class Exported(NamedTuple):
    """A snapshot and its COCO export in `folder / "out"`."""

    folder: Path
    snapshot: Snapshot
    report: ExportReport

    def path(self, kind: str) -> Path:
        return self.folder / "out" / "annotations" / f"{kind}_all.json"


def frozen(
    folder: Path, document: dict[str, Any] | str, *, query: str = "is:unlabelled OR NOT is:unlabelled"
) -> Snapshot:
    """A snapshot of all that one label file says."""
    if isinstance(document, str):
        save(folder / "lake" / "a.ndjson", document)
    else:
        save(folder / "lake" / "a.json", document)
    catalog = datacat.init(str(folder / "catalog"))
    catalog.ingest(str(folder / "lake"), team="t", name="n")
    return catalog.freeze("all", query=query, annotations="all")


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("animals")
    snapshot = of_animals(folder)
    return Exported(folder, snapshot, snapshot.export(folder / "out", format="coco"))


def of_animals(folder: Path, *, annotations: list[dict[str, Any]] = _ANNOTATIONS) -> Snapshot:
    picture(folder / "lake" / "0.png")
    image = {
        "id": 5,
        "file_name": "0.png",
        "width": 100,
        "height": 80,
        "license": 2,
        "flickr_url": "http://f/0",
    }
    image |= {"date_captured": "2020-01-02 03:04:05", "coco_url": "http://c/0", "neg_category_ids": [9]}
    said = [{"id": n, "image_id": 5, **annotation} for n, annotation in enumerate(annotations, start=1)]
    licences = [{"id": 2, "name": "CC BY 4.0", "url": "https://example.org/by"}]
    document = {"images": [image], "categories": _CATEGORIES, "annotations": said, "licenses": licences}
    return frozen(folder, document)


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # of pycocotools with numpy 2
def test_pycocotools_loads_objects_image_labels_and_captions(animals: Exported) -> None:
    loaded = {path.name: COCO(str(path)) for path in sorted(animals.path("").parent.iterdir())}
    assert list(loaded) == ["captions_all.json", "image_labels_all.json", "instances_all.json"]
    captions, objects = loaded["captions_all.json"], loaded["instances_all.json"]
    assert [item["caption"] for item in captions.loadAnns(captions.getAnnIds())] == ["a cat and a dog"]
    found = objects.loadAnns(objects.getAnnIds())
    assert all({"id", "image_id", "category_id", "bbox", "area", "iscrowd"} <= item.keys() for item in found)
    assert {item["id"] for item in found} == {1, 2, 3, 4, 5}
    areas = {item["id"]: int(objects.annToMask(item).sum()) for item in found if "segmentation" in item}
    assert (areas[3], areas[4]) == (151, 50)
    assert areas[2] == pytest.approx(600, rel=0.1)
    dog = next(item for item in objects.loadCats(objects.getCatIds()) if item["name"] == "dog")
    assert (dog["keypoints"], dog["skeleton"], dog["supercategory"]) == (["nose", "tail"], [[1, 2]], "animal")
    assert animals.report.losses == (
        "3 × ids of categories, numbered anew from 1",
        "1 × ids of images, numbered anew from 1",
        "2 × no outline, beside annotations that have one: annToRLE and COCOeval's segm end at such a box",
    )


def test_boxes_beside_outlines_are_counted_as_they_end_what_asks_for_masks(
    animals: Exported, tmp_path: Path
) -> None:
    objects = COCO(str(animals.path("instances")))
    without = [item for item in objects.anns.values() if "segmentation" not in item]
    assert len(without) == 2
    for item in without:
        with pytest.raises(KeyError, match="segmentation"):
            objects.annToRLE(item)
    boxes = [one for one in _ANNOTATIONS if "segmentation" not in one]
    report = of_animals(tmp_path, annotations=boxes).export(tmp_path / "out", format="coco")
    assert not any("outline" in line for line in report.losses)


def test_pycocotools_takes_predictions_on_an_export(animals: Exported) -> None:
    objects = COCO(str(animals.path("instances")))
    (image,) = objects.getImgIds()
    found = objects.loadRes(
        [{"image_id": image, "category_id": 1, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.9}]
    )
    assert len(found.getAnnIds()) == 1


def test_what_a_file_says_comes_back(animals: Exported) -> None:
    document = json.loads(animals.path("instances").read_text())
    names = {item["id"]: item["name"] for item in document["categories"]}
    assert sorted(names.values()) == ["cat", "cow", "dog"]
    assert next(item for item in document["categories"] if item["name"] == "cat")["color"] == [1, 2, 3]
    (image,) = document["images"]
    assert [names[number] for number in image["neg_category_ids"]] == ["cow"]
    assert (image["date_captured"], image["coco_url"], image["flickr_url"]) == (
        *("2020-01-02 03:04:05", "http://c/0", "http://f/0"),
    )
    assert document["licenses"] == [{"id": 2, "name": "CC BY 4.0", "url": "https://example.org/by"}]
    assert (image["license"], image["width"], image["height"]) == (2, 100, 80)


def test_an_export_that_is_read_again_says_the_same(animals: Exported, tmp_path: Path) -> None:
    catalog = datacat.init(str(tmp_path / "again"))
    catalog.ingest(str(animals.folder / "out"), team="t", name="n", media_root=str(animals.folder / "lake"))
    second = catalog.freeze("all", query="is:unlabelled OR NOT is:unlabelled", annotations="all")
    left_out = {"area"}  # computed where the file had none
    before, after = (
        [
            {key: value for key, value in row.items() if key not in left_out}
            for row in snapshot.annotations().read_all().to_pylist()
        ]
        for snapshot in (animals.snapshot, second)
    )
    assert sorted(map(str, after)) == sorted(map(str, before))


def test_boxes_are_pixels_within_their_picture(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "a.png")  # 100 x 80
    lines = [
        {"asset": "a.png", "class": "car", "box": [0.1, 0.5, 0.2, 0.25], "is_relative": True},
        {"asset": "a.png", "class": "car", "box": [-5, 70, 10, 20]},
        {"asset": "a.png", "class": "car", "box": [5, 5, 0, 20]},
        {"asset": "a.png", "class": "car", "box": [100, 5, 5, 5]},
        {"asset": "gone.png", "class": "car", "box": [0.1, 0.5, 0.2, 0.25], "is_relative": True},
    ]
    ring = {"geometry_type": "polygon", "geometry": [[0, 0, 0.5, 0, 0.5, 0.5]], "is_relative": True}
    lines.append({"asset": "a.png", "class": "car", **ring})
    report = frozen(tmp_path, "\n".join(map(json.dumps, lines))).export(tmp_path / "out", format="coco")
    document = json.loads((tmp_path / "out" / "annotations" / "instances_all.json").read_text())
    assert sorted((item["bbox"], item["area"]) for item in document["annotations"]) == [
        ([0, 0, 50, 40], 1000),
        ([0, 70, 5, 10], 50),
        ([10, 40, 20, 20], 400),
    ]
    assert {item["segmentation"][0][2] for item in document["annotations"] if "segmentation" in item} == {50}
    for loss in ("boxes cut at the edge", "boxes of no size", "boxes outside of", "boxes in fractions"):
        assert any(line.startswith("1 × " + loss) for line in report.losses), loss


def test_classes_without_an_annotation_are_named_where_not_all_was_frozen(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "0.png")
    images = [{"id": 5, "file_name": "0.png", "width": 100, "height": 80}]
    said = [{"id": 1, "image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4]}]
    frozen(tmp_path, {"images": images, "categories": _CATEGORIES, "annotations": said})
    snapshot = datacat.open(str(tmp_path / "catalog")).freeze("dogs", query="dog")
    report = snapshot.export(tmp_path / "out", format="coco")
    assert "2 × classes without a frozen annotation, which would seem absent" in report.losses
    losses = snapshot.export(tmp_path / "yolo", format="yolo").losses
    assert "3 × what is said of classes (supercategory, keypoints, …)" in losses


def test_names_of_keypoints_that_no_class_list_has_come_from_the_annotations(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "a.png")
    points = {"points": [[1, 2, 2], [3, 4, 2]], "names": ["nose", "tail"], "edges": [[1, 2]]}
    line = {"asset": "a.png", "class": "dog", "geometry_type": "keypoints"}
    lines = [{**line, "geometry": said} for said in (points, {**points, "names": ["tail", "nose"]})]
    report = frozen(tmp_path, "\n".join(map(json.dumps, lines))).export(tmp_path / "out", format="coco")
    loaded = COCO(str(tmp_path / "out" / "annotations" / "instances_all.json"))
    (dog,) = loaded.loadCats(loaded.getCatIds())
    assert (dog["keypoints"], dog["skeleton"]) in [(["nose", "tail"], [[1, 2]]), (["tail", "nose"], [[1, 2]])]
    assert "1 × names and edges of keypoints that are not those of their class" in report.losses


def test_metadata_and_what_label_sets_say_are_frozen(animals: Exported) -> None:
    snapshot = animals.snapshot
    (said,) = json.loads(snapshot.assets().read_all()["metadata"][0].as_py())
    assert (said["label_set"], said["metadata"]["license"]) == ("t/n", 2)
    assert snapshot.definition.label_sets["t/n"]["format"] == "coco"
    assert snapshot.verify().ok


def test_assets_without_any_annotation_are_images_of_objects(tmp_path: Path) -> None:
    """Negatives alone, of which only a file of captions was written."""
    names = ("a.png", "bb.png")  # of other bytes each
    for name in names:
        picture(tmp_path / "lake" / name)
    images = [{"id": n, "file_name": name, "width": 100, "height": 80} for n, name in enumerate(names)]
    snapshot = frozen(tmp_path, {"images": images, "categories": [], "annotations": []})
    snapshot.export(tmp_path / "out", format="coco")
    (path,) = (tmp_path / "out" / "annotations").iterdir()
    assert path.name == "instances_all.json"
    loaded = COCO(str(path))
    assert (len(loaded.getImgIds()), loaded.getAnnIds(), loaded.getCatIds()) == (2, [], [])
    again = datacat.init(str(tmp_path / "again"))
    report = again.ingest(str(tmp_path / "out"), team="t", name="n", media_root=str(tmp_path / "lake"))
    assert (report.format, report.assets, report.annotations) == ("coco", 2, 0)


_SQUARE = [-10, -10, 20, -10, 20, 20, -10, 20]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    ("box", "rings", "bbox", "area"),
    [
        ([-10, -10, 30, 30], [_SQUARE], [0, 0, 20, 20], 400),
        ([80, 50, 40, 60], [[80, 50, 120, 50, 120, 110, 80, 110]], [80, 50, 20, 30], 600),
        # a corner outside, so what is left is lower than the box that is cut at the edge alone
        ([-20, 0, 40, 40], [[-20, 40, 20, 0, 20, 20]], [0, 0, 20, 30], 300),
        # one part vanishes
        ([-30, 10, 60, 10], [[-30, 10, -5, 10, -5, 20], [20, 10, 30, 10, 30, 20, 20, 20]], [20, 10, 10, 10], 100),
        ([10, 10, 10, 10], [[10, 10, 20, 10, 20, 20, 10, 20]], [10, 10, 10, 10], 100),
    ],
)  # fmt: skip
def test_box_polygon_and_area_agree_at_the_edge_of_the_picture(
    tmp_path: Path, box: list[int], rings: list[list[int]], bbox: list[int], area: int
) -> None:
    """The box was cut, and beside it stood the polygon and the area of the whole."""
    said = [{"category_id": 7, "bbox": box, "segmentation": rings, "area": box[2] * box[3]}]
    report = of_animals(tmp_path, annotations=said).export(tmp_path / "out", format="coco")
    loaded = COCO(str(tmp_path / "out" / "annotations" / "instances_all.json"))
    (found,) = loaded.loadAnns(loaded.getAnnIds())
    assert (found["bbox"], found["area"]) == (bbox, area)
    assert int(loaded.annToMask(found).sum()) == pytest.approx(area, abs=max(1, bbox[3]))
    assert any(line.startswith("1 × boxes cut at the edge") for line in report.losses) is (box != bbox)


def test_a_polygon_outside_of_its_picture_leaves_the_box_and_is_counted(tmp_path: Path) -> None:
    said = {
        "category_id": 7,
        "bbox": [-30, 0, 60, 10],
        "segmentation": [[-30, 0, -5, 0, -5, 10]],
        "area": 125,
    }
    report = of_animals(tmp_path, annotations=[said]).export(tmp_path / "out", format="coco")
    document = json.loads((tmp_path / "out" / "annotations" / "instances_all.json").read_text())
    (found,) = document["annotations"]
    assert (found["bbox"], found["area"], "segmentation" in found) == ([0, 0, 30, 10], 300, False)
    assert any("of which nothing lies in their picture" in line for line in report.losses)


def test_outlines_beside_keypoints_and_rotated_boxes_are_cut_too(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "a.png")  # 100 x 80
    points = {"points": [[0.05, 0.05, 2]], "segmentation": [[-0.1, -0.1, 0.2, -0.1, 0.2, 0.2, -0.1, 0.2]]}
    turned = {"center": [0, 0], "size": [40, 20], "degrees": 0}
    lines = [
        {
            "asset": "a.png",
            "class": "a",
            "geometry_type": "keypoints",
            "geometry": points,
            "is_relative": True,
        },
        {"asset": "a.png", "class": "b", "geometry_type": "rotated", "geometry": turned},
    ]
    frozen(tmp_path, "\n".join(map(json.dumps, lines))).export(tmp_path / "out", format="coco")
    loaded = COCO(str(tmp_path / "out" / "annotations" / "instances_all.json"))
    one, other = loaded.loadAnns(loaded.getAnnIds())
    assert one["bbox"] == pytest.approx([0, 0, 20, 16])
    assert sorted(one["segmentation"][0]) == pytest.approx([0, 0, 0, 0, 16, 16, 20, 20])
    assert one["area"] == pytest.approx(320)
    assert (other["bbox"], other["area"]) == ([0, 0, 20, 10], 200)


def test_keypoints_in_fractions_of_an_unknown_size_are_left_out_and_counted(tmp_path: Path) -> None:
    """They ended the export in a TypeError."""
    points = {"points": [[0.1, 0.2, 0], [0.3, 0.4, 0]], "segmentation": [[0.1, 0.1, 0.4, 0.1, 0.4, 0.4]]}
    bare = {"points": points["points"]}
    said = [
        {
            "asset": f"{n}.png",
            "class": "dog",
            "geometry_type": "keypoints",
            "geometry": g,
            "is_relative": True,
        }
        for n, g in enumerate((points, bare))
    ]
    snapshot = frozen(tmp_path, "\n".join(map(json.dumps, said)))
    losses = snapshot.export(tmp_path / "out", format="coco").losses
    assert any("in fractions of a picture of unknown size, left out" in line for line in losses)
    for path in (tmp_path / "out/annotations").iterdir():
        assert not any("keypoints" in one or "segmentation" in one for one in COCO(str(path)).anns.values())
