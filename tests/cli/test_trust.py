"""datacat trust, and what commands say of settings that they do not follow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .test_commands import Run, run

__all__ = ["run"]


def test_what_is_not_followed_is_said_until_it_is_confirmed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert run("init", "cat")[0] == 0
    file = tmp_path / "cat" / "datacat.toml"
    file.write_text('dvc_remote = "/eve"\nauthor = "Eve"\n')
    status, _, err = run("snapshot", "push", "-C", "cat", "--json")
    assert (status, "dvc_remote, author are not followed" in err.replace("\n", " ")) == (2, True)
    assert "no remote is named" in err
    status, out, _ = run("doctor", "-C", "cat", "--json")
    assert (status, [item["subject"] for item in json.loads(out)]) == (0, ["settings"])
    assert run("trust", "--list")[2] == "No file was confirmed.\n"
    assert run("trust", "cat")[1] == "dvc_remote = '/eve'\nauthor = 'Eve'\n"
    assert run("doctor", "-C", "cat", "--json")[1] == "[]\n"
    (row,) = json.loads(run("trust", "--list", "--json")[1])
    assert row == {"file": str(file), "state": "followed"}
    file.write_text('author = "Ann"\n')
    assert json.loads(run("trust", "--list", "--json")[1])[0]["state"] == "changed or gone"
    assert "author is not followed" in run("log", "-C", "cat")[2].replace("\n", " ")
    assert "followed no more" in run("trust", "cat", "--remove")[2].replace("\n", " ")
    assert run("trust", "nowhere")[0] == 1
