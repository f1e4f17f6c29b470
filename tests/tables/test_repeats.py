"""What a label set says twice: each annotation stays, the report says so, and counts know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datacat.config import Settings
from datacat.query.overlap import overlap
from datacat.query.search import search
from datacat.query.vocabulary import read_vocabulary
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


SHAPES = {
    "crack": ("polyline", ["[1, 2, 4, 6]", "[1, 6, 4, 2]"]),
    "ship": ("rotated", [f'{{"center": [2, 4], "size": [3, 1], "degrees": {turn}}}' for turn in (45, -45)]),
    "bird": ("polygon", ["[[1, 2, 4, 2, 1, 6]]", "[[4, 6, 4, 2, 1, 6]]"]),
}


def _shape(name: str, number: int) -> dict[str, Any]:
    kind, shapes = SHAPES[name]
    return box("/1", name, **PLACE, geometry_type=kind, geometry=shapes[number])


def test_two_shapes_with_one_envelope_are_two_things(tables: Tables, tmp_path: Path) -> None:
    rows = [_shape(name, number) for name in SHAPES for number in (0, 1)]
    media = {"/1": {"uri": "/1", "media": "image", "is_missing": False}}
    assert _notes(tables, [LabelFile("/l/a.json", ["/1"], rows)], tmp_path, media=media) == ()
    for name in SHAPES:
        for more in ("", " across teams"):
            assert [_found(tables, f"count({name}{more})>={number}") for number in (2, 3)] == [1, 0]
    assert _found(tables, "count(crack)<2") == 0


@pytest.mark.parametrize(
    ("shapes", "things"),
    [
        ([("box", None), ("polygon", "[[1]]")], 1),  # instances beside boxes or key points
        ([("keypoints", "{}"), ("polygon", "[[1]]")], 1),
        ([("box", None), ("polygon", "[[1]]"), ("polygon", "[[2]]")], 2),  # the box is one of the two
        ([("polygon", "[[1]]"), ("polygon", "[[2]]"), ("polygon", "[[1]]")], 2),
        ([("polygon", "[[1]]"), ("polygon", "[[2]]"), ("mask", "{}"), ("box", None), ("box", None)], 2),
        ([("box", None), ("box", None)], 1),
    ],
)
def test_as_many_things_as_one_type_has_shapes(
    tables: Tables, tmp_path: Path, shapes: list[tuple[str, str | None]], things: int
) -> None:
    rows = [box("/1", "car", **PLACE, geometry_type=kind, geometry=shape) for kind, shape in shapes]
    media = {"/1": {"uri": "/1", "media": "image", "is_missing": False}}
    notes = _notes(tables, [LabelFile("/l/a.json", ["/1"], rows)], tmp_path, media=media)
    repeats = len(shapes) - things
    assert bool(notes) == bool(repeats)
    assert not repeats or notes[0].startswith(f"{repeats} annotation")
    assert [_found(tables, f"count(car)>={number}") for number in (things, things + 1)] == [1, 0]


def test_of_what_is_asked_shapes_are_counted_alone(tables: Tables, tmp_path: Path) -> None:
    said = [("polygon", "[[1]]", None), ("polygon", "[[2]]", 0.9), ("box", None, 0.9)]
    rows = [
        box("/1", "car", **PLACE, geometry_type=kind, geometry=shape, confidence=sure)
        for kind, shape, sure in said
    ]
    media = {"/1": {"uri": "/1", "media": "image", "is_missing": False}}
    _notes(tables, [LabelFile("/l/a.json", ["/1"], rows)], tmp_path, media=media)
    assert [_found(tables, f"count(car)>={number}") for number in (2, 3)] == [1, 0]
    assert [_found(tables, f"count(car[confidence>0.5])>={number}") for number in (1, 2)] == [1, 0]
    assert _found(tables, "?count(car[confidence>0.5])>=2") == 1


def test_shapes_that_another_team_has_not_are_no_agreement(tables: Tables, tmp_path: Path) -> None:
    media = {"/1": {"uri": "/1", "media": "image", "is_missing": False}}
    for team, numbers in (("re", (0, 1)), ("med", (0,))):
        rows = [_shape("crack", number) for number in numbers]
        file = LabelFile(f"/{team}/l.json", ["/1"], rows)
        ingest(tables, f"{team}/x", files=[file], folder=tmp_path / team, media=media)
    cursor = tables.cursor(tables.state())
    found = overlap(cursor, "re", right="med", vocabulary=read_vocabulary(cursor))
    assert (found.agreement, found.matched) == (pytest.approx(2 / 3), 1)
    assert {(cell.left, cell.right, cell.annotations) for cell in found.cells} == {
        ("crack", "crack", 1),
        ("crack", None, 1),
    }
    assert [_found(tables, query) for query in ("agreement<1", "agreement=1")] == [1, 0]


def _in_files(*said: tuple[str, str, dict[str, float]]) -> list[LabelFile]:
    """Files by name: a class `car` of one picture in a geometry type at a place."""
    names = sorted({name for name, _, _ in said})
    return [
        LabelFile(
            f"/l/{name}.json",
            ["/1"],
            [box("/1", "car", **at, geometry_type=kind) for one, kind, at in said if one == name],
        )
        for name in names
    ]


NEAR = PLACE | {"x": 1.25}  # as it is rounded elsewhere
FAR = PLACE | {"x": 50.0}


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        ([("instances", "polygon", NEAR), ("panoptic", "other", PLACE)], True),
        ([("a", "polygon", NEAR), ("a", "polygon", FAR), ("b", "mask", PLACE), ("b", "mask", FAR)], True),
        ([("instances", "polygon", PLACE), ("keypoints", "keypoints", PLACE)], False),  # exact
        ([("a", "polygon", PLACE), ("a", "polygon", FAR), ("b", "keypoints", PLACE)], False),
        ([("a", "polygon", NEAR), ("b", "polygon", PLACE)], False),
        ([("a", "polygon", NEAR), ("b", "mask", PLACE), ("b", "polygon", FAR)], False),  # both draw so
        ([("a", "polygon", NEAR), ("a", "mask", PLACE)], False),
    ],
)
def test_other_shapes_of_a_class_in_another_file_are_told(
    tables: Tables, tmp_path: Path, said: list[tuple[str, str, dict[str, float]]], is_told: bool
) -> None:
    media = {"/1": {"uri": "/1", "media": "image", "is_missing": False}}
    notes = "\n".join(_notes(tables, _in_files(*said), tmp_path, media=media))
    assert ("1 picture has one class in several files, each in other geometry types" in notes) is is_told
    assert ("--name" in notes) is is_told
    if is_told:
        first, second = sorted({(name, kind) for name, kind, _ in said})
        assert (
            f"(first: car of /1: {first[1]} in /l/{first[0]}.json, {second[1]} in /l/{second[0]}.json)"
            in notes
        )


def test_key_points_beside_instances_hide_no_panoptic(tables: Tables, tmp_path: Path) -> None:
    said = [("a", "polygon", NEAR), ("b", "keypoints", NEAR), ("c", "other", PLACE)]
    media = {"/1": {"uri": "/1", "media": "image", "is_missing": False}}
    repeats, mixed = _notes(tables, _in_files(*said), tmp_path, media=media)
    assert repeats.startswith("1 annotation says what another")
    assert "(first: car of /1: polygon in /l/a.json, other in /l/c.json)" in mixed
