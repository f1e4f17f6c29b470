"""Commands over a folder of snapshots of which something is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .test_commands import Run, catalog, ingested, run

__all__ = ["catalog", "run"]


def test_a_loss_is_said_and_repaired(run: Run, catalog: Path) -> None:
    ingested(run)
    assert run("snapshot", "create", "roofs", "--query", "roof", "-C", "cat")[0] == 0
    (catalog / "snapshots/.git/HEAD").unlink()
    (catalog / "snapshots/.git/refs/heads/main").write_bytes(b"")
    status, out, err = run("snapshot", "list", "-C", "cat", "--json")
    assert (status, json.loads(out)[0]["snapshot"], "main is damaged" in err.replace("\n", " ")) == (
        0,
        "roofs@1",
        True,
    )
    status, out, _ = run("doctor", "-C", "cat", "--json")
    assert (status, {item["subject"] for item in json.loads(out)}) == (1, {"snapshots"})
    run("compact", "-C", "cat")
    for command in (("gc", "--forget-before", "9"), ("snapshot", "create", "cars", "--query", "roof")):
        status, out, err = run(*command, "-C", "cat")
        assert (status, out, "datacat snapshot repair" in err) == (1, "", True)
    status, out, _ = run("snapshot", "repair", "-C", "cat", "--json")
    assert (status, json.loads(out)["whole"]) == (0, ["roofs@1"])
    assert run("doctor", "-C", "cat", "--json")[1] == "[]\n"
    shutil.rmtree(catalog / "snapshots/roofs")
    shutil.rmtree(catalog / "snapshots/.dvc")
    status, out, _ = run("snapshot", "repair", "-C", "cat")
    assert (status, out.splitlines()[-1]) == (1, "0 snapshots are whole, 1 are lost")
