"""`datacat demo`, run as a user runs it, and its answers checked against what was drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import datacat
from datacat.catalog import Catalog
from datacat.demo.scenes import draw
from datacat.demo.tour import NESTED_QUESTION, UNLABELLED_QUESTION
from datacat.demo.truth import Scene
from datacat.query.hit import Hit

SEED = 7


def ran(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "datacat", "demo", *options]
    env = os.environ | {"DATACAT_THREADS": "0"}  # as people run it: with every core
    return subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, timeout=240, env=env
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("tour")
    done = ran(folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def catalog(shown: tuple[Path, str]) -> Catalog:
    return datacat.open(str(shown[0] / "demo"))


def drawn(hit: Hit) -> Scene:
    path = Path(hit.uri)
    kind = "aerial" if path.parent.name == "aerial" else "street"
    return draw(SEED * 100_000 + int(path.stem) - 1, kind, detail=1)


def test_it_shows_every_step(shown: tuple[Path, str]) -> None:
    for said in (
        "all data with roofs",
        NESTED_QUESTION,
        UNLABELLED_QUESTION,
        "like:",
        "roofs@1",
        "0 changed",
    ):
        assert said in shown[1]


def test_the_unlabelled_question_is_answered_right(catalog: Catalog) -> None:
    hits = list(catalog.search(UNLABELLED_QUESTION, limit=10))
    assert len(hits) == 10
    assert all(drawn(hit).of("pool") for hit in hits)


def test_a_likeness_has_what_its_picture_has(catalog: Catalog) -> None:
    (best,) = catalog.search(UNLABELLED_QUESTION, limit=1)
    alike = list(catalog.search(f"like:{best.asset}", limit=6))
    assert best.asset in [hit.asset for hit in alike]
    assert sum(bool(drawn(hit).of("pool")) for hit in alike) >= 5


def test_meaning_ranks_within_a_filter(catalog: Catalog) -> None:
    within = {hit.asset for hit in catalog.search("team:claims", limit=None)}
    found = list(catalog.search(f"{UNLABELLED_QUESTION} team:claims", limit=5))
    assert len(found) == 5
    assert {hit.asset for hit in found} <= within
    assert drawn(found[0]).of("pool")


def test_the_nested_question_is_answered_right(catalog: Catalog) -> None:
    for hit in catalog.search(NESTED_QUESTION, limit=None):
        assert any(roof.attributes["material"] == "slate" for roof in drawn(hit).of("roof"))


def test_what_it_leaves_is_sound(shown: tuple[Path, str], catalog: Catalog) -> None:
    assert [finding for finding in catalog.doctor() if finding.severity == "error"] == []
    assert catalog.snapshot("roofs@1").verify().ok
    exported = list((shown[0] / "demo" / "export" / "roofs-coco").rglob("*.json"))
    assert len(exported) == 3


@pytest.mark.slow
def test_it_can_be_run_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert ran(tmp_path, "--pictures", "60").returncode == 0


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("mine")
    done = ran(tmp_path)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert (tmp_path / "demo" / "thesis.txt").read_text() == "mine"
