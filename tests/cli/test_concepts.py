"""What `datacat concepts` prints, asks and refuses."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.cli.main import main
from tests.concepts.lakes import labelled

Run = Callable[..., tuple[int, str, str]]
ROOF, OTHER = (1.0, 2.0, 20.0, 20.0), (40.0, 26.0, 20.0, 20.0)
SHARED = [f"{letter}.png" for letter in "abcdefghijkl"]


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return labelled(
        tmp_path,
        mapping={name: [("Roof", ROOF), ("traffic light", OTHER)] for name in SHARED},
        claims={name: [("rooftop", ROOF), ("ev\x1b[2Jil [bold]", OTHER)] for name in SHARED},
    )


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATACAT_CATALOG", str(catalog.root))

    def ran(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["concepts", *arguments])
        return int(ended.value.code or 0), *capsys.readouterr()

    return ran


def on_terminal(catalog: Catalog, *arguments: str, columns: int, typed: str = "") -> str:
    """What the command shows on a terminal of so many columns."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "datacat", "concepts", *arguments, "-C", str(catalog.root)]
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as child:
        os.close(slave)
        os.write(master, typed.encode())
        shown = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # Linux says so at the end of a terminal
                break
            shown += part
    assert child.returncode == 0, shown
    os.close(master)
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")


def test_a_suggestion_says_what_why_and_how(run: Run) -> None:
    status, out, err = run("suggest", "rooftop")
    assert status == 0
    assert [line.rstrip() for line in out.splitlines()] == [
        "1. roof: may mean the same  score 0.85",
        "   claims:rooftop  12  claims/labels",
        "   mapping:Roof    12  mapping/labels",
        "   + 12 of 12 boxes of claims:rooftop coincide with mapping:Roof, 12 of 12 back; mean IoU 1.00; "
        "12 shared assets",
        "   + names: rooftop begins with roof",
        "   $ datacat concepts add roof claims:rooftop mapping:Roof",
    ]
    assert "nothing was embedded" in err
    assert run("suggest", "rooftop", "--min-score", "0.9")[1] == ""


def test_commands_of_suggestions_stay_whole_on_a_narrow_terminal(catalog: Catalog) -> None:
    shown = on_terminal(catalog, "suggest", columns=60)
    lines = shown.splitlines()
    command = "   $ datacat concepts add roof claims:rooftop mapping:Roof"
    assert f"{command} -C {catalog.root}" in lines
    assert "\x1b" not in shown, "of a name in a label file"
    assert "'mapping:traffic light'" in shown, "quoted for the shell"


def test_ask_does_what_a_person_says_and_nothing_else(catalog: Catalog) -> None:
    shown = on_terminal(catalog, "suggest", "--ask", columns=100, typed="n\ny\n")
    assert shown.count("Accept? [y/N]") == 2
    kept = Catalog.open(str(catalog.root))
    assert kept.state == catalog.state + 1
    assert kept.concepts.list().num_rows == 1


def test_ask_goes_on_where_one_answer_stands_against_another(tmp_path: Path) -> None:
    three = [ROOF, (40.0, 2.0, 20.0, 20.0), (1.0, 26.0, 20.0, 20.0)]
    houses = [OTHER, (22.0, 10.0, 8.0, 8.0), (22.0, 30.0, 8.0, 8.0)]
    here, there = SHARED[:6], SHARED[6:]
    catalog = labelled(
        tmp_path / "kinds",
        a={name: [("crane", ROOF)] for name in here},
        b={name: [("digger", box) for box in three] for name in here},
        c={name: [("diggers", ROOF)] for name in there},
        d={name: [("cranes", box) for box in three] for name in there},
        e={name: [("Dach", OTHER)] for name in here[:5]},
        f={name: [("Haus", box) for box in houses] for name in here[:5]},
    )
    shown = on_terminal(catalog, "suggest", "--ask", "--min-score", "0.2", columns=100, typed="y\n" * 5)
    assert shown.count("Accept? [y/N]") == 5
    assert "not accepted: 'crane' would be a kind of itself: crane -> digger -> crane" in shown
    kept = Catalog.open(str(catalog.root)).concepts
    assert kept.show("crane").parents == ("digger",)
    assert kept.show("dach").parents == ("haus",), "asked after the one that was refused"


def test_ask_refuses_where_nobody_is(run: Run, catalog: Catalog) -> None:
    status, out, err = run("suggest", "--ask")
    assert (status, out) == (2, "")
    assert err.startswith("error: --ask asks a person, and there is none")
    assert Catalog.open(str(catalog.root)).state == catalog.state


def test_a_concept_is_made_described_shown_renamed_merged_and_removed(run: Run) -> None:
    assert run("add", "roof", "Roof", "claims:rooftop")[1] == "roof: Roof, claims:rooftop\n"
    assert run("add", "roof", "Roof")[1] == "roof: nothing new\n"
    assert run("add", "building")[1] == "building: made\n"
    said = run("describe", "roof", "--parent", "building", "--synonym", "Dach", "--definition", "upper side")[
        1
    ]
    assert "synonyms    Dach\n" in said
    assert "parents     building\n" in said
    assert run("rename", "roof", "roofing")[1] == "roof is roofing now\n"
    shown = run("show", "roofing")[1]
    assert "renamed from roof" in shown
    assert "claims/labels" in shown
    assert run("add", "light", "traffic light")[0] == 0
    assert (
        run("merge", "roofing", "light", "--into", "thing")[1]
        == "thing: Roof, traffic light, claims:rooftop\n"
    )
    told = json.loads(run("show", "thing", "--json")[1])
    assert told["synonyms"] == ["Dach", "light", "roof", "roofing"]
    assert run("remove", "thing", "Roof")[1] == "thing: removed Roof\n"
    assert run("remove", "thing")[1] == "thing: removed traffic light, claims:rooftop\n"
    assert json.loads(run("list", "--json")[1])[0]["concept"] == "building"


def test_a_concept_is_called_as_it_is_written_however_it_is_typed(run: Run, catalog: Catalog) -> None:
    run("add", "roof", "Roof")
    run("add", "light", "traffic light")
    assert run("add", "ROOFS", "claims:rooftop")[1] == "roof: claims:rooftop\n"
    assert run("remove", "ROOF", "claims:rooftop")[1] == "roof: removed claims:rooftop\n"
    assert json.loads(run("rename", "Roof", "top", "--json")[1])["was"] == "roof"
    assert json.loads(run("merge", "TOP", "Lights", "--json")[1])["merged"] == ["top", "light"]
    assert run("describe", "TOP", "--owner", "eve")[0] == 0
    assert [entry.message for entry in Catalog.open(str(catalog.root)).log(limit=5)] == [
        "concept top: describe",
        "merge concepts top, light",
        "concept roof: rename to top",
        "concept roof: remove claims:rooftop",
        "concept roof: add claims:rooftop",
    ]
    assert run("remove", "Tops")[1].startswith("top: removed ")


def test_a_slip_changes_nothing_and_names_the_nearest(run: Run, catalog: Catalog) -> None:
    status, _, err = run("add", "roof", "Rof")
    assert status == 1
    assert err.startswith("error: no class 'Rof'\nDid you mean mapping:Roof (12 annotations)")
    assert run("describe", "roof", "--synonym", "Dach")[2].startswith("error: no concept 'roof'\n")
    assert Catalog.open(str(catalog.root)).state == catalog.state
    assert run("add", "roof", "Rof", "--unused")[0] == 0
