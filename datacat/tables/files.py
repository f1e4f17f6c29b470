"""Data files: written by DuckDB, synced, uploaded where the root is remote, read through a local copy."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError
from datacat.model.schemas import TABLES
from datacat.sources.location import Location, as_pattern, filesystem, store_errors
from datacat.tables import leases
from datacat.tables.cache import Cache
from datacat.tables.change import Written
from datacat.tables.connection import quoted
from datacat.tables.durable import made_folder, sync_file, sync_folder
from datacat.tables.lookup import files_at
from datacat.tables.state import PARTITION, PRUNED_BY, DataFile

# Files of at most 128 row groups of the default size, 16 million rows. zstd at level 1 takes a third less time
# than at 3 and as many bytes (7 million rows of attribute_values: 2.0 s, 51 MB). DuckDB adds Bloom filters to
# columns that have a dictionary. Version 2 stores identifiers as differences: the files of 10 million annotations
# shrink from 728 to 647 MB, and two conditions on a class take half the time.
_OPTIONS = (
    "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUPS_PER_FILE 128, "
    "APPEND true, RETURN_STATS true"
)
_ROW_GROUP = 122_880  # DuckDB's own default
# Fetching the 50 annotations of a page decompresses the documents of each row group that has one of them.
_ANNOTATIONS_ROW_GROUP = 20_480
# A query for one value reads the row groups of one path and class, in each label set. With 12 label sets of
# 580,000 leaves, two conditions on a class took 48 ms with row groups of the default size, 30 with 20,480, 20 with
# 10,240; but each row group that is skipped costs 3.5 us, so large files keep large ones.
_INDEX_ROW_GROUPS = 32
_SMALLEST_ROW_GROUP = 16_384
ORDER = {
    "annotations": '"class", asset, annotation',
    # By value before class: a range of numbers without a class reads 8 ms where it read 32, two keys without one 24
    # where they read 60; a class with two keys takes as long (1 million annotations in 12 label sets).
    "attribute_values": 'path, number, text, "class", asset, annotation',
    "assets": "asset",
    "copies": "asset",
    "label_set_assets": "asset, source_file",
    "metadata_values": "path, number, text, asset",
    "coverage": '"class", asset',
    "source_files": "source_file",
    "rejects": "source_file",
    "label_sets": "label_set",
    "sources": "source",
    "class_counts": 'label_set, "class"',
    "path_counts": 'label_set, path, "class"',
    "concepts": 'concept, team, "class"',
    "concept_details": "concept",
    "saved_searches": "name",
}
_LOOKS = 16
_TEXT_SHOWN = 200  # characters; longer values are left out of the log's statistics
_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A data file that lies there, whether a state has it or not. `path` is relative to the log's folder."""

    path: str
    size: int
    changed_s: float  # since 1970


class Files:
    """The data files below `<root>/log`."""

    def __init__(self, root: Location, settings: Settings) -> None:
        self.log = root.child("log")
        self.cache = Cache(self.log, settings) if root.is_s3 else None
        self._settings = settings
        self._folder = self.cache.folder if self.cache else Path(self.log.path)

    @property
    def folder(self) -> str:
        """Where DuckDB reads the data files: the log's folder, or that of the local copies."""
        return str(self._folder)

    def write(
        self, cursor: duckdb.DuckDBPyConnection, kind: str, *, rows: str, about: int | None = None
    ) -> list[Written]:
        """Writes the rows of a SELECT in the order of their kind, none where there are none.

        The files are whole and synced when this returns; nobody sees them before a commit names them.

        Args:
            cursor: in which `rows` can be run.
            kind: of `TABLES`.
            rows: the SELECT.
            about: roughly how many there are, where that is known.

        Raises:
            CatalogError: the disk is full, say.
        """
        folder = self._folder / f"{PARTITION}={kind}"
        lease = leases.current()
        # With their types: DuckDB stores a column of nothing but NULL as integers, and others beside it as text.
        columns = ", ".join(
            f'"{field.name}"::{duckdb_type(field.type)} AS "{field.name}"' for field in TABLES[kind]
        )
        ordered = f"SELECT {columns} FROM ({rows}) ORDER BY {ORDER[kind]}"  # noqa: S608 - our own names
        options = f"{_OPTIONS}, ROW_GROUP_SIZE {_row_group(kind, about)}"
        pattern = f"FILENAME_PATTERN '{lease.id}-{{uuid}}'" if lease else "FILENAME_PATTERN '{uuid}'"
        copy = f"COPY ({ordered}) TO {quoted(str(folder))} ({options}, {pattern})"
        try:
            made_folder(str(folder))
            copied = cursor.execute(copy).fetchall()
            written = [self._kept(Path(item[0]), kind, count=item[1], statistics=item[4]) for item in copied]
            sync_folder(str(folder))
        except _failures() as error:
            raise CatalogError(f"{kind} cannot be written: {error}", where=str(self.log)) from error
        return [item for item in written if item is not None]

    def local(self, files: Sequence[DataFile]) -> list[str]:
        """Paths that DuckDB can read, fetched first where the root is remote."""
        if self.cache:
            self.cache.fetch(files)
        folder = str(self._folder)
        return [f"{folder}/{file.path}" for file in files]  # of 84 files Path makes it 20 times as long

    def select(
        self, kind: str, files: Sequence[DataFile], *, with_name: bool = False, label_set: int | None = None
    ) -> str:
        """A SELECT over files of a kind, with all its columns; empty and typed where there are none.

        Args:
            kind: of `TABLES`.
            files: which.
            with_name: adds the column `filename`, as `local` gives it.
            label_set: leaves out the rows of others, which may lie in the same file.
        """
        paths = self.local(files)
        if not paths:
            typed = [f'NULL::{duckdb_type(field.type)} AS "{field.name}"' for field in TABLES[kind]]
            typed += ["NULL::VARCHAR AS filename"] if with_name else []
            return f"SELECT {', '.join(typed)} WHERE false"
        columns = ", ".join(f'"{name}"' for name in TABLES[kind].names) + (", filename" if with_name else "")
        listed = ", ".join(quoted(as_pattern(path)) for path in paths)
        options = "hive_partitioning = false" + (", filename = true" if with_name else "")
        is_shared = label_set is not None and any(not file.low == file.high == label_set for file in files)
        where = f" WHERE label_set = {label_set}" if is_shared else ""
        return f"SELECT {columns} FROM read_parquet([{listed}], {options}){where}"  # noqa: S608 - our own names

    def select_at(self, kind: str, files: Sequence[DataFile]) -> str:
        """A SELECT as `select` gives, of at least the rows in which the column that comes first is `wanted`."""
        listed = files_at(files, [as_pattern(path) for path in self.local(files)]) if files else None
        if listed is None:
            return self.select(kind, files)
        columns = ", ".join(f'"{name}"' for name in TABLES[kind].names)
        return f"SELECT {columns} FROM read_parquet({listed}, hive_partitioning = false)"  # noqa: S608 - our own names

    def remove(self, relative: str) -> None:
        """Deletes a data file, and its local copy; it may be gone already."""
        if self.cache:
            (self._folder / relative).unlink(missing_ok=True)
        try:
            filesystem(self.log, self._settings).rm_file(self.log.child(relative).path)
        except FileNotFoundError:
            return
        except store_errors() as error:
            raise LocationError(f"cannot be removed: {error}", where=str(self.log.child(relative))) from error

    def discard(self, written: Iterable[Written]) -> None:
        """Deletes files that were written for a commit that was given up."""
        for file, _ in written:
            self.remove(file.path)

    def amiss(self, written: Iterable[Written]) -> list[str]:
        """Paths of files that were written and are not there, or have another size.

        Raises:
            LocationError: the store does not say.
        """
        files = [file for file, _ in written]
        with ThreadPoolExecutor(_LOOKS) as pool:
            sizes = pool.map(self._size, [file.path for file in files])
            return [file.path for file, size in zip(files, sizes, strict=True) if size != file.size]

    def _size(self, relative: str) -> int | None:
        place = self.log.child(relative)
        try:
            return int(filesystem(place, self._settings).info(place.path)["size"])
        except FileNotFoundError:
            return None
        except store_errors() as error:
            raise LocationError(f"cannot be read: {error}", where=str(place)) from error

    def stored(self) -> Iterator[Stored]:
        """Every file in the folders of data files."""
        fs = filesystem(self.log, self._settings)
        for kind in TABLES:
            folder = f"{PARTITION}={kind}"
            try:
                found = fs.find(self.log.child(folder).path, detail=True)
            except FileNotFoundError:
                continue
            except store_errors() as error:
                raise LocationError(f"cannot be listed: {error}", where=str(self.log)) from error
            for name, facts in found.items():
                path = f"{folder}/{name.rsplit('/', 1)[1]}"
                if name == self.log.child(path).path:  # what lies deeper is not ours
                    yield Stored(path, int(facts["size"]), leases.changed(facts))

    def _kept(
        self, path: Path, kind: str, *, count: int, statistics: dict[str, dict[str, str]]
    ) -> Written | None:
        if not count:
            path.unlink()
            return None
        path = path.rename(path.with_name(_name(path)))
        relative = path.relative_to(self._folder).as_posix()
        if self.cache:
            filesystem(self.log, self._settings).put_file(str(path), self.log.child(relative).path)
        else:
            sync_file(str(path))
        described = _described(kind, statistics)
        low, high = described["minValues"].get("label_set"), described["maxValues"].get("label_set")
        file = DataFile(kind, relative, path.stat().st_size, count, low, high)
        return file, json.dumps({"numRecords": count, **described})


def _name(path: Path) -> str:
    """Whose a file is, what tells it from others, and the sha256 of its bytes: what gc and `doctor --deep` go by."""
    lease = leases.current()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{lease.id if lease else 'nobody'}-{uuid.uuid4().hex[:16]}-{digest}.parquet"


def _row_group(kind: str, about: int | None) -> int:
    """Rows in a row group: a multiple of DuckDB's vectors of 2,048."""
    if kind == "annotations":
        return _ANNOTATIONS_ROW_GROUP
    if kind != "attribute_values" or about is None:
        return _ROW_GROUP
    share = -(-about // _INDEX_ROW_GROUPS // 2048) * 2048
    return min(_ROW_GROUP, max(_SMALLEST_ROW_GROUP, share))


def described(file: DataFile) -> str:
    """What the log says of a file that comes back, JSON: what is known of it, which prunes less than it did."""
    about: dict[str, Any] = {"numRecords": file.row_count}
    if file.low is not None and file.high is not None:
        about |= {"minValues": {"label_set": file.low}, "maxValues": {"label_set": file.high}}
    return json.dumps(about)


def duckdb_type(arrow: pa.DataType) -> str:
    """What DuckDB calls an Arrow type of our schemas."""
    return _TYPES[arrow]


def _failures() -> tuple[type[Exception], ...]:
    return (duckdb.Error, *store_errors())


def _described(kind: str, statistics: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Delta's statistics of the columns by which files are pruned."""
    found: dict[str, dict[str, Any]] = {"minValues": {}, "maxValues": {}, "nullCount": {}}
    for name in PRUNED_BY:
        facts = statistics.get(f'"{name}"')
        if facts is None:
            continue
        found["nullCount"][name] = int(facts["null_count"])
        if "min" not in facts or "max" not in facts:
            continue
        is_text = TABLES[kind].field(name).type == pa.string()
        if is_text and max(len(facts["min"]), len(facts["max"])) > _TEXT_SHOWN:
            continue
        found["minValues"][name] = facts["min"] if is_text else int(facts["min"])
        found["maxValues"][name] = facts["max"] if is_text else int(facts["max"])
    return found
