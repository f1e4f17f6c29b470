"""A lake cannot lead out of itself: links, pipes and paths that somebody made up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from datacat.config import Settings
from datacat.errors import LocationError
from datacat.sources.inside import limited, open_inside
from datacat.sources.listing import listed
from datacat.sources.location import Location
from datacat.sources.reading import read_bytes, size_of


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A folder with a file, and beside it a secret."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"hunter2")
    (tmp_path / "lake" / "img").mkdir(parents=True)
    (tmp_path / "lake" / "raw.png").write_bytes(b"raw")
    return tmp_path / "lake"


def read(path: Path, *places: Path) -> bytes:
    return read_bytes(str(path), limited(Settings(), *map(str, places)))


def test_a_link_within_is_followed_and_one_that_leads_out_is_not(lake: Path) -> None:
    (lake / "img" / "in.png").symlink_to(lake / "raw.png")
    (lake / "img" / "out.png").symlink_to(lake.parent / "secret" / "key")
    assert read(lake / "img" / "in.png", lake) == b"raw"
    with pytest.raises(LocationError, match="leads outside"):
        read(lake / "img" / "out.png", lake)
    assert read(lake / "img" / "out.png", lake, lake.parent / "secret") == b"hunter2"


@pytest.mark.parametrize("name", ["../secret/key", "img/../../secret/key", "linked/key"])
def test_no_path_leads_out(lake: Path, name: str) -> None:
    (lake / "linked").symlink_to(lake.parent / "secret")
    for ask in (
        lambda path: read(path, lake),
        lambda path: size_of(str(path), limited(Settings(), str(lake))),
    ):
        with pytest.raises(LocationError, match="leads outside"):
            ask(lake / name)


def test_a_place_that_is_a_link_itself_is_where_it_leads(lake: Path) -> None:
    (lake.parent / "alias").symlink_to(lake)
    assert read(lake.parent / "alias" / "raw.png", lake.parent / "alias") == b"raw"
    assert read(lake / "raw.png", lake.parent / "alias") == b"raw"


def test_a_sibling_with_the_same_beginning_is_another_place(lake: Path) -> None:
    (lake.parent / "lake2").mkdir()
    (lake.parent / "lake2" / "a.png").write_bytes(b"a")
    with pytest.raises(LocationError, match="leads outside"):
        read(lake.parent / "lake2" / "a.png", lake)


def test_a_pipe_is_never_opened(lake: Path) -> None:
    os.mkfifo(lake / "pipe.png")
    for places in ([str(lake)], None):
        with pytest.raises(LocationError, match="no regular file"):
            open_inside(str(lake / "pipe.png"), places)


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/environ", "/proc/self/root/etc/passwd"])
def test_the_systems_own_files_are_no_lake(path: str) -> None:
    with pytest.raises(LocationError):
        read(Path(path), Path("/dev"), Path("/proc"))


def test_a_folder_that_became_a_link_is_not_entered(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Somebody exchanges a folder for a link between the look and the opening.
    (lake / "img" / "key").write_bytes(b"harmless")
    known, real = str(lake / "img" / "key"), os.path.realpath

    def exchanged(path: str) -> str:
        found = real(path)
        if path == known:
            (lake / "img").rename(lake / "was")
            (lake / "img").symlink_to(lake.parent / "secret")
        return found

    monkeypatch.setattr("os.path.realpath", exchanged)
    with pytest.raises(LocationError, match="cannot be read"):
        read(lake / "img" / "key", lake)


def test_objects_of_other_prefixes_are_refused_before_anybody_is_asked() -> None:
    with pytest.raises(LocationError, match="leads outside"):
        read_bytes("s3://other/secret.png", limited(Settings(), "s3://lake/img"))


def test_a_listing_names_the_links_that_it_does_not_follow(lake: Path) -> None:
    (lake / "in").symlink_to(lake / "img")
    (lake / "out").symlink_to(lake.parent / "secret")
    (lake / "out.png").symlink_to(lake.parent / "secret" / "key")
    found = {Path(entry.uri).name: entry.fault for entry in listed(Location(str(lake)), Settings())}
    assert set(found) == {"raw.png", "out", "out.png"}
    assert found["raw.png"] is None
    assert all(fault and "leads outside" in fault for name, fault in found.items() if name != "raw.png")
