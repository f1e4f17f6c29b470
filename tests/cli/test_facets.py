"""`datacat search --facets`, overview and overlap as people and programs see them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from datacat.cli import overview
from datacat.cli.facets import print_facets
from datacat.cli.output import Bar, Output
from datacat.query.facets import Bucket, Facet, Facets
from tests.catalog.lakes import coco
from tests.cli.test_commands import catalog, ingested, run

Run = Callable[..., tuple[int, str, str]]
__all__ = ["catalog", "run"]  # fixtures


@pytest.mark.usefixtures("catalog")
def test_facets_are_bars_without_colours_or_control_characters(run: Run) -> None:
    ingested(run)
    status, out, err = run("search", "media:image", "--facet", "class", "-C", "cat")
    assert status == 0
    assert "\x1b" not in out
    first, second = [line for line in out.splitlines() if line.startswith("  ")]
    assert first.split() == ["roof", "█" * 32, "2", "2", "1", "0"]
    assert second.split() == ["ro\\x1b[2Jof", "[bold]top", "█" * 16, "1", "1", "2", "0"]
    assert err.splitlines()[-1] == "3 annotations on 3 assets: media=image"


def test_what_nobody_knows_of_some_is_not_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = Bucket("roof", 3, 3, absent=0, unknown=2)
    known = Bucket("mapping", 3, 3)
    facets = Facets(
        5, 3, False, (Facet("class", (unknown,), (), 1, 0, 0), Facet("team", (known,), (), 1, 0, 0))
    )
    print_facets(facets, "media=image", output=Output(as_json=False), are_chosen=False)
    out = capsys.readouterr().out
    assert "all the same: team mapping\n" in out
    assert "unknown" in out.splitlines()[1]


@pytest.mark.usefixtures("catalog")
def test_facets_as_json_are_whole(run: Run) -> None:
    ingested(run)
    found = json.loads(run("search", "roof", "--facets", "-C", "cat", "--json")[1])
    assert found["interpretation"] == "roof"
    assert (found["assets"], found["annotations"], found["are_matching"]) == (2, 2, True)
    (team,) = [facet for facet in found["facets"] if facet["name"] == "team"]
    assert [(bucket["value"], bucket["annotations"]) for bucket in team["values"]] == [("mapping", 2)]


@pytest.mark.parametrize("width", [80, 60, 40, 160])
def test_bars_fit_the_terminal(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    output.console.width = width
    rows = [
        Bar("a path that is much too long " * 4, (1_234_567, 3)),
        Bar("屋根" * 30, (1, 0)),
        Bar("x", (0, 0)),
    ]
    output.bars("attributes.condition.inspector.name", rows, headings=("annotations", "assets"))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= min(width, 100)
    assert len({cell_len(line) for line in lines if line}) == 1
    assert "▏" in lines[3]
    assert "█" not in lines[4]
    assert "▏" not in lines[4]


def test_a_terminal_too_narrow_for_bars_has_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    output.console.width = 20
    output.bars("material", [Bar("slate", (12, 3))], headings=("annotations", "assets"))
    assert capsys.readouterr().out.split() == ["ma…", "annotations", "assets", "…", "12", "3"]


@pytest.mark.usefixtures("catalog")
def test_overview_and_overlap_are_printed(run: Run) -> None:
    ingested(run)
    assert run("ingest", "lake", "--team", "claims", "--name", "roofs", "-C", "cat")[0] == 0
    status, out, err = run("overview", "-C", "cat")
    assert status == 0
    claims, mapping = [line.split() for line in out.splitlines() if "/roofs" in line]
    assert (claims[0], mapping[0]) == ("claims/roofs", "mapping/roofs")
    assert mapping[1:7] == ["3", "3", "2", "100", "%", mapping[6]]
    assert err == "6 annotations, 3 assets, state 2\n"
    assert "shared assets    3 (100 %): claims/roofs 3" in run("overview", "mapping/roofs", "-C", "cat")[1]
    assert run("overview", "mappin", "-C", "cat")[0] == 1
    status, out, err = run("overlap", "mapping", "claims", "-C", "cat")
    assert "agreed wholly      3 (100 %)" in out
    found = json.loads(run("overlap", "mapping", "claims", "-C", "cat", "--json")[1])
    assert (found["shared"], found["agreement"], found["lowest"]) == (3, 1, [])


@pytest.mark.usefixtures("catalog")
def test_a_label_set_without_annotations_has_no_classes_to_list(run: Run) -> None:
    coco(Path("lake/labels.json"), [])
    ingested(run)
    lines = run("overview", "mapping/roofs", "-C", "cat")[1].splitlines()
    assert [line.split() for line in lines if line.startswith("classes")] == [["classes", "0"]]


def test_a_day_is_that_of_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the table of one label set."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert overview._day(datetime(2026, 1, 31, 23, tzinfo=UTC)) == "2026-02-01"
    finally:
        monkeypatch.undo()
        time.tzset()
