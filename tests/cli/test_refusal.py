"""What a refused command says: JSON where that was asked for, and commands that can be pasted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.cli.refusal import with_catalog
from tests.cli.test_commands import catalog, ingested, run

Run = Callable[..., tuple[int, str, str]]
__all__ = ["catalog", "run"]  # fixtures


@pytest.mark.usefixtures("catalog")
def test_errors_are_json_where_json_was_asked_for(run: Run) -> None:
    ingested(run)
    status, out, err = run("search", "rofo[", "--json", "-C", "cat")
    said = json.loads(err)["error"]
    assert (status, out, said["kind"], said["query"]) == (2, "", "QueryError", "rofo[")
    assert isinstance(said["position"], int)
    status, _, err = run("show", "nothing.png", "--json", "-C", "cat")
    assert (status, json.loads(err)["error"]["kind"]) == (1, "NotFound")
    status, _, err = run("show", "--json", "--nonsense")
    assert (status, json.loads(err)["error"]["kind"]) == (2, "NoSuchOption")
    assert run("search", "rofo[", "-C", "cat")[2].startswith("error: ")


@pytest.mark.usefixtures("catalog")
def test_a_hint_names_the_catalog_that_was_named(run: Run) -> None:
    ingested(run)
    assert "Run: datacat embed --model tiny -C cat" in run("search", '"a pool"', "-C", "cat")[2]
    hint = json.loads(run("search", '"a pool"', "--json", "--catalog=cat")[2])["error"]["hint"]
    assert "-C cat" in hint


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        ("Run: datacat embed", "Run: datacat embed -C 'my cat'"),
        ("See `datacat doctor`.", "See `datacat doctor -C 'my cat'`."),
        (
            "Join them: datacat concepts merge a 'b c'",
            "Join them: datacat concepts merge a 'b c' -C 'my cat'",
        ),
        ("Run: datacat snapshot pull, if it was", "Run: datacat snapshot pull -C 'my cat', if it was"),
        ("Name one, or make one: datacat init", "Name one, or make one: datacat init"),
        ("`datacat formats` lists them", "`datacat formats` lists them"),
        ("Upgrade datacat.", "Upgrade datacat."),
    ],
)
def test_commands_in_a_text_can_be_pasted(hint: str, expected: str) -> None:
    assert with_catalog(hint, "my cat") == expected
    assert with_catalog(hint, None) == hint


def _completed(folder: Path, *words: str) -> list[str]:
    shell = {"_DATACAT_COMPLETE": "bash_complete", "COMP_WORDS": "datacat " + " ".join(words)}
    shell["COMP_CWORD"] = str(len(words))
    code = "import sys; sys.argv[0] = 'datacat'; from datacat.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **shell},
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_names_of_the_catalog_are_completed(run: Run, catalog: Path) -> None:
    ingested(run)
    folder = catalog.parent
    assert "completion" in _completed(folder, "comp")
    assert _completed(folder, "rejects", "-C", "cat", "map") == ["mapping/roofs"]
    assert _completed(folder, "search", "-C", "cat", "ro") == ["roof"]
    assert _completed(folder, "overlap", "-C", "cat", "m") == ["mapping", "mapping/roofs"]
    assert _completed(folder, "overlap", "-C", "nowhere", "m") == []


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("pool area", ['"pool area"']),
        *((name, []) for name in ("$(touch x)", "`touch x`", "a$HOME", "b!1", "c\\", "d'e", "-v", "f;g")),
    ],
)
def test_no_name_that_a_shell_would_run_is_completed(tmp_path: Path, name: str, offered: list[str]) -> None:
    record = {"asset": "p.png", "class": name, "box": [1, 1, 5, 5]}
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "a.ndjson").write_text(json.dumps(record))
    Catalog.init(tmp_path / "cat").ingest(tmp_path / "lake", team="t", name="n")
    assert _completed(tmp_path, "search", "-C", "cat", "''") == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    status, out, _ = run("completion", shell)
    assert status == 0
    assert f"_DATACAT_COMPLETE={shell}_complete" in out


@pytest.mark.usefixtures("catalog")
def test_what_needs_too_much_memory_is_one_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ingested(run)
    monkeypatch.setenv("DATACAT_MEMORY_LIMIT", "400KB")
    for words in (["search", "roof"], ["classes"], ["show", "1"], ["overview"]):
        status, out, err = run(*words, "-C", "cat", "--json")
        assert (status, out, json.loads(err)["error"]["kind"]) == (1, "", "OutOfMemory")
