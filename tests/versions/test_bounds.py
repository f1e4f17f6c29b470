"""A small manifest that says to hold more than was frozen, or unpacks to gigabytes, is refused before it is read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacat.errors import SnapshotDamaged
from datacat.model.snapshot import Definition
from datacat.versions.manifest import batches
from datacat.versions.strange import measured_batches
from datacat.versions.verify import check_manifest

from .attacks import pushed_tree
from .lakes import drawn_lake, frozen, opened


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Definition]:
    """A folder with the catalog of one snapshot, two assets, and the place that it was pushed to."""
    folder = tmp_path_factory.mktemp("made")
    snapshots = opened(folder / "catalog")
    snapshot = frozen(snapshots, drawn_lake(folder / "lake", count=2))
    snapshots.push(str(folder / "share"))
    return folder, snapshot.definition


@pytest.fixture
def manifest(made: tuple[Path, Definition], tmp_path: Path) -> Path:
    """The files of the snapshot, for this test alone."""
    shutil.copytree(made[0] / "catalog" / "snapshots" / "roofs" / "1" / "manifest", tmp_path / "manifest")
    return tmp_path / "manifest"


def repeated(table: pa.Table, count: int) -> pa.Table:
    return table.slice(0, 1).combine_chunks().take(pa.array([0] * count))


def longer(table: pa.Table, column: str, size: int) -> pa.Table:
    """The table with a text of so many bytes in each row."""
    kind = table.schema.field(column).type
    text = ["x" * size] if pa.types.is_list(kind) else "x" * size
    values = pa.array([text], kind).take(pa.array([0] * len(table)))
    return table.set_column(table.schema.get_field_index(column), column, values)


def without_pages(path: Path) -> None:
    """Takes the rows of a Parquet file away, and leaves what it says of them."""
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(content[:4] + bytes(len(content) - length - 4) + content[-length:])


@pytest.mark.parametrize("table", ["assets", "annotations"])
def test_more_rows_than_were_frozen_are_not_read(
    made: tuple[Path, Definition], manifest: Path, table: str
) -> None:
    path = manifest / f"{table}.parquet"
    pq.write_table(repeated(pq.read_table(path), 500_000), path)
    without_pages(path)
    with pytest.raises(SnapshotDamaged, match=r"it has 500,000 rows, and \d were frozen"):
        check_manifest(manifest, made[1])


def test_a_text_far_longer_than_any_is_not_read(made: tuple[Path, Definition], manifest: Path) -> None:
    path = manifest / "assets.parquet"
    pq.write_table(longer(pq.read_table(path), "uri", 90_000_000), path, compression="zstd")
    without_pages(path)
    with pytest.raises(SnapshotDamaged, match=r"2 of its rows unpack to 90,\d{3},\d{3} bytes"):
        check_manifest(manifest, made[1])


@pytest.mark.parametrize("column", ["uri", "metadata", "label_sets"])
def test_a_text_that_stands_in_each_row_is_measured_before_it_is_unpacked(
    made: tuple[Path, Definition], manifest: Path, column: str
) -> None:
    """Parquet has it once, and so many bytes its footer says."""
    path = manifest / "assets.parquet"
    pq.write_table(longer(repeated(pq.read_table(path), 900), column, 200_000), path)
    assert path.stat().st_size < 300_000
    definition = dataclasses.replace(made[1], counts={**made[1].counts, "assets": 900})
    with pytest.raises(SnapshotDamaged, match=r"900 of its rows unpack to 180,\d{3},\d{3} bytes"):
        check_manifest(manifest, definition)


def test_more_names_than_a_dictionary_has_are_read(manifest: Path) -> None:
    """One row group, whose lists are written first by number and then as they are."""
    path = manifest / "assets.parquet"
    rows = repeated(pq.read_table(path), 3_000)
    names = pa.array([[f"team/{number:0600}"] for number in range(3_000)])
    rows = rows.set_column(rows.schema.get_field_index("label_sets"), "label_sets", names)
    pq.write_table(rows, path, compression="zstd")
    found = pa.Table.from_batches(measured_batches(manifest, "assets"))
    assert found.equals(pa.Table.from_batches(batches(manifest, "assets")))
    assert found["label_sets"].to_pylist() == names.to_pylist()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[["x"]], [["y"]]]),
        pa.array([{"a": "x"}, {"a": "y"}]),
        pa.array(["x", "y"]).dictionary_encode(),
    ],
    ids=["nested", "struct", "dictionary"],
)
def test_columns_of_another_kind_are_not_read(
    made: tuple[Path, Definition], manifest: Path, column: pa.Array
) -> None:
    path = manifest / "assets.parquet"
    rows = pq.read_table(path)
    pq.write_table(rows.set_column(0, "uri", column), path)
    with pytest.raises(SnapshotDamaged, match=r"it has a column .uri. of .*, as no manifest has"):
        check_manifest(manifest, made[1])


def test_a_whole_manifest_reads_the_same_either_way(made: tuple[Path, Definition], manifest: Path) -> None:
    check_manifest(manifest, made[1])
    for table in ("assets", "annotations"):
        rows = pq.read_table(manifest / f"{table}.parquet")
        with pq.ParquetWriter(manifest / f"{table}.parquet", rows.schema) as file:
            for place in range(len(rows)):  # a row group each, with other dictionaries
                file.write_table(rows.slice(place, 1))
        measured = pa.Table.from_batches(measured_batches(manifest, table))
        assert measured.equals(pa.Table.from_batches(batches(manifest, table)))
    check_manifest(manifest, made[1])


def replaced(share: Path, edit: Callable[[Path], None]) -> None:
    """Puts another assets.parquet into the manifest of roofs@1, under the digests that all then has."""
    objects = share / "dvc" / "files" / "md5"
    (old,) = objects.rglob("*.dir")
    listing, size = json.loads(old.read_text()), 0

    def put(content: bytes, ending: str = "") -> str:
        md5 = hashlib.md5(content).hexdigest()
        (objects / md5[:2]).mkdir(exist_ok=True)
        (objects / md5[:2] / f"{md5[2:]}{ending}").write_bytes(content)
        return md5

    for item in listing:
        path = objects / item["md5"][:2] / item["md5"][2:]
        if item["relpath"] == "assets.parquet":
            changed = share.parent / "assets.parquet"
            shutil.copy(path, changed)
            edit(changed)
            item["md5"], path = put(changed.read_bytes()), changed
        size += path.stat().st_size
    text = f"outs:\n- md5: {put(json.dumps(listing).encode(), '.dir')}.dir\n  size: {size}\n  nfiles: 2\n"
    pushed_tree(
        share,
        change=lambda work: (work / "roofs/1/manifest.dvc").write_text(
            f"{text}  hash: md5\n  path: manifest\n"
        ),
    )


def test_a_pull_refuses_more_rows_than_were_frozen(made: tuple[Path, Definition], tmp_path: Path) -> None:
    shutil.copytree(made[0] / "share", tmp_path / "share")
    replaced(tmp_path / "share", lambda path: pq.write_table(repeated(pq.read_table(path), 3_000_000), path))
    mine = opened(tmp_path / "mine")
    with pytest.raises(SnapshotDamaged, match=r"roofs@1: .*it has 3,000,000 rows, and 2 were frozen"):
        mine.pull(str(tmp_path / "share"))
    assert mine.list() == ()
