"""Classes keep their index from version to version of a snapshot name."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from datacat.errors import UsageError
from datacat.model.snapshot import Definition, class_indexes

from .lakes import Lake, drawn_lake, frozen, opened


def _with(lake: Lake, *classes: str) -> Lake:
    box = {"geometry_type": "box", "x": 1.0, "y": 1.0, "w": 5.0, "h": 5.0, "is_relative": False}
    for name in classes:
        lake.add_annotation(0, **{"class": name}, **box)
    return lake


def test_new_classes_come_behind_and_lost_ones_keep_their_index(tmp_path: Path) -> None:
    snapshots = opened(tmp_path / "catalog")
    assert frozen(snapshots, drawn_lake(tmp_path / "lake")).definition.classes == ("Roof", "car")
    lake = _with(drawn_lake(tmp_path / "lake"), "Barn", "Attic")
    lake.rows["annotations"] = [row for row in lake.rows["annotations"] if row["class"] != "Roof"]
    second = frozen(snapshots, lake)
    assert second.definition.classes == ("Roof", "car", "Attic", "Barn")
    second.export(tmp_path / "coco", format="coco")
    (path,) = (tmp_path / "coco").rglob("instances_train.json")
    found = {item["id"]: item["name"] for item in json.loads(path.read_text())["categories"]}
    assert found == {1: "Roof", 2: "car", 3: "Attic", 4: "Barn"}
    assert second.torch().classes == ["Roof", "car", "Attic", "Barn"]
    assert frozen(snapshots, lake, name="other").definition.classes == ("Attic", "Barn", "car")


def test_indexes_may_be_given_and_are_never_moved(tmp_path: Path) -> None:
    snapshots, lake = opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake")
    assert frozen(snapshots, lake, classes=["car"]).definition.classes == ("car", "Roof")
    again = frozen(snapshots, lake, classes=["car", "Roof"])
    assert (again.is_new, again.definition.classes) == (False, ("car", "Roof"))
    _with(lake, "Barn")
    for order in (["Roof", "car"], ["car"], ["car", "Roof", "car"], ["car", "Roof", " "]):
        with pytest.raises(UsageError):
            frozen(snapshots, lake, classes=order)
    assert frozen(snapshots, lake, classes=["car", "Roof", "Shed"]).definition.classes == (
        *("car", "Roof", "Shed", "Barn"),
    )


def test_another_order_of_the_same_contents_is_refused(tmp_path: Path) -> None:
    snapshots, lake = opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake")
    frozen(snapshots, lake)
    with pytest.raises(UsageError, match="class 0 is 'Roof' in the version before"):
        frozen(snapshots, lake, classes=["car", "Roof"])
    with pytest.raises(UsageError, match="holds exactly this already"):
        frozen(snapshots, lake, classes=["Roof", "car", "Shed"])


def test_a_definition_without_indexes_is_read_and_numbers_its_classes_as_it_did(tmp_path: Path) -> None:
    definition = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake")).definition
    document = json.loads(definition.to_json())
    del document["classes"]
    old = Definition.from_json(json.dumps(document), where="old")
    assert old == dataclasses.replace(definition, classes=())
    assert class_indexes(old, ["car", None, "Roof", "car"]) == {"Roof": 0, "car": 1}
