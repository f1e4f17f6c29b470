"""Measures that are reckoned from fractions, corners and angles are compared as a person reckons them."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from datacat.catalog import Catalog
from tests.ingest.test_formats import save


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """One picture of 100x80: boxes in fractions and in pixels, whose edges floating point puts a hair aside."""
    folder = tmp_path_factory.mktemp("measured")
    for team in ("yolo", "neutral"):
        (folder / team).mkdir()
        Image.new("RGB", (100, 80)).save(folder / team / "a.png")
    save(folder / "yolo/a.txt", "0 0.2 0.2 0.1 0.1\n")  # x is 0.15000000000000002
    save(folder / "yolo/classes.txt", "car\n")
    boxes = {"van": [15, 12, 10, 8], "bus": [25, 12, 10, 8], "sum": [0.1 + 0.2, 0, 0.3, 1]}
    said = [
        {"asset": "a.png", "class": name, "box": box, "is_relative": False} for name, box in boxes.items()
    ]
    turned = {"center": [50, 40], "size": [20, 10], "degrees": 90}
    said.append({"asset": "a.png", "class": "bar", "geometry_type": "rotated", "geometry": turned})
    save(folder / "neutral/a.ndjson", "\n".join(map(json.dumps, said)))
    made = Catalog.init(str(folder / "catalog"))
    for team in ("yolo", "neutral"):
        made.ingest(str(folder / team), team=team, name="x")
    return made


@pytest.mark.parametrize(
    "query",
    [
        "car[x=15]", "car[x<=15]", "car[x>=15]", "car[x in (14, 15)]", "car[width=10 height=8 area=80]",
        "car[x=15% y=15%]", "car[aspect=1.25]", "bar[width=10 height=20]", "bar[center_x=50]",
        "sum[x=0.3]", "sum[width>=0.3]", "van[covers:car]", "van[inside:car]", "car[inside:van]", "car[iou(van)=1]",
        "car[iou(van)>=1]", "car[near:bus<=0px]",
    ],
)  # fmt: skip
def test_what_a_person_reckons_is_so(catalog: Catalog, query: str) -> None:
    assert catalog.search(query).count() == 1


@pytest.mark.parametrize(
    "query",
    [
        "car[x!=15]", "car[x<15]", "car[x>15]", "car[x not in (14, 15)]", "car[NOT x=15]", "car[area>80]",
        "car[x=15.00001]", "bar[width>10]", "sum[x>0.3]", "car[overlaps:bus]", "car[near:bus>0px]", "car[iou(van)<1]",
    ],
)  # fmt: skip
def test_nothing_else_is(catalog: Catalog, query: str) -> None:
    assert catalog.search(query).count() == 0
