"""Names: plurals, concepts, suggestions, and how long they are remembered."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from datacat.model.schemas import KINDS
from datacat.query.plurals import comparable
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus
from tests.query.cases import corpus


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("roof", "Roofs"),
        ("box", "boxes"),
        ("person", "people"),
        ("city", "cities"),
        ("bus", "buses"),
        ("glass", "glasses"),
        ("house", "houses"),
        ("movie", "movies"),
        ("tie", "ties"),
        ("shoe", "shoes"),
        ("potato", "potatoes"),
        ("lens", "lenses"),
        ("leaf", "leaves"),
        ("bench", "benches"),
        ("traffic_light", "Traffic Lights"),
        ("stop-sign", "stop signs"),
        ("ｃａｒ", "CARS"),
        ("Dach", "dach"),
    ],
)
def test_singular_and_plural_are_equal(one: str, many: str) -> None:
    assert comparable(one) == comparable(many)


@pytest.mark.parametrize(
    ("one", "other"), [("car", "cart"), ("grass", "gras"), ("bus", "bu"), ("as", "a"), ("axis", "axi")]
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert comparable(one) != comparable(other)


def _uses(made: Corpus, name: str) -> set[tuple[str, int]]:
    return {(use.name, use.label_set) for use in vocabulary(made.cursor(), state=1).same_as(comparable(name))}


def test_a_concept_joins_only_the_classes_it_names() -> None:
    made = corpus()
    made.add_annotation(4, "rooftop", label_set=2)  # driving's, which the concept does not name
    assert _uses(made, "roof") == {("Roof", 0), ("rooftop", 1)}
    assert _uses(made, "rooftop") == {("Roof", 0), ("rooftop", 1), ("rooftop", 2)}


def test_a_member_without_a_team_is_everybodys() -> None:
    made = Corpus()
    first, second = (
        made.add_label_set("a/x", classes=["Dach"]),
        made.add_label_set("b/y", classes=["Dach", "roof"]),
    )
    made.add_concept("building part", "Dach")
    assert _uses(made, "building parts") == {("Dach", first), ("Dach", second)}


def test_concepts_are_not_followed_twice() -> None:
    made = Corpus()
    made.add_label_set("a/x", classes=["roof", "rooftop", "terrace"])
    made.add_concept("roof", "rooftop")
    made.add_concept("terrace", "rooftop")
    assert {name for name, _ in _uses(made, "roof")} == {"roof", "rooftop"}
    assert {name for name, _ in _uses(made, "rooftop")} == {"roof", "rooftop", "terrace"}


def _as_files(made: Corpus, folder: Path) -> duckdb.DuckDBPyConnection:
    """The corpus as a catalog shows it: views over Parquet files."""
    tables, views = made.cursor(), duckdb.connect()
    for kind in KINDS:
        tables.execute(f"COPY {kind} TO '{folder}/{kind}.parquet'")
        views.execute(f"CREATE VIEW {kind} AS SELECT * FROM read_parquet(['{folder}/{kind}.parquet'])")
    return views


def test_the_vocabulary_of_parquet_files_is_read_once(tmp_path: Path) -> None:
    cursor = _as_files(corpus(), tmp_path)
    assert vocabulary(cursor, state=1) is vocabulary(cursor.cursor(), state=1)
    assert vocabulary(cursor, state=2) is not vocabulary(cursor, state=1)


def test_catalogs_with_the_same_state_number_are_kept_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    other = Corpus()
    other.add_label_set("a/x", classes=["zebra"])
    other.add_annotation(other.add_asset("s3://lake/z.png"), "zebra", label_set=0)
    first, second = _as_files(corpus(), tmp_path / "one"), _as_files(other, tmp_path / "two")
    assert vocabulary(first, state=1).knows("roof")
    assert not vocabulary(second, state=1).knows("roof")


def test_tables_that_may_change_are_read_each_time() -> None:
    cursor = corpus().cursor()
    assert not vocabulary(cursor, state=1).knows("zebra")
    cursor.execute("UPDATE annotations SET class = 'zebra' WHERE annotation = 0")
    assert vocabulary(cursor, state=1).knows("zebra")
