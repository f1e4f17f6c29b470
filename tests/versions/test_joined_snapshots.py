"""A joining is kept in the definition, followed by later versions, and exported as one list of classes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import datacat
from datacat.errors import SnapshotDamaged
from datacat.model.joining import Joined, Joining, Renamed
from datacat.model.snapshot import Definition

from .lakes import frozen, opened
from .test_joining import CLAIMS, MAPPING, A, B, box, lake

ONE: Any = {"class_map": {"roof": ["Dach", "top"]}, "prefer": ["mapping"]}


def _said() -> list[dict[str, Any]]:
    return [box(MAPPING, "Dach", A), box(CLAIMS, "top", B)]


def test_later_versions_follow_the_joining_of_the_one_before(tmp_path: Path) -> None:
    snapshots = opened(tmp_path / "catalog")
    first = frozen(snapshots, lake(*_said()), joining=ONE).definition
    assert first.joining == Joining(
        "team", (Renamed("", "Dach", "roof"), Renamed("", "top", "roof")), "one", ("mapping",)
    )
    more = lake(*_said(), box(CLAIMS, "top", (300, 300, 9, 9)))
    second = frozen(snapshots, more).definition
    assert (second.version, second.joining, second.classes) == (2, first.joining, ("roof",))
    assert second.counts["annotations"] == 2
    third = frozen(snapshots, more, joining={"class_map": {}}).definition  # the rest stays
    assert (third.joining.class_map, third.joining.prefer) == ((), ("mapping",))
    assert third.classes == ("roof", "Dach", "top")  # the index of `roof` is kept
    assert frozen(snapshots, more, joining={"overlap": "keep"}).definition.joining == Joining()


def test_nothing_is_new_where_contents_and_joining_are_the_same(tmp_path: Path) -> None:
    snapshots, found = opened(tmp_path / "catalog"), lake(*_said()[:1])
    first = frozen(snapshots, found)
    assert not frozen(snapshots, found, joining={"overlap": "keep"}).is_new
    other = frozen(snapshots, found, joining={"overlap": "one"})  # which later versions will follow
    assert (other.is_new, other.definition.digest) == (True, first.definition.digest)
    assert not frozen(snapshots, found).is_new


def test_a_joined_snapshot_is_pushed_pulled_repaired_and_verified_bit_for_bit(tmp_path: Path) -> None:
    here, there = opened(tmp_path / "here"), opened(tmp_path / "there")
    made = frozen(here, lake(*_said()), joining=ONE)
    here.push(str(tmp_path / "remote"))
    assert there.pull(str(tmp_path / "remote")) == ("roofs@1",)
    pulled = there.read("roofs@1")
    assert pulled.definition == made.definition
    assert pulled.annotations().read_all().to_pylist() == made.annotations().read_all().to_pylist()
    (tmp_path / "there/snapshots/roofs/1/definition.json").unlink()
    assert there.repair().whole == ("roofs@1",)
    assert there.read("roofs@1").definition == made.definition
    assert there.read("roofs@1").verify().checked == 1


def test_a_definition_says_it_only_where_there_is_something_to_say(tmp_path: Path) -> None:
    snapshots = opened(tmp_path / "catalog")
    plain = frozen(snapshots, lake(*_said()[:1]), name="plain").definition
    assert not {"joining", "joined"} & json.loads(plain.to_json()).keys()
    made = frozen(snapshots, lake(*_said()), joining=ONE).definition
    assert Definition.from_json(made.to_json(), where="here") == made
    assert made.summary()["joined"]["same"] == [{"team": "claims", "class": "roof", "annotations": 1}]
    old = dataclasses.replace(made, joining=Joining(), joined=Joined())
    assert Definition.from_json(old.to_json(), where="here") == old


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("joining", []),
        ("joining", {"classes_by": "name", "class_map": [], "overlap": "one", "prefer": []}),
        ("joining", {"classes_by": "team", "class_map": [], "overlap": "one", "prefer": [1]}),
        ("joining", {"classes_by": "team", "class_map": [{"said": "a"}], "overlap": "one", "prefer": []}),
        ("joined", {"same": [{"team": "a", "class": "b", "annotations": -1}]}),
        ("joined", {"same": [{"team": "a", "class": "b", "annotations": True}]}),
        ("joined", {"same": {"team": "a"}}),
        ("joined", {"more": []}),
    ],
)
def test_a_definition_with_another_joining_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    document = json.loads(_HOSTILE)
    document[key] = value
    with pytest.raises(SnapshotDamaged, match=r"definition\.json cannot be read"):
        Definition.from_json(json.dumps(document), where=str(tmp_path))


_DIGEST = "0" * 64
_HOSTILE = json.dumps(
    {
        "format": 1,
        "name": "roofs",
        "version": 1,
        "question": {"text": "roof", "interpretation": "", "concepts": {}, "space": None, "limit": None},
        "state": 1,
        "split": {"fractions": [["all", 1.0]], "seed": "0"},
        "annotations": "all",
        "counts": {"assets": 0, "annotations": 0},
        "digest": _DIGEST,
        "digests": {"assets": _DIGEST, "annotations": _DIGEST, "split": _DIGEST},
        "datacat": "1",
        "author": "",
        "time": "",
    }
)


def _coco(folder: Path, name: str, categories: list[dict[str, Any]], **image: Any) -> None:
    """A team's labels of one picture: a box of each of its categories that is not `unused`."""
    boxes = [
        {"id": n, "image_id": 1, "category_id": item["id"], "bbox": [10 + n, 10, 40, 40]}
        for n, item in enumerate(categories, 1)
        if not item.pop("unused", False)
    ]
    said = {"images": [{"id": 1, "file_name": "p.png", "width": 100, "height": 80} | image]}
    (folder / name).mkdir()
    document = said | {"categories": categories, "annotations": boxes}
    (folder / name / "labels.json").write_text(json.dumps(document))


def test_declared_classes_are_renamed_with_those_that_are_used(tmp_path: Path) -> None:
    """An export has one list of categories; what a team says under the number of one of several is not said of all."""
    (tmp_path / "lake").mkdir()
    Image.new("RGB", (100, 80)).save(tmp_path / "lake/p.png")
    _coco(
        tmp_path / "lake",
        "one",
        [
            {"id": 1, "name": "Dach", "supercategory": "house"},
            {"id": 2, "name": "top", "unused": True},
            {"id": 3, "name": "tree", "unused": True},
        ],
        neg_category_ids=[2, 3],
    )
    catalog = datacat.init(tmp_path / "catalog")
    catalog.ingest(tmp_path / "lake/one", team="mapping", name="a", media_root=tmp_path / "lake")
    joining: Any = {"class_map": {"roof": ["Dach", "top"]}}
    snapshot = catalog.freeze("roofs", query="Dach", annotations="all", joining=joining)
    snapshot.export(tmp_path / "out", format="coco")
    (path,) = (tmp_path / "out").rglob("instances_all.json")
    found = json.loads(path.read_text())
    assert [(item["id"], item["name"], item.get("supercategory")) for item in found["categories"]] == [
        (1, "roof", "house"),
        (2, "tree", None),
    ]
    assert found["images"][0]["neg_category_ids"] == [2]
