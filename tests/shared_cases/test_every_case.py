"""Each case of ../shared/cases has a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared_cases.conftest import CASES


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not there")
def test_every_case_is_tried() -> None:
    said = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    cases = sorted(path.name for path in CASES.iterdir() if path.is_dir())
    assert [name for name in cases if f'"{name}"' not in said] == []
