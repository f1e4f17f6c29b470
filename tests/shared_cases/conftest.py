"""The small inputs of ../shared/cases, each copied to a folder of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house.test_sizes import ROOT

CASES = ROOT.parent / "shared" / "cases"

Case = Callable[[str], Path]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Gives a writable copy of the case of that name; skips the test where the cases are not there."""

    def copied(name: str) -> Path:
        if not CASES.is_dir():
            pytest.skip("../shared/cases is not there")
        folder = tmp_path / name
        shutil.copytree(CASES / name, folder, copy_function=shutil.copyfile)
        for place in (folder, *folder.rglob("*")):
            place.chmod(0o755 if place.is_dir() else 0o644)
        (folder / "README.txt").unlink()
        return folder

    return copied
