"""What can be asked for, and one asset with everything said of it."""

from __future__ import annotations

import pytest

from datacat.errors import NotFound, QueryError, UsageError
from datacat.query.listing import ATTRIBUTES, CLASSES, attributes, classes
from datacat.query.show import show
from datacat.testing.corpus import Corpus
from tests.query.cases import corpus


def test_classes_with_teams_and_counts() -> None:
    table = classes(corpus().cursor())
    assert table.schema == CLASSES
    rows = {row["class"]: row for row in table.to_pylist()}
    assert list(rows) == [
        *("Person", "Roof", "car", "rooftop", "siren", "speech", "traffic_light", "Boat", "Pool", "bicycle")
    ]
    assert rows["car"] == {
        "class": "car",
        "concept": None,
        "teams": ["claims", "driving", "mapping"],
        "label_sets": ["claims/houses", "driving/street", "mapping/roofs-2026"],
        "annotations": 2,
        "assets": 2,
    }
    assert (rows["Roof"]["annotations"], rows["Roof"]["assets"], rows["Roof"]["concept"]) == (2, 1, "roof")
    assert rows["Boat"]["annotations"] == 0


def test_attributes_with_types_and_examples() -> None:
    made = corpus()
    made.add_annotation(0, "Roof", label_set=0, attributes={"material": "tile"})
    table = attributes(made.cursor())
    assert table.schema == ATTRIBUTES
    rows = {row["path"]: row for row in table.to_pylist()}
    assert rows["material"] == {
        "path": "material",
        "types": ["text"],
        "annotations": 4,
        "distinct": 3,
        "examples": ["tile", "slate", "Slate"],
        "teams": ["claims", "mapping"],
    }
    assert rows["doors[].open"]["types"] == ["boolean"]
    assert (rows["doors[].open"]["annotations"], rows["doors[].open"]["distinct"]) == (1, 2)
    assert rows["condition.score"]["types"] == ["number"]
    assert (rows["insured"]["types"], rows["insured"]["distinct"], rows["insured"]["examples"]) == (
        ["null"],
        0,
        [],
    )


def test_attributes_of_a_class_and_what_means_the_same() -> None:
    paths = attributes(corpus().cursor(), "roofs")["path"].to_pylist()
    assert "material" in paths
    assert "doors[].side" not in paths
    with pytest.raises(QueryError, match="no class"):
        attributes(corpus().cursor(), "zebra")
    with pytest.raises(UsageError):
        attributes(corpus().cursor(), "roof car")


def test_an_empty_catalog_lists_nothing() -> None:
    cursor = Corpus().cursor()
    assert classes(cursor).num_rows == 0
    assert attributes(cursor).num_rows == 0


@pytest.mark.parametrize("name", ["0", "s3://lake/aerial/a.png", "aerial/a.png", "a.png"])
def test_an_asset_by_any_of_its_names(name: str) -> None:
    view = show(corpus().cursor(), name)
    assert view.uri == "s3://lake/aerial/a.png"
    assert [item.class_name for item in view.annotations] == ["Roof", "Roof"]
    assert {item.label_set for item in view.label_sets} == {"mapping/roofs-2026"}
    assert view.facts()["splits"] == ["mapping/roofs-2026: train"]
    assert [row["class"] for row in view.annotation_rows()] == ["Roof", "Roof"]


def test_ranges_tracks_and_models_are_shown_where_there_are_some() -> None:
    made = Corpus()
    team = made.add_label_set("sound/words", classes=["siren"])
    film, still = made.add_asset("s3://lake/film.mp4", media="video"), made.add_asset("s3://lake/still.png")
    made.add_annotation(film, "siren", label_set=team, starts=1.5, ends=2.0, track="t7", model="ears-2")
    made.add_annotation(still, "siren", label_set=team)
    (row,) = show(made.cursor(), "film.mp4").annotation_rows()
    assert (row["from_to"], row["track"], row["model"]) == ("1.5 to 2", "t7", "ears-2")
    (row,) = show(made.cursor(), "still.png").annotation_rows()
    assert {"from_to", "track", "model"}.isdisjoint(row)


def test_equal_bytes_are_named() -> None:
    made = Corpus()
    for name in ("a", "b", "c"):
        made.add_asset(f"s3://lake/{name}.png", digest="1" if name < "c" else None)
    assert show(made.cursor(), "a.png").equal == ("s3://lake/b.png",)
    assert show(made.cursor(), "c.png").equal == ()
    made.copy(1, of=0)
    found = show(made.cursor(), "b.png")
    assert (found.asset, found.uri, found.equal) == (0, "s3://lake/a.png", ("s3://lake/b.png",))


def test_an_asset_that_is_not_there_or_not_one() -> None:
    made = corpus()
    made.add_asset("s3://lake/other/a.png")
    with pytest.raises(NotFound, match="no asset"):
        show(made.cursor(), "z.png")
    with pytest.raises(NotFound, match="several"):
        show(made.cursor(), "a.png")
