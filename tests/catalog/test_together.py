"""Several processes ingest at the same moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw
from tests.catalog.processes import completed, content, errors, ingesting

NAMES = [f"{number:02}.png" for number in range(12)]
TEAMS = ("roofs", "cars", "trees")


def test_three_at_once_on_disk(
    catalog_root: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    check_together(catalog_root, calm=Location(str(tmp_path / "calm")), folder=tmp_path)


@pytest.mark.slow
def test_three_at_once_on_s3(s3: Location, tmp_path: Path) -> None:
    check_together(s3.child("catalog"), calm=s3.child("calm"), folder=tmp_path)


def check_together(root: Location, *, calm: Location, folder: Path) -> None:
    """All succeed, no URI becomes two assets, and all is as if one had come after the other."""
    draw(folder / "lake", NAMES)
    for number, name in enumerate(TEAMS):
        shared = NAMES[number * 2 : number * 2 + 8]  # each two share six pictures, all three four
        coco(folder / "labels" / name / "labels.json", [box(picture, name) for picture in shared])
    for place in (root, calm):
        Catalog.init(str(place))
    processes = [
        ingesting(folder / "labels" / name, root, name=name, media_root=folder / "lake") for name in TEAMS
    ]
    states = [json.loads(completed(process))["state"] for process in processes]
    for name in TEAMS:
        completed(ingesting(folder / "labels" / name, calm, name=name, media_root=folder / "lake"))
    catalog = Catalog.open(str(root))
    assert sorted(states) == [1, 2, 3]
    assert content(catalog) == content(Catalog.open(str(calm)))
    assert len(content(catalog)) == 24
    cursor = catalog.cursor()
    assert cursor.execute(
        "SELECT count(*), count(DISTINCT uri), count(DISTINCT asset) FROM assets"
    ).fetchall() == [(12, 12, 12)]
    assert errors(catalog) == []
