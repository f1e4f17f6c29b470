"""Which assets are copies of each other: after each commit what their bytes say, in one small table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datacat.config import Settings
from datacat.sources.location import Location
from datacat.tables import Tables, upkeep
from datacat.testing.staging import LabelFile, box, ingest

SETTINGS = Settings(threads=1, memory_limit="500MB")


@pytest.fixture
def tables(catalog_root: Location) -> Tables:
    return Tables.create(catalog_root, SETTINGS, author="ada")


def _speak(
    tables: Tables, team: str, facts: dict[str, dict[str, Any]], *, folder: Path, turn: str = "1"
) -> None:
    media = {uri: {"uri": uri, "media": "image", "is_missing": False, **own} for uri, own in facts.items()}
    file = LabelFile(f"/l/{team}-{turn}.json", list(facts), [box(uri, "Roof") for uri in facts])
    ingest(tables, f"{team}/x", files=[file], folder=folder, media=media)


def _copies(tables: Tables) -> set[tuple[str, str]]:
    """(copy, what stands for it), as URIs; that doctor finds the same is checked besides."""
    state = tables.state()
    assert not [item.text for item in tables.check(state) if item.subject == "files"]
    cursor = tables.store.cursor(state)
    query = (
        "SELECT a.uri, b.uri FROM copies c JOIN assets a USING (asset) JOIN assets b ON b.asset = c.content"
    )
    return set(cursor.execute(query).fetchall())


def test_equal_bytes_of_two_teams_are_copies(tables: Tables, tmp_path: Path) -> None:
    _speak(tables, "re", {"/re/1": {"digest": "d1"}, "/re/2": {"digest": "d2"}}, folder=tmp_path)
    assert _copies(tables) == set()
    _speak(tables, "med", {"/med/1": {"digest": "d1"}, "/med/3": {"digest": "d3"}}, folder=tmp_path)
    assert _copies(tables) == {("/med/1", "/re/1")}
    assert [len(tables.state().of("copies")), tables.log()[0].changes[1]] == [1, ("assets", 2, 0)]


def test_a_copy_that_changes_is_none_any_more(tables: Tables, tmp_path: Path) -> None:
    same = {"digest": "d", "etag": "1"}
    _speak(tables, "a", {"/a/1": same}, folder=tmp_path)
    _speak(tables, "b", {"/b/1": same, "/b/2": same}, folder=tmp_path)
    assert _copies(tables) == {("/b/1", "/a/1"), ("/b/2", "/a/1")}
    _speak(tables, "a", {"/a/1": {"digest": "other", "etag": "2"}}, folder=tmp_path, turn="2")
    assert _copies(tables) == {("/b/2", "/b/1")}
    _speak(tables, "a", {"/a/1": {"digest": "d", "etag": "3"}}, folder=tmp_path, turn="3")
    assert _copies(tables) == {("/b/1", "/a/1"), ("/b/2", "/a/1")}


@pytest.mark.parametrize("gone", [{"digest": "d", "is_missing": True}, {"digest": "d", "size": 0}])
def test_what_is_missing_or_empty_is_no_copy(tables: Tables, tmp_path: Path, gone: dict[str, Any]) -> None:
    _speak(tables, "a", {"/a/1": {"digest": "d"}}, folder=tmp_path)
    _speak(tables, "b", {"/b/1": gone}, folder=tmp_path)
    assert _copies(tables) == set()


def test_objects_that_were_not_read_are_told_by_etag_and_size(tables: Tables, tmp_path: Path) -> None:
    tagged = {"etag": "abc-2", "size": 7}
    _speak(tables, "a", {"s3://a/1": tagged, "/a/1": tagged}, folder=tmp_path)
    _speak(tables, "b", {"s3://b/1": tagged, "s3://b/2": tagged | {"size": 8}}, folder=tmp_path)
    assert _copies(tables) == {("s3://b/1", "s3://a/1")}
    # One that was read says what the others are, on whatever place.
    _speak(tables, "c", {"s3://c/1": tagged | {"digest": "d"}, "/c/2": {"digest": "d"}}, folder=tmp_path)
    assert {content for _, content in _copies(tables)} == {"s3://a/1"}
    assert len(_copies(tables)) == 3


def test_compaction_and_collection_keep_copies(tables: Tables, tmp_path: Path) -> None:
    for team in "abc":
        _speak(tables, team, {f"/{team}/1": {"digest": "d"}}, folder=tmp_path)
    before = _copies(tables)
    upkeep.compact(tables.store, author="ada")
    tables.gc(grace_s=0)
    assert _copies(tables) == before == {("/b/1", "/a/1"), ("/c/1", "/a/1")}
    assert len(tables.state().of("copies")) == 1


def test_of_two_ingests_at_once_the_second_sees_the_firsts_bytes(tables: Tables, tmp_path: Path) -> None:
    """The second linked against a state without them; its commit is planned again."""
    late = Tables.open(tables.root, replace(SETTINGS))
    stale = late.store.state()
    _speak(tables, "a", {"/a/1": {"digest": "d"}}, folder=tmp_path)
    states = iter([stale])
    newest = late.store.state
    late.store.state = lambda at=None: next(states, None) or newest(at)  # type: ignore[method-assign]
    _speak(late, "b", {"/b/1": {"digest": "d"}}, folder=tmp_path)
    assert _copies(tables) == {("/b/1", "/a/1")}


def test_cursors_show_one_picture_once(tables: Tables, tmp_path: Path) -> None:
    for team in "ab":
        _speak(tables, team, {f"/{team}/1": {"digest": "d"}}, folder=tmp_path)
    shown = {
        is_merged: [
            tables.cursor(tables.state(), is_merged=is_merged).execute(query).fetchall()
            for query in ("SELECT asset FROM assets ORDER BY 1", "SELECT asset FROM annotations_at('Roof') ORDER BY 1",
                          "SELECT asset, address, uri FROM other_addresses")
        ]
        for is_merged in (True, False)
    }  # fmt: skip
    assert shown == {
        True: [[(1,)], [(1,), (1,)], [(1, 2, "/b/1")]],
        False: [[(1,), (2,)], [(1,), (2,)], []],
    }
