"""A walk through pages sees one state, whatever others do to the catalog meanwhile."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.errors import StateNotFound, UsageError
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw
from tests.catalog.processes import completed, ingesting

NAMES = [f"{number:02}.png" for number in range(12)]


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    """Twelve pictures with a car each, in two ingests."""
    draw(tmp_path / "lake", NAMES)
    made = Catalog.init(str(catalog_root))
    for names in (NAMES[:6], NAMES):
        _say(tmp_path, names)
        _ingest(made, tmp_path)
    return made


def _say(folder: Path, names: list[str], *, class_name: str = "car") -> None:
    coco(folder / "lake/labels.json", [box(name, class_name) for name in names])


def _ingest(catalog: Catalog, folder: Path) -> None:
    """By another process."""
    completed(ingesting(folder / "lake", catalog.root, name="cars"))
    catalog.refresh()


def _walked(catalog: Catalog, after: str | None) -> list[str]:
    """The rest of the pages, by name."""
    page = catalog.search("car", limit=3, after=after)
    names = [Path(hit.uri).name for hit in page]
    return names + (_walked(catalog, page.next) if page.next else [])


def test_a_walk_stays_while_others_ingest_remove_compact_and_clean_up(
    catalog: Catalog, tmp_path: Path
) -> None:
    first = catalog.search("car", limit=3)
    before = catalog.state
    draw(tmp_path / "lake", ["000.png", "99.png"])
    for names in (["000.png", *NAMES, "99.png"], ["99.png"]):
        _say(tmp_path, names)
        _ingest(catalog, tmp_path)
        assert _walked(catalog, first.next) == NAMES[3:]
    catalog.compact()
    catalog.gc(grace_s=0)
    assert _walked(catalog, first.next) == NAMES[3:]
    assert _walked(Catalog.open(str(catalog.root)), first.next) == NAMES[3:]
    assert catalog.search("car", after=first.next).state == before < catalog.state
    assert _walked(catalog, None) == ["99.png"]


def test_a_walk_through_a_state_that_was_forgotten_ends_with_that(catalog: Catalog, tmp_path: Path) -> None:
    token = catalog.search("car", limit=3).next
    _say(tmp_path, NAMES, class_name="roof")
    _ingest(catalog, tmp_path)
    catalog.gc(grace_s=0, forget_before=catalog.state)
    with pytest.raises(StateNotFound, match="files of this state are gone"):
        list(Catalog.open(str(catalog.root)).search("car", limit=3, after=token))


def _forged(*said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def test_a_token_that_is_not_ours_is_refused(catalog: Catalog) -> None:
    token = catalog.search("car", limit=3).next
    assert token is not None
    state, query, _ = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    with pytest.raises(UsageError, match="belongs to another query"):
        catalog.search("car OR width>1", limit=3, after=token)
    with pytest.raises(StateNotFound, match="no state 99"):
        catalog.search("car", limit=3, after=_forged(99, query, 3))
    for forged in (
        "",
        "x",
        "ä",
        token[:-2],
        _forged(state, query),
        _forged(state, query, -1),
        _forged(state, query, 2**70),
        _forged(state, query, 1.5),
        _forged(state, query, True),
        _forged(-1, query, 3),
        _forged(str(state), query, 3),
    ):
        with pytest.raises(UsageError, match="is no page token"):
            list(catalog.search("car", limit=3, after=forged))
