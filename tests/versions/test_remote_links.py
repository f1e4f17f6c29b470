"""A push writes into the remote alone: links in it are not followed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from datacat.errors import LocationError
from datacat.versions.snapshots import Snapshots

from .lakes import drawn_lake, frozen, opened


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the catalog of one snapshot, and a place that it was pushed to."""
    folder = tmp_path_factory.mktemp("made")
    snapshots = opened(folder / "catalog")
    frozen(snapshots, drawn_lake(folder / "lake", count=1))
    snapshots.push(str(folder / "share"))
    return folder


@pytest.fixture
def snapshots(made: Path, tmp_path: Path) -> Snapshots:
    """The same catalog for this test alone, and beside it `share` and a folder `victim`."""
    shutil.copytree(made / "catalog", tmp_path / "catalog")
    shutil.copytree(made / "share", tmp_path / "share")
    (tmp_path / "victim").mkdir()
    return opened(tmp_path / "catalog")


def check_refused(snapshots: Snapshots, share: Path, *, link: str) -> None:
    victim = share.parent / "victim"
    with pytest.raises(
        LocationError, match="is a link, and what it leads to is no part of the remote"
    ) as caught:
        snapshots.push(str(share))
    assert caught.value.where == str(share / link)
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize("link", ["dvc", "dvc/files", "dvc/files/md5", ".lock"])
def test_a_link_in_a_new_remote_is_refused(snapshots: Snapshots, tmp_path: Path, link: str) -> None:
    share = tmp_path / "new"
    (share / link).parent.mkdir(parents=True)
    (share / link).symlink_to(tmp_path / "victim" / ("lock" if link == ".lock" else ""))
    check_refused(snapshots, share, link=link)
    assert not (share / "repo.bundle").exists()


def test_a_link_among_the_objects_is_refused(snapshots: Snapshots, tmp_path: Path) -> None:
    folder = next(path for path in (tmp_path / "share/dvc/files/md5").iterdir())
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path / "victim")
    check_refused(snapshots, tmp_path / "share", link=str(folder.relative_to(tmp_path / "share")))


def test_a_link_in_place_of_an_object_is_refused(snapshots: Snapshots, tmp_path: Path) -> None:
    path = next(path for path in (tmp_path / "share/dvc/files/md5").rglob("*") if path.is_file())
    path.unlink()
    path.symlink_to(tmp_path / "victim" / "data")
    check_refused(snapshots, tmp_path / "share", link=str(path.relative_to(tmp_path / "share")))


@pytest.mark.parametrize("name", ["repo.bundle", ".repo.bundle.new"])
def test_a_link_in_place_of_the_bundle_is_replaced(snapshots: Snapshots, tmp_path: Path, name: str) -> None:
    share, victim = tmp_path / "new", tmp_path / "victim" / "mine"
    share.mkdir()
    (share / name).symlink_to(victim)
    if name != "repo.bundle":
        victim.write_text("precious")
    assert snapshots.push(str(share)) == ("roofs@1",)
    assert (share / "repo.bundle").is_file()
    assert not any(path.is_symlink() for path in share.rglob("*"))
    assert (victim.read_text() if victim.exists() else None) == (
        None if name == "repo.bundle" else "precious"
    )


def test_a_pipe_in_place_of_the_lock_is_not_waited_for(snapshots: Snapshots, tmp_path: Path) -> None:
    share = tmp_path / "new"
    share.mkdir()
    os.mkfifo(share / ".lock")
    with pytest.raises(LocationError, match="cannot be written"):
        snapshots.push(str(share))


def test_a_remote_may_be_reached_through_a_link(snapshots: Snapshots, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(tmp_path / "victim")
    assert snapshots.push(str(tmp_path / "way")) == ("roofs@1",)
    assert (tmp_path / "victim" / "repo.bundle").is_file()
