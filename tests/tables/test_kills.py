"""`kill -9` at random moments leaves the last commit; the repeated command completes what was asked."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from datacat.sources.location import Location
from datacat.tables import Tables
from tests.tables.places import SETTINGS, errors, go, rows, worker

KILLS, ROUNDS = 20, 3
CONTENT = """
    SELECT uri, class, attributes, s.team, s.name,
        (SELECT list_sort(list(path || text)) FROM attribute_values v WHERE v.annotation = a.annotation)
    FROM annotations a JOIN assets USING (asset) JOIN label_sets s USING (label_set) ORDER BY ALL
"""


def test_kills_on_disk(catalog_root: Location, tmp_path: Path) -> None:
    check_kills(catalog_root, tmp_path)


@pytest.mark.slow
def test_kills_on_s3(s3: Location, tmp_path: Path) -> None:
    check_kills(s3, tmp_path)


def check_kills(root: Location, folder: Path) -> None:
    tables = Tables.create(root, SETTINGS, author="ada")
    longest_s = finished_s(root, folder)
    dice, first = random.Random(11), tables.state().number
    reached = first
    for number in range(KILLS):
        process = worker(root, "w", rounds=1000, folder=folder / "staged")
        go(process)
        time.sleep(dice.random() * longest_s)
        process.kill()
        printed = process.communicate()[0].split()
        tables = Tables.open(root, SETTINGS)
        reached = max([reached, *map(int, printed)])
        assert reached <= tables.state().number <= reached + 1  # at most what was not yet said to be done
        assert number % 4 or errors(tables) == []
        reached = tables.state().number
    assert reached - first > KILLS / 4  # the kills did not all come before the first commit
    check_completes(tables, folder)
    check_orphans_go(tables)


def finished_s(root: Location, folder: Path) -> float:
    """How long a worker needs for its commits, on this machine as busy as it is."""
    process = worker(root, "w", rounds=ROUNDS, folder=folder / "staged")
    start = time.monotonic()
    go(process)
    process.communicate()
    assert process.returncode == 0
    return time.monotonic() - start


def check_completes(tables: Tables, folder: Path) -> None:
    """The command, run to its end, leaves what it leaves in a catalog where nothing was ever killed."""
    calm = Tables.create(Location(str(folder / "calm")), SETTINGS, author="ada")
    for each in (tables, calm):
        process = worker(each.root, "w", rounds=ROUNDS, folder=folder / "staged")
        go(process)
        process.communicate()
        assert process.returncode == 0
    assert len(rows(calm, CONTENT)) == 10
    assert rows(tables, CONTENT) == rows(calm, CONTENT)
    assert errors(tables) == []


def check_orphans_go(tables: Tables) -> None:
    before = rows(tables, CONTENT)
    orphans = [finding for finding in tables.check(tables.state()) if "in no state" in finding.text]
    assert orphans  # else the kills hit nothing
    assert tables.gc(dry_run=True).removed == ()  # all younger than an hour: they may be of an ingest at work
    assert tables.gc(grace_s=0).bytes > 0
    assert list(tables.check(tables.state())) == []
    assert rows(tables, CONTENT) == before
