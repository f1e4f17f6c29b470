"""Snapshots with real git and DVC on local disk."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datacat.errors import NameInvalid, SnapshotDamaged, SnapshotExists, SnapshotNotFound, UsageError
from datacat.model.snapshot import Definition

from .lakes import Answer, drawn_lake, frozen, opened

_SPAWN = multiprocessing.get_context("spawn")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root / "snapshots"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_snapshot_is_created_listed_and_read(tmp_path: Path) -> None:
    lake = drawn_lake(tmp_path / "lake")
    snapshots = opened(tmp_path / "catalog")
    assert snapshots.list() == ()
    first = frozen(snapshots, lake, author="Ann")
    assert (first.name, first.is_new) == ("roofs@1", True)
    assert snapshots.list() == (first.definition,)
    assert snapshots.read("roofs@1").definition == first.definition
    assert first.assets().read_all().num_rows == 6
    splits = {split: first.assets(split).read_all().num_rows for split in ("train", "test")}
    assert splits == first.summary()["splits"]
    assert first.annotations().read_all()["attributes"][0].as_py() == '{"b": 1, "a": 1e400}'
    assert (first.definition.author, first.definition.state) == ("Ann", 7)
    assert snapshots.pinned_states() == {7}

    again = frozen(snapshots, lake, state=9)  # a later state, the same answer
    assert (again.name, again.is_new) == ("roofs@1", False)
    other = frozen(snapshots, lake, seed="1")
    assert (other.name, other.is_new) == ("roofs@2", True)
    assert snapshots.read("roofs").name == "roofs@2"
    assert [item.version for item in snapshots.list()] == [1, 2]

    assert _git(tmp_path / "catalog", "status", "--short") == ""
    assert _git(tmp_path / "catalog", "cat-file", "-t", "roofs@1").strip() == "tag"
    tracked = _git(tmp_path / "catalog", "ls-files", "roofs/1").split()
    assert tracked == ["roofs/1/definition.json", "roofs/1/manifest.dvc"]
    assert _git(tmp_path / "catalog", "log", "-1", "--format=%an", "roofs@1").strip() == "Ann"


def test_the_digest_is_the_same_in_another_catalog_at_another_time(tmp_path: Path) -> None:
    lake = drawn_lake(tmp_path / "lake")
    here = frozen(opened(tmp_path / "a"), lake, now=lambda: "2026-01-01T00:00:00+00:00")
    there = frozen(
        opened(tmp_path / "b"), lake, name="other", author="Bo", now=lambda: "2027-01-01T00:00:00+00:00"
    )
    assert there.definition.digest == here.definition.digest
    assert there.definition.time != here.definition.time


def test_verify_names_what_changed_and_what_is_gone(tmp_path: Path) -> None:
    lake = drawn_lake(tmp_path / "lake")
    lake.add_asset(str(tmp_path / "lake" / "never.png"), None)
    snapshot = frozen(opened(tmp_path / "catalog"), lake)
    never = (str(tmp_path / "lake" / "never.png"),)
    report = snapshot.verify()
    assert (report.ok, report.checked, report.unverifiable) == (True, 7, never)

    pictures = sorted((tmp_path / "lake").glob("*.png"))
    content = bytearray(pictures[0].read_bytes())
    content[-1] ^= 1
    pictures[0].write_bytes(content)  # as long as before
    pictures[1].write_bytes(b"short")
    pictures[2].unlink()
    pictures[3].unlink()
    pictures[3].mkdir()
    report = snapshot.verify()
    assert not report.ok
    assert report.changed[:2] == (str(pictures[0]), str(pictures[1]))
    assert report.gone == (str(pictures[2]),)
    assert str(pictures[3]) in {*report.changed, *(uri for uri, _ in report.unreadable)}
    assert report.unverifiable == never
    quick = snapshot.verify(quick=True)
    assert str(pictures[0]) not in quick.changed
    assert str(pictures[1]) in quick.changed


def test_a_damaged_manifest_is_refused_and_comes_back_from_the_cache(tmp_path: Path) -> None:
    lake = drawn_lake(tmp_path / "lake", count=3)
    snapshot = frozen(opened(tmp_path / "catalog"), lake)
    folder = tmp_path / "catalog" / "snapshots" / "roofs" / "1" / "manifest"
    table = pq.read_table(folder / "assets.parquet")
    pq.write_table(table.slice(1), folder / "assets.parquet")
    for use in (snapshot.verify, lambda: snapshot.checkout(tmp_path / "out")):
        with pytest.raises(SnapshotDamaged, match=r"roofs@1 is not what was frozen: other assets and split"):
            use()
    (folder / "assets.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(SnapshotDamaged, match=r"assets\.parquet: cannot be read"):
        snapshot.verify()
    assert not (tmp_path / "out").exists()

    (folder / "assets.parquet").unlink()
    out = snapshot.checkout(tmp_path / "out")
    assert sorted(os.listdir(out)) == ["annotations.parquet", "assets.parquet", "definition.json"]
    assert pq.read_table(out / "assets.parquet").equals(table)
    assert Definition.from_json((out / "definition.json").read_text(), where="out") == snapshot.definition
    for path in (folder / "assets.parquet", *_cached(tmp_path / "catalog")):
        path.unlink()
    with pytest.raises(SnapshotDamaged, match="its manifest is in no cache"):
        snapshot.verify()


def _cached(root: Path) -> list[Path]:
    return [path for path in (root / "snapshots" / ".dvc" / "cache" / "files").rglob("*") if path.is_file()]


def _create(root: str, lake_folder: str, name: str, seed: str) -> None:
    frozen(opened(root), drawn_lake(Path(lake_folder), count=12), name=name, seed=seed)


def test_a_killed_creation_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    lake = drawn_lake(tmp_path / "lake", count=12)
    root = tmp_path / "catalog"
    started = time.monotonic()
    frozen(opened(root), lake)
    lasts_s = time.monotonic() - started
    chance = random.Random(4)
    for attempt in range(8):
        arguments = (str(root), str(tmp_path / "lake"), "roofs", str(attempt + 1))
        process = _SPAWN.Process(target=_create, args=arguments)
        before = opened(root).list()
        process.start()
        _wait_for_staging(root)
        time.sleep(chance.uniform(0, lasts_s))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        listed = opened(root).list()
        assert listed[: len(before)] == before
        assert len(listed) - len(before) in (0, 1)
        completed = frozen(opened(root), lake, seed=str(attempt + 1))
        assert completed.name == f"roofs@{attempt + 2}"
        assert completed.verify().ok
    assert len(opened(root).list()) == 9
    assert _git(root, "status", "--short") == ""
    assert not (root / "snapshots" / ".staging").exists()


def _wait_for_staging(root: Path) -> None:
    """Until the child is at work: what was staged before has been swept away."""
    marker = root / "snapshots" / ".staging" / "before"
    marker.parent.mkdir()
    marker.touch()
    deadline = time.monotonic() + 60
    while marker.exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def test_a_lost_tag_is_a_lost_tag_and_no_lost_snapshot(tmp_path: Path) -> None:
    lake = drawn_lake(tmp_path / "lake", count=3)
    snapshots = opened(tmp_path / "catalog")
    frozen(snapshots, lake)
    frozen(snapshots, lake, seed="1")
    _git(tmp_path / "catalog", "tag", "-d", "roofs@2")
    assert [item.version for item in snapshots.list()] == [1, 2]
    with pytest.raises(
        SnapshotDamaged, match="roofs@2: its tag is gone from git\nRun: datacat snapshot repair"
    ):
        frozen(snapshots, lake, seed="2")
    assert snapshots.repair().whole == ("roofs@1", "roofs@2")
    assert frozen(snapshots, lake, seed="2").name == "roofs@3"
    assert _git(tmp_path / "catalog", "tag").split() == ["roofs@1", "roofs@2", "roofs@3"]


def test_two_at_once_both_succeed(tmp_path: Path) -> None:
    folder, root = str(tmp_path / "lake"), str(tmp_path / "catalog")
    drawn_lake(tmp_path / "lake", count=12)
    wanted = [("roofs", "0"), ("roofs", "1"), ("cars", "0"), ("cars", "0")]
    processes = [_SPAWN.Process(target=_create, args=(root, folder, name, seed)) for name, seed in wanted]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert [str(item.snapshot) for item in opened(root).list()] == ["cars@1", "roofs@1", "roofs@2"]


def test_a_colleague_pulls_verifies_and_exports(tmp_path: Path) -> None:
    lake = drawn_lake(tmp_path / "lake", count=12)
    remote = str(tmp_path / "remote")
    mine, theirs = opened(tmp_path / "mine", dvc_remote=remote), opened(tmp_path / "theirs")
    frozen(mine, lake)
    assert mine.push() == ("roofs@1",)
    assert mine.push() == ()
    assert theirs.pull(remote) == ("roofs@1",)
    assert theirs.pull(remote) == ()
    assert theirs.list() == mine.list()
    assert theirs.read("roofs").verify().ok
    report = theirs.read("roofs").export(tmp_path / "out", format="parquet")
    assert report.files == 3

    frozen(theirs, lake, seed="their own")
    frozen(mine, lake, name="mine", seed="1")
    assert theirs.push(remote) == ("roofs@2",)
    assert mine.push() == ("mine@1",)
    assert theirs.pull(remote) == ("mine@1",)
    assert [str(item.snapshot) for item in theirs.list()] == ["mine@1", "roofs@1", "roofs@2"]

    frozen(mine, lake, seed="another")  # mine is roofs@2 as well
    for exchange in (mine.push, mine.pull):
        with pytest.raises(SnapshotExists, match="roofs@2 here and there hold different things"):
            exchange()
    assert mine.read("roofs@2").definition.split.seed == "another"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    snapshots = opened(tmp_path / "catalog")
    with pytest.raises(SnapshotNotFound, match=r"no snapshot roofs@1\nNone was frozen yet"):
        snapshots.read("roofs@1")
    frozen(snapshots, drawn_lake(tmp_path / "lake", count=1))
    with pytest.raises(SnapshotNotFound, match=r"There are: roofs@1"):
        snapshots.read("roofs@2")
    with pytest.raises(UsageError, match="has no split 'val'"):
        snapshots.read("roofs").assets("val")
    with pytest.raises(UsageError, match="no remote is named"):
        snapshots.push()
    with pytest.raises(Exception, match="no snapshot was ever pushed here"):
        snapshots.pull(str(tmp_path / "empty"))
    with pytest.raises(NameInvalid):
        frozen(snapshots, drawn_lake(tmp_path / "lake", count=1), name="a..b")


def test_a_refused_creation_changes_nothing(tmp_path: Path) -> None:
    snapshots = opened(tmp_path / "catalog")
    with pytest.raises(UsageError, match="nothing to freeze"):
        frozen(snapshots, drawn_lake(tmp_path / "lake", count=1), answer=Answer([]))
    assert snapshots.list() == ()


def test_definition_json_is_canonical_and_from_another_format_refused(tmp_path: Path) -> None:
    snapshot = frozen(opened(tmp_path / "catalog"), drawn_lake(tmp_path / "lake", count=1))
    text = snapshot.definition.to_json()
    values = json.loads(text)
    assert list(values) == sorted(values)
    assert values["question"]["concepts"] == {"roof": ["mapping:Roof", "claims:rooftop"]}
    with pytest.raises(SnapshotDamaged, match="has format 2"):
        Definition.from_json(json.dumps(values | {"format": 2}), where="x")
    with pytest.raises(SnapshotDamaged, match="cannot be read"):
        Definition.from_json("[]", where="x")
