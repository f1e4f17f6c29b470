"""Paths that some library would put environment variables or a home folder into are taken as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from .lakes import drawn_lake, frozen, opened

ODD = ["$ELSEWHERE", "~", "%ELSEWHERE%"]


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to which the variable leads, seen from a folder beside it; also the home folder."""
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.setenv("ELSEWHERE", "../outside")
    monkeypatch.setenv("HOME", str(folder))
    return folder


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ODD)
def test_a_catalog_writes_into_itself_alone(tmp_path: Path, outside: Path, name: str) -> None:
    lake, place = drawn_lake(tmp_path / "lake", count=1), tmp_path / "p" / name
    place.mkdir(parents=True)
    before = everything(tmp_path)
    snapshots = opened(place / "catalog")
    frozen(snapshots, lake)
    assert snapshots.push(str(place / "share")) == ("roofs@1",)
    mine = opened(place / "mine")
    assert mine.pull(str(place / "share")) == ("roofs@1",)
    assert frozen(mine, lake, name="cars").name == "cars@1"
    assert (list(mine.check()), mine.read("roofs@1").verify().ok) == ([], True)
    made = everything(tmp_path) - before
    assert {path for path in made if not path.startswith(f"p/{name}/")} == set()
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", ["$ELSEWHERE", "~"])
def test_the_folder_for_clones_of_catalogs_on_s3_is_taken_as_it_is(
    tmp_path: Path, outside: Path, bucket: str, name: str
) -> None:
    lake, place = drawn_lake(tmp_path / "lake", count=1), tmp_path / "p" / name
    place.mkdir(parents=True)
    before = everything(tmp_path)
    snapshots = opened(f"{bucket}/$ELSEWHERE/catalog", cache_dir=str(place))
    frozen(snapshots, lake)
    assert [str(item.snapshot) for item in snapshots.list()] == ["roofs@1"]
    made = everything(tmp_path) - before
    assert {path for path in made if not path.startswith(f"p/{name}/")} == set()
