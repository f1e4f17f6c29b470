"""Counts of the real label files in ../shared/data, beside those of each folder's NOTE.txt."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from datacat.testing.format_suite import read, rows

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = [pytest.mark.real, pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data")]
DATUMARO = "datumaro_assets/assets"
CONVERTER = "labelstudio_sdk/tests/custom/converter/data"

MIXED = ("labelstudio_sdk", "labelbox_sdk", "spacenet_buildings")  # several formats lie there
# folder, format, annotations, rows of assets, media that are missing
COUNTS = [
    # NOTE counts 2593 in the 65 pictures of the source; 12 of them are here, with 306 lines, all cars.
    ("aerial_cars_kit", "yolo", 306, 12, 0),
    ("bccd_voc", "pascal_voc", 4888, 364, 0),
    ("coco_captions_19", "coco", 95, 19, 0),
    # NOTE says 24 for both; the files hold 4 + 19 in COCO and 2 in VOC.
    ("keras_retinanet_testdata/coco", "coco", 23, 2, 0),
    ("keras_retinanet_testdata/pascal", "pascal_voc", 2, 1, 0),
    # NOTE says about 45 regions and 5 relations; the 65 results are 58 classes (relations among them), what
    # was written of two pages, and one chat of four messages. Two tasks have a recording beside their picture.
    ("labelstudio_sdk", "label_studio", 61, 25, 15),
    (f"{CONVERTER}/test_import_yolo_data", "yolo", 25, 7, 0),
    (f"{CONVERTER}/test_import_yolo_data_unif_dims", "yolo", 19, 5, 0),
    (f"{CONVERTER}/test_import_coco", "coco", 2, 2, 2),
    # 62 instances, 231 in rle.json, and 369 segments of 20 panoptic pictures.
    ("labelbox_sdk", "coco", 662, 40, 0),
    ("spacenet_buildings", "coco", 89 + 43 + 3, 103, 100),
    ("darwin_v7/e2e_tests/data/convert/coco/to", "coco", 2, 1, 1),
    ("darwin_v7/e2e_tests/data/import/coco_annotations", "coco", 16, 8, 8),
    ("darwin_v7/e2e_tests/data/convert/pascalvoc/to", "pascal_voc", 3, 1, 1),
    ("darwin_v7/e2e_tests/data/import/pascal_voc_annotations", "pascal_voc", 16, 8, 8),
    (f"{DATUMARO}/coco_dataset/coco", "coco", 17, 14, 0),
    (f"{DATUMARO}/coco_dataset/coco_captions", "coco", 3, 2, 0),
    (f"{DATUMARO}/coco_dataset/coco_image_info", "coco", 0, 2, 0),
    (f"{DATUMARO}/coco_dataset/coco_instances", "coco", 3, 2, 0),
    (f"{DATUMARO}/coco_dataset/coco_labels", "coco", 3, 2, 0),
    (f"{DATUMARO}/coco_dataset/coco_panoptic", "coco", 3, 2, 0),
    (f"{DATUMARO}/coco_dataset/coco_person_keypoints", "coco", 3, 2, 0),
    (f"{DATUMARO}/coco_dataset/coco_roboflow", "coco", 3, 2, 0),
    (f"{DATUMARO}/coco_dataset/coco_stuff", "coco", 2, 2, 0),
    (f"{DATUMARO}/coco_dataset/mmdet_coco", "coco", 3, 2, 0),
    (f"{DATUMARO}/kaggle_dataset/relaxed_coco", "coco", 2, 2, 0),
    (f"{DATUMARO}/kaggle_dataset/relaxed_voc1", "pascal_voc", 2, 1, 0),
    (f"{DATUMARO}/kaggle_dataset/relaxed_voc2", "pascal_voc", 2, 1, 0),
    (f"{DATUMARO}/kaggle_dataset/relaxed_yolo", "yolo", 4, 2, 0),
    # 1 + 1 boxes, 1 mask, 3 classes of whole images; a fourth was verified as absent. Each file lists its images.
    (f"{DATUMARO}/open_images_dataset/v6", "open_images", 6, 10, 0),
    (f"{DATUMARO}/open_images_dataset/v5", "open_images", 0, 2, 0),
    (f"{DATUMARO}/roboflow_dataset/coco", "coco", 4, 3, 0),
    (f"{DATUMARO}/roboflow_dataset/voc", "pascal_voc", 4, 3, 0),
    (f"{DATUMARO}/roboflow_dataset/yolo", "yolo", 4, 3, 0),
    (f"{DATUMARO}/roboflow_dataset/yolo_obb", "yolo", 4, 3, 0),
    # A second picture stands in ImageSets alone; of `@`, an XML file has no objects.
    (f"{DATUMARO}/voc_dataset/voc_dataset1", "pascal_voc", 2, 2, 0),
    (f"{DATUMARO}/voc_dataset/voc_dataset2", "pascal_voc", 4, 5, 5),
    (f"{DATUMARO}/voc_dataset/voc_dataset3", "pascal_voc", 1, 1, 0),
    (f"{DATUMARO}/yolo_dataset/annotations", "yolo", 2, 1, 0),
    (f"{DATUMARO}/yolo_dataset/labels", "yolo", 4, 2, 0),
    (f"{DATUMARO}/yolo_dataset/strict", "yolo", 2, 1, 0),
]


@pytest.mark.parametrize(
    ("folder", "format_", "annotations", "assets", "missing"), COUNTS, ids=[c[0] for c in COUNTS]
)
def test_counts(
    folder: str, format_: str, annotations: int, assets: int, missing: int, tmp_path: Path
) -> None:
    staged = read(DATA / folder, tmp_path, format=format_ if folder in MIXED else "auto")
    media = rows(staged, "media")
    assert staged.format == format_
    assert len(rows(staged, "annotations")) == annotations
    assert len(rows(staged, "listed")) == assets
    assert sum(row["is_missing"] for row in media) == missing
    assert rows(staged, "rejects") == []


def test_bccd_classes_and_oddities(tmp_path: Path) -> None:
    staged = read(DATA / "bccd_voc", tmp_path)
    counted = Counter(row["class"] for row in rows(staged, "annotations"))
    assert counted == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert staged.tally.notes["a box of no size"] == 2
    truncated = [row for row in rows(staged, "leaves") if row["path"] == "truncated" and row["number"] == 1]
    assert len(truncated) == 1131
    assert {row["split"] for row in rows(staged, "listed")} == {"train", "val", "test"}


def test_spacenet_categories_are_numbers_and_segmentations_flat(tmp_path: Path) -> None:
    staged = read(DATA / "spacenet_buildings", tmp_path, format="coco")
    found = rows(staged, "annotations")
    assert {row["class"] for row in found} == {"other", "0", "1"}
    assert all(row["geometry"].startswith("[[") for row in found)


def test_labelbox_files_and_crowds(tmp_path: Path) -> None:
    staged = read(DATA / "labelbox_sdk", tmp_path, format="coco")
    found = rows(staged, "annotations")
    per_file = Counter(Path(staged.files[row["file"]].uri).name for row in found)
    assert per_file == {"instances.json": 62, "rle.json": 231, "panoptic.json": 369}
    assert any(row["is_crowd"] and row["geometry_type"] == "mask" for row in found)


def test_label_studio_relations_and_turned_boxes(tmp_path: Path) -> None:
    staged = read(DATA / "labelstudio_sdk", tmp_path, format="label_studio")
    found = rows(staged, "annotations")
    assert sum(row["class"] == "relation" for row in found) == 5
    assert sum(row["geometry_type"] == "rotated" for row in found) == 25


def _label_studio_said(path: Path) -> Counter[str]:
    """The classes that results of an export give, read by the rules of its vendor and not by ours."""
    said: Counter[str] = Counter()
    for task in json.loads(path.read_text("utf-8")):
        kinds = ("annotations", "completions", "predictions", "drafts")
        statements = [each for kind in kinds for each in task.get(kind) or [] if isinstance(each, dict)]
        for result in (result for each in statements for result in each.get("result") or []):
            type_, value = result["type"], result.get("value") or {}
            if type_ == "relation":
                said.update(result.get("labels") or ["relation"])
            elif type_.endswith("labels") or (type_ in ("choices", "taxonomy") and "x" not in value):
                labels = value.get(type_, value.get("labels", []))
                said.update("/".join(each) if isinstance(each, list) else each for each in labels)
    return said


def test_label_studio_gives_the_classes_that_its_files_say(tmp_path: Path) -> None:
    staged = read(DATA / "labelstudio_sdk", tmp_path, format="label_studio")
    found: dict[str, Counter[str]] = {}
    for row in rows(staged, "annotations"):
        classes = [] if row["class"] is None else [row["class"]]
        found.setdefault(staged.files[row["file"]].uri, Counter()).update(classes)
    assert {uri: _label_studio_said(Path(uri)) for uri in found} == found


def test_aerial_cars(tmp_path: Path) -> None:
    # NOTE names 6 boxes outside the image in all 65 pictures; one of them is in the 12 that are here.
    staged = read(DATA / "aerial_cars_kit", tmp_path)
    assert staged.tally.notes["a box that reaches outside the image"] == 1
    assert len(rows(staged, "classes")) == 5


def test_scalabel_is_refused(tmp_path: Path) -> None:
    from datacat.errors import FormatError

    with pytest.raises(FormatError, match="no label file was recognised"):
        read(DATA / "bdd100k_tests", tmp_path)


def test_open_images_verified_absences_and_parents(tmp_path: Path) -> None:
    staged = read(DATA / f"{DATUMARO}/open_images_dataset/v6", tmp_path)
    said = {(row["key"], row["class"], row["answer"]) for row in rows(staged, "coverage")}
    absent = ("b", "Generic label #0", "absent")
    group = ("c", "Generic label #3", "not_exhaustive")
    assert said == {absent, ("b", None, "exhaustive"), ("c", None, "exhaustive"), group}
    parents = {row["class"]: row["parent"] for row in rows(staged, "classes")}
    assert parents["Generic label #1"] == "Generic label #0"
    assert (len(parents), parents["Generic label #0"]) == (4, None)
    (listed,) = (row for row in rows(staged, "listed") if row["key"] == "d")
    assert listed["uri"].endswith("images/validation/d.png")
