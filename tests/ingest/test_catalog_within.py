"""Catalogs that lie within a lake: what is theirs is neither read nor named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from datacat import Catalog
from datacat.config import Settings
from datacat.errors import LocationError
from datacat.sources.listing import look_over
from datacat.sources.location import Location, filesystem

_SAID = "a datacat catalog's own folders are no labels and no media, and were left out: "


def _lake(folder: Path) -> Path:
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    (folder / "l.ndjson").write_text(json.dumps({"asset": "a.png", "class": "car"}) + "\n")
    return folder


def _names(place: Path) -> list[str]:
    return sorted(
        Path(uri).name for uri in (entry.uri for entry in look_over(Location(str(place)), Settings()).entries)
    )


def test_a_catalog_within_its_lake_settles(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake")
    catalog = Catalog.init(lake)
    first = catalog.ingest(lake, team="a", name="b")
    again = catalog.ingest(lake, team="a", name="b")
    assert (first.changed, again.changed, again.skipped, again.rejects) == (True, False, (), ())
    (said,) = [text for text in again.assumed if text.startswith(_SAID)]
    assert said == f"{_SAID}{lake} (ids, leases, log)"


def test_the_lake_of_somebody_elses_catalog_is_read_without_it(tmp_path: Path) -> None:
    inner = _lake(tmp_path / "inner")
    Catalog.init(inner).ingest(inner, team="a", name="b")
    report = Catalog.init(tmp_path / "mine").ingest(tmp_path, team="a", name="b")
    assert (report.format, report.files, report.skipped) == ("neutral", 1, ())
    (said,) = [text for text in report.assumed if text.startswith(_SAID)]
    assert f"{inner} (ids" in said
    assert f"{tmp_path / 'mine'} (ids" in said


def test_links_lead_into_no_catalog(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake")
    Catalog.init(lake).ingest(lake, team="a", name="b")
    (tmp_path / "link").symlink_to(lake)
    (lake / "deep").symlink_to(next((lake / "log").glob("logical_table=*")))
    parquet = next((lake / "log").glob("logical_table=*/*.parquet"))
    (lake / "one.parquet").symlink_to(parquet)
    assert _names(tmp_path / "link") == _names(lake) == ["a.png", "l.ndjson"]
    assert _names(tmp_path) == ["a.png", "l.ndjson"]


@pytest.mark.parametrize("part", ["log", "log/logical_table=annotations", "ids"])
def test_a_place_within_a_catalog_is_refused(tmp_path: Path, part: str) -> None:
    lake = _lake(tmp_path / "lake")
    Catalog.init(lake).ingest(lake, team="a", name="b")
    with pytest.raises(LocationError, match="nothing lies here but what belongs to a datacat catalog"):
        look_over(Location(str(lake / part)), Settings())


def test_a_media_root_is_looked_at_without_its_catalog(tmp_path: Path) -> None:
    lake, labels = _lake(tmp_path / "lake"), tmp_path / "labels"
    labels.mkdir()
    (lake / "l.ndjson").rename(labels / "l.ndjson")
    catalog = Catalog.init(lake)
    (lake / "vectors").mkdir()
    (lake / "vectors" / "b.png").write_bytes((lake / "a.png").read_bytes())
    report = catalog.ingest(labels, team="a", name="b", media_root=lake)
    assert (report.assets, report.assets_missing) == (1, 0)
    assert [text for text in report.assumed if text.startswith(_SAID)] == [
        f"{_SAID}{lake} (ids, log, vectors)"
    ]


def test_folders_that_are_only_called_so_are_read(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake")
    for name in ("log/_delta_log", "snapshots"):
        (lake / name).mkdir(parents=True)
        (lake / name / "b.png").write_bytes(b"")
    assert _names(lake) == ["a.png", "b.png", "b.png", "l.ndjson"]


def test_a_catalog_below_an_s3_prefix_is_left_out(s3: Location) -> None:
    system = filesystem(s3, Settings())
    system.pipe(f"{s3.path}/lake/l.ndjson", b'{"asset": "a.png", "class": "car"}\n')
    catalog = Catalog.init(f"{s3}/lake/k")
    report = catalog.ingest(f"{s3}/lake", team="a", name="b")
    again = catalog.ingest(f"{s3}/lake", team="a", name="b")
    assert (report.files, again.changed, again.skipped) == (1, False, ())
    found = look_over(s3, Settings())
    assert [entry.uri for entry in found.entries] == [f"{s3}/lake/l.ndjson"]
    assert f"{s3}/lake/k/log" in found.catalogs
    with pytest.raises(LocationError, match="belongs to a datacat catalog"):
        look_over(s3.child("lake/k/log"), Settings())


@pytest.fixture
def requests(s3: Location) -> Iterator[list[str]]:
    """What the S3 server was asked since: operations and keys."""
    events, asked = filesystem(s3, Settings()).s3.meta.events, list[str]()

    def heard(**said: Any) -> None:
        asked.append(f"{said['model'].name} {said['params']['url_path']}")

    events.register("before-call.s3", heard, unique_id="heard")
    yield asked
    events.unregister("before-call.s3", unique_id="heard")


def test_folders_on_s3_that_are_called_so_are_not_asked_for(s3: Location, requests: list[str]) -> None:
    system = filesystem(s3, Settings())
    paths = [f"{s3.path}/lake/runs/{number}/{name}/1.json" for number in range(20) for name in ("log", "ids")]
    system.pipe(dict.fromkeys(paths, b"{}"))
    requests.clear()
    assert len(look_over(s3.child("lake"), Settings()).entries) == 40
    assert [one.split()[0] for one in requests] == ["ListObjectsV2"]


def test_a_folder_above_the_listed_one_on_s3_is_asked_for(s3: Location, requests: list[str]) -> None:
    filesystem(s3, Settings()).pipe(f"{s3.path}/k/log/run/log/1.json", b"{}")
    requests.clear()
    assert len(look_over(s3.child("k/log/run"), Settings()).entries) == 1
    asked = {one.partition("/k")[2].partition("?")[0] for one in requests}
    assert "/log/_delta_log" in asked
    assert "/log/run/log/_delta_log" not in asked
