"""What an embedding found out about pictures stays with them until their bytes change."""

from __future__ import annotations

from pathlib import Path

from datacat.catalog import Catalog
from datacat.tables.faults import mark_unreadable
from tests.catalog.lakes import box, coco, draw


def _lake(tmp_path: Path) -> Catalog:
    draw(tmp_path / "lake", ["a.png", "b.png"])
    coco(tmp_path / "lake/labels.json", [box("a.png", "roof"), box("b.png", "roof")])
    made = Catalog.init(str(tmp_path / "cat"))
    made.ingest(str(tmp_path / "lake"), team="t", name="n")
    return made


def _mark(catalog: Catalog) -> int | None:
    found = catalog.cursor().execute("SELECT asset, digest FROM assets WHERE uri LIKE '%a.png'").fetchall()
    faults = {asset: (digest, "damaged: truncated") for asset, digest in found}
    return mark_unreadable(catalog._tables.store, faults, author="t", message="m")


def _unreadable(tmp_path: Path) -> list[str]:
    return [Path(hit.uri).name for hit in Catalog.open(str(tmp_path / "cat")).search("is:unreadable")]


def test_a_fault_is_found_and_kept_once(tmp_path: Path) -> None:
    made = _lake(tmp_path)
    assert _mark(made) == made.state + 1
    assert _mark(Catalog.open(str(tmp_path / "cat"))) is None
    assert _unreadable(tmp_path) == ["a.png"]
    assert list(Catalog.open(str(tmp_path / "cat")).doctor()) == []


def test_other_bytes_take_it_away(tmp_path: Path) -> None:
    made = _lake(tmp_path)
    _mark(made)
    (tmp_path / "lake/a.png").write_bytes((tmp_path / "lake/b.png").read_bytes())
    Catalog.open(str(tmp_path / "cat")).ingest(str(tmp_path / "lake"), team="t", name="n")
    assert _unreadable(tmp_path) == []


def test_of_a_picture_that_changed_meanwhile_nothing_is_said(tmp_path: Path) -> None:
    made = _lake(tmp_path)
    faults = {
        asset: ("0" * 64, "damaged")
        for (asset,) in made.cursor().execute("SELECT asset FROM assets").fetchall()
    }
    assert mark_unreadable(made._tables.store, faults, author="t", message="m") is None
