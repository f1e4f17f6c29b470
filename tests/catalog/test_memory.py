"""The memory of an ingest has bounds that do not depend on what is ingested."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.sources.location import Location
from tests.catalog.processes import ingesting

SMALL = 2_000  # pictures, 3 MB of JSON


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_label_file_20_times_larger_takes_little_more(
    catalog_root: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("MEMORY_LIMIT", "256MB"), ("INGEST_MEMORY", "128MB"), ("THREADS", "1")):
        monkeypatch.setenv(f"DATACAT_{name}", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Catalog.init(str(catalog_root))
    peaks = []
    for factor in (1, 20):
        lake = tmp_path / f"lake-{factor}"
        write(lake / "labels.json", pictures=SMALL * factor)
        peak, annotations = ingested(lake, catalog_root)
        assert annotations == SMALL * factor * 7
        peaks.append(peak)
    # DuckDB takes what it may before it spills, here 128 MB; Python and its packages take 200.
    assert peaks[1] < 1.9 * peaks[0]


def write(path: Path, *, pictures: int) -> None:
    """Seven annotations a picture, with nested attributes."""
    path.parent.mkdir()
    names = ["roof", "car"]
    with path.open("w") as file:
        images = (
            f'{{"id": {n}, "file_name": "{n:07}.jpg", "width": 640, "height": 480}}' for n in range(pictures)
        )
        file.write('{"images": [' + ",\n".join(images) + '], "categories": ')
        file.write(json.dumps([{"id": number, "name": name} for number, name in enumerate(names)]))
        file.write(', "annotations": [\n')
        for number in range(pictures * 7):
            place = f'"id": {number}, "image_id": {number // 7}, "category_id": {number % 2}, "bbox": [1, 1, 20, 30]'
            by = f'{{"score": {number % 100 / 100}, "inspector": {{"name": "insp{number % 9}"}}}}'
            file.write(("," if number else "") + f'{{{place}, "attributes": {{"condition": {by}}}}}\n')
        file.write("]}")


def ingested(lake: Path, root: Location) -> tuple[int, int]:
    """The peak of the resident memory of all its processes, KiB, and the number of annotations."""
    process, peak = ingesting(lake, root, name=lake.name), 0
    while process.poll() is None:
        peak = max(peak, sum(map(resident, family(process.pid))))
        time.sleep(0.02)
    out, err = process.communicate()
    assert process.returncode == 0, err
    return peak, json.loads(out)["annotations"]


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        children = [Path(f"/proc/{pid}/task/{thread}/children").read_text().split() for thread in threads]
    except OSError:  # it has ended meanwhile
        return [pid]
    return [pid, *(one for found in children for child in found for one in family(int(child)))]


def resident(pid: int) -> int:
    """Its resident memory, KiB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
