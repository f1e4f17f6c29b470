"""Cases about what is known and what is not."""

from __future__ import annotations

from pathlib import Path

import datacat
from tests.shared_cases.conftest import Case


def test_a_rejected_label_is_no_absence(case: Case, tmp_path: Path) -> None:
    folder = case("rejected-label-counts-as-absence")
    cat = datacat.init(str(tmp_path / "cat"))
    cat.ingest(str(folder / "coco"), team="t", name="n")
    assert cat.search("-shed").count() == 0
    assert [hit.uri.rsplit("/", 1)[1] for hit in cat.search("?shed")] == ["b.png"]


def test_what_was_skipped_is_neither_found_nor_frozen_and_is_counted(case: Case, tmp_path: Path) -> None:
    folder = case("ls-skipped-task")
    cat = datacat.init(str(tmp_path / "cat"))
    cat.ingest(str(folder), team="t", name="n")
    hits = cat.search("shed")
    assert "c1.png" not in [hit.uri.rsplit("/", 1)[1] for hit in hits]
    assert hits.set_aside >= 1
    frozen = hits.annotations().read_all().num_rows
    assert frozen == sum(len(hit.matches) for hit in hits)
