"""`Catalog.concepts`: one commit a change, names that are checked, and a history that can be believed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.errors import NotFound, UsageError
from tests.concepts.lakes import labelled

BOX = (1.0, 2.0, 30.0, 20.0)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return labelled(
        tmp_path,
        mapping={"a.png": [("Roof", BOX), ("Car", BOX)], "b.png": [("Roof", BOX)]},
        claims={"b.png": [("rooftop", BOX)]},
    )


def test_a_change_is_one_commit_over_both_tables(catalog: Catalog) -> None:
    before = catalog.state
    assert catalog.concepts.add("roof", ["Roof", "claims:rooftop"], author="ada") == [
        "Roof",
        "claims:rooftop",
    ]
    assert catalog.state == before + 1
    assert catalog.log(limit=1)[0].changes == (("concept_details", 1, 0), ("concepts", 2, 0))
    assert catalog.concepts.add("Roof", ["claims:rooftop"], author="bob") == []
    assert catalog.state == before + 1
    assert catalog.concepts.list().to_pylist() == [
        {
            "concept": "roof",
            "classes": ["Roof", "claims:rooftop"],
            "synonyms": [],
            "parents": [],
            "children": [],
            "annotations": 3,
            "owner": "ada",
            "definition": None,
        }
    ]
    assert catalog.search("roof").count() == 2


def test_what_is_refused_changes_nothing(catalog: Catalog) -> None:
    catalog.concepts.add("roof", ["Roof"])
    catalog.concepts.add("car", ["Car"])
    before = catalog.state
    refused = [
        lambda: catalog.concepts.add("roof", ["claims:rooftop", "rooof"]),
        lambda: catalog.concepts.rename("car", "Roof"),
        lambda: catalog.concepts.merge(["car", "boat"]),
        lambda: catalog.concepts.describe("car", parents=["roof", "car"]),
        lambda: catalog.concepts.remove("car", ["Roof"]),
        lambda: catalog.concepts.merge([]),
        lambda: catalog.concepts.merge(["car", "Cars"]),
        lambda: catalog.concepts.merge(["car"], into="car"),
        lambda: catalog.concepts.show("car", changes=-1),
    ]
    for change in refused:
        with pytest.raises((NotFound, UsageError)):
            change()
    assert catalog.refresh().state == before
    assert catalog.concepts.show("car").parents == ()


def test_unknown_classes_are_refused_with_the_nearest(catalog: Catalog) -> None:
    for name, hint in (
        ("rof", r"Did you mean mapping:Roof \(2 annotations\) or claims:rooftop \(1 annotation\)\?"),
        ("claims:Roof", r"There is mapping:Roof \(2 annotations\)\."),
        ("claim:rooftop", "Did you mean the team 'claims'"),
        ("x:y", "The teams are claims, mapping"),
    ):
        with pytest.raises(NotFound, match=hint):
            catalog.concepts.add("roof", [name])
    assert catalog.concepts.add("roof", ["claims:Dach"], unused=True) == ["claims:Dach"]
    (member,) = catalog.concepts.show("roof").members
    assert (member.member, member.classes, member.annotations) == ("claims:Dach", (), 0)
    assert catalog.concepts.add("roof", ["ROOFS"]) == ["ROOFS"], "the search forgives case and number"


def test_history_follows_a_concept_through_its_names(catalog: Catalog) -> None:
    concepts = catalog.concepts
    concepts.add("rooftop", ["claims:rooftop"], author="bob")
    concepts.add("car", ["Car"], author="eve", message="about cars alone")
    concepts.add("roof", ["Roof"], author="ada", message="no name in this message")
    concepts.describe("roof", definition="upper side", synonyms=["Dach"], author="ada")
    concepts.merge(["roof", "rooftop"], author="eve", message="joined")
    concepts.rename("roof", "roofing", author="bob")
    told = [(change.author, change.what) for change in concepts.show("roofing").history]
    assert told == [
        ("bob", ("renamed from roof", "added synonym roof")),
        ("eve", ("joined with rooftop", "added claims:rooftop", "added synonym rooftop")),
        ("ada", ("added synonym Dach", "definition: upper side")),
        ("ada", ("made", "added Roof", "owner: ada")),
        ("bob", ("made", "added claims:rooftop", "owner: bob")),
    ]
    states = [change.state for change in concepts.show("roofing").history]
    assert states == sorted(states, reverse=True)
    assert concepts.show("roofing").history[1].message == "joined"
    assert [change.author for change in concepts.show("car").history] == ["eve"]
    past = Catalog.open(str(catalog.root), at=states[2])
    assert [change.state for change in past.concepts.show("roof").history] == states[2:4]


def test_history_of_what_was_removed_and_made_again(catalog: Catalog) -> None:
    catalog.concepts.add("roof", ["Roof"], author="ada")
    assert catalog.concepts.remove("roof", author="bob") == ["Roof"]
    with pytest.raises(NotFound, match="no concept 'roof'"):
        catalog.concepts.show("roof")
    catalog.concepts.add("roof", ["claims:rooftop"], author="eve")
    told = [(change.author, change.what) for change in catalog.concepts.show("roof").history]
    assert told == [
        ("eve", ("made", "added claims:rooftop", "owner: eve")),
        ("bob", ("removed",)),
        ("ada", ("made", "added Roof", "owner: ada")),
    ]


def test_history_says_where_its_rows_were_forgotten(catalog: Catalog) -> None:
    catalog.concepts.add("roof", ["Roof"], author="ada")
    catalog.concepts.describe("roof", definition="a")
    catalog.concepts.describe("roof", definition="b")
    catalog.gc(grace_s=0, forget_before=catalog.state)
    told = [change.what for change in Catalog.open(str(catalog.root)).concepts.show("roof").history]
    assert told == [(), (), ()]
    catalog.concepts.describe("roof", definition="c")
    assert Catalog.open(str(catalog.root)).concepts.show("roof").history[0].what == ("definition: c",)


def test_changes_of_two_people_at_once_both_survive(catalog: Catalog) -> None:
    catalog.concepts.add("roof", author="ada")
    failures: list[Exception] = []

    def edit(author: str) -> None:
        own = Catalog.open(str(catalog.root))
        try:
            for number in range(8):
                own.concepts.add("roof", [f"{author}:{number}"], unused=True, author=author)
                own.concepts.describe("roof", synonyms=[f"{author} {number}"], author=author)
        except Exception as error:
            failures.append(error)

    people = [threading.Thread(target=edit, args=(name,)) for name in ("bob", "eve")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert failures == []
    view = catalog.refresh().concepts.show("roof", changes=100)
    assert {item.member for item in view.members} == {f"{n}:{i}" for n in ("bob", "eve") for i in range(8)}
    assert len(view.synonyms) == 16
    assert len(view.history) == 33


def test_a_merge_finds_what_both_found(catalog: Catalog) -> None:
    catalog.concepts.add("top", ["claims:rooftop"])
    catalog.concepts.add("upper side", ["Roof"])
    catalog.concepts.add("building")
    catalog.concepts.describe("top", parents=["building"], synonyms=["Dach"])
    assert catalog.concepts.merge(["top", "upper side"]) == "top"
    assert catalog.search("Dach").count() == catalog.search("upper-side").count() == 2
    assert catalog.search("building").count() == 2, "a child is found by its parent"
