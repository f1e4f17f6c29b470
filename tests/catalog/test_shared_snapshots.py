"""From an empty catalog to torch with somebody else's snapshot, whose pictures lie where it has no source."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import datacat
from datacat.catalog import Catalog
from datacat.errors import PlaceRefused, SnapshotDamaged
from datacat.model.snapshot import VerifyReport
from datacat.sources.inside import lie_outside
from datacat.sources.location import Location, filesystem
from datacat.versions.media_roots import media_roots_for, outside_report
from datacat.versions.verify import check_usable

from .lakes import box, coco, draw


def _lake(folder: Path) -> None:
    coco(folder / "labels.json", [box("in/a.png", "roof"), box("in/b.png", "roof")])
    (folder / "in").mkdir()
    draw(folder, ["in/a.png", "in/b.png"])


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """The place to which somebody has sent a snapshot of two pictures of a lake."""
    _lake(tmp_path / "lake")
    theirs = Catalog.init(str(tmp_path / "theirs"))
    theirs.ingest(str(tmp_path / "lake"), team="t", name="x")
    theirs.freeze("roofs", query="roof")
    theirs.snapshots.push(str(tmp_path / "share"))
    return tmp_path / "share"


def _pulled(tmp_path: Path, share: Path) -> Catalog:
    mine = Catalog.init(str(tmp_path / "mine"))
    assert mine.snapshots.pull(str(share)) == ("roofs@1",)
    return mine


def test_pictures_of_somebody_elses_lake_are_told_from_changed_ones(tmp_path: Path, share: Path) -> None:
    pictures = tuple(str(tmp_path / "lake/in" / name) for name in ("a.png", "b.png"))
    report = _pulled(tmp_path, share).snapshot("roofs").verify()
    assert (report.ok, report.outside, report.changed, report.unreadable) == (False, pictures, (), ())
    assert report.media_roots == str(tmp_path / "lake/in")
    assert report.advice.endswith(f"export DATACAT_MEDIA_ROOTS={tmp_path}/lake/in")


def test_what_needs_their_bytes_says_what_to_set_and_works_with_it(
    tmp_path: Path, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roofs = _pulled(tmp_path, share).snapshot("roofs")
    said = (
        r"roofs@1: 2 pictures lie outside of the places that are read, as \S+a\.png\n.*\nexport DATACAT_MEDIA"
    )
    for use in (lambda: roofs.export(tmp_path / "out", format="yolo"), roofs.torch):
        with pytest.raises(PlaceRefused, match=said):
            use()
    roofs.export(tmp_path / "by-name", format="coco")  # which opens none
    monkeypatch.setenv("DATACAT_MEDIA_ROOTS", roofs.verify().media_roots)
    roofs = datacat.open(tmp_path / "mine").snapshot("roofs")
    assert roofs.verify().ok
    assert roofs.export(tmp_path / "out", format="yolo").files == 6
    images = roofs.torch()
    assert [images[index][1]["class_names"] for index in range(len(images))] == [["roof"], ["roof"]]


def test_a_picture_that_changed_is_said_before_one_that_is_not_read() -> None:
    said = r"x@1: 1 pictures are no longer what was frozen, as /a; 1 picture lies outside of the places that are read"
    with pytest.raises(SnapshotDamaged, match=said):
        check_usable(VerifyReport(2, changed=("/a",), outside=("/b",)), name="x@1")


def test_a_copy_that_this_catalog_knows_stands_for_a_picture_that_is_not_read(
    tmp_path: Path, share: Path
) -> None:
    mine = _pulled(tmp_path, share)
    shutil.copytree(tmp_path / "lake", tmp_path / "mirror")
    mine.ingest(str(tmp_path / "mirror"), team="m", name="x")
    roofs = mine.snapshot("roofs")
    report = roofs.verify()
    assert (report.ok, report.outside, len(report.elsewhere)) == (True, (), 2)
    assert roofs.export(tmp_path / "out", format="yolo").files == 6
    assert tuple(roofs.torch()[1][0].shape) == (3, 48, 64)


def test_the_sources_of_this_catalog_stay_among_the_places_that_are_read(tmp_path: Path, share: Path) -> None:
    mine = _pulled(tmp_path, share)
    (tmp_path / "own/in").mkdir(parents=True)
    coco(tmp_path / "own/labels.json", [box("in/c.png", "car")])
    draw(tmp_path / "own", ["in/c.png"])
    mine.ingest(str(tmp_path / "own"), team="m", name="x")
    assert mine.snapshot("roofs").verify().media_roots == f"{tmp_path}/own:{tmp_path}/lake/in"


def test_snapshots_are_shared_from_init_to_torch_on_s3(
    tmp_path: Path, s3: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lake(tmp_path / "lake")
    theirs = Catalog.init(str(tmp_path / "theirs"))
    files = filesystem(s3, theirs.settings)
    files.put(str(tmp_path / "lake"), s3.child("lake").path, recursive=True)
    theirs.ingest(str(s3.child("lake")), team="t", name="x")
    theirs.freeze("roofs", query="roof")
    theirs.snapshots.push(str(s3.child("share")))
    mine = Catalog.init(str(s3.child("mine")))
    assert mine.snapshots.pull(str(s3.child("share"))) == ("roofs@1",)
    with pytest.raises(PlaceRefused, match=f"export DATACAT_MEDIA_ROOTS={s3.child('lake/in')}$"):
        mine.snapshot("roofs").torch()
    monkeypatch.setenv("DATACAT_MEDIA_ROOTS", mine.snapshot("roofs").verify().media_roots)
    roofs = datacat.open(str(s3.child("mine"))).snapshot("roofs")
    assert roofs.verify().ok
    assert len(roofs.torch()[1][1]["boxes"]) == 1
    assert roofs.export(tmp_path / "out", format="yolo").files == 6


@pytest.mark.parametrize(
    ("uris", "reads", "value"),
    [
        (["/a/b/c/x.png", "/a/b/d/y.png"], (), "/a/b"),
        (["/a/x.png", "/b/y.png", "s3://one/k/x.png"], (), "/a:/b:s3://one/k"),
        (["s3://one/x.png", "s3://one/k/y.png", "s3://two/k/y.png"], (), "s3://one:s3://two/k"),
        (["/a/b/x.png"], ("/a/b/c", "/d"), "/d:/a/b"),
        (["/a/b:c/x.png"], (), "/a"),
        (["/x.png"], ("/d",), ""),
        (["/a:b/x.png"], (), ""),
    ],
)
def test_the_value_names_the_common_folder(uris: list[str], reads: tuple[str, ...], value: str) -> None:
    assert media_roots_for(uris, reads=reads) == value


@pytest.mark.parametrize(
    ("uris", "reads", "value", "left_out"),
    [
        (["/a/x.png"], ("/d:1", "/e", "s3://b/p:q"), "/e:/a", ("/d:1", "s3://b/p:q")),
        (["/a/x.png", "/b:c/d/y.png", "/z.png"], (), "/a", ("/b:c/d", "/")),
        (["/b:c/y.png"], (), "", ("/b:c",)),
        (["/a/b:c/x.png"], ("s3://b",), "s3://b:/a", ()),
        (["/a/x.png"], ("/a/b:c",), "/a", ()),
    ],
)
def test_what_the_value_cannot_name_is_said(
    uris: list[str], reads: tuple[str, ...], value: str, left_out: tuple[str, ...]
) -> None:
    report = outside_report(VerifyReport(9), uris, reads=reads)
    assert (report.media_roots, report.unnamed) == (value, left_out)
    assert ("media_roots cannot name " + ", ".join(left_out) in report.advice) == bool(left_out)


def test_a_source_that_the_setting_cannot_name_is_read_through_a_link(
    tmp_path: Path, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = _pulled(tmp_path, share)
    coco(tmp_path / "o:n/labels.json", [box("c.png", "car")])
    draw(tmp_path / "o:n", ["c.png"])
    mine.ingest(str(tmp_path / "o:n"), team="m", name="x")
    cars, roofs = mine.freeze("cars", query="car"), mine.snapshot("roofs").verify()
    assert cars.verify().ok
    assert (roofs.media_roots, roofs.unnamed) == (f"{tmp_path}/lake/in", (f"{tmp_path}/o:n",))
    with pytest.raises(
        PlaceRefused, match=f"media_roots cannot name {tmp_path}/o:n, at the top or with a `:`"
    ):
        mine.snapshot("roofs").torch()
    (tmp_path / "link").symlink_to(tmp_path / "o:n")
    monkeypatch.setenv("DATACAT_MEDIA_ROOTS", f"{roofs.media_roots}:{tmp_path}/link")
    again = datacat.open(tmp_path / "mine")
    assert (again.snapshot("roofs").verify().ok, again.snapshot("cars").verify().ok) == (True, True)


def test_only_what_is_there_and_leads_elsewhere_lies_outside(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "view").symlink_to(tmp_path / "lake")
    for name in ("lake/a", "b"):
        (tmp_path / name).touch()
    uris = [str(tmp_path / name) for name in ("lake/a", "view/a", "b", "lake/gone", "gone")]
    assert lie_outside([*uris, "s3://x/a"], [str(tmp_path / "lake")]) == [uris[2], "s3://x/a"]
    assert lie_outside(uris, None) == []


@pytest.mark.parametrize("lost", ["sources", "assets", "log/_delta_log"])
def test_a_snapshot_is_used_without_the_tables(
    lost: str, tmp_path: Path, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a catalog knows of copies and sources is lost under it; the snapshot is whole."""
    theirs = datacat.open(tmp_path / "theirs")
    roofs = theirs.snapshot("roofs")
    for path in (tmp_path / "theirs/log").rglob("*.json" if "log" in lost else "*.parquet"):
        if "log" in lost or f"logical_table={lost}/" in str(path):
            path.write_bytes(b"damaged")
    if lost != "assets":  # which says where the lake lies
        monkeypatch.setenv("DATACAT_MEDIA_ROOTS", str(tmp_path / "lake"))
        roofs = Catalog.salvage(tmp_path / "theirs")[0].snapshot("roofs")
    assert roofs.verify().ok
    assert len(roofs.torch()[0][1]["boxes"]) == 1
    assert roofs.export(tmp_path / "out", format="yolo").files == 6
    (tmp_path / "lake/in/a.png").unlink()
    assert roofs.verify().gone == (str(tmp_path / "lake/in/a.png"),)
