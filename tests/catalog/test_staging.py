"""What an ingest stages on the way is gone afterwards, even of one that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import datacat

from . import lakes


def test_what_a_killed_ingest_staged_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    old, fresh = f"datacat-ingest-{dead.pid}-old", f"datacat-ingest-{dead.pid}-fresh"
    others = {fresh, f"datacat-ingest-{os.getppid()}-alive", "datacat-ingest-somebody's"}
    for name in (old, *others):
        folder = tmp_path / "tmp" / name
        folder.mkdir(parents=True)
        (folder / "annotations.parquet").write_bytes(b"staged")
        if name != fresh:
            os.utime(folder, (0, 0))
    lakes.draw(tmp_path / "lake", ["a.png"])
    lakes.coco(tmp_path / "lake" / "labels.json", [lakes.box("a.png", "roof")])
    datacat.init(str(tmp_path / "catalog")).ingest(str(tmp_path / "lake"), team="mapping", name="roofs")
    assert {folder.name for folder in (tmp_path / "tmp").iterdir()} == others
