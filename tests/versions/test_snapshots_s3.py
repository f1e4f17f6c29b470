"""Snapshots of a catalog under s3://, and shared through S3."""

from __future__ import annotations

import io
import multiprocessing
from pathlib import Path

import pytest
from PIL import Image

from datacat.config import Settings
from datacat.errors import LocationError, SnapshotError
from datacat.sources.location import Location, filesystem
from datacat.versions.share import Share

from .lakes import Lake, drawn_lake, frozen, opened

_SPAWN = multiprocessing.get_context("spawn")


def _create(root: str, cache: str, lake: Lake, seed: str) -> None:
    frozen(opened(root, cache_dir=cache), lake, seed=seed)


def test_two_machines_share_the_snapshots_of_an_s3_catalog(tmp_path: Path, bucket: str) -> None:
    files = filesystem(Location.parse(bucket), Settings())
    lake = Lake()
    for number in range(12):
        picture = io.BytesIO()
        Image.new("RGB", (8, 8), (number, 0, 0)).save(picture, "PNG")
        files.pipe_file(f"{bucket}/pictures/{number}.png", picture.getvalue())
        lake.add_asset(f"{bucket}/pictures/{number}.png", picture.getvalue())
    here = opened(f"{bucket}/catalog", cache_dir=str(tmp_path / "here"))
    there = opened(f"{bucket}/catalog", cache_dir=str(tmp_path / "there"))
    assert here.list() == ()
    first = frozen(here, lake)
    assert there.list() == (first.definition,)
    assert there.read("roofs@1").verify().ok
    assert files.exists(f"{bucket}/catalog/snapshots/repo.bundle")

    arguments = [
        (f"{bucket}/catalog", str(tmp_path / cache), lake, seed)
        for cache, seed in (("here", "1"), ("new", "2"))
    ]
    processes = [_SPAWN.Process(target=_create, args=given) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    listed = here.list()
    assert [str(item.snapshot) for item in listed] == ["roofs@1", "roofs@2", "roofs@3"]
    assert there.list() == listed
    assert there.read("roofs@3").assets().read_all().num_rows == 12

    files.pipe_file(f"{bucket}/pictures/0.png", b"changed")
    files.rm_file(f"{bucket}/pictures/1.png")
    report = there.read("roofs@2").verify()
    assert report.changed == (f"{bucket}/pictures/0.png",)
    assert report.gone == (f"{bucket}/pictures/1.png",)


def test_snapshots_travel_between_a_local_and_an_s3_catalog(tmp_path: Path, bucket: str) -> None:
    lake = drawn_lake(tmp_path / "lake", count=12)
    far = opened(f"{bucket}/catalog", cache_dir=str(tmp_path / "cache"))
    near = opened(tmp_path / "near")
    frozen(far, lake)
    assert far.push(f"{bucket}/shared") == ("roofs@1",)
    assert near.pull(f"{bucket}/shared") == ("roofs@1",)
    assert near.read("roofs@1").verify().ok
    frozen(near, lake, name="cars")
    assert near.push(f"{bucket}/shared") == ("cars@1",)
    assert far.pull(f"{bucket}/shared") == ("cars@1",)
    elsewhere = opened(f"{bucket}/catalog", cache_dir=str(tmp_path / "empty"))
    assert elsewhere.list() == near.list()
    assert elsewhere.read("cars").annotations().read_all().num_rows == 24


def test_a_creation_that_was_cut_off_before_it_went_home_is_forgotten(tmp_path: Path, bucket: str) -> None:
    lake = drawn_lake(tmp_path / "lake", count=12)
    snapshots = opened(f"{bucket}/catalog", cache_dir=str(tmp_path / "cache"))
    frozen(snapshots, lake)
    replace = Share.replace
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Share, "replace", _cut_off)
        with pytest.raises(SnapshotError, match="the line went dead"):
            frozen(snapshots, lake, seed="1")
    assert Share.replace is replace
    assert [item.version for item in snapshots.list()] == [1]
    assert frozen(snapshots, lake, seed="1").name == "roofs@2"


def _cut_off(*_: object, **__: object) -> None:
    raise SnapshotError("the line went dead")


@pytest.mark.parametrize("place", ["local", "s3"])
def test_a_bundle_is_replaced_by_compare_and_swap(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root = str(tmp_path / "share") if place == "local" else f"{request.getfixturevalue('bucket')}/share"
    share = Share(Location.parse(root), Settings())
    bundle, copy = tmp_path / "bundle", tmp_path / "copy"
    bundle.write_bytes(b"one")
    assert share.etag() is None
    assert share.fetch(copy) is None
    assert share.replace(bundle, expected="0" * 32) is None
    first = share.replace(bundle, expected=None)
    assert first == share.etag() is not None
    bundle.write_bytes(b"two")
    assert share.replace(bundle, expected=None) is None
    second = share.replace(bundle, expected=first)
    assert second not in (None, first)
    bundle.write_bytes(b"three")
    assert share.replace(bundle, expected=first) is None
    assert share.fetch(copy) == second
    assert copy.read_bytes() == b"two"


def test_a_store_that_is_away_is_said_to_be(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake()
    lake.add_asset(f"{bucket}/1.png", b"1")
    snapshot = frozen(opened(tmp_path / "catalog"), lake)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    report = snapshot.verify()
    assert [uri for uri, _ in report.unreadable] == [f"{bucket}/1.png"]
    assert not report.ok
    with pytest.raises(LocationError, match="cannot be read"):
        opened(f"{bucket}/catalog", cache_dir=str(tmp_path / "cache")).list()


def test_places_with_what_begins_a_comment_in_a_configuration(tmp_path: Path, bucket: str) -> None:
    odd = "a #b, c%2F;'d"
    lake = drawn_lake(tmp_path / "lake", count=1)
    here = opened(tmp_path / odd / "catalog")
    frozen(here, lake)
    for number, share in enumerate((str(tmp_path / odd / "share"), f"{bucket}/{odd}")):
        assert here.push(share) == ("roofs@1",)
        there = opened(tmp_path / str(number))
        assert there.pull(share) == ("roofs@1",)
        assert there.read("roofs").verify().ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", odd, "gitconfig", "lake"]
