"""A snapshot of two teams' roofs has one class and one box a roof, in every form in which training code reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

import datacat
from datacat.demo.teams import Lake, Picture, write_lake
from datacat.versions.snapshots import Snapshot
from tests.ingest.test_yolo_write import loaded

Box = tuple[float, float, float, float]
_JOINING: Any = {"classes_by": "concept", "prefer": ["mapping", "claims"]}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_lake(tmp_path_factory.mktemp("training") / "lake", seed=3, count=60)


@pytest.fixture(scope="module")
def frozen(lake: Lake) -> Snapshot:
    catalog = datacat.init(lake.folder.parent / "catalog")
    chosen = [team for team in lake.teams if team.name != "driving"]
    for team in chosen:
        catalog.ingest(team.location, team=team.name, name=team.label_set, media_root=lake.media)
    catalog.concepts.add("roof", [f"{team.name}:{team.roof_word}" for team in chosen])
    return catalog.freeze("roofs", query="roof -is:missing", joining=_JOINING)


@pytest.fixture(scope="module")
def expected(lake: Lake) -> dict[str, list[Box]]:
    """The boxes of each picture by the drawn truth: of who labelled it, mapping where both have."""
    mapped = {
        image["file_name"]
        for path in (lake.folder / "mapping").glob("*.json")
        for image in json.loads(path.read_text())["images"]
    }
    claimed = {
        task["data"]["image"].rpartition("=")[2]
        for task in json.loads((lake.folder / "claims/export.json").read_text())
    }
    assert len(mapped & claimed) > 5
    found = dict(_boxes(lake, mapped | claimed))
    for path in (lake.folder / "mapping").glob("*.json"):  # whose first box the demo moved out of the picture
        first = json.loads(path.read_text())["images"][0]["file_name"]
        truth = found[first]
        found[first] = [(0.0, 3.5, 76.0, 60.0), *truth[0 if first in claimed else 1 :]]
    return found


def _boxes(lake: Lake, names: set[str]) -> Iterator[tuple[str, list[Box]]]:
    for picture in lake.pictures:
        roofs = picture.of("roof")
        if picture.path in names and roofs:
            yield picture.path, [roof.box for roof in roofs]


def _is_near(one: Box, other: Box, *, picture: Picture) -> bool:
    """To the thousandth of a percent in which claims writes, and the hundredth of a pixel of mapping."""
    return all(abs(a - b) < 0.01 + 2e-5 * picture.width for a, b in zip(one, other, strict=True))


def _check(lake: Lake, found: dict[str, list[Box]], expected: dict[str, list[Box]]) -> None:
    assert found.keys() == expected.keys()
    pictures = {picture.path: picture for picture in lake.pictures}
    for path, boxes in expected.items():
        left = list(found[path])
        for box in boxes:
            near = [one for one in left if _is_near(one, box, picture=pictures[path])]
            assert near, (path, box, left)
            left.remove(near[0])
        assert not left, (path, left)


def test_pycocotools_reads_one_class_and_one_box_a_roof(
    lake: Lake, frozen: Snapshot, expected: dict[str, list[Box]], tmp_path: Path
) -> None:
    frozen.export(tmp_path / "coco", format="coco")
    (path,) = (tmp_path / "coco").rglob("instances_all.json")
    coco = COCO(str(path))
    assert [item["name"] for item in coco.loadCats(coco.getCatIds())] == ["roof"]
    found = {}
    for image in coco.loadImgs(coco.getImgIds()):
        name = "/".join(Path(image["file_name"]).parts[-2:])
        found[name] = [tuple(item["bbox"]) for item in coco.imgToAnns[image["id"]]]
    _check(lake, found, expected)
    assert sum(map(len, found.values())) == frozen.definition.counts["annotations"]


def test_ultralytics_rule_reads_the_same(
    lake: Lake, frozen: Snapshot, expected: dict[str, list[Box]], tmp_path: Path
) -> None:
    frozen.export(tmp_path / "yolo", format="yolo")
    labels = loaded(tmp_path / "yolo", "train")
    assert {int(row[0]) for rows in labels.values() for row in rows} == {0}
    assert sum(map(len, labels.values())) == sum(map(len, expected.values()))
    assert sorted(map(len, labels.values())) == sorted(map(len, expected.values()))


def test_torch_gets_the_same(lake: Lake, frozen: Snapshot, expected: dict[str, list[Box]]) -> None:
    images = frozen.torch()
    assert images.classes == ["roof"]
    found = {}
    for number in range(len(images)):
        _, target = images[number]
        name = "/".join(Path(images.uri(number)).parts[-2:])
        found[name] = [(x, y, right - x, bottom - y) for x, y, right, bottom in target["boxes"].tolist()]
        assert set(target["labels"].tolist()) == {1}
    _check(lake, found, expected)


def test_what_was_done_is_counted_and_can_be_traced(lake: Lake, frozen: Snapshot) -> None:
    joined = frozen.summary()["joined"]
    said = frozen.annotations().read_all().to_pylist()
    kept = {"mapping": "Roof", "claims": "rooftop"}
    assert all(row["said_class"] == kept[row["label_set"].partition("/")[0]] for row in said)
    (gone,) = joined["same"]
    assert (gone["team"], gone["class"]) == ("claims", "roof")
    assert sum(item["annotations"] for item in joined["mapped"]) == len(said) + gone["annotations"]
    assert "coinciding" not in joined
