"""A catalog over a small lake, and a client that talks to the service over it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat_api import create_app

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PICTURES = ("a.png", "b.png", "c.png", "gone.png", "plan.wav")


def write_lake(folder: Path) -> Path:
    """Four files and five names: two roofs on a.png, one on each other; gone.png is not there."""
    folder.mkdir(parents=True)
    for number, name in enumerate(PICTURES[:3]):
        Image.new("RGB", (64, 48), (80 * number, 90, 120)).save(folder / name)
    (folder / "plan.wav").write_bytes(SVG)  # a page that calls itself a sound
    images = [
        {"id": number, "file_name": name, "width": 64, "height": 48} for number, name in enumerate(PICTURES)
    ]
    annotations = [_roof(number, image=number % len(PICTURES)) for number in range(6)]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "Roof"}]}
    (folder / "labels.json").write_text(json.dumps(document))
    return folder


def _roof(number: int, *, image: int) -> dict[str, object]:
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": [1, 2, 30, 20],
        "segmentation": [[1, 2, 31, 2, 31, 22]],
        "area": 300,
        "iscrowd": 0,
        "attributes": {"material": ["slate", "tile"][number % 2], "nested": {"huge": 2**70}},
    }


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return write_lake(tmp_path / "lake")


@pytest.fixture
def catalog(tmp_path: Path, lake: Path) -> Catalog:
    made = Catalog.init(str(tmp_path / "catalog"))
    made.ingest(str(lake), team="mapping", name="roofs", author="ada", message="first roofs")
    return made


@pytest.fixture
def client(catalog: Catalog) -> Iterator[TestClient]:
    app = create_app(str(catalog.root))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as made:
        yield made
