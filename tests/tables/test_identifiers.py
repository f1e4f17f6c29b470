"""No number is given twice: a claim that was damaged, lost or put in another's place is refused first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datacat.errors import CatalogError
from datacat.sources.location import Location, filesystem
from datacat.tables import Tables, identifiers, in_use
from datacat.tables.state import NUMBERED_BY
from datacat.testing.staging import LabelFile, box, corpus, ingest
from tests.tables.places import SETTINGS, errors, rows
from tests.tables.test_check import rewrite

NEW = [LabelFile("/l/new", ["/lake/new.png"], [box("/lake/new.png", "Roof")])]


@pytest.fixture
def tables(catalog_root: Location, tmp_path: Path) -> Tables:
    """States 0 to 3."""
    made = Tables.create(catalog_root, SETTINGS, author="ada")
    corpus(made, folder=tmp_path)
    return made


def claims(tables: Tables) -> list[Location]:
    """Those that lie there, in order."""
    folder = tables.root.child("ids")
    found = filesystem(folder, SETTINGS).ls(folder.path, detail=False)
    names = sorted(str(path).rsplit("/", 1)[1] for path in found)
    return [folder.child(name) for name in names if name[:1].isdigit()]


def change(tables: Tables, edit: Callable[[bytes], bytes]) -> None:
    """Changes the bytes of the newest claim."""
    files, place = filesystem(tables.root, SETTINGS), claims(tables)[-1]
    files.pipe_file(place.path, edit(files.cat_file(place.path)))


def without_digest(content: bytes, **others: Any) -> bytes:
    """A claim as an earlier release wrote it, with other numbers."""
    said = json.loads(content)
    del said["check"]
    return json.dumps({**said, **others}).encode()


def check_nothing_is_given(tables: Tables, folder: Path, *, said: str) -> None:
    before = rows(tables, "SELECT asset, uri FROM assets ORDER BY ALL")
    number, lying = tables.state().number, [str(place) for place in claims(tables)]
    for name in ("a/b", "driving/street"):
        with pytest.raises(CatalogError, match=said) as caught:
            ingest(tables, name, files=NEW, folder=folder)
        assert "ids from a backup" in (caught.value.hint or "")
    with pytest.raises(CatalogError, match=f"gc removes nothing: .*{said}"):
        tables.gc(grace_s=0)
    assert (tables.state().number, rows(tables, "SELECT asset, uri FROM assets ORDER BY ALL")) == (
        number,
        before,
    )
    assert [str(place) for place in claims(tables)] == lying
    assert any(said in text for text in errors(tables))


def test_no_bit_of_a_claim_can_change(catalog_root: Location) -> None:
    identifiers.start(catalog_root, SETTINGS)
    identifiers.reserve(catalog_root, {"asset": 200}, used={}, settings=SETTINGS)
    place = Path(f"{catalog_root}/ids/{1:010}.json")
    content = place.read_bytes()
    for bit in range(len(content) * 8):
        hit = bytearray(content)
        hit[bit // 8] ^= 1 << bit % 8
        place.write_bytes(hit)
        with pytest.raises(CatalogError, match="the record of used identifiers cannot be read"):
            identifiers.last(catalog_root, SETTINGS)
    place.write_bytes(content)
    assert identifiers.last(catalog_root, SETTINGS)["asset"] == 201


def test_a_changed_number_is_refused(tables: Tables, tmp_path: Path) -> None:
    following = identifiers.last(tables.root, SETTINGS)["asset"]
    old, new = f'"asset": {following}'.encode(), f'"asset": {following ^ 1}'.encode()
    change(tables, lambda content: content.replace(old, new))
    check_nothing_is_given(tables, tmp_path, said="its digest is another one")


def test_a_changed_number_is_refused_on_s3(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    change(tables, lambda content: content.replace(b'"asset": ', b'"asset": 1'))
    check_nothing_is_given(tables, tmp_path, said="its digest is another one")


def test_a_claim_in_the_place_of_another_is_refused(tables: Tables, tmp_path: Path) -> None:
    first = Path(claims(tables)[0].path).read_bytes()
    change(tables, lambda _: first)
    check_nothing_is_given(tables, tmp_path, said="its digest is another one")


def test_an_old_claim_behind_the_catalog_is_refused(tables: Tables, tmp_path: Path) -> None:
    place = Path(claims(tables)[-1].path)
    content = place.read_bytes()
    for kind, sort in NUMBERED_BY.items():
        ((used,),) = rows(tables, f"SELECT max({sort}) FROM {kind}")
        place.write_bytes(without_digest(content, **{sort: used}))
        said = f"{sort} {used} is in use, yet {used} would be given next"
        assert said in errors(tables)
        with pytest.raises(CatalogError, match=f"is behind the catalog: {said}"):
            ingest(tables, "a/b", files=NEW, folder=tmp_path)
    assert tables.state().number == 3


def test_nothing_is_given_nor_removed_behind_the_catalog(tables: Tables, tmp_path: Path) -> None:
    change(tables, lambda content: without_digest(content, asset=1))
    check_nothing_is_given(tables, tmp_path, said="would be given next")


def test_lost_claims_are_noticed(tables: Tables, tmp_path: Path) -> None:
    for place in claims(tables)[-2:]:
        Path(place.path).unlink()
    check_nothing_is_given(tables, tmp_path, said="would be given next")


@pytest.mark.parametrize("number", ["true", "0", "-1", "3.5", '"7"', "null", str(2**63)])
def test_what_is_no_number_is_refused(catalog_root: Location, number: str) -> None:
    said = json.dumps({name: 99 for name in identifiers.COUNTED if name != "asset"})
    check_refused(
        catalog_root, f'{said[:-1]}, "asset": {number}}}'.encode(), said="other numbers than were written"
    )


@pytest.mark.parametrize(
    "content", [b"[]", b'"x"', b"7", b"null", b"[" * 100_000], ids=["list", "text", "number", "null", "deep"]
)
def test_what_is_no_claim_is_refused(catalog_root: Location, content: bytes) -> None:
    check_refused(catalog_root, content, said="the record of used identifiers cannot be read")


def check_refused(root: Location, content: bytes, *, said: str) -> None:
    place = Path(f"{root}/ids/{0:010}.json")
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    with pytest.raises(CatalogError, match=said):
        identifiers.reserve(root, {"asset": 1}, used={}, settings=SETTINGS)
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_claims_of_earlier_releases_stay_readable(tables: Tables, tmp_path: Path) -> None:
    before = identifiers.last(tables.root, SETTINGS)
    for place in claims(tables):
        path = Path(place.path)
        path.write_bytes(without_digest(path.read_bytes()))
    assert (identifiers.last(tables.root, SETTINGS), errors(tables)) == (before, [])
    assert ingest(tables, "a/b", files=NEW, folder=tmp_path).state == 4
    assert "check" in json.loads(Path(claims(tables)[-1].path).read_bytes())
    assert errors(tables) == []


def test_the_log_tells_what_is_in_use(tables: Tables) -> None:
    state = tables.state()
    cursor = tables.store.cursor(state, kinds=())
    for used in (in_use.greatest(tables.store, state, cursor=cursor), in_use.told(state)):
        for kind, column in NUMBERED_BY.items():
            if column != "source" or column in used:  # of which the log tells nothing
                ((greatest,),) = rows(tables, f"SELECT max({column}) FROM {kind}")
                assert used[column] == greatest
    assert in_use.told(state).keys() == set(identifiers.COUNTED) - {"source"}


def test_files_of_which_the_log_tells_nothing_are_asked(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacat.tables.files._described", lambda *_: {"minValues": {}, "maxValues": {}})
    rewrite(tables, "assets", rows="SELECT * REPLACE (asset + 70 AS asset) FROM {old}")
    state = tables.state()
    assert "asset" not in in_use.told(state)
    used = in_use.greatest(tables.store, state, cursor=tables.store.cursor(state, kinds=()))
    assert [(used["asset"],)] == rows(tables, "SELECT max(asset) FROM assets")
