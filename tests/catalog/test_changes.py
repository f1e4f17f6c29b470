"""Ingesting a place again replaces exactly what changed there since."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from datacat.catalog import Catalog
from datacat.model.report import IngestReport
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw
from tests.catalog.processes import content, errors

NAMES = ["a.png", "b.png", "c.png"]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Three label files about three pictures: two annotations each, with attributes."""
    draw(tmp_path / "lake/media", NAMES)
    for name in NAMES:
        coco(tmp_path / f"lake/labels/{name}.json", said_of(name))
    return tmp_path / "lake"


@pytest.fixture
def catalog(catalog_root: Location, lake: Path) -> Catalog:
    made = Catalog.init(str(catalog_root))
    ingested(made, lake)
    return made


def said_of(name: str, *, material: str = "slate") -> list[dict[str, Any]]:
    return [box(name, "roof", attributes={"material": material}), box(name, "car", attributes={"doors": 5})]


def ingested(catalog: Catalog, lake: Path, **options: Any) -> IngestReport:
    return catalog.ingest(str(lake), team="mapping", name="roofs", **options)


def counts(report: IngestReport) -> tuple[int, int, int]:
    return report.added, report.removed, report.kept


def by_file(catalog: Catalog) -> dict[str, list[tuple[Any, ...]]]:
    """Label file -> its annotations with their identifiers and leaves."""
    sql = """
        SELECT f.uri, n.annotation, n.asset, n.class, n.attributes, list_sort(list(v.path || v.text))
        FROM annotations n JOIN source_files f USING (source_file) LEFT JOIN attribute_values v USING (annotation)
        GROUP BY ALL ORDER BY ALL
    """
    found: dict[str, list[tuple[Any, ...]]] = {}
    for uri, *row in catalog.cursor().execute(sql).fetchall():
        found.setdefault(Path(uri).name, []).append(tuple(row))
    return found


def as_if_new(lake: Path, folder: Path) -> list[tuple[Any, ...]]:
    """What a catalog says that never saw the lake as it was before."""
    fresh = Catalog.init(str(folder / "fresh"))
    ingested(fresh, lake)
    return content(fresh)


def test_a_changed_file_replaces_its_own(catalog: Catalog, lake: Path, tmp_path: Path) -> None:
    before = by_file(catalog)
    changed = said_of("b.png")
    changed[0]["attributes"]["material"] = "tile"
    coco(lake / "labels/b.png.json", changed)
    report = ingested(catalog, lake)
    after = by_file(catalog)
    assert (report.files_new, report.files_changed, report.files_gone) == (0, 1, 0)
    assert counts(report) == (1, 1, 5)
    assert (after["a.png.json"], after["c.png.json"]) == (before["a.png.json"], before["c.png.json"])
    (same,) = [row for row in after["b.png.json"] if row in before["b.png.json"]]
    assert same[2] == "car"  # said as before, so it keeps its identifier
    (other,) = [row for row in after["b.png.json"] if row != same]
    assert other[0] not in {row[0] for rows in before.values() for row in rows}
    assert other[3:] == ('{"material": "tile"}', ["materialtile"])
    assert content(catalog) == as_if_new(lake, tmp_path)


def test_only_files_with_rows_that_went_are_written_again(catalog: Catalog, lake: Path) -> None:
    catalog.ingest(str(lake / "labels/a.png.json"), team="claims", name="other", media_root=str(lake))
    then = catalog.state
    coco(lake / "labels/b.png.json", said_of("b.png", material="tile"))
    ingested(catalog, lake)
    (entry,) = [entry for entry in catalog.log() if entry.state == then + 1]
    changes = {kind: (added, removed) for kind, added, removed in entry.changes}
    assert changes["annotations"] == (1, 1)
    assert changes["attribute_values"] == (1, 1)
    assert "assets" not in changes
    assert catalog.search("team:claims").count() == 1


def test_a_removed_file_takes_its_annotations_along(catalog: Catalog, lake: Path, tmp_path: Path) -> None:
    before, then = by_file(catalog), catalog.state
    (lake / "labels/b.png.json").unlink()
    report = ingested(catalog, lake)
    assert (report.files, report.files_gone, report.assets) == (2, 1, 2)
    assert counts(report) == (0, 2, 4)
    assert by_file(catalog) == {name: rows for name, rows in before.items() if name != "b.png.json"}
    assert content(catalog) == as_if_new(lake, tmp_path)
    assert catalog.search("roof").count() == 2
    assert Catalog.open(str(catalog.root), at=then).search("roof").count() == 3
    assert errors(catalog) == []


def test_a_renamed_file_is_one_gone_and_one_new(catalog: Catalog, lake: Path, tmp_path: Path) -> None:
    before = by_file(catalog)
    (lake / "labels/b.png.json").rename(lake / "labels/z.json")
    report = ingested(catalog, lake)
    assert (report.files_new, report.files_gone, report.assets_new) == (1, 1, 0)
    after = by_file(catalog)
    assert after["a.png.json"] == before["a.png.json"]
    assert [row[1:] for row in after["z.json"]] == [row[1:] for row in before["b.png.json"]]
    assert content(catalog) == as_if_new(lake, tmp_path)


def test_a_new_file_adds_its_own(catalog: Catalog, lake: Path) -> None:
    before = by_file(catalog)
    draw(lake / "media", ["d.png"])
    coco(lake / "labels/d.png.json", said_of("d.png"))
    report = ingested(catalog, lake)
    assert (report.files_new, report.assets_new) == (1, 1)
    assert counts(report) == (2, 0, 6)
    assert {name: rows for name, rows in by_file(catalog).items() if name in before} == before


def test_a_changed_picture_has_new_bytes_and_its_old_identifier(catalog: Catalog, lake: Path) -> None:
    before = catalog.asset("b.png")
    Image.new("RGB", (99, 77)).save(lake / "media/b.png")
    report = ingested(catalog, lake)
    after = catalog.asset("b.png")
    assert report.changed
    assert counts(report) == (0, 0, 6)
    assert (after.asset, after.width, after.height) == (before.asset, 99, 77)
    assert after.digest != before.digest
    assert ingested(catalog, lake).changed is False


def test_a_picture_that_comes_later_is_found(catalog_root: Location, lake: Path) -> None:
    (lake / "media/b.png").rename(lake.parent / "later.png")
    catalog = Catalog.init(str(catalog_root))
    assert ingested(catalog, lake).assets_missing == 1
    (lake.parent / "later.png").rename(lake / "media/b.png")
    report = ingested(catalog, lake)
    assert (report.assets_missing, report.assets) == (0, 3)
    assert catalog.asset("b.png").is_missing is False
    assert catalog.asset("b.png").uri == str(lake / "media/b.png")


def test_names_of_missing_media_go_with_who_spoke_of_them(catalog_root: Location, lake: Path) -> None:
    (lake / "media/b.png").unlink()
    catalog = Catalog.init(str(catalog_root))
    ingested(catalog, lake)
    catalog.ingest(
        str(lake / "labels/b.png.json"), team="claims", name="same", media_root=str(lake / "labels")
    )
    assert catalog.search("is:missing").count() == 1
    (lake / "labels/b.png.json").unlink()
    ingested(catalog, lake)
    assert catalog.search("is:missing").count() == 1  # the other label set still speaks of it
    (lake / "labels/c.png.json").rename(lake / "labels/b.png.json")
    catalog.ingest(
        str(lake / "labels/b.png.json"), team="claims", name="same", media_root=str(lake / "media")
    )
    assert catalog.search("is:missing").count() == 0
    assert errors(catalog) == []


def test_a_picture_that_goes_is_missing(catalog: Catalog, lake: Path) -> None:
    (lake / "media/b.png").unlink()
    report = ingested(catalog, lake)
    assert (report.assets_missing, report.annotations) == (1, 6)
    assert catalog.search("is:missing").count() == 1


def test_a_part_of_the_place_again_leaves_the_rest(catalog: Catalog, lake: Path) -> None:
    coco(lake / "labels/b.png.json", said_of("b.png", material="tile"))
    report = catalog.ingest(
        str(lake / "labels/b.png.json"), team="mapping", name="roofs", media_root=str(lake / "media")
    )
    assert counts(report) == (1, 1, 5)
    assert report.files == 3


def test_equal_annotations_are_told_apart_by_number_only(catalog: Catalog, lake: Path) -> None:
    document = json.loads((lake / "labels/b.png.json").read_text())
    twin = document["annotations"][0]
    document["annotations"] += [twin, twin]
    (lake / "labels/b.png.json").write_text(json.dumps(document))
    assert counts(ingested(catalog, lake)) == (2, 0, 6)
    document["annotations"].pop()
    (lake / "labels/b.png.json").write_text(json.dumps(document))
    assert counts(ingested(catalog, lake)) == (0, 1, 7)
    assert errors(catalog) == []


def behind_size_and_time(path: Path, content: bytes) -> None:
    """Puts other bytes of the same size into a file, and its time back."""
    before = path.stat()
    assert len(content) == before.st_size
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_picture_changed_behind_size_and_time_is_seen_by_looking_again(
    catalog: Catalog, lake: Path
) -> None:
    digest = f"SELECT digest FROM assets WHERE uri = '{lake}/media/b.png'"
    before, picture = catalog.cursor().execute(digest).fetchall(), lake / "media/b.png"
    content = picture.read_bytes()
    behind_size_and_time(picture, content[:-1] + bytes([content[-1] ^ 1]))
    assert not ingested(catalog, lake).changed
    report = ingested(catalog, lake, look_again=True)
    assert report.notes == ("media with other bytes, though size and time are as before",)
    assert (report.changed, counts(report)) == (True, (0, 0, 6))
    assert catalog.cursor().execute(digest).fetchall() != before
    assert not ingested(catalog, lake, look_again=True).changed
    assert errors(catalog) == []


def test_a_label_file_changed_behind_size_and_time_is_seen_by_looking_again(
    catalog: Catalog, lake: Path, tmp_path: Path
) -> None:
    labels = lake / "labels/b.png.json"
    behind_size_and_time(labels, labels.read_bytes().replace(b"slate", b"grass"))
    assert not ingested(catalog, lake).changed
    report = ingested(catalog, lake, look_again=True)
    assert (report.files_changed, counts(report)) == (1, (1, 1, 5))
    assert content(catalog) == as_if_new(lake, tmp_path)


def test_a_file_of_names_changed_behind_size_and_time_is_seen_by_looking_again(tmp_path: Path) -> None:
    draw(tmp_path / "lake/images", ["a.png"])
    for name, text in (("labels/a.txt", "0 0.5 0.5 0.2 0.2\n"), ("data.yaml", "names: [roof]\n")):
        path = tmp_path / "lake" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    catalog = Catalog.init(str(tmp_path / "catalog"))
    ingested(catalog, tmp_path / "lake")
    behind_size_and_time(tmp_path / "lake/data.yaml", b"names: [wall]\n")
    assert not ingested(catalog, tmp_path / "lake").changed
    assert ingested(catalog, tmp_path / "lake", look_again=True).classes == (("wall", 1),)
    assert not ingested(catalog, tmp_path / "lake", look_again=True).changed


def test_all_counts_of_missing_media_agree(catalog: Catalog, lake: Path) -> None:
    """Also where only some of the label files were read again."""
    for number, names in enumerate((("gone.png", "0.png"), ("gone.png", "lost.png"))):
        images = [{"id": n, "file_name": name} for n, name in enumerate(names)]
        document = {"images": images, "annotations": [], "categories": []}
        (lake / f"more-{number}.json").write_text(json.dumps(document))
    for _ in range(2):
        report = ingested(catalog, lake)
        catalog.refresh()
        missing = catalog.search("is:missing").count()
        assert report.assets_missing == missing
        assert f"an asset's media was not found: {missing}" in report.notes
        (lake / "more-1.json").write_text((lake / "more-1.json").read_text() + " ")
