"""Metadata of assets: leaves by path, when and where; what cannot be read is left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacat.ingest.metadata import CAPTURED, CONTAINERS, PLACES, Metadata, Taken
from datacat.model.report import Tally
from datacat.testing.corpus import leaves
from datacat.testing.format_suite import read, rows
from tests.ingest.test_formats import coco, save

NOON = datetime(2013, 11, 14, 17, 2, 52, tzinfo=UTC)


_SCALARS = st.none() | st.booleans() | st.text(max_size=5) | st.integers(-(2**60), 2**60)
_TREES = st.dictionaries(
    st.text(min_size=1, max_size=3),
    st.recursive(
        _SCALARS, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=2), of, max_size=3)
    ),
    max_size=4,
)


def said(document: Any) -> Taken:
    return Metadata().add(0, "1", document=json.dumps(document), tally=Tally()) or Taken()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"date_captured": "2013-11-14 17:02:52"}, NOON),
        ({"captured": "2013-11-14T18:02:52+01:00"}, NOON),
        ({"Captured At": "2013-11-14T17:02:52Z"}, NOON),
        ({"exif": {"DateTimeOriginal": "2013:11:14 17:02:52"}}, NOON),
        ({"data": {"meta": {"datetime": "2013-11-14 17:02:52 UTC"}}}, NOON),
        ({"timestamp": 1384448572}, NOON),
        ({"timestamp": 1384448572.25}, NOON + timedelta(seconds=0.25)),
        ({"captured_at": "2013-11-14"}, datetime(2013, 11, 14, tzinfo=UTC)),
        ({"date_captured": "", "timestamp": 1384448572}, NOON),
        ({"timestamp": 10000}, None),
        ({"timestamp": 1384448572000}, None),
        ({"timestamp": "1384448572"}, None),
        ({"date_captured": "0000:00:00 00:00:00"}, None),
        ({"date_captured": "2013-13-45 17:02:52"}, None),
        ({"date_captured": None}, None),
        ({"date_captured": ["2013-11-14"]}, None),
        ({"camera": {"date_captured": "2013-11-14"}}, None),
    ],
)
def test_a_time_is_read_or_left_out(document: Any, expected: datetime | None) -> None:
    assert said(document).captured == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"latitude": 48.1, "longitude": 11.5}, (48.1, 11.5)),
        ({"lat": "48.1", "lng": "-11.5"}, (48.1, -11.5)),
        ({"gps": {"lat": 48.1, "lon": 11.5}}, (48.1, 11.5)),
        ({"metadata": {"location": {"Latitude": -48.1, "Longitude": 11.5}}}, (-48.1, 11.5)),
        ({"exif": {"GPSLatitude": 48.1, "GPSLongitude": 11.5}}, (48.1, 11.5)),
        ({"lat": 91, "lon": 11.5}, (None, None)),
        ({"lat": 48.1, "lon": 181}, (None, None)),
        ({"lat": 48.1}, (None, None)),
        ({"gps": {"lat": 48.1}, "lon": 11.5}, (None, None)),
        ({"lat": "48° 6'", "lon": "11.5"}, (None, None)),
        ({"lat": True, "lon": None}, (None, None)),
        ({"lat": "nan", "lon": "inf"}, (None, None)),
        ({"lat": 91, "lon": 1, "location": {"lat": 1, "lon": 2}}, (1, 2)),
    ],
)
def test_a_place_is_read_whole_or_left_out(
    document: Any, expected: tuple[float | None, float | None]
) -> None:
    found = said(document)
    assert (found.latitude, found.longitude) == expected


@given(_TREES)
def test_the_leaves_are_those_of_attributes(document: dict[str, Any]) -> None:
    metadata = Metadata()
    metadata.add(3, "k", document=json.dumps(document), tally=Tally())
    found = metadata.columns()
    expected = list(leaves(document))
    assert sorted(map(str, zip(found["path"], found["text"], found["number"], strict=True))) == sorted(
        map(str, expected)
    )
    assert (set(found["file"]), set(found["key"])) == (({3}, {"k"}) if expected else (set(), set()))


@given(st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists))
def test_rubbish_under_a_usual_name_is_no_error(value: Any) -> None:
    names = [*CAPTURED, *(name for pair in PLACES for name in pair if "." not in name)]
    found = said(dict.fromkeys(names, value))
    assert found.latitude is None or abs(found.latitude) <= 90


def test_what_is_no_object_is_kept_and_noted(tmp_path: Path) -> None:
    lines = [{"asset": "a.png", "metadata": [1, 2]}, {"asset": "b.png", "metadata": {"camera": 3}}]
    lines.append({"asset": "c.png", "metadata": 5})
    save(tmp_path / "lake" / "a.ndjson", "\n".join(map(json.dumps, lines)))
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [row["metadata"] for row in rows(staged, "listed")][:2] == ["[1, 2]", '{"camera": 3}']
    assert [(row["key"], row["path"], row["number"]) for row in rows(staged, "listed_leaves")] == [
        ("b.png", "camera", 3.0)
    ]
    assert (
        staged.tally.notes["metadata of an asset that are no JSON object: kept, not searchable by path"] == 2
    )


def test_every_format_gives_leaves_of_what_it_keeps(tmp_path: Path) -> None:
    document = coco(2)
    document["images"][1] |= {
        "license": 5,
        "date_captured": "2013-11-14 17:02:52",
        "gps": {"lat": 1, "lon": 2},
    }
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert sorted(
        (row["key"], row["path"], row["text"], row["number"]) for row in rows(staged, "listed_leaves")
    ) == [
        ("1", "date_captured", "2013-11-14 17:02:52", None),
        ("1", "gps.lat", "1", 1.0),
        ("1", "gps.lon", "2", 2.0),
        ("1", "license", "5", 5.0),
    ]
    taken = {
        row["key"]: (row["captured"], row["latitude"], row["longitude"]) for row in rows(staged, "listed")
    }
    assert taken == {"0": (None, None, None), "1": (NOON, 1.0, 2.0)}


def test_of_two_pictures_that_claim_one_id_each_speaks_for_itself(tmp_path: Path) -> None:
    document = coco(2)
    document["images"][1]["camera"] = "first"
    document["images"].append({"id": 1, "file_name": "other.png", "camera": "second", "more": 1})
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    found = {(row["key"], row["path"], row["text"]) for row in rows(staged, "listed_leaves")}
    other = "1 (images[2])"
    assert found == {("1", "camera", "first"), (other, "camera", "second"), (other, "more", "1")}


def test_of_two_images_with_one_id_the_kept_one_speaks(tmp_path: Path) -> None:
    document = coco(2)
    document["images"][0]["flag"] = "alone"
    document["images"][1]["camera"] = "first"
    document["images"].append({**document["images"][1], "camera": "second", "more": 1})
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    (kept,) = (json.loads(row["metadata"]) for row in rows(staged, "listed") if row["key"] == "1")
    found = {(row["key"], row["path"], row["text"]) for row in rows(staged, "listed_leaves")}
    assert found == {("0", "flag", "alone")} | {("1", path, str(value)) for path, value in kept.items()}


def test_the_page_names_what_is_looked_for() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats" / "metadata.md").read_text("utf-8")
    names = {*CAPTURED, *CONTAINERS, *(step for pair in PLACES for name in pair for step in name.split("."))}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
