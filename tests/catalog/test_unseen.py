"""A snapshot says how many of its assets nobody could look at."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.cli.main import main
from datacat.errors import SnapshotDamaged
from datacat.versions.facts import check_facts
from tests.catalog.lakes import box, coco, draw


@pytest.fixture
def place(tmp_path: Path) -> str:
    """The catalog of a whole picture, a broken one and two that are nowhere."""
    draw(tmp_path / "lake/media", ["whole.png"])
    (tmp_path / "lake/media/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    names = ["whole.png", "broken.png", "gone.png", "lost.png"]
    coco(tmp_path / "lake/labels.json", [box(name, "roof") for name in names])
    catalog = Catalog.init(tmp_path / "catalog")
    catalog.ingest(str(tmp_path / "lake"), team="mapping", name="roofs")
    return str(tmp_path / "catalog")


def test_missing_and_unreadable_assets_are_counted(place: str) -> None:
    frozen = Catalog.open(place).freeze("all", query="roof")
    assert (frozen.summary()["missing"], frozen.summary()["unreadable"]) == (2, 1)
    named = Catalog.open(place).freeze("some", query="roof AND NOT is:missing AND NOT is:unreadable")
    assert (named.summary()["assets"], named.summary()["missing"], named.summary()["unreadable"]) == (1, 0, 0)
    assert not named.definition.counts.keys() & {"missing", "unreadable"}


def run(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(words)


def test_it_is_said_on_the_command_line(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["snapshot", "create", "all", "--query", "roof", "-C", place])
    said = capsys.readouterr()
    assert "2 missing and 1 unreadable of 4 assets" in said.out + said.err
    run(["snapshot", "show", "all", "-C", place, "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert (shown["missing"], shown["unreadable"]) == (2, 1)
    run(
        ["snapshot", "create", "one", "--query", "roof AND NOT is:missing AND NOT is:unreadable", "-C", place]
    )
    said = capsys.readouterr()
    assert "missing of" not in said.out + said.err
    assert not any(line.startswith(("missing", "unreadable")) for line in said.out.splitlines())


def test_a_definition_that_says_another_number_of_missing_ones_is_refused(place: str) -> None:
    frozen = Catalog.open(place).freeze("all", query="roof")
    folder = frozen.file("assets").parent
    check_facts(folder, frozen.definition)
    counts = {**frozen.definition.counts, "missing": 1}
    with pytest.raises(SnapshotDamaged, match="missing 1, which are 2"):
        check_facts(folder, dataclasses.replace(frozen.definition, counts=counts))
    older = {name: count for name, count in frozen.definition.counts.items() if name != "missing"}
    check_facts(folder, dataclasses.replace(frozen.definition, counts=older))
