"""`in:` and `since:` with real snapshots (git, DVC) and real states, on disk and on S3."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.errors import QueryError
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw

NAMES = ["a.png", "b.png", "c.png", "d.png"]
ROOFS = [box("a.png", "roof"), box("b.png", "roof"), box("c.png", "car")]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    draw(tmp_path / "lake", NAMES)
    coco(tmp_path / "lake/labels.json", ROOFS, pictures=NAMES)
    return tmp_path / "lake"


@pytest.fixture
def catalog(catalog_root: Location, lake: Path) -> Catalog:
    """State 1 has two roofs and a car."""
    made = Catalog.init(str(catalog_root))
    ingested(made, lake)
    return made


def ingested(catalog: Catalog, lake: Path, **options: str) -> None:
    catalog.ingest(str(lake), team="mapping", name="roofs", **options)


def names(catalog: Catalog, query: str, **options: int) -> list[str]:
    return [Path(hit.uri).name for hit in catalog.search(query, **options)]


def refused(catalog: Catalog, query: str) -> QueryError:
    """The error, whose place in the query is what stands behind the colon."""
    with pytest.raises(QueryError) as caught:
        catalog.search(query)
    error = caught.value
    assert error.text[error.start : error.end] == query.partition(":")[2]
    assert error.hint
    return error


def test_what_is_in_a_snapshot(catalog: Catalog, lake: Path) -> None:
    catalog.freeze("roofs", query="roof")
    coco(lake / "labels.json", [*ROOFS, box("d.png", "roof")], pictures=NAMES)
    ingested(catalog, lake)
    catalog.freeze("roofs", query="roof")
    assert names(catalog, "in:roofs@1") == ["a.png", "b.png"]
    assert names(catalog, "in:roofs@2") == names(catalog, "in:roofs") == ["a.png", "b.png", "d.png"]
    assert names(catalog, "in:roofs NOT in:roofs@1") == ["d.png"]
    assert names(catalog, "not in:roofs") == names(catalog, "-in:roofs@2") == ["c.png"]
    assert names(catalog, "in!=roofs@1") == ["c.png", "d.png"]
    assert names(catalog, "car OR in:roofs@1") == ["a.png", "b.png", "c.png"]
    hits = catalog.search("in:roofs@1")
    assert (hits.interpretation, hits.count(), hits.answers.no, hits.answers.unknown) == (
        "in:roofs@1",
        2,
        2,
        0,
    )
    assert next(iter(hits)).why == ("in:roofs@1",)
    assert {each.value: each.assets for each in hits.facets(["class"])["class"].values} == {"roof": 2}


def test_a_snapshot_is_looked_for_by_uri_in_any_state(catalog: Catalog, lake: Path) -> None:
    """Of a past state a snapshot is looked for by URI, whatever is labelled by now."""
    then = catalog.state
    catalog.freeze("roofs", query="roof")
    coco(lake / "labels.json", [box("c.png", "roof")], pictures=["c.png"])
    ingested(catalog, lake)
    assert names(catalog, "in:roofs") == ["a.png", "b.png"]
    assert names(catalog, "in:roofs roof") == []
    assert names(Catalog.open(str(catalog.root), at=then), "in:roofs roof") == ["a.png", "b.png"]


def test_what_changed_since_a_state(catalog: Catalog, lake: Path) -> None:
    then = catalog.state
    assert names(catalog, f"since:{then}") == []
    draw(lake, ["e.png"])
    coco(lake / "labels.json", [*ROOFS[:2], box("d.png", "roof"), box("e.png", "car")], pictures=NAMES)
    ingested(catalog, lake)
    # c lost its car, d got a roof, e is new; nothing else is said of a and b.
    assert names(catalog, f"since:{then}") == ["c.png", "d.png", "e.png"]
    assert names(catalog, f"roof since:{then}") == ["d.png"]
    assert names(catalog, f"roof NOT since:{then}") == ["a.png", "b.png"]
    assert names(catalog, "since:0") == [*NAMES, "e.png"]
    past = Catalog.open(str(catalog.root), at=then)
    assert names(past, "since:0") == NAMES
    assert "comes after" in refused(past, f"since:{catalog.state}").what


def test_compaction_changes_nothing_since(catalog: Catalog, lake: Path) -> None:
    then = catalog.state
    catalog.ingest(str(lake), team="claims", name="same")
    middle = catalog.state
    catalog.compact()
    assert catalog.state > middle
    assert names(catalog, f"since:{middle}") == []
    assert names(catalog, f"since:{then}") == NAMES


def test_pages_go_on_while_states_and_snapshots_come(catalog: Catalog, lake: Path) -> None:
    catalog.freeze("roofs", query="roof")
    first = catalog.search("in:roofs@1 since:0", limit=1)
    coco(lake / "labels.json", [box("d.png", "roof")], pictures=NAMES)
    ingested(catalog, lake)
    catalog.freeze("roofs", query="roof")
    second = catalog.search("in:roofs@1 since:0", limit=1, after=first.next)
    assert [Path(hit.uri).name for hit in (*first, *second)] == ["a.png", "b.png"]
    assert second.next is None


def test_snapshots_of_such_questions(catalog: Catalog, lake: Path) -> None:
    then = catalog.state
    catalog.freeze("roofs", query="roof")
    coco(lake / "labels.json", [*ROOFS, box("d.png", "roof")], pictures=NAMES)
    ingested(catalog, lake)
    frozen = catalog.freeze("more", query=f"roof since:{then} NOT in:roofs@1")
    assert (frozen.summary()["assets"], frozen.definition.question.interpretation) == (
        1,
        f"roof AND since:{then} AND NOT in:roofs@1",
    )
    assert names(catalog, "in:more") == ["d.png"]
    catalog.searches.save("news", f"since:{then} -in:roofs@1")
    assert names(catalog, "@news") == ["d.png"]


def test_a_snapshot_that_does_not_exist(catalog: Catalog) -> None:
    catalog.freeze("roofs", query="roof")
    for name in ("nothing", "roofs@2", "rofs", "roofs@0", "@", "..", "roofs@1/x"):
        refused(catalog, f"in:{name}")


def test_the_nearest_snapshot_is_named(catalog: Catalog) -> None:
    catalog.freeze("roofs", query="roof")
    assert "roofs@1" in (refused(catalog, "in:rofs").hint or "")


def test_a_state_that_does_not_exist(catalog: Catalog) -> None:
    for number in ("99", "yesterday", "-1", "1.5", str(2**70)):
        with pytest.raises(QueryError) as caught:
            catalog.search(f"since:{number}")
        assert caught.value.hint


def test_a_snapshot_of_another_catalog(catalog: Catalog, lake: Path, tmp_path: Path) -> None:
    other = Catalog.init(str(tmp_path / "other"))
    ingested(other, lake)
    other.freeze("theirs", query="car")
    refused(catalog, "in:theirs")
    other.snapshots.push(str(tmp_path / "shared"))
    catalog.snapshots.pull(str(tmp_path / "shared"))
    assert names(catalog, "in:theirs") == ["c.png"]  # by URI


def test_a_state_that_was_cleaned_up(catalog: Catalog, lake: Path) -> None:
    then = catalog.state
    for said in (ROOFS[:1], ROOFS[1:]):
        coco(lake / "labels.json", said, pictures=NAMES)
        ingested(catalog, lake)
    catalog.gc(grace_s=0, forget_before=catalog.state)
    assert names(Catalog.open(str(catalog.root)), "roof") == ["b.png"]
    error = refused(Catalog.open(str(catalog.root)), f"since:{then}")
    assert f"since state {then}" in error.what
    assert "forget" in (error.hint or "")
    assert names(Catalog.open(str(catalog.root)), f"since:{catalog.state}") == []


def test_a_snapshot_whose_files_are_gone(catalog: Catalog, tmp_path: Path) -> None:
    frozen = catalog.freeze("roofs", query="roof")
    shutil.rmtree(frozen.file("assets").parent)
    assert names(catalog, "in:roofs") == ["a.png", "b.png"]  # they come back from the cache of DVC


def test_the_same_of_a_catalog_on_s3(s3: Location, lake: Path, tmp_path: Path) -> None:
    catalog = Catalog.init(str(s3.child("catalog")))
    ingested(catalog, lake)
    catalog.freeze("roofs", query="roof")
    for said in ([*ROOFS, box("d.png", "roof")], ROOFS[:1]):
        coco(lake / "labels.json", said, pictures=NAMES)
        ingested(catalog, lake)
    shutil.rmtree(tmp_path / "cache")
    fresh = Catalog.open(str(catalog.root))
    assert names(fresh, "in:roofs@1") == ["a.png", "b.png"]
    assert names(fresh, "since:1") == names(fresh, "since:1 NOT roof") == ["b.png", "c.png"]
    assert names(fresh, "since:2 -in:roofs") == ["c.png", "d.png"]
    assert "roofs@1" in (refused(fresh, "in:rofs").hint or "")
    catalog.gc(grace_s=0, forget_before=catalog.state)
    shutil.rmtree(tmp_path / "cache")
    error = refused(Catalog.open(str(catalog.root)), "since:2")
    assert "since state 2" in error.what
