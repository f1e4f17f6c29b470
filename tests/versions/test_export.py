"""Exports: whole or not at all, and the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacat.catalog import Catalog
from datacat.errors import LocationError, SnapshotDamaged, UsageError
from datacat.ingest.registry import formats
from datacat.model.snapshot import MANIFEST
from datacat.versions import export
from tests.catalog.lakes import box, coco, draw

from .lakes import Lake, drawn_lake, frozen, opened


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "format_name", ["parquet", *(name for name, found in formats().items() if found.writes)]
)
def test_a_snapshot_exports_to_the_same_bytes_every_time(format_name: str, tmp_path: Path) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake"))
    first = snapshot.export(tmp_path / "first", format=format_name)
    second = snapshot.export(tmp_path / "deep" / "second", format=format_name)
    assert (first.snapshot, first.format, first.losses) == ("roofs@1", format_name, second.losses)
    assert first.files == len(_bytes(tmp_path / "first")) > 0
    assert _bytes(tmp_path / "first") == _bytes(tmp_path / "deep" / "second")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "catalog",
        "deep",
        "first",
        "gitconfig",
        "lake",
    ]


def test_parquet_holds_the_manifest(tmp_path: Path) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake"))
    snapshot.export(tmp_path / "out", format="parquet")
    assert pq.read_table(tmp_path / "out" / "annotations.parquet").equals(snapshot.annotations().read_all())
    assert (tmp_path / "out" / "definition.json").read_text() == snapshot.definition.to_json()


def test_a_folder_in_use_is_left_alone_unless_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake"))
    folder = tmp_path / "out"
    folder.mkdir()
    snapshot.export(folder, format="parquet")  # an empty one is fine
    (folder / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="is not empty"):
        snapshot.export(folder, format="parquet")
    assert (folder / "mine.txt").read_text() == "keep me"
    snapshot.export(folder, format="parquet", force=True)
    assert sorted(_bytes(folder)) == ["annotations.parquet", "assets.parquet", "definition.json"]
    monkeypatch.chdir(tmp_path / "lake")
    for guarded in (tmp_path, tmp_path / "catalog", tmp_path / "lake", tmp_path / "lake" / "0000.png"):
        with pytest.raises(UsageError, match="cannot be replaced"):
            snapshot.export(guarded, format="parquet", force=True)
    with pytest.raises(LocationError, match="cannot be written"):
        snapshot.export(tmp_path / "lake" / "0000.png" / "out", format="parquet")


@pytest.mark.parametrize("place", ["lake", "lake/notes", "link"])
def test_no_lake_is_replaced_by_force(place: str, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    draw(lake, ["a.png"])
    coco(lake / "labels.json", [box("a.png", "roof")])
    (lake / "notes").mkdir()
    (lake / "notes/mine.txt").write_text("keep me")
    (tmp_path / "link").symlink_to(lake)
    catalog = Catalog.init(str(tmp_path / "catalog"))
    catalog.ingest(str(lake), team="mapping", name="roofs")
    snapshot = catalog.freeze("roofs", query="roof")
    before = _bytes(lake)
    with pytest.raises(UsageError, match="what the catalog was made of"):
        snapshot.export(tmp_path / place, format="coco", force=True)
    assert _bytes(lake) == before
    for _ in range(2):
        snapshot.export(tmp_path / "out", format="coco", force=True)


def _labelled(folder: Path) -> Path:
    """A catalog made of `labels` and `pics`, with a snapshot."""
    draw(folder / "pics", ["a.png"])
    coco(folder / "labels/labels.json", [box("../pics/a.png", "roof")])
    catalog = Catalog.init(str(folder / "catalog"))
    catalog.ingest(str(folder / "labels"), team="mapping", name="roofs", media_root=folder / "pics")
    catalog.freeze("roofs", query="roof")
    return folder / "catalog"


@pytest.mark.parametrize("place", ["labels", "pics", "store/below"])
@pytest.mark.parametrize("media", ["reference", "copy"])
def test_force_replaces_no_source_whatever_is_read(
    place: str, media: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _labelled(tmp_path)
    (tmp_path / "store/below").mkdir(parents=True)
    (tmp_path / "store/below/mine.txt").write_text("keep me")
    before = _bytes(tmp_path / place)
    monkeypatch.setenv("DATACAT_MEDIA_ROOTS", f"{tmp_path}/pics:{tmp_path}/store")
    with pytest.raises(UsageError, match="what the catalog was made of"):
        Catalog.open(root).snapshot("roofs").export(tmp_path / place, format="coco", media=media, force=True)
    assert _bytes(tmp_path / place) == before


@pytest.mark.parametrize("lost", ["an entry", "the last entry", "sources"])
@pytest.mark.parametrize("roots", ["", "pics"])
def test_nothing_is_replaced_where_nobody_can_say_what_the_sources_are(
    lost: str, roots: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _labelled(tmp_path)
    Catalog.open(root).ingest(str(tmp_path / "labels"), team="other", name="roofs")
    entries = sorted((root / "log/_delta_log").glob("*.json"))
    for path in {"an entry": entries[1:2], "the last entry": entries[2:]}.get(
        lost, root.rglob("*sources/*.parquet")
    ):
        path.unlink()
    monkeypatch.setenv("DATACAT_MEDIA_ROOTS", roots and str(tmp_path / roots))
    snapshot = Catalog.salvage(root)[0].snapshot("roofs")
    before = _bytes(tmp_path / "labels")
    with pytest.raises(
        UsageError, match="nothing is replaced while nobody can say what the catalog was made of: "
    ):
        snapshot.export(tmp_path / "labels", format="coco", force=True)
    assert _bytes(tmp_path / "labels") == before
    snapshot.export(tmp_path / "new", format="coco", force=True)


@pytest.mark.parametrize("place", ["catalog", "link/catalog", "catalog/log", "catalog/snapshots/roofs"])
def test_force_replaces_no_part_of_a_catalog(place: str, tmp_path: Path) -> None:
    root = _labelled(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    before = _bytes(root)
    with pytest.raises(UsageError, match="cannot be replaced"):
        Catalog.open(root).snapshot("roofs").export(tmp_path / place, format="coco", force=True)
    assert _bytes(root) == before


def test_force_replaces_no_folder_to_which_a_frozen_picture_leads(tmp_path: Path) -> None:
    draw(tmp_path / "store", ["a.png"])
    pictures = {"folder": tmp_path / "folder/a.png", "file": tmp_path / "file.png"}
    (tmp_path / "folder").symlink_to(tmp_path / "store")
    pictures["file"].symlink_to(tmp_path / "store/a.png")
    for name, uri in pictures.items():
        lake = Lake()
        lake.add_asset(str(uri), uri.read_bytes(), width=64, height=48)
        snapshot = frozen(opened(tmp_path / f"catalog-{name}"), lake, name=name)
        with pytest.raises(UsageError, match="what the catalog was made of"):
            snapshot.export(tmp_path / "store", format="parquet", force=True)


def test_pictures_that_changed_are_not_copied(tmp_path: Path) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake", count=3))
    for media in ("copy", "link"):
        snapshot.export(tmp_path / media, format="coco", media=media)
        pictures = sorted((tmp_path / media).rglob("*.png"))
        assert [path.is_symlink() for path in pictures] == [media == "link"] * 3
    (tmp_path / "lake" / "0001.png").write_bytes(b"another picture")
    for media in ("copy", "link"):
        with pytest.raises(
            SnapshotDamaged, match=r"1 pictures are no longer what was frozen, as .*0001\.png"
        ):
            snapshot.export(tmp_path / "out", format="coco", media=media)
    assert not (tmp_path / "out").exists()


class _Failing:
    """A format that fails after it has written something."""

    writes = True

    def write(self, assets: pa.Table, annotations: pa.Table, folder: Path, **_: Any) -> Sequence[str]:
        assert assets.schema.equals(MANIFEST["assets"])
        assert annotations.schema.equals(MANIFEST["annotations"])
        (folder / "half.json").write_text("[")
        raise OSError("disk full")


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake"))
    monkeypatch.setattr(export, "formats", lambda: {"failing": _Failing()})
    snapshot.export(tmp_path / "out", format="parquet")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(LocationError, match="disk full"):
        snapshot.export(tmp_path / "out", format="failing", force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert len(_bytes(tmp_path / "out")) == 3


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake", count=1))
    with pytest.raises(UsageError, match=r"no format 'word' that can write\nKnown: .*parquet"):
        snapshot.export(tmp_path / "out", format="word")
    with pytest.raises(UsageError, match="no media choice 'steal'"):
        snapshot.export(tmp_path / "out", format="coco", media="steal")
    with pytest.raises(UsageError, match="Parquet names media where they lie"):
        snapshot.export(tmp_path / "out", format="parquet", media="copy")
