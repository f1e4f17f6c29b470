"""Texts that labels name are there, with size and digest; other text files are no media."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from datacat import Catalog
from datacat.model.report import IngestReport


def _lake(folder: Path, *names: str) -> Path:
    (folder / "texts").mkdir(parents=True)
    (folder / "texts" / "1.txt").write_text("street\n")
    (folder / "texts" / "2.md").write_text("# a house\n")
    (folder / "texts" / "3.txt").write_text("nobody\n")
    (folder / "l.ndjson").write_text(
        "".join(json.dumps({"asset": name, "class": "pos"}) + "\n" for name in names)
    )
    return folder


def _ingest(catalog: Catalog, lake: Path) -> IngestReport:
    return catalog.ingest(lake, team="a", name="b")


def _names(catalog: Catalog, query: str) -> list[str]:
    return sorted(Path(hit.uri).name for hit in catalog.search(query))


def test_texts_that_labels_name_are_there(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake", "texts/1.txt", "2.md")
    catalog = Catalog.init(tmp_path / "catalog")
    report = _ingest(catalog, lake)
    assert (report.assets, report.assets_missing) == (2, 0)
    assert _names(catalog, "media:text") == _names(catalog, "pos") == ["1.txt", "2.md"]
    assert hashlib.sha256(b"street\n").hexdigest() in json.dumps(
        catalog.asset(str(lake / "texts/1.txt")), default=str
    )
    again = _ingest(catalog, lake)
    assert not again.changed
    for skipped in (report.skipped, again.skipped):
        assert [Path(uri).name for uri, _ in skipped] == ["3.txt"]


def test_a_text_that_goes_is_missing_and_one_that_comes_back_is_not(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake", "texts/1.txt")
    catalog = Catalog.init(tmp_path / "catalog")
    _ingest(catalog, lake)
    (lake / "texts" / "1.txt").unlink()
    assert _ingest(catalog, lake).assets_missing == 1
    assert _names(catalog, "media:text") == ["1.txt"]
    (lake / "texts" / "1.txt").write_text("another\n")
    assert _ingest(catalog, lake).assets_missing == 0


def test_label_files_and_class_lists_are_no_texts(tmp_path: Path) -> None:
    (tmp_path / "lake" / "labels").mkdir(parents=True)
    (tmp_path / "lake" / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "lake" / "labels" / "classes.txt").write_text("car\n")
    catalog = Catalog.init(tmp_path / "catalog")
    _ingest(catalog, tmp_path / "lake")
    assert _names(catalog, "media:text") == []
    assert _names(catalog, "car") == ["a.jpg"]
