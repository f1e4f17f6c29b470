"""Compaction, checkpoints, gc: fewer files, the same rows, nothing lost that somebody needs."""

from __future__ import annotations

import dataclasses
import os
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pytest

from datacat.errors import CatalogError
from datacat.model.schemas import TABLES
from datacat.sources.location import Location
from datacat.tables import Tables, upkeep
from datacat.testing.staging import LabelFile, box, corpus, ingest
from tests.tables.places import SETTINGS, rows

A, B = "/lake/a.png", "/lake/b.png"


@pytest.fixture
def tables(catalog_root: Location, tmp_path: Path) -> Tables:
    """Three label sets, the first of which changed twice: states 0 to 5."""
    made = Tables.create(catalog_root, SETTINGS, author="ada")
    corpus(made, folder=tmp_path)
    for count in (1, 2):
        files = [LabelFile(f"/l/{n}", [A], [box(A, "Roof", attributes={"n": n})]) for n in range(count)]
        ingest(made, "mapping/more", files=files, folder=tmp_path)
    return made


def everything(tables: Tables, at: int | None = None) -> dict[str, list[tuple[object, ...]]]:
    return {
        kind: rows(tables, f"SELECT * EXCLUDE ({times}) FROM {kind} ORDER BY ALL", at)
        for kind, times in ((kind, _times(kind)) for kind in TABLES)
        if times
    } | {kind: rows(tables, f"FROM {kind} ORDER BY ALL", at) for kind in TABLES if not _times(kind)}


def _times(kind: str) -> str:
    return ", ".join(field.name for field in TABLES[kind] if pa.types.is_timestamp(field.type))


def old(path: Path) -> None:
    """Makes a file two hours old."""
    os.utime(path, (time.time() - 7200,) * 2)


def data(tables: Tables) -> Path:
    return Path(f"{tables.root}/log")


def test_compaction_changes_no_row(tables: Tables) -> None:
    before = everything(tables)
    report = tables.compact(author="ada")
    assert report.files_after < report.files_before
    assert everything(tables) == before
    assert tables.log(limit=1)[0].changes == ()
    assert [(file.low, file.high) for file in tables.state().of("annotations")] == [(1, 4)]
    assert len(tables.state().of("assets")) == 1
    assert everything(tables, at=5) == before


def test_compaction_of_what_is_compact_commits_nothing(tables: Tables) -> None:
    tables.compact(author="ada")
    report = tables.compact(author="ada")
    assert (report.files_before, report.state) == (report.files_after, 6)


def test_a_checkpoint_opens_without_the_entries_before(tables: Tables) -> None:
    tables.compact(author="ada")
    before = everything(tables)
    for number in range(6):
        (data(tables) / f"_delta_log/{number:020}.json").rename(data(tables) / f"_delta_log/x{number}")
    assert everything(Tables.open(tables.root, SETTINGS)) == before


def test_an_ingest_goes_on_after_compaction(tables: Tables, tmp_path: Path) -> None:
    tables.compact(author="ada")
    report = ingest(tables, "mapping/more", files=[], folder=tmp_path)
    assert (report.removed, report.annotations) == (2, 0)
    assert list(tables.check(tables.state())) == []


def test_compaction_leaves_what_is_not_tiny_to_its_label_set(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_TINY_ROWS", 1)
    tables.compact(author="ada")
    owners = [(file.low, file.high) for file in tables.state().of("annotations")]
    assert sorted(owners) == [(1, 1), (2, 2), (3, 3), (4, 4)]


@pytest.mark.parametrize("is_compact", [False, True])
def test_files_that_label_sets_share_change_nothing(tables: Tables, tmp_path: Path, is_compact: bool) -> None:
    """The same ingests into files of their own and into shared ones: the same rows, reports and counts."""
    other = Tables.create(Location(f"{tmp_path}/other"), SETTINGS, author="ada")
    corpus(other, folder=tmp_path)
    for count in (1, 2):
        files = [LabelFile(f"/l/{n}", [A], [box(A, "Roof", attributes={"n": n})]) for n in range(count)]
        ingest(other, "mapping/more", files=files, folder=tmp_path)
    changed = [
        (
            "mapping/more",
            [LabelFile("/l/0", [A, B], [box(B, "Wall", attributes={"n": 7, "deep": {"er": "x"}})])],
        ),
        ("driving/street", [LabelFile("/l/9", [B], [box(B, "car", attributes={"n": 1})])]),
        ("new/set", [LabelFile("/l/3", [B], [box(B, "car")])]),
        ("mapping/more", []),
    ]
    for name, files in changed:
        if is_compact:
            tables.compact(author="ada")
        reports = [ingest(each, name, files=files, folder=tmp_path) for each in (tables, other)]
        facts = [dataclasses.replace(report, state=0) for report in reports]
        assert facts[0] == facts[1]
        assert everything(tables) == everything(other)
    assert list(tables.check(tables.state())) == []


def test_tiny_files_of_many_label_sets_are_merged_unasked(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_UNTIDY", 5)
    before = tables.state()
    report = ingest(tables, "new/set", files=[LabelFile("/l/3", [B], [box(B, "car")])], folder=tmp_path)
    assert [entry.message for entry in tables.log(limit=2)] == ["compact", "ingest new/set"]
    assert (report.state, tables.state().number) == (before.number + 1, before.number + 2)
    assert [(file.low, file.high) for file in tables.state().of("annotations")] == [(1, 5)]
    ingest(tables, "new/other", files=[LabelFile("/l/4", [B], [box(B, "car")])], folder=tmp_path)
    assert tables.log(limit=1)[0].message == "ingest new/other"


def test_an_ingest_has_happened_though_tidying_behind_it_fails(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_UNTIDY", 5)
    before = tables.state()
    damaged = data(tables) / before.of("annotations")[0].path
    damaged.write_bytes(b"PAR1" * (damaged.stat().st_size // 4))
    report = ingest(tables, "new/set", files=[LabelFile("/l/3", [B], [box(B, "car")])], folder=tmp_path)
    assert (report.state, report.annotations) == (before.number + 1, 1)
    assert (tables.state().number, tables.log(limit=1)[0].message) == (report.state, "ingest new/set")
    with pytest.raises(CatalogError, match="annotations cannot be written"):
        tables.compact(author="ada")


def test_gc_removes_nothing_that_any_state_has(tables: Tables) -> None:
    before = [everything(tables, at) for at in range(6)]
    for path in data(tables).rglob("*.parquet"):
        old(path)
    assert not any(path.endswith(".parquet") for path in tables.gc(grace_s=0).removed)
    assert [everything(tables, at) for at in range(6)] == before


def test_gc_removes_orphans_and_spares_the_young(tables: Tables) -> None:
    orphan, young, litter = (
        data(tables) / f"logical_table=assets/nobody-{uuid.uuid4()}.parquet",
        data(tables) / f"logical_table=assets/nobody-{uuid.uuid4()}.parquet",
        Path(f"{tables.root}/ids/0000000009.json.{uuid.uuid4().hex}.tmp"),
    )
    for path in (orphan, young, litter):
        path.write_bytes(b"x" * 10)
    old(orphan)
    old(litter)
    assert set(tables.gc(dry_run=True).removed) == {str(orphan), str(litter)}
    assert orphan.exists()
    report = tables.gc()
    assert (report.bytes, report.spared) == (20, 1)
    assert (orphan.exists(), litter.exists(), young.exists()) == (False, False, True)


def test_gc_forgets_old_states_but_not_pinned_ones(tables: Tables) -> None:
    tables.compact(author="ada")
    newest, pinned = everything(tables), everything(tables, at=2)
    tables.gc(grace_s=0, pinned=lambda: {2}, forget_before=6)
    again = Tables.open(tables.root, SETTINGS)
    assert everything(again) == newest
    assert everything(again, at=2) == pinned
    with pytest.raises(CatalogError, match="state 5 is gone"):
        rows(again, "FROM annotations", at=5)
    assert list(again.check(again.state())) == []


def test_gc_never_forgets_the_newest_state(tables: Tables) -> None:
    before = everything(tables)
    tables.gc(grace_s=0, forget_before=1000)
    assert everything(tables) == before


def test_gc_refuses_where_the_log_cannot_say(tables: Tables) -> None:
    (data(tables) / f"_delta_log/{2:020}.json").unlink()
    with pytest.raises(CatalogError, match="log entry 2"):
        tables.gc(grace_s=0)


def test_old_reservations_go_and_numbers_go_on(tables: Tables, tmp_path: Path) -> None:
    for number in range(12):
        ingest(tables, "a/b", files=[LabelFile(f"/x/{number}", [B])], folder=tmp_path)
    before = len(list(Path(f"{tables.root}/ids").glob("0*.json")))
    tables.gc(grace_s=0)
    assert len(list(Path(f"{tables.root}/ids").glob("0*.json"))) == 10 < before
    ingest(tables, "a/b", files=[LabelFile("/x/y", ["/lake/new.png"])], folder=tmp_path)
    assert list(tables.check(tables.state())) == []


def test_the_cache_of_s3_files_is_cleaned_too(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    ingest(tables, "claims/damage", files=[], folder=tmp_path)
    cache = tables.store.files.cache
    assert cache
    tables.gc(grace_s=0, forget_before=1000)
    assert {path.relative_to(cache.folder).as_posix() for path in cache.folder.rglob("*.parquet")} == {
        file.path for file in tables.state().files
    }
    assert len(rows(tables, "FROM annotations")) == 5
