"""A stream of a large answer takes no more memory than a part of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from datacat.catalog import Catalog

_PICTURES = 20_000
_BOXES = 15  # of each
_TEXT = "x" * 2_000  # an attribute of each box
_MOST_MB = 250
_PROGRAM = """
import resource, sys
from datacat.catalog import Catalog
root, to = sys.argv[1:]
cat = Catalog.open(root)
list(cat.search("car", limit=1))
opened = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = sum(map(len, cat.search("car").stream(to)))
print(size >> 20, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - opened) >> 10)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """300,000 matches with 2,000 bytes of attributes each."""
    folder = tmp_path_factory.mktemp("large")
    pictures = [{"id": n, "file_name": f"{n}.png", "width": 64, "height": 64} for n in range(_PICTURES)]
    said = [
        {
            "id": n,
            "image_id": n % _PICTURES,
            "category_id": 1,
            "bbox": [1, 2, 3, 4],
            "attributes": {"text": _TEXT},
        }
        for n in range(_PICTURES * _BOXES)
    ]
    document = {"images": pictures, "annotations": said, "categories": [{"id": 1, "name": "car"}]}
    (folder / "lake").mkdir()
    (folder / "lake/labels.json").write_text(json.dumps(document))
    made = Catalog.init(str(folder / "catalog"))
    made.ingest(str(folder / "lake"), team="street", name="cars")
    return str(made.root)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["ndjson", "arrow"])
def test_a_stream_takes_the_memory_of_a_part(root: str, to: str) -> None:
    command = [sys.executable, "-c", _PROGRAM, root, to]
    environment = {**os.environ, "DATACAT_MEMORY_LIMIT": "256MiB"}
    done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    written_mb, grown_mb = map(int, done.stdout.split())
    assert written_mb > 2 * _MOST_MB
    assert grown_mb < _MOST_MB
