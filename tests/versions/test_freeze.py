"""What goes into a manifest."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacat.errors import SnapshotError, UsageError
from datacat.model.schemas import TABLES
from datacat.model.snapshot import COUNTED_BESIDE, LATER, LATER_OF_ASSETS, MANIFEST, SplitRule
from datacat.versions.freeze import freeze
from datacat.versions.manifest import Contents, batches, writer
from datacat.versions.strange import reckon

from .lakes import Answer, Lake

_HALVES = SplitRule.parse("train=0.5,test=0.5")


def _frozen(lake: Lake, folder: Path, answer: Answer, *, policy: str = "matching") -> Contents:
    folder.mkdir(exist_ok=True)
    return freeze(lake.cursor(), answer, rule=_HALVES, annotations=policy, into=folder)


def _rows(folder: Path, table: str) -> list[dict[str, object]]:
    return pa.Table.from_batches(batches(folder, table), schema=MANIFEST[table]).to_pylist()


def _lake() -> Lake:
    lake = Lake()
    for uri, content in (("s3://lake/b.png", b"b"), ("s3://lake/a.png", b"a"), ("s3://lake/gone.png", None)):
        asset = lake.add_asset(uri, content)
        lake.add_annotation(asset, **{"class": "roof"}, attributes='{"n": 12345678901234567890, "n": 1}')
        lake.add_annotation(asset, **{"class": "car"})
    return lake


def test_matching_annotations_go_in_ordered_by_uri(tmp_path: Path) -> None:
    _frozen(_lake(), tmp_path, Answer([0, 1], [0, 2, 5]))  # 5 is of an asset that was not found
    rows = _rows(tmp_path, "annotations")
    assert [(row["uri"], row["class"]) for row in rows] == [
        ("s3://lake/a.png", "roof"),
        ("s3://lake/b.png", "roof"),
    ]
    assert rows[0]["attributes"] == '{"n": 12345678901234567890, "n": 1}'
    assert rows[0]["label_set"] == "claims/houses"


def test_all_annotations_go_in_where_told_or_where_none_was_asked_for(tmp_path: Path) -> None:
    lake = _lake()
    told = _frozen(lake, tmp_path / "told", Answer([0, 1], [0]), policy="all")
    unasked = _frozen(lake, tmp_path / "unasked", Answer([0, 1], None))
    assert told.counts["annotations"] == 4
    assert told.digest == unasked.digest


def test_an_answer_of_no_annotation_freezes_none(tmp_path: Path) -> None:
    assert _frozen(_lake(), tmp_path, Answer([0], [])).counts["annotations"] == 0


def test_assets_have_no_internal_identifier_and_keep_what_is_known(tmp_path: Path) -> None:
    _frozen(_lake(), tmp_path, Answer([2, 2, 0]))
    present, gone = _rows(tmp_path, "assets")
    numbers = {"annotation", "asset", "source_file"}
    assert numbers <= set(TABLES["annotations"].names)
    assert not numbers & {*MANIFEST["assets"].names, *MANIFEST["annotations"].names}
    assert gone["digest"] is None
    assert gone["is_missing"]
    assert (gone["width"], gone["height"]) == (64, 48)  # as its label file says
    assert gone["label_sets"] == ["mapping/roofs"]
    assert present["size"] == 1


def test_equal_bytes_share_a_split_whatever_their_names(tmp_path: Path) -> None:
    lake = Lake()
    for number in range(40):
        lake.add_asset(f"/lake/{number}.png", bytes([number // 2]))
    _frozen(lake, tmp_path, Answer(range(40)))
    splits = {row["digest"]: {row["split"]} for row in _rows(tmp_path, "assets")}
    for row in _rows(tmp_path, "assets"):
        splits[row["digest"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert len(set.union(*splits.values())) == 2


def test_the_digest_is_the_same_from_other_identifiers_row_groups_and_row_orders(tmp_path: Path) -> None:
    lake = _lake()
    contents = _frozen(lake, tmp_path / "here", Answer([0, 1, 2]))
    other = Lake()
    for row in reversed(lake.rows["assets"]):
        number = other.add_asset(
            row["uri"], None, **{k: v for k, v in row.items() if k not in ("asset", "uri")}
        )
        other.rows["label_set_assets"][number]["label_set"] = row["asset"] % 2
    for row in reversed(lake.rows["annotations"]):
        said = {key: row[key] for key in row if key not in ("annotation", "asset")}
        other.add_annotation(2 - row["asset"], **said)
    assert _frozen(other, tmp_path / "there", Answer([2, 0, 1])).digest == contents.digest
    (tmp_path / "rewritten").mkdir()
    for table, schema in MANIFEST.items():
        rows = pa.Table.from_batches(batches(tmp_path / "here", table), schema=schema)
        with writer(tmp_path / "rewritten", table) as parquet:
            parquet.write_table(rows.take(list(reversed(range(len(rows))))), row_group_size=2)
    counts = {name: count for name, count in contents.counts.items() if name not in COUNTED_BESIDE}
    assert reckon(tmp_path / "rewritten", counts=contents.counts) == replace(contents, counts=counts)
    assert pq.ParquetFile(tmp_path / "rewritten" / "assets.parquet").num_row_groups == 2


def test_counts_are_per_split(tmp_path: Path) -> None:
    counts = _frozen(_lake(), tmp_path, Answer([0, 1, 2])).counts
    assert counts["assets"] == 3 == sum(value for key, value in counts.items() if key.startswith("split:"))


def test_nothing_found_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no asset matches 'roof'"):
        _frozen(_lake(), tmp_path, Answer([]))


def test_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no annotation policy 'best'"):
        _frozen(_lake(), tmp_path, Answer([0]), policy="best")


def test_an_answer_from_another_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="2 assets were found, 1 of them"):
        _frozen(_lake(), tmp_path, Answer([0, 99]))


def test_the_session_time_zone_changes_nothing(tmp_path: Path) -> None:
    lake = _lake()
    lake.rows["annotations"][0]["created"] = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
    cursor: duckdb.DuckDBPyConnection = lake.cursor()
    cursor.execute("SET TimeZone = 'Asia/Tokyo'")
    there = freeze(cursor, Answer([0]), rule=_HALVES, annotations="all", into=tmp_path)
    assert there.digest == _frozen(lake, tmp_path / "here", Answer([0])).digest


def _as_before(folder: Path) -> None:
    """Rewrites a manifest as it was before annotations had a model and a track, and assets metadata."""
    for table, later in (("annotations", LATER), ("assets", LATER_OF_ASSETS)):
        path = folder / f"{table}.parquet"
        pq.write_table(pq.read_table(path).drop_columns(list(later)), path)


def test_a_manifest_without_later_columns_keeps_its_digest_and_is_read(tmp_path: Path) -> None:
    contents = _frozen(_lake(), tmp_path, Answer([0, 1], None))
    _as_before(tmp_path)
    assert reckon(tmp_path, counts=contents.counts) == contents
    rows = _rows(tmp_path, "annotations")
    assert len(rows) == 4
    assert {(row["model"], row["track"]) for row in rows} == {(None, None)}


def test_models_and_tracks_are_frozen_and_digested(tmp_path: Path) -> None:
    plain, named = _lake(), _lake()
    named.rows["annotations"][0] |= {"model": "yolo-v11", "track": "7"}
    before, after = (
        _frozen(lake, tmp_path / str(number), Answer([0, 1], None))
        for number, lake in enumerate((plain, named))
    )
    assert before.digests.annotations != after.digests.annotations
    assert before.digests.assets == after.digests.assets
    assert reckon(tmp_path / "1", counts=after.counts) == after
    found = {(row["model"], row["track"]) for row in _rows(tmp_path / "1", "annotations")}
    assert found == {("yolo-v11", "7"), (None, None)}
    _as_before(tmp_path / "1")
    assert reckon(tmp_path / "1", counts=after.counts).digest == before.digest


def test_metadata_are_frozen_by_label_set_and_digested(tmp_path: Path) -> None:
    plain, said = _lake(), _lake()
    said.rows["label_set_assets"][0]["metadata"] = '{"b": 1.50, "a": [1]}'
    said.rows["label_set_assets"].append({"asset": 0, "label_set": 1, "metadata": '{"c": 2}'})
    before, after = (
        _frozen(lake, tmp_path / str(number), Answer([0, 1], None))
        for number, lake in enumerate((plain, said))
    )
    assert before.digest != after.digest
    found = [row["metadata"] for row in _rows(tmp_path / "1", "assets")]
    assert found == [
        None,
        '[{"label_set": "claims/houses", "metadata": {"c": 2}}, '
        '{"label_set": "mapping/roofs", "metadata": {"b": 1.50, "a": [1]}}]',
    ]
