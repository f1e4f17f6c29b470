"""`datacat search --explain` as people and programs see it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from datacat.cli.output import Branch, Output
from tests.cli.test_commands import catalog, ingested, run

Run = Callable[..., tuple[int, str, str]]
__all__ = ["catalog", "run"]  # fixtures


@pytest.mark.usefixtures("catalog")
def test_an_explanation_says_what_was_read_for_each_step(run: Run) -> None:
    ingested(run)
    status, out, err = run("search", "roof", "--explain", "-C", "cat")
    assert status == 0
    assert out.startswith("roof\n├── roof = roof\n└── roof is answered by annotations\nunderstand: ")
    assert "find the page -> 2 hits: " in out
    assert "count -> 2 assets: " in out
    assert "── annotations (annotations, by class): all 3 rows of 1 file, " in out
    assert re.search(r"class ?= ?'roof'\)* -> 2 rows, ", out)
    assert re.fullmatch(r"[\d.]+ m?s in all, at state 1; DuckDB's buffers took [\d.]+ [kM]B at most\n", err)


@pytest.mark.usefixtures("catalog")
def test_an_explanation_as_json_is_whole(run: Run) -> None:
    ingested(run)
    found = json.loads(run("search", "roof", "--explain", "-C", "cat", "--json")[1])
    assert (found["interpretation"], found["count"], found["shown"]) == ("roof", 2, 2)
    assert found["conditions"] == [{"text": "roof", "tables": ["annotations"]}]
    assert [step["name"] for step in found["steps"]] == ["understand", "find the page", "say why", "count"]
    (reading,) = [item for item in found["steps"][3]["readings"] if item["table"] == "annotations"]
    assert (reading["rows"], reading["files"], reading["scans"][0]["rows"]) == (3, 1, 2)


@pytest.mark.usefixtures("catalog")
def test_an_explanation_is_an_answer_of_its_own(run: Run) -> None:
    for other in (("--count",), ("--facets",), ("--format", "csv")):
        status, _, err = run("search", "roof", "--explain", *other, "-C", "cat")
        assert status == 2
        assert "take one of them" in err


@pytest.mark.usefixtures("catalog")
def test_a_query_that_cannot_be_understood_is_not_explained(run: Run) -> None:
    ingested(run)
    status, out, err = run("search", "rof[", "--explain", "-C", "cat")
    assert (status, out) == (2, "")
    assert "error:" in err


def test_a_tree_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    output.console.width = 60
    output.tree(Branch("root", [Branch("a [bold]\x1b[2Jline " * 20, [Branch("屋根" * 60)]), Branch("last")]))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert "[bold]" in lines[1]
    assert all("\x1b" not in line for line in lines)
    assert lines[-1] == "└── last"
