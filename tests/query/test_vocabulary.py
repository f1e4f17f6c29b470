"""Names: plurals, concepts, suggestions, and how long they are remembered."""

from __future__ import annotations

import pytest

from datacat.errors import QueryError
from datacat.query.hierarchy import meant
from datacat.query.plurals import comparable
from datacat.query.search import search
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
    found = meant(comparable(name), vocabulary(made.cursor(), identity=None)).same
    return {(use.name, number) for use in found for number in use.label_sets}


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


def test_kinds_are_found_with_what_they_are_kinds_of() -> None:
    made = corpus()
    found = meant("vehicle", vocabulary(made.cursor(), identity=None))
    assert [(use.name, sorted(use.label_sets)) for use in found.kinds] == [
        ("bicycle", [2]),
        ("car", [0, 1, 2]),
    ]
    assert found.same == ()
    assert found.covered_by == (2,)


def test_a_kind_is_one_whoever_labels_it_and_under_whatever_name() -> None:
    made = Corpus()
    made.add_label_set("a/x", classes=["car"], parents={"car": "vehicle"})
    for name, classes in (("b/y", ["car", "tree"]), ("c/z", ["Auto"]), ("d/w", ["lorry"])):
        made.add_label_set(name, classes=classes, parents={"lorry": "Fahrzeug"} if name == "d/w" else None)
    made.add_concept("car", "car", "Auto")
    made.add_concept("vehicle", "vehicle", "Fahrzeug")
    found = meant("vehicle", vocabulary(made.cursor(), identity=None))
    kinds = {use.name: sorted(use.label_sets) for use in found.kinds}
    assert kinds == {"car": [0, 1], "Auto": [2], "lorry": [3]}
    assert found.covered_by == (0, 3)  # whose own class lists part all vehicles into what they cover


def test_where_there_is_none_of_a_kind_there_is_none_of_what_it_comprises() -> None:
    made = Corpus()
    verified = made.add_label_set(
        "a/x", classes=["vehicle", "car"], parents={"car": "vehicle"}, covers="none"
    )
    for name, answer in (("a.png", "absent"), ("b.png", "exhaustive"), ("c.png", None)):
        asset = made.add_asset(f"s3://lake/{name}")
        made.list_asset(asset, label_set=verified)
        if answer:
            made.cover(asset, "vehicle", label_set=verified, answer=answer)
    for query, found in (("-car", [0]), ("?car", [1, 2]), ("-vehicle", [0, 1]), ("?vehicle", [2])):
        assert search(made.cursor(), query, state=1).numbers == found


def test_concepts_in_a_circle_end() -> None:
    made = Corpus()
    made.add_label_set("a/x", classes=["car", "lorry"])
    made.add_concept("vehicle", "car")
    made.add_concept("transport", "lorry")
    made.describe("vehicle", parents=["transport"])
    made.describe("transport", parents=["vehicle"])
    words = vocabulary(made.cursor(), identity=None)
    assert {use.name for use in meant("vehicle", words).kinds} == {"lorry"}
    assert meant("vehicle", words).covered_by == (0,)


def test_a_part_that_nobody_looked_for_leaves_the_whole_open() -> None:
    made = Corpus()
    made.add_label_set("a/x", classes=["car"])
    made.add_label_set("b/y", classes=["car", "lorry"])
    made.add_concept("passenger car", "car")
    made.add_concept("goods vehicle", "lorry")
    for name in ("passenger car", "goods vehicle"):
        made.describe(name, parents=["vehicle"])
    assert meant("vehicle", vocabulary(made.cursor(), identity=None)).covered_by == (1,)


def test_the_vocabulary_is_read_once_where_it_has_a_name() -> None:
    cursor = corpus().cursor()
    first = vocabulary(cursor, identity="one")
    assert vocabulary(cursor.cursor(), identity="one") is first
    assert vocabulary(cursor, identity="two") is not first


def test_metadata_is_found_though_no_more_paths_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datacat.query.vocabulary._PATHS_KEPT", 2)
    cursor = corpus().cursor()
    words = vocabulary(cursor, identity=None)
    assert words.metadata_paths(cursor, ["nonsense", "more"]) == ()
    for _ in range(2):
        assert words.metadata_paths(cursor, ["timeofday", "none"]) == ("timeofday",)


def test_tables_that_may_change_are_read_each_time() -> None:
    cursor = corpus().cursor()
    assert not vocabulary(cursor, identity=None).knows("zebra")
    cursor.execute("UPDATE stored.class_counts SET class = 'zebra' WHERE class = 'Roof'")
    assert vocabulary(cursor, identity=None).knows("zebra")


def test_a_concept_without_classes_is_not_called_unknown_alone() -> None:
    made = corpus()
    made.describe("building")
    with pytest.raises(QueryError, match="a concept without classes: datacat concepts add 'building'"):
        search(made.cursor(), "Buildings", state=1)


@pytest.mark.parametrize(
    ("name", "alone"),
    [
        ("walker", 'class:"zebra user"'),  # a concept that no class is called like: its commonest class
        ("pedestrians", 'class:"zebra user"'),
        ("Person", "class:person"),
        ("class:person", None),
    ],
)
def test_what_is_advised_instead_of_a_concept_works(name: str, alone: str | None) -> None:
    made = Corpus()
    made.add_label_set("a/one", classes=["person", "Zebra_User"])
    made.add_concept("walker", "person", "Zebra_User")
    made.describe("walker", synonyms=["pedestrian"])
    for number, class_name in enumerate(("person", "Zebra_User", "Zebra_User")):
        made.add_asset(f"{number}.png")
        made.add_annotation(number, class_name, label_set=0)
    found = search(made.cursor(), name, state=1)
    assert list(found.without_concepts.values()) == ([alone] if alone else [])
    if alone:
        assert 0 < search(made.cursor(), alone, state=1).count() < found.count() == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("*", [0, 1, 2, 3]),
        ("count(*)=1", [0, 1, 2, 3]),
        ("class:*", [0, 1, 2, 3]),
        ('class:"*"', [0]),
        ("car*", [1, 2, 3]),
        ('class="car*"', [2]),
    ],
)
def test_a_class_that_is_called_like_a_wildcard_does_not_take_it_over(text: str, found: list[int]) -> None:
    made = Corpus()
    made.add_label_set("driving/street", classes=["*", "car", "car*", "car park"])
    for number, name in enumerate(("*", "car", "car*", "car park")):
        made.add_asset(f"{number}.png")
        made.add_annotation(number, name, label_set=0)
    assert search(made.cursor(), text, state=1).numbers == found
