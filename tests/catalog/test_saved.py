"""Saved searches: kept, run by @name, changed by several at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.errors import NameInvalid, NotFound, QueryError, UsageError
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw

NAMES = ["a.png", "b.png", "c.png", "d.png"]


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    draw(tmp_path / "lake", NAMES)
    said = [
        box("a.png", "car", attributes={"color": "red"}),
        box("b.png", "car", attributes={"color": "blue"}),
        box("c.png", "roof"),
    ]
    coco(tmp_path / "lake/labels.json", said, pictures=NAMES)
    made = Catalog.init(str(catalog_root))
    made.ingest(str(tmp_path / "lake"), team="street", name="cars")
    return made


def _found(catalog: Catalog, query: str) -> list[str]:
    return [Path(hit.uri).name for hit in catalog.search(query)]


def test_a_saved_search_is_kept_in_strict_form_and_in_the_log(catalog: Catalog) -> None:
    saved = catalog.searches.save(
        "reds", "all pictures with cars[color = red]", author="ada", message="audit"
    )
    assert saved.query == "car[color=red]"
    assert (saved.owner, saved.author) == ("ada", "ada")
    (entry, *_) = catalog.log(limit=1)
    assert (entry.author, entry.message, entry.changes) == ("ada", "audit", (("saved_searches", 1, 0),))
    assert Catalog.open(str(catalog.root)).searches.list() == [saved] == [catalog.searches.read("reds")]


def test_a_saved_search_is_run_by_its_name(catalog: Catalog) -> None:
    catalog.searches.save("reds", "car[color=red]")
    assert _found(catalog, "@reds") == ["a.png"]
    assert catalog.search("@reds").interpretation == "car[color=red]"


def test_more_terms_hold_beside_the_whole_of_it(catalog: Catalog) -> None:
    catalog.searches.save("street/any", "car[color=red] OR roof")
    assert _found(catalog, "@street/any") == ["a.png", "c.png"]
    assert _found(catalog, "@street/any car") == ["a.png"]
    assert _found(catalog, "@street/any OR car") == ["a.png", "b.png", "c.png"]


def test_one_saved_search_may_begin_with_another(catalog: Catalog) -> None:
    catalog.searches.save("any", "car OR roof")
    assert catalog.searches.save("cars", "@any car").query == "(car OR roof) AND car"


def test_a_page_goes_on_with_the_search_as_it_was(catalog: Catalog) -> None:
    catalog.searches.save("mine", "car OR roof")
    first = catalog.search("@mine", limit=1)
    catalog.searches.save("mine", "roof", replace=True)
    rest = catalog.search("@mine", limit=10, after=first.next)
    assert [Path(hit.uri).name for hit in rest] == ["b.png", "c.png"]
    assert _found(catalog, "@mine") == ["c.png"]


def test_a_name_is_not_taken_over_by_mistake(catalog: Catalog) -> None:
    first = catalog.searches.save("mine", "car", owner="eve", description="for the audit")
    with pytest.raises(UsageError, match="already: car"):
        catalog.searches.save("mine", "roof")
    assert catalog.searches.list() == [first]
    second = catalog.searches.save("mine", "roof", replace=True, author="ada")
    assert (second.query, second.owner, second.description) == ("roof", "eve", "for the audit")


def test_the_same_saved_again_is_no_change(catalog: Catalog) -> None:
    first = catalog.searches.save("mine", "car", author="eve", description="for the audit")
    state = catalog.state
    assert catalog.searches.save("mine", "car", replace=True, author="ada") == first
    assert catalog.searches.save("mine", "all cars", description="for the audit", replace=True) == first
    assert catalog.refresh().state == state
    assert catalog.searches.save("mine", "car", owner="ada", replace=True).owner == "ada"
    assert catalog.state == state + 1


def test_a_wrong_query_is_not_saved(catalog: Catalog) -> None:
    state = catalog.state
    with pytest.raises(QueryError, match="no class `rof`"):
        catalog.searches.save("mine", "rof")
    with pytest.raises(UsageError, match="asks for everything"):
        catalog.searches.save("mine", "all data")
    assert catalog.refresh().state == state


@pytest.mark.parametrize("name", ["", "two words", "a/b/c", "/x", "x/", "@x"])
def test_odd_names_are_refused(catalog: Catalog, name: str) -> None:
    with pytest.raises(NameInvalid):
        catalog.searches.save(name, "car")


def test_an_unknown_name_is_told_with_the_nearest(catalog: Catalog) -> None:
    catalog.searches.save("reds", "car")
    with pytest.raises(NotFound, match="no saved search 'red'") as caught:
        catalog.search("@red roof")
    assert caught.value.hint == "Did you mean @reds?"
    with pytest.raises(NotFound):
        catalog.searches.remove("red")


def test_what_was_removed_is_there_in_the_past(catalog: Catalog) -> None:
    catalog.searches.save("reds", "car[color=red]")
    before = catalog.state
    assert catalog.searches.remove("reds").query == "car[color=red]"
    assert catalog.searches.list() == []
    past = Catalog.open(str(catalog.root), at=before)
    assert [one.name for one in past.searches.list()] == ["reds"]
    assert _found(past, "@reds") == ["a.png"]


def test_what_several_save_at_once_is_all_there(catalog: Catalog) -> None:
    names = [f"search{number}" for number in range(6)]

    def save(name: str) -> None:
        Catalog.open(str(catalog.root)).searches.save(name, "car", author=name)

    threads = [threading.Thread(target=save, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.name for one in catalog.refresh().searches.list()] == names
    assert {entry.author for entry in catalog.log(limit=6)} == set(names)
