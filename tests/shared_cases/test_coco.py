"""Cases of COCO and the neutral form."""

from __future__ import annotations

from datacat.testing.format_suite import read, rows
from tests.shared_cases.conftest import Case


def test_a_date_alone_is_an_iso_time(case: Case) -> None:
    folder = case("neutral-created-date-only")
    staged = read(folder, folder.parent / "out")
    assert rows(staged, "rejects") == []
    assert len(rows(staged, "annotations")) == 4
