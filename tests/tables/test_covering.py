"""Coverage: derived from what files list, declared by people, said by the format; kept, changed, taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datacat.errors import UsageError
from datacat.model.coverage import Coverage, CoverageClaim
from datacat.model.report import IngestReport
from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.testing.staging import LabelFile, box, ingest
from tests.tables.places import SETTINGS, errors, rows

A, B, C = "/lake/a.png", "/lake/b.png", "/lake/c.png"
CARS = LabelFile("/l/1", [A, B], [box(A, "car", attributes={"red": 1})], ["car", "bus"], is_exhaustive=True)


@pytest.fixture
def tables(catalog_root: Location) -> Tables:
    return Tables.create(catalog_root, SETTINGS, author="ada")


def put(tables: Tables, folder: Path, *files: LabelFile, **claim: Any) -> IngestReport:
    said = CoverageClaim(**claim) if claim else None
    return ingest(tables, "team/set", files=files, folder=folder, claim=said)


def covered(tables: Tables) -> Coverage:
    ((text,),) = rows(tables, "SELECT coverage FROM label_sets")
    assert errors(tables) == []
    return Coverage.from_json(text)


def single(tables: Tables) -> list[tuple[Any, ...]]:
    query = 'SELECT uri, "class", answer, origin FROM coverage JOIN assets USING (asset) ORDER BY ALL'
    return rows(tables, query)


def test_a_file_that_lists_classes_and_assets_covers_them(tables: Tables, tmp_path: Path) -> None:
    report = put(tables, tmp_path, CARS)
    assert covered(tables) == Coverage("declared", (), "derived", None)
    assert single(tables) == []
    assert "--covers none" in report.assumed[-1]


def test_files_with_the_same_classes_cover_as_one(tables: Tables, tmp_path: Path) -> None:
    second = LabelFile("/l/2", [C], [], ["bus", "car"], is_exhaustive=True)
    put(tables, tmp_path, CARS, second)
    assert (covered(tables).classes, single(tables)) == ("declared", [])


@pytest.mark.parametrize("is_later", [False, True])
def test_files_with_other_classes_cover_their_own_assets(
    tables: Tables, tmp_path: Path, is_later: bool
) -> None:
    second = LabelFile("/l/2", [B, C], [box(C, "roof")], ["roof"], is_exhaustive=True)
    if is_later:
        put(tables, tmp_path, CARS)
    put(tables, tmp_path, CARS, second)
    assert covered(tables) == Coverage("none", (), "derived", None)
    expected = {(A, "car"), (A, "bus"), (B, "car"), (B, "bus"), (B, "roof"), (C, "roof")}
    assert {(uri, name) for uri, name, answer, origin in single(tables)} == expected
    assert {row[2:] for row in single(tables)} == {("exhaustive", "derived")}


def test_files_that_list_the_same_assets_cover_them_together(tables: Tables, tmp_path: Path) -> None:
    people = LabelFile("/l/2", [A, B], [], ["person"], is_exhaustive=True)
    captions = LabelFile("/l/3", [A, B], [{"key": A, "text": "a car"}])
    put(tables, tmp_path, CARS, people, captions)
    assert (covered(tables).classes, single(tables)) == ("declared", [])


def test_assets_that_nobody_looked_at_are_not_covered(tables: Tables, tmp_path: Path) -> None:
    put(tables, tmp_path, CARS, LabelFile("/lake/c.png", [C]))
    assert covered(tables).classes == "none"
    assert {(uri, name) for uri, name, *_ in single(tables)} == {
        (A, "car"),
        (A, "bus"),
        (B, "car"),
        (B, "bus"),
    }
    put(tables, tmp_path, CARS, LabelFile("/l/c", [C], [], CARS.classes, is_exhaustive=True))
    assert {uri for uri, *_ in single(tables)} == {A, B, C}


def test_rows_of_files_that_are_not_read_again_stay(tables: Tables, tmp_path: Path) -> None:
    second = LabelFile("/l/2", [C], [box(C, "roof")], ["roof"], is_exhaustive=True)
    put(tables, tmp_path, CARS, second)
    before = single(tables)
    put(
        tables,
        tmp_path,
        CARS,
        LabelFile("/l/2", [C], [box(C, "roof"), box(C, "roof")], ["roof"], is_exhaustive=True),
    )
    assert single(tables) == before
    put(tables, tmp_path, CARS, LabelFile("/l/2", [C], [box(C, "roof")]))
    assert {uri for uri, *_ in single(tables)} == {A, B}
    put(tables, tmp_path, CARS)
    assert {uri for uri, *_ in single(tables)} == {A, B}


@pytest.mark.parametrize(
    ("annotations", "classes"),
    [
        ([], "declared"),
        ([box(A, "car")], "declared"),
        ([{"key": A, "class": "car", "geometry_type": "mask", "geometry": "{}"}], "declared"),
        ([{"key": A, "class": "car"}], "none"),
        ([{"key": A, "text": "a caption"}], "none"),
        ([{"key": A, "class": "PER", "geometry_type": "span", "geometry": '{"start": 1, "end": 2}'}], "none"),
        ([box(A, "car", kind="prediction", confidence=0.5)], "none"),
    ],
    ids=["nothing yet", "boxes", "masks", "classes of whole images", "captions", "spans", "predictions"],
)
def test_only_drawn_labels_of_people_cover(
    tables: Tables, tmp_path: Path, annotations: list[dict[str, Any]], classes: str
) -> None:
    put(tables, tmp_path, LabelFile("/l/1", [A, B], annotations, ["car", "bus"], is_exhaustive=True))
    assert covered(tables) == Coverage(classes, (), "derived", None)  # type: ignore[arg-type]


def test_a_file_that_lists_no_classes_covers_nothing(tables: Tables, tmp_path: Path) -> None:
    report = put(tables, tmp_path, LabelFile("/l/1", [A], [box(A, "car")]))
    assert covered(tables).classes == "none"
    assert "--covers all" in report.assumed[-1]


def test_a_declaration_is_a_commit_of_its_own_and_stays(tables: Tables, tmp_path: Path) -> None:
    put(tables, tmp_path, CARS)
    report = put(tables, tmp_path, CARS, classes=("bus",), attributes=("red",), ontology="v2")
    assert (report.changed, report.added, report.state) == (True, 0, 2)
    assert {kind: counts for kind, *counts in tables.log(limit=1)[0].changes} == {"label_sets": [1, 1]}
    said = Coverage(("bus",), ("red",), "declared", "v2")
    assert covered(tables) == said
    assert put(tables, tmp_path, CARS, classes=("bus",)).changed is False
    put(tables, tmp_path, CARS, LabelFile("/l/2", [C], [box(C, "tree")], ["tree"], is_exhaustive=True))
    assert covered(tables) == said
    put(tables, tmp_path, CARS, classes="none", attributes=())
    assert covered(tables) == Coverage("none", (), "declared", "v2")
    assert single(tables) == []


def test_all_are_those_declared_or_those_used(tables: Tables, tmp_path: Path) -> None:
    put(tables, tmp_path, CARS, classes="all")
    assert covered(tables) == Coverage("declared", (), "declared", None)
    odd = LabelFile("/l/2", [C], [box(C, "odd")])
    put(tables, tmp_path, CARS, odd, classes="all")
    assert covered(tables).classes == ("bus", "car", "odd")


def test_declaring_takes_derived_rows_away(tables: Tables, tmp_path: Path) -> None:
    second = LabelFile("/l/2", [C], [box(C, "roof")], ["roof"], is_exhaustive=True)
    put(tables, tmp_path, CARS, second)
    assert single(tables)
    put(tables, tmp_path, CARS, second, classes="none")
    assert (covered(tables), single(tables)) == (Coverage("none", (), "declared", None), [])


def test_an_ontology_alone_leaves_what_is_derived(tables: Tables, tmp_path: Path) -> None:
    put(tables, tmp_path, CARS)
    put(tables, tmp_path, CARS, ontology="2026-01")
    assert covered(tables) == Coverage("declared", (), "derived", "2026-01")
    put(tables, tmp_path, CARS, LabelFile("/l/2", [C], [], CARS.classes, is_exhaustive=True))
    assert covered(tables) == Coverage("declared", (), "derived", "2026-01")
    put(tables, tmp_path, CARS, ontology="")
    assert covered(tables).ontology is None


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ({"attributes": ("Red",)}, r"no attribute path 'Red'(.|\n)*Did you mean red\?"),
    ],
)
def test_unknown_names_are_one_clear_error(
    tables: Tables, tmp_path: Path, claim: dict[str, Any], message: str
) -> None:
    for number in range(2):
        with pytest.raises(UsageError, match=message):
            put(tables, tmp_path, CARS, **claim)
        if number == 0:
            put(tables, tmp_path, CARS)
    assert tables.state().number == 1


def test_what_the_format_says_of_single_assets(tables: Tables, tmp_path: Path) -> None:
    said = [
        {"key": A, "class": None, "answer": "exhaustive"},
        {"key": A, "class": "bus", "answer": "absent"},
        {"key": A, "class": "roof", "answer": "not_exhaustive"},
    ]
    boxes = [box(A, "car"), box(A, "car"), box(A, "roof"), box(B, "car")]
    first = LabelFile("/l/1", [A, B], boxes, ["car", "bus", "roof"], coverage=said)
    report = put(tables, tmp_path, first)
    assert covered(tables) == Coverage("none", (), "format", None)
    expected = [
        (A, "bus", "absent", "format"),
        (A, "car", "exhaustive", "format"),
        (A, "roof", "not_exhaustive", "format"),
    ]
    assert single(tables) == expected
    assert "single assets" in report.assumed[-1]
    put(tables, tmp_path, first, LabelFile("/l/2", [C], [box(C, "car")], ["car"]))
    assert (covered(tables).origin, single(tables)) == ("format", expected)
    put(tables, tmp_path, first, LabelFile("/l/2", [C]), classes="all")
    assert (covered(tables), single(tables)) == (Coverage("declared", (), "declared", None), expected)
    tables.compact(author="ada")
    assert single(tables) == expected
