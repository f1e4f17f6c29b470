"""Exports of a catalog whose S3 server is named in its settings alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import datacat
from datacat.config import Settings, confirm
from datacat.sources.location import Location, filesystem

from . import lakes


@pytest.mark.parametrize("format_name", ["coco", "yolo"])
def test_pictures_are_copied_from_the_server_that_the_settings_name(
    s3: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_address: str, *, format_name: str
) -> None:
    lakes.draw(tmp_path / "lake", ["a.png", "b.png"])
    lakes.coco(tmp_path / "lake" / "labels.json", [lakes.box("a.png", "roof"), lakes.box("b.png", "roof")])
    filesystem(s3, Settings()).put(str(tmp_path / "lake"), s3.child("lake").path, recursive=True)
    datacat.init(str(tmp_path / "catalog"))
    (tmp_path / "catalog" / "datacat.toml").write_text(f's3_endpoint = "{s3_address}"\n')
    confirm(tmp_path / "catalog")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    catalog = datacat.open(str(tmp_path / "catalog"))
    catalog.ingest(str(s3.child("lake")), team="mapping", name="roofs")
    catalog.freeze("roofs", query="roof").export(tmp_path / "out", format=format_name, media="copy")
    copied = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.png")}
    assert copied == {path.name: path.read_bytes() for path in (tmp_path / "lake").glob("*.png")}
