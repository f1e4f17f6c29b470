"""Searching and freezing through `Catalog`: states, pages, annotations."""

from __future__ import annotations

from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.errors import QueryError, UsageError
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw

NAMES = ["a.png", "b.png", "c.png", "d.png"]


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    draw(tmp_path / "lake", NAMES)
    said = [box("a.png", "roof"), box("a.png", "car"), box("b.png", "roof"), box("c.png", "car")]
    coco(tmp_path / "lake/labels.json", said, pictures=NAMES)
    made = Catalog.init(str(catalog_root))
    made.ingest(str(tmp_path / "lake"), team="mapping", name="roofs")
    return made


def _names(hits: object) -> list[str]:
    return [Path(hit.uri).name for hit in hits]  # type: ignore[attr-defined]


def test_a_page_is_of_the_state_of_the_page_before(catalog: Catalog, tmp_path: Path) -> None:
    first = catalog.search("roof", limit=1)
    coco(tmp_path / "lake/labels.json", [box("d.png", "roof")])
    catalog.ingest(str(tmp_path / "lake"), team="mapping", name="roofs")
    second = catalog.search("roof", limit=1, after=first.next)
    assert (_names(second), second.state, second.next) == (["b.png"], first.state, None)
    assert _names(catalog.search("roof")) == ["d.png"]
    assert catalog.state == first.state + 1


def test_a_freeze_holds_the_annotations_that_match(catalog: Catalog) -> None:
    frozen = catalog.freeze("roofs", query="roof")
    assert (frozen.summary()["assets"], frozen.summary()["annotations"]) == (2, 2)


@pytest.mark.parametrize("query", ["NOT roof", "count(roof)=0", "count(roof)<1", "media:image NOT roof"])
def test_where_annotations_are_not_asked_for_all_are_frozen(catalog: Catalog, query: str) -> None:
    frozen = catalog.freeze("roofless", query=query)
    assert (frozen.summary()["assets"], frozen.summary()["annotations"]) == (2, 1)


def test_where_few_annotations_are_asked_for_those_few_are_frozen(catalog: Catalog) -> None:
    frozen = catalog.freeze("few", query="count(roof)<2")
    assert (frozen.summary()["assets"], frozen.summary()["annotations"]) == (4, 2)


def test_a_limit_takes_the_first(catalog: Catalog) -> None:
    frozen = catalog.freeze("one", query="roof", limit=1)
    assert (frozen.summary()["assets"], frozen.summary()["annotations"]) == (1, 1)


def test_a_past_state_is_searched_and_frozen(catalog: Catalog, tmp_path: Path) -> None:
    then, digest = catalog.state, catalog.freeze("roofs", query="roof").definition.digest
    coco(tmp_path / "lake/labels.json", [box("d.png", "roof")])
    catalog.ingest(str(tmp_path / "lake"), team="mapping", name="roofs")
    past = Catalog.open(str(catalog.root), at=then)
    assert _names(past.search("roof")) == ["a.png", "b.png"]
    assert past.freeze("again", query="roof").definition.digest == digest
    assert catalog.freeze("now", query="roof").definition.digest != digest


def test_classes_that_are_only_declared_are_known(catalog_root: Location, tmp_path: Path) -> None:
    draw(tmp_path / "lake", ["a.png"])
    (tmp_path / "lake/obj.names").write_text("roof\ncar\nswimming-pool\n")
    (tmp_path / "lake/a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    catalog = Catalog.init(str(catalog_root))
    catalog.ingest(str(tmp_path / "lake"), team="driving", name="street")
    listed = {row["class"]: (row["annotations"], row["teams"]) for row in catalog.classes().to_pylist()}
    assert listed == {"roof": (1, ["driving"]), "car": (0, ["driving"]), "swimming-pool": (0, ["driving"])}
    assert catalog.search("swimming pools").count() == 0  # known, so no error
    with pytest.raises(QueryError, match="no class"):
        catalog.search("trees")


def test_files_can_be_kept_out_of_a_query(catalog: Catalog, tmp_path: Path) -> None:
    for name in (f"{tmp_path}/lake/labels.json", "s3://elsewhere/secret.png"):
        with pytest.raises(QueryError, match="no asset `"):
            catalog.search(f"like:{name}", files=False)


def test_a_page_token_of_another_query_is_refused(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="another query"):
        catalog.search("car", after=catalog.search("roof", limit=1).next)
