"""Symbolic links in a lake: within it they are followed, out of it they lead nowhere, whoever reads."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from datacat.catalog import Catalog
from datacat.errors import SnapshotDamaged


def linked_lake(folder: Path) -> Path:
    """in.png is a link within the lake, out.png one to a picture beside it, a.png a picture."""
    (folder / "raw").mkdir(parents=True)
    for number, name in enumerate(("a.png", "raw/in.png", "../secret.png")):
        Image.new("RGB", (8, 6), (60 * number, 9, 9)).save(folder / name)
    (folder / "in.png").symlink_to("raw/in.png")
    (folder / "out.png").symlink_to(folder.parent / "secret.png")
    names = ("a.png", "in.png", "out.png")
    images = [{"id": n, "file_name": name, "width": 8, "height": 6} for n, name in enumerate(names)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 3, 3]} for n in range(3)]
    document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "roof"}]}
    (folder / "labels.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return linked_lake(tmp_path / "lake")


@pytest.fixture
def catalog(tmp_path: Path, lake: Path) -> Catalog:
    made = Catalog.init(str(tmp_path / "catalog"))
    made.ingest(str(lake), team="mapping", name="roofs", author="ada")
    return made


def test_an_asset_behind_a_link_that_leads_out_is_kept_unreadable(catalog: Catalog, lake: Path) -> None:
    assert [Path(hit.uri).name for hit in catalog.search("is:unreadable")] == ["out.png"]
    view = catalog.asset(str(lake / "out.png"))
    assert "leads outside" in (view.fault or "")
    assert view.digest is None
    assert (
        catalog.asset(str(lake / "in.png")).digest
        == sha256((lake / "raw" / "in.png").read_bytes()).hexdigest()
    )


def test_the_report_says_how_many_and_a_second_ingest_changes_nothing(catalog: Catalog, lake: Path) -> None:
    report = catalog.ingest(str(lake), team="mapping", name="again", author="ada")
    (note,) = (note for note in report.notes if "leads outside" in note)
    assert "not followed" in note
    state = catalog.state
    catalog.ingest(str(lake), team="mapping", name="again", author="ada")
    assert catalog.state == state


def test_with_the_target_as_media_root_the_link_is_followed(tmp_path: Path, lake: Path) -> None:
    made = Catalog.init(str(tmp_path / "other"))
    made.ingest(str(lake), team="mapping", name="roofs", media_root=str(tmp_path), author="ada")
    assert made.asset(str(lake / "out.png")).fault is None
    assert (
        made.media(made.asset(str(lake / "out.png")).asset).read() == (tmp_path / "secret.png").read_bytes()
    )


def test_an_export_copies_nothing_from_outside(catalog: Catalog, lake: Path, tmp_path: Path) -> None:
    catalog.freeze("roofs", query="roof", author="ada")
    report = catalog.snapshot("roofs").export(tmp_path / "out", format="coco", media="copy")
    assert "out.png" not in {path.name for path in (tmp_path / "out").rglob("*.png")}
    assert [line for line in report.losses if "leads outside" in line]
    (lake / "a.png").unlink()
    (lake / "a.png").symlink_to(tmp_path / "secret.png")
    for media in ("copy", "link"):
        with pytest.raises(SnapshotDamaged, match="no longer what was frozen"):
            catalog.snapshot("roofs").export(tmp_path / media, format="yolo", media=media)


def test_verify_reads_nothing_from_outside(catalog: Catalog, lake: Path, tmp_path: Path) -> None:
    catalog.freeze("roofs", query="roof", author="ada")
    (lake / "a.png").rename(tmp_path / "a.png")
    (lake / "a.png").symlink_to(tmp_path / "a.png")  # the same bytes, elsewhere
    report = catalog.snapshot("roofs").verify()
    assert [(Path(uri).name, "leads outside" in why) for uri, why in report.unreadable] == [("a.png", True)]


def test_label_files_behind_links_that_lead_out_are_named_and_left(tmp_path: Path, lake: Path) -> None:
    (lake / "labels.json").rename(tmp_path / "labels.json")
    (lake / "labels.json").symlink_to(tmp_path / "labels.json")
    (lake / "more.jsonl").write_text('{"asset": "a.png", "class": "roof"}\n')
    made = Catalog.init(str(tmp_path / "other"))
    report = made.ingest(str(lake), team="mapping", name="roofs", author="ada")
    assert {Path(uri).name: why for uri, why in report.skipped}["labels.json"].startswith("a link")
