"""Commands over a folder of snapshots of which something is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.catalog.lakes import box, coco

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


def _two_teams(run: Run, lake: Path) -> None:
    """Two teams' boxes of two roofs on two pictures, under two words."""
    for team, name, shift in (("mapping", "Dach", 0), ("claims", "top", 1)):
        said = [box(picture, name) for picture in ("a.png", "b.png")]
        for annotation in said:
            annotation["bbox"][0] += shift
        (lake / team).mkdir()
        coco(lake / team / "labels.json", said)
        told = ("--team", team, "--name", "x", "--media-root", "lake", "-C", "cat")
        assert run("ingest", f"lake/{team}", *told)[0] == 0


def test_two_teams_labels_become_one_by_options(run: Run, catalog: Path) -> None:
    _two_teams(run, catalog.parent / "lake")
    query = ("snapshot", "create", "roofs", "--query", "Dach OR top", "-C", "cat")
    _, out, err = run(*query)
    assert "two classes        Dach and top 2\n" in out
    assert "if these are one class: --classes-by concept, or --class-map FILE" in err
    _, _, err = run(*query[:2], "same", *query[3:], "--classes-by", "concept")
    assert (
        "if these are one class: datacat concepts add CONCEPT CLASS CLASS -C cat, or --class-map FILE" in err
    )
    mapped = ("--map-class", "Dach=roof", "--map-class", "claims:top=roof", "--prefer", "claims, mapping")
    _, out, err = run(*query, *mapped)
    lines = dict(line.split("  ", 1) for line in out.splitlines())
    assert lines["class map"].strip() == "Dach → roof, claims:top → roof"
    assert lines["overlap"].strip() == "one label an object, of claims, mapping, others by name"
    assert lines["same object"].strip() == "mapping:roof 2"
    assert lines["mapped"].strip() == "claims:top → roof 2, mapping:Dach → roof 2"
    assert "as in the version before" in run(*query)[2]
    found = json.loads(run("snapshot", "show", "roofs", "-C", "cat", "--json")[1])
    assert found["joining"]["prefer"] == ["claims", "mapping"]
    assert found["joined"]["same"] == [{"team": "mapping", "class": "roof", "annotations": 2}]


def test_options_of_joining_that_make_no_sense(run: Run, catalog: Path) -> None:
    ingested(run)
    (catalog.parent / "map.yaml").write_text("{}")
    query = ("snapshot", "create", "roofs", "--query", "roof", "-C", "cat")
    for told, status, said in (
        (("--map-class", "roof"), 2, "is no pair of classes"),
        (("--map-class", "roof=a", "--map-class", "roof=b"), 2, "mapped twice"),
        (("--map-class", "roof=a", "--class-map", "map.yaml"), 2, "not both"),
        (("--map-class", "ro\x1bof=a"), 2, "no class 'ro\\x1bof'"),
        (("--map-class", "roof=a\u202eb"), 2, "characters in it that are not seen"),
        (("--prefer", "maping"), 2, "Did you mean mapping"),
        (("--class-map", "/dev/zero"), 1, "more than the 4,194,304"),
    ):
        ended, out, err = run(*query, *told)
        assert (ended, out, said in err) == (status, "", True), err
    assert run(*query, "--class-map", "map.yaml")[0] == 0


def test_snapshots_are_whole_beside_a_damaged_log(run: Run, catalog: Path) -> None:
    ingested(run)
    assert run("snapshot", "create", "roofs", "--query", "roof", "-C", "cat")[0] == 0
    (catalog / f"log/_delta_log/{1:020}.json").write_bytes(b"")
    assert run("search", "roof", "-C", "cat")[0] == 1
    for command in (
        ("list",),
        ("show", "roofs"),
        ("export", "roofs@1", "out/coco", "--format", "coco"),
        ("checkout", "roofs@1", "out/own"),
        ("repair",),
    ):
        status, out, err = run("snapshot", *command, "-C", "cat")
        assert (status, "1 is lost" in err.replace("\n", " ")) == (0, True)
        assert "roofs" in out or "1 snapshots are whole" in out
    shutil.rmtree(catalog / "log/_delta_log")
    assert run("snapshot", "export", "roofs@1", "out/again", "--format", "coco", "-C", "cat")[0] == 0


def test_pictures_are_verified_beside_a_damaged_log(
    run: Run, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the lake lies stands in the log: what is left of it says so, else the setting `media_roots`."""
    ingested(run)
    assert run("snapshot", "create", "roofs", "--query", "roof", "-C", "cat")[0] == 0
    (catalog / f"log/_delta_log/{1:020}.json").write_bytes(b"")
    status, out, err = run("snapshot", "verify", "roofs", "-C", "cat")
    assert (status, "outside  " in out, "export DATACAT_MEDIA_ROOTS=" in err) == (1, True, True)
    monkeypatch.setenv("DATACAT_MEDIA_ROOTS", str(catalog.parent / "lake"))
    assert run("snapshot", "verify", "roofs", "-C", "cat")[0] == 0
