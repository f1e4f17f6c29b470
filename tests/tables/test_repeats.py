"""What a label set says twice: each annotation stays, the report says so, and counts know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datacat.config import Settings
from datacat.query.search import search
from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.testing.staging import LabelFile, box, ingest

SETTINGS = Settings(threads=1, memory_limit="500MB")
PLACE = {"x": 1.0, "y": 2.0, "w": 3.0, "h": 4.0}


@pytest.fixture
def tables(catalog_root: Location) -> Tables:
    return Tables.create(catalog_root, SETTINGS, author="ada")


def _found(tables: Tables, query: str) -> int:
    return search(tables.cursor(tables.state()), query, state=1).count()


def _notes(tables: Tables, files: list[LabelFile], folder: Path, **more: Any) -> tuple[str, ...]:
    notes: tuple[str, ...] = ingest(tables, "re/x", files=files, folder=folder, **more).notes
    assert not list(tables.check(tables.state()))
    return notes


def test_the_same_box_in_two_files_is_said_and_counts_as_one(tables: Tables, tmp_path: Path) -> None:
    files = [LabelFile(f"/l/{name}.json", ["/1"], [box("/1", "car", **PLACE)]) for name in "ab"]
    media = {"/1": {"uri": "/1", "media": "image", "is_missing": False}}
    assert _notes(tables, files, tmp_path, media=media) == (
        "1 annotation says what another of this label set says of the same picture (first: /l/b.json, of /1)",
    )
    assert [_found(tables, f"count(car)>={number}") for number in (1, 2)] == [1, 0]
    ((count,),) = tables.cursor(tables.state()).execute("SELECT count(*) FROM annotations").fetchall()
    assert count == 2


def test_the_same_box_on_two_addresses_of_a_picture(tables: Tables, tmp_path: Path) -> None:
    media = {uri: {"uri": uri, "media": "image", "is_missing": False, "digest": "d"} for uri in ("/1", "/2")}
    boxes = [box(uri, "car", **PLACE) for uri in media]
    notes = _notes(tables, [LabelFile("/l/a.json", list(media), boxes)], tmp_path, media=media)
    said = "what another of this label set says of the same picture (first: /l/a.json, of /2)"
    assert notes == (f"1 annotation says {said}",)
    assert [_found(tables, f"count(car)>={number}") for number in (1, 2)] == [1, 0]


@pytest.mark.parametrize("other", [{"x": 1.5}, {"track": "7"}, {"is_relative": True}])
def test_another_box_or_track_is_another_thing(tables: Tables, tmp_path: Path, other: dict[str, Any]) -> None:
    boxes = [box("/1", "car", **PLACE), box("/1", "car", **PLACE | other)]
    media = {"/1": {"uri": "/1", "media": "image", "is_missing": False}}
    assert _notes(tables, [LabelFile("/l/a.json", ["/1"], boxes)], tmp_path, media=media) == ()
    assert _found(tables, "count(car)>=2") == 1
