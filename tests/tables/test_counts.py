"""Counts of classes and paths: those of the rows, after every kind of change."""

from __future__ import annotations

from pathlib import Path

import pytest

from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.testing.staging import LabelFile, box, corpus, ingest
from tests.tables.places import SETTINGS, errors, rows

A, B, C = "/lake/a.png", "/lake/b.png", "/lake/c.png"
DOORS = {"doors": [{"side": "left"}, {"side": "right"}], "red": True}


@pytest.fixture
def tables(catalog_root: Location) -> Tables:
    return Tables.create(catalog_root, SETTINGS, author="ada")


def counted(tables: Tables, name: str = "team/set") -> dict[str, list[tuple[object, ...]]]:
    """The stored counts of a label set, which must be those of a pass over its rows."""
    team, name = name.split("/")
    own = f"label_set = (SELECT label_set FROM label_sets WHERE team = '{team}' AND name = '{name}')"
    classes = f"""SELECT "class", count(*), count(DISTINCT asset) FROM annotations WHERE {own} GROUP BY 1"""
    odd = "number IS NULL AND text NOT IN (lower(text), upper(text), upper(text[1]) || lower(text[2:]))"
    wide = "regexp_matches(text, '[^\\x00-\\x7f]')"
    paths = f"""SELECT path, "class", count(*), count(DISTINCT annotation), count(number), count(*) FILTER ({odd}),
            count(*) FILTER ({wide})
        FROM attribute_values WHERE {own} GROUP BY 1, 2"""
    found = {
        "classes": rows(
            tables, f"SELECT class, annotations, assets FROM class_counts WHERE {own} ORDER BY ALL"
        ),
        "paths": rows(tables, f"SELECT * EXCLUDE (label_set) FROM path_counts WHERE {own} ORDER BY ALL"),
    }
    assert found["classes"] == rows(tables, f"{classes} ORDER BY ALL")
    assert found["paths"] == rows(tables, f"{paths} ORDER BY ALL")
    assert errors(tables) == []
    found["paths"] = [row[:4] for row in found["paths"]]
    return found


def files(*said: LabelFile) -> list[LabelFile]:
    return list(said)


FIRST = LabelFile(
    "/l/1", [A, B], [box(A, "car", attributes=DOORS), box(A, "car"), box(B, "car"), box(B, None)]
)
SECOND = LabelFile(
    "/l/2", [B, C], [box(B, "car", attributes={"red": 1}), box(C, "tree", attributes={"a": None})]
)


def test_classes_and_paths_are_counted(tables: Tables, tmp_path: Path) -> None:
    ingest(tables, "team/set", files=files(FIRST, SECOND), folder=tmp_path)
    found = counted(tables)
    assert found["classes"] == [("car", 4, 2), ("tree", 1, 1), (None, 1, 1)]
    assert found["paths"] == [("a", "tree", 1, 1), ("doors[].side", "car", 2, 1), ("red", "car", 2, 2)]


def test_a_file_that_comes_later_adds_to_them(tables: Tables, tmp_path: Path) -> None:
    ingest(tables, "team/set", files=files(FIRST), folder=tmp_path)
    assert counted(tables)["classes"] == [("car", 3, 2), (None, 1, 1)]
    ingest(tables, "team/set", files=files(FIRST, SECOND), folder=tmp_path)
    found = counted(tables)
    assert found["classes"] == [("car", 4, 2), ("tree", 1, 1), (None, 1, 1)]
    assert ("red", "car", 2, 2) in found["paths"]


def test_what_is_dropped_is_counted_no_more(tables: Tables, tmp_path: Path) -> None:
    ingest(tables, "team/set", files=files(FIRST, SECOND), folder=tmp_path)
    changed = LabelFile("/l/1", [A, B], [box(A, "car"), box(B, "car"), box(B, "roof", attributes={"red": 0})])
    ingest(tables, "team/set", files=files(changed, SECOND), folder=tmp_path)
    found = counted(tables)
    assert found["classes"] == [("car", 3, 2), ("roof", 1, 1), ("tree", 1, 1)]
    assert found["paths"] == [("a", "tree", 1, 1), ("red", "car", 1, 1), ("red", "roof", 1, 1)]


def test_an_emptied_label_set_has_no_counts(tables: Tables, tmp_path: Path) -> None:
    ingest(tables, "team/set", files=files(FIRST, SECOND), folder=tmp_path)
    ingest(tables, "team/set", files=[], folder=tmp_path)
    assert counted(tables) == {"classes": [], "paths": []}


def test_counts_that_stay_the_same_are_not_written_again(tables: Tables, tmp_path: Path) -> None:
    ingest(tables, "team/set", files=files(FIRST), folder=tmp_path)
    before = tables.state()
    moved = LabelFile("/l/1", FIRST.assets, [{**said, "x": 7.0} for said in FIRST.annotations])
    assert ingest(tables, "team/set", files=files(moved), folder=tmp_path).added == 4
    after = tables.state()
    assert after.of("annotations") != before.of("annotations")
    for kind in ("class_counts", "path_counts"):
        assert after.of(kind) == before.of(kind)
    counted(tables)


def test_counts_of_many_label_sets_share_a_file_when_compact(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    before = rows(tables, "FROM class_counts ORDER BY ALL")
    tables.compact(author="ada")
    assert [len(tables.state().of(kind)) for kind in ("class_counts", "path_counts")] == [1, 1]
    assert rows(tables, "FROM class_counts ORDER BY ALL") == before
    ingest(tables, "claims/damage", files=files(FIRST), folder=tmp_path)
    assert counted(tables, "claims/damage")["classes"] == [("car", 3, 2), (None, 1, 1)]
    assert counted(tables, "mapping/roofs")["classes"] == [("Roof", 2, 2), ("tree", 1, 1)]
    ingest(tables, "driving/street", files=[], folder=tmp_path)
    assert counted(tables, "driving/street") == {"classes": [], "paths": []}
    assert len(tables.state().of("class_counts")) == 1


def test_leaves_of_an_annotation_in_several_files_are_counted_once(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large label set is written in several files; a list of one annotation may lie in two of them."""
    from datacat.tables import files as written

    monkeypatch.setattr(written, "_SMALLEST_ROW_GROUP", 2048)
    monkeypatch.setattr(written, "_OPTIONS", written._OPTIONS.replace("PER_FILE 128", "PER_FILE 1"))
    long = {"list": list(range(6000)), "one": 1}
    first = LabelFile("/l/1", [A], [box(A, "car", attributes=long), box(A, "bus")])
    second = LabelFile("/l/2", [A], [box(A, "car", attributes=long)])
    ingest(tables, "team/set", files=files(first, second), folder=tmp_path)
    assert len(tables.state().of("attribute_values")) > 1
    assert counted(tables)["paths"] == [("list[]", "car", 12000, 2), ("one", "car", 2, 2)]
    fewer = LabelFile("/l/1", [A], [box(A, "car", attributes={"one": 1}), box(A, "bus")])
    ingest(tables, "team/set", files=files(fewer, second), folder=tmp_path)
    assert counted(tables)["paths"] == [("list[]", "car", 6000, 1), ("one", "car", 2, 2)]


def test_numbers_and_odd_spellings_are_counted(tables: Tables, tmp_path: Path) -> None:
    texts = ["red", "Red", "RED", "rEd", "Dark Red", "\u212a", "\u00c4rger", 5, 0.5, True, None]
    said = [box(A, "car", attributes={"color": text}) for text in texts]
    ingest(tables, "team/set", files=files(LabelFile("/l/1", [A], said)), folder=tmp_path)
    found = rows(tables, "SELECT leaves, numbers, odd_texts FROM path_counts")
    # rEd, Dark Red, and the Kelvin sign, whose lower case is the k of everybody.
    assert found == [(11, 2, 3)]
