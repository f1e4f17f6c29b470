"""Files are chosen by the value that is asked for, and no row is missed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from datacat.model.schemas import LOOKED_UP
from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.tables.lookup import files_at, pieces
from datacat.tables.state import DataFile
from datacat.testing.staging import LabelFile, box, ingest
from tests.tables.places import SETTINGS

A = "/lake/a.png"
NAMES = ("Ärger", "it's", "new\nline", "nul\0", "z", "zz", "\U0001f697", None)


def _file(number: int, first: str | None, last: str | None) -> DataFile:
    return DataFile("annotations", f"{number}.parquet", 1, 1, 1, 1, first, last)


def test_each_piece_has_the_files_that_may_hold_its_values() -> None:
    files = [_file(0, "a", "c"), _file(1, "c", "f"), _file(2, "g", "g"), _file(3, None, None)]
    found = [(piece.least, piece.files) for piece in pieces(files)]
    assert found == [("a", (0, 3)), ("c", (0, 1, 3)), ("g", (2, 3))]


def test_many_files_of_many_values_have_fewer_pieces() -> None:
    dice = random.Random(3)
    files = [_file(n, *sorted(f"{dice.random():.6f}" for _ in range(2))) for n in range(1_000)]
    found = pieces(files)
    assert sum(len(piece.files) for piece in found) <= 2_000
    for piece in found:
        assert {n for n, file in enumerate(files) if file.first <= piece.least <= file.last} <= set(
            piece.files
        )


def test_files_that_do_not_differ_are_all_read() -> None:
    assert files_at([_file(0, "a", "z"), _file(1, "a", "y")], ["/0", "/1"]) is None
    assert files_at([_file(0, "a", "b"), _file(1, "c", "d")], ["/new\nline/0", "/1"]) is None


@pytest.mark.parametrize("is_compacted", [False, True])
def test_every_value_finds_its_rows(catalog_root: Location, tmp_path: Path, is_compacted: bool) -> None:
    tables = Tables.create(catalog_root, SETTINGS, author="ada")
    for number, name in enumerate(NAMES):
        boxes = [box(A, name, attributes={name or "none": number})] * (number + 1)
        ingest(tables, f"t/s{number}", files=[LabelFile(f"/l/{number}", [A], boxes)], folder=tmp_path)
    if is_compacted:
        tables.compact(author="ada")
    cursor = tables.cursor(tables.state())
    for kind, column in LOOKED_UP.items():
        for wanted in [*filter(None, NAMES), "", "none", "q", "~"]:
            looked_up = cursor.execute(
                f"FROM {kind}_at(?) WHERE {column} = ? ORDER BY ALL", [wanted, wanted]
            ).fetchall()
            everywhere = cursor.execute(f"FROM {kind} WHERE {column} = ? ORDER BY ALL", [wanted]).fetchall()
            assert looked_up == everywhere
            assert len(looked_up) == (
                NAMES.index(wanted) + 1
                if wanted in NAMES
                else 8 * (wanted == "none" and kind != "annotations")
            )


def test_a_rare_value_is_looked_for_in_one_file(catalog_root: Location, tmp_path: Path) -> None:
    tables = Tables.create(catalog_root, SETTINGS, author="ada")
    for name in "abcd":
        ingest(tables, f"t/{name}", files=[LabelFile(f"/l/{name}", [A], [box(A, name)])], folder=tmp_path)
    (plan,) = (
        tables.cursor(tables.state())
        .execute("EXPLAIN ANALYZE FROM annotations_at('c') WHERE class = 'c'")
        .fetchall()
    )
    assert "Total Files Read: 1" in plan[1]
