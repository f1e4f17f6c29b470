"""Snapshots as torch reads them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datacat.errors import LocationError

from .lakes import drawn_lake, frozen, opened

os.environ.setdefault("OMP_NUM_THREADS", "1")


def test_images_and_targets_reach_a_training_loop(tmp_path: Path) -> None:
    from torch.utils.data import DataLoader

    lake = drawn_lake(tmp_path / "lake")
    box = {"geometry_type": "box", "x": 0.25, "y": 0.5, "w": 0.5, "h": 0.25, "is_relative": True}
    lake.add_annotation(0, **{"class": "Roof", **box})
    lake.add_annotation(0, **box)  # without a class
    lake.add_asset(str(tmp_path / "lake" / "gone.png"), None)
    snapshot = frozen(opened(tmp_path / "catalog"), lake, split="train=1")
    images = snapshot.torch("train")
    assert (len(images), images.left_out_count, images.classes) == (6, 1, ["Roof", "car"])

    image, target = images[0]
    assert tuple(image.shape) == (3, 48, 64)
    assert image.max().item() == pytest.approx(30 / 255)
    boxes = {tuple(corners) for corners in target["boxes"].tolist()}
    assert boxes == {(4.0, 2.0, 14.0, 22.0), (16.0, 24.0, 48.0, 36.0)}
    assert list(zip(target["labels"].tolist(), target["class_names"], strict=True)) == [(1, "Roof")] * 2
    assert {"b": 1, "a": float("inf")} in target["attributes"]
    assert target["image_labels"].tolist() == [2]
    assert images.unnamed_box_count == 1
    assert snapshot.torch("train", first_label=0)[0][1]["labels"].tolist() == [0, 0]

    loader = DataLoader(
        images, batch_size=None, num_workers=1, multiprocessing_context="spawn", collate_fn=_as_it_is
    )
    loaded = list(loader)
    assert [tuple(target["boxes"].shape) for _, target in loaded] == [(2, 4)] + [(1, 4)] * 5
    assert all((image == images[index][0]).all() for index, (image, _) in enumerate(loaded))


def _as_it_is(item: Any) -> Any:
    return item


def test_splits_share_their_class_numbers_and_have_no_image_in_common(tmp_path: Path) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake", count=8))
    parts = [snapshot.torch(split) for split in ("train", "test")]
    uris = [{part.uri(index) for index in range(len(part))} for part in parts]
    assert not uris[0] & uris[1]
    assert len(uris[0] | uris[1]) == 8
    assert parts[0].classes == parts[1].classes == ["Roof", "car"]
    assert all(target["class_names"] == ["Roof"] for part in parts for _, target in part)


def test_a_transform_gets_the_picture_and_an_unreadable_one_is_named(tmp_path: Path) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake", count=2))
    images = pickle.loads(pickle.dumps(snapshot.torch(transform=_size)))
    assert images[-1][0] == (64, 48)
    with pytest.raises(IndexError):
        images[2]
    (tmp_path / "lake" / "0001.png").write_bytes(b"no picture")
    with pytest.raises(LocationError, match=r"0001\.png: cannot be read as a picture"):
        images[1]


def _size(picture: Any) -> Any:
    return picture.size


def test_a_detection_model_of_torchvision_trains_on_it(tmp_path: Path) -> None:
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

    lake = drawn_lake(tmp_path / "lake", count=2)  # 64 x 48
    sides = [
        (60, 40, 20, 20),
        (-5, 4, 10, 10),
        (5, 5, 0, 9),
        (30, 30, -9, -9),
        (80, 5, 5, 5),
        (60.5, 1, 1e-9, 3),
    ]
    for x, y, w, h in sides:
        box = {"x": x, "y": y, "w": w, "h": h, "geometry_type": "box", "is_relative": False}
        lake.add_annotation(0, **{"class": "car", **box})
    images = frozen(opened(tmp_path / "catalog"), lake).torch()
    assert (images.cut_box_count, images.left_out_box_count, images.unnamed_box_count) == (2, 4, 0)
    pictures, targets = zip(*(images[number] for number in range(2)), strict=True)
    assert sorted(targets[0]["boxes"].tolist()) == [[0, 4, 5, 14], [4, 2, 14, 22], [60, 40, 64, 48]]
    model = fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, num_classes=len(images.classes) + 1
    )
    model.train()
    losses = model(list(pictures), [{key: target[key] for key in ("boxes", "labels")} for target in targets])
    assert all(bool(loss.isfinite()) for loss in losses.values())


def test_rows_in_another_order_are_those_of_their_pictures(tmp_path: Path) -> None:
    """The digest covers rows in any order, so whoever sent a snapshot may have written them in another one."""
    lake = drawn_lake(tmp_path / "lake", count=4)
    for asset in (0, 2, 2):
        lake.add_annotation(
            asset, **{"class": "car"}, geometry_type="box", x=1.0, y=1.0, w=5.0 + asset, h=5.0
        )
    snapshot = frozen(opened(tmp_path / "catalog"), lake)
    expected = [snapshot.torch()[index][1]["boxes"].tolist() for index in range(4)]
    path = snapshot.file("annotations")
    rows = pq.read_table(path)
    pq.write_table(rows.take(list(range(len(rows)))[::-1]), path)
    assert snapshot.verify().ok
    images = snapshot.torch()
    found = [sorted(images[index][1]["boxes"].tolist()) for index in range(4)]
    assert found == [sorted(boxes) for boxes in expected]
    assert len(found[2]) == 2  # of two that say the same, one was frozen
