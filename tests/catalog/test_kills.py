"""`kill -9` of `datacat ingest` at moments spread over its whole life: the last commit stays, and the repeated
command completes it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.config import Settings
from datacat.sources.listing import listed
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw
from tests.catalog.processes import completed, content, errors, ingesting

KILLS = 20
NAMES = [f"{letter}.png" for letter in "abcdefgh"]


def test_kills_on_disk(catalog_root: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    check_kills(catalog_root, calm=Location(str(tmp_path / "calm")), lake=tmp_path / "lake")


@pytest.mark.slow
def test_kills_on_s3(s3: Location, tmp_path: Path) -> None:
    check_kills(s3.child("catalog"), calm=s3.child("calm"), lake=tmp_path / "lake")


def check_kills(root: Location, *, calm: Location, lake: Path) -> None:
    draw(lake, NAMES)
    Catalog.init(str(root))
    life_s = measured_life_s(calm, lake)
    alive, before, dice = 0, content(Catalog.open(str(root))), random.Random(7)
    for number in range(KILLS):
        label(lake, number)
        process = ingesting(lake, root)
        if number % 5 < 3:  # at any moment of its life
            pause_s = life_s * dice.random()
        else:  # while it writes, which is a tenth of its life
            wait_until_it_writes(process, root)
            pause_s = life_s * dice.random() / 10
        alive += is_killed(process, after_s=pause_s)
        catalog = Catalog.open(str(root))
        now = content(catalog)
        # All of it or nothing.
        assert now == before or [(row[4], row[10]) for row in now] == said(number)
        assert errors(catalog) == []
        before = now
    assert alive >= KILLS / 2  # else it was not killed but had ended


def wait_until_it_writes(process: subprocess.Popen[str], root: Location) -> None:
    """Waits for its first file in the log's folder."""
    before = stored(root)
    while process.poll() is None and stored(root) == before:
        time.sleep(0.002)


def stored(root: Location) -> list[str]:
    """The files of the log's folder."""
    return [entry.uri for entry in listed(root.child("log"), Settings())]


def check_completes(root: Location, *, calm: Location, lake: Path) -> None:
    """The repeated command leaves what it leaves where nothing was killed; what the killed ones left can go."""
    for place in (root, calm):
        completed(ingesting(lake, place))
    catalog = Catalog.open(str(root))
    assert content(catalog) == content(Catalog.open(str(calm))) != []
    orphans = [finding for finding in catalog.doctor() if "in no state" in finding.text]
    assert orphans  # else no kill came while it wrote
    catalog.gc(grace_s=0)
    assert catalog.doctor() == []
    assert content(catalog) == content(Catalog.open(str(calm)))


def measured_life_s(root: Location, lake: Path) -> float:
    """How long such an ingest lives on this machine, as busy as it is."""
    Catalog.init(str(root))
    label(lake, -1)
    completed(ingesting(lake, root))
    label(lake, -2)
    start = time.monotonic()
    completed(ingesting(lake, root))
    return time.monotonic() - start


def label(lake: Path, number: int) -> None:
    """Two label files that say something else each time."""
    for half in (NAMES[:4], NAMES[4:]):
        said = [
            box(name, f"roof {number}", attributes={"seen": number, "by": {"name": name}}) for name in half
        ]
        coco(lake / f"{half[0]}.json", said)


def said(number: int) -> list[tuple[str, str]]:
    """Class and attributes of all annotations in the order of `content`."""
    return [(f"roof {number}", f'{{"seen": {number}, "by": {{"name": "{name}"}}}}') for name in NAMES]


def is_killed(process: subprocess.Popen[str], *, after_s: float) -> bool:
    """Kills it, its workers too; False where it had ended."""
    try:
        process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False
