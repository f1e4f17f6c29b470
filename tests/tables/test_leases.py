"""Writers hold a lease: gc without any grace takes nothing of theirs, and a commit knows when its files went."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from datacat.errors import CatalogError, CommitUnknown
from datacat.model.schemas import TABLES
from datacat.sources.location import Location, filesystem
from datacat.tables import Tables, leases
from datacat.tables.log import Log
from datacat.testing.staging import LabelFile, box, corpus, ingest
from tests.tables.places import SETTINGS, add_concepts, errors, go, rows

A = "/lake/a.png"
ROOF = pa.Table.from_pylist([{"concept": "roof", "class": "Roof"}], schema=TABLES["concepts"])
# Writes its data files, says so, and stands still.
HELD = """
import sys
from datacat.config import Settings
from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.tables.change import Change

tables = Tables.open(Location(sys.argv[1]), Settings(threads=1, memory_limit="500MB"))

def plan(state):
    cursor = tables.store.cursor(state, kinds=())
    rows = "SELECT 'roof' AS concept, 'Roof' AS class, NULL AS team, NULL AS label_set"
    known = {row[0] for row in cursor.execute(f"DESCRIBE {rows}").fetchall()}
    from datacat.model.schemas import TABLES
    rest = "".join(f', NULL AS "{name}"' for name in TABLES["concepts"].names if name not in known)
    written = tables.store.files.write(cursor, "concepts", rows=rows + rest)
    print("ready", flush=True)
    sys.stdin.readline()
    return Change(tuple(written), (), lambda *_: True)

print(tables.store.commit(plan, author="held", message="held"), flush=True)
"""


def held_writer(root: Location) -> subprocess.Popen[str]:
    """A writer in a process of its own that has written and waits for a line before it commits."""
    command = [sys.executable, "-c", HELD, str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def left_over(root: Location) -> list[str]:
    """What lies in `leases/`."""
    return list(filesystem(root, SETTINGS).find(root.child("leases").path))


def between(
    monkeypatch: pytest.MonkeyPatch, *, before: Callable[[], object], after: Callable[[], object]
) -> None:
    """Lets something happen just before a log entry is written, and just after."""
    commit = Log.commit
    busy: list[int] = []

    def standing_between(self: Log, *args: Any, **options: Any) -> None:
        is_first = not busy
        busy.append(1)
        if is_first:
            before()
        commit(self, *args, **options)
        if is_first:
            after()

    monkeypatch.setattr(Log, "commit", standing_between)


def check_gc_spares_a_writer(root: Location) -> None:
    tables = Tables.create(root, SETTINGS, author="ada")
    process = held_writer(root)
    report = tables.gc(grace_s=0)
    assert (report.removed, report.spared, report.writers) == ((), 1, 1)
    go(process)
    assert process.communicate()[0] == "1\n"
    assert rows(tables, "SELECT concept FROM concepts") == [("roof",)]
    assert tables.gc(grace_s=0).removed == ()
    assert errors(tables) == []
    assert left_over(root) == []


def test_gc_spares_a_writer_on_disk(catalog_root: Location) -> None:
    check_gc_spares_a_writer(catalog_root)


def test_gc_spares_a_writer_on_s3(s3: Location) -> None:
    check_gc_spares_a_writer(s3)


def check_a_killed_writer_leaves_nothing(root: Location) -> None:
    tables = Tables.create(root, SETTINGS, author="ada")
    process = held_writer(root)
    process.kill()
    process.communicate()
    assert tables.gc().removed == ()  # within the grace
    removed = tables.gc(grace_s=0).removed
    assert sorted(path.rsplit(".", 1)[1] for path in removed) == ["json", "parquet"]
    assert list(tables.check(tables.state())) == []
    assert left_over(root) == []


def test_a_killed_writer_leaves_nothing_on_disk(catalog_root: Location) -> None:
    check_a_killed_writer_leaves_nothing(catalog_root)


def test_a_killed_writer_leaves_nothing_on_s3(s3: Location) -> None:
    check_a_killed_writer_leaves_nothing(s3)


def test_a_writer_in_this_process_is_spared(catalog_root: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, other = (f(catalog_root, SETTINGS) for f in (_created, Tables.open))
    between(monkeypatch, before=lambda: other.gc(grace_s=0), after=lambda: other.gc(grace_s=0))
    assert add_concepts(tables, ROOF) == 1
    assert rows(tables, "SELECT concept FROM concepts") == [("roof",)]
    assert errors(tables) == []


def _created(root: Location, settings: object) -> Tables:
    return Tables.create(root, SETTINGS, author="ada")


def taken_for_dead(tables: Tables) -> None:
    """What gc does on another machine while this one sleeps: the lease goes, then the files that nobody has."""
    for path in left_over(tables.root):
        filesystem(tables.root, SETTINGS).rm_file(path)
    needed = {file.path for number in range(tables.state().number + 1) for file in tables.state(number).files}
    for file in list(tables.store.files.stored()):
        if file.path not in needed:
            tables.store.files.remove(file.path)


def test_a_writer_that_was_taken_for_dead_commits_nothing(
    catalog_root: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables.create(catalog_root, SETTINGS, author="ada")
    commit = leases.Lease.confirm

    def confirm(self: leases.Lease) -> None:
        taken_for_dead(tables)
        commit(self)

    monkeypatch.setattr(leases.Lease, "confirm", confirm)
    with pytest.raises(CatalogError, match="nothing was committed"):
        add_concepts(tables, ROOF)
    assert tables.state().number == 0
    assert errors(tables) == []


def test_a_commit_whose_files_went_meanwhile_is_undone(
    catalog_root: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables.create(catalog_root, SETTINGS, author="ada")
    ingest(tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "Roof")])], folder=tmp_path)
    before = rows(tables, "SELECT class, annotation FROM annotations")
    other = Tables.open(catalog_root, SETTINGS)
    between(monkeypatch, before=lambda: taken_for_dead(other), after=lambda: None)
    with pytest.raises(CatalogError, match="took this writer for dead"):
        ingest(tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "Wall")])], folder=tmp_path)
    assert tables.log(limit=1)[0].message.startswith("undo state 2, whose files were removed")
    assert rows(tables, "SELECT class, annotation FROM annotations") == before
    assert errors(tables) == []


def test_files_that_are_gone_before_the_commit_are_said(
    catalog_root: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables.create(catalog_root, SETTINGS, author="ada")
    confirm = leases.Lease.confirm

    def vandal(self: leases.Lease) -> None:
        confirm(self)
        for path in Path(f"{catalog_root}/log/logical_table=annotations").iterdir():
            path.write_bytes(path.read_bytes()[:-1])

    monkeypatch.setattr(leases.Lease, "confirm", vandal)
    with pytest.raises(CatalogError, match="1 data files that were just written are gone or cut"):
        ingest(tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "Roof")])], folder=tmp_path)
    assert tables.state().number == 0


def lease_of(root: Location, process: str | None) -> Path:
    folder = Path(f"{root}/leases")
    folder.mkdir()
    place = folder / "0123456789abcdef.json"
    place.write_text(json.dumps({"by": "somebody", "process": process}))
    return place


@pytest.mark.parametrize(
    ("process", "age_s", "is_alive"),
    [
        ("another-boot pid:[1] 1 1", 0, True),
        ("another-boot pid:[1] 1 1", 3600, False),
        (None, 0, True),
        (None, 3600, False),
    ],
)
def test_a_lease_of_another_machine_ends_by_the_clock_of_the_store(
    catalog_root: Location, *, process: str | None, age_s: float, is_alive: bool
) -> None:
    Tables.create(catalog_root, SETTINGS, author="ada")
    place = lease_of(catalog_root, process)
    changed_s = place.stat().st_mtime - age_s
    os.utime(place, (changed_s, changed_s))
    (found,) = leases.found(catalog_root, SETTINGS)
    assert (found.id, found.is_alive) == ("0123456789abcdef", is_alive)


def test_a_lease_that_cannot_be_read_counts_until_it_is_old(catalog_root: Location) -> None:
    Tables.create(catalog_root, SETTINGS, author="ada")
    lease_of(catalog_root, None).write_text("{")
    assert [found.is_alive for found in leases.found(catalog_root, SETTINGS)] == [True]


def test_nobody_knows_whether_it_was_committed_so_the_lease_stays(
    catalog_root: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables.create(catalog_root, SETTINGS, author="ada")

    def unknown(*_: object, **__: object) -> None:
        raise CommitUnknown("the store answered neither yes nor no")

    monkeypatch.setattr(Log, "commit", unknown)
    with pytest.raises(CommitUnknown):
        add_concepts(tables, ROOF)
    assert tables.gc(grace_s=0).removed == ()


def test_half_a_download_and_a_writers_file_stay_in_the_cache(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    cache = tables.store.files.cache
    assert cache
    names = ("a.parquet.1.tmp", "0123456789abcdef-1.parquet", "fedcba9876543210-1.parquet")
    paths = [cache.folder / "logical_table=assets" / name for name in names]
    for path in paths:
        path.write_bytes(b"x")
    cache.forget(set(), writers={"0123456789abcdef"}, grace_s=-1)
    assert [path.exists() for path in paths] == [True, True, False]
