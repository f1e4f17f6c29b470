"""Rows of the staged tables, written to Parquet as they come, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datacat.ingest.attributes import Leaves
from datacat.ingest.blank import name_of, named_only
from datacat.ingest.boxes import upright
from datacat.ingest.limits import name_fault
from datacat.ingest.metadata import Metadata, Taken, spread
from datacat.ingest.reasons import reason_of
from datacat.model.report import Tally
from datacat.model.schemas import SET_ASIDE, STAGED

# What a label file calls an asset, before it is matched to the lake; `uri` is set where the format knows.
NAMED = pa.schema([*STAGED["listed"], pa.field("name", pa.string())])
# Annotations (rows `first` to `last`) of one file under the name that its tool gave them together, and a digest of all
# that was said: what another file says again, or says otherwise under the same name, shows only when all is read.
MARKS = pa.schema(
    [
        *(pa.field(name, pa.int64()) for name in ("file", "first", "last")),
        *(pa.field(name, pa.string()) for name in ("name", "digest")),
    ]
)
# Label files that are damaged, and how it shows: they may have held more than they give.
DAMAGES = pa.schema([pa.field("file", pa.int32()), pa.field("reason", pa.string())])
# How often one part of a label file says one thing in two ways that differ, and where first.
DISPUTES = pa.schema([*DAMAGES, pa.field("position", pa.string()), pa.field("count", pa.int64())])
_SCHEMAS = {**STAGED, "named": NAMED, "marks": MARKS, "damages": DAMAGES, "disputes": DISPUTES}
_ROWS_PER_TASK = 1 << 32
_EXCERPT = 200
_BATCH = 8192
_NOT_SAID = Taken()
WHOLE = "the whole file"
CUT_OFF = "it ends in the middle of its last record"
_REPEATED = {
    "annotations": ["class", "kind", "geometry_type", "annotator", "status", "model", "track", "key"],
    "leaves": ["path", "text"],
    "listed_leaves": ["key", "path", "text"],
    "named": ["split"],
    "listed": ["split"],
    "classes": [],
}


class Sheets:
    """What one task writes: `<kind>-<task>.parquet` in `folder`, one row group per call.

    `next_row` numbers annotations; it is unique over all tasks of an ingest.
    """

    def __init__(self, folder: Path, task: int) -> None:
        self.tally = Tally()
        self.next_row = task * _ROWS_PER_TASK
        self.reject_count = 0
        self._folder = folder
        self._task = task
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._rejects: dict[str, list[Any]] = {name: [] for name in STAGED["rejects"].names}
        self._metadata = Metadata()

    def add(self, kind: str, count: int, /, **columns: Any) -> None:
        """Writes `count` rows. A column is a list, an array, or one value for all; a missing one is null."""
        if kind == "named":
            count, columns = self._possible(count, columns)
        if kind == "named" and columns.get("metadata") is not None:
            columns |= self._taken(count, columns)
        if kind == "annotations":
            columns = upright(count, columns, tally=self.tally)
            columns |= {"status": [_folded(status) for status in spread(columns.get("status"), count)]}
            _note_confidences(spread(columns.get("confidence"), count), tally=self.tally)
            columns = named_only(count, columns, tally=self.tally, reject=self.reject)
        if count:
            self._write(kind, table(kind, count, **columns))

    def leaves(self, leaves: Leaves) -> None:
        """Writes the leaves of a batch of annotations."""
        self.add(
            "leaves",
            len(leaves),
            row=leaves.rows,
            path=leaves.paths,
            text=leaves.texts,
            number=leaves.numbers,
        )

    def reject(
        self,
        file: int,
        position: str,
        *,
        reason: str | Exception,
        excerpt: str = "",
        key: str | None = None,
        class_: str | None = None,
    ) -> None:
        """Records something that could not be understood.

        Args:
            file: the number of the label file.
            position: where in it.
            reason: what is wrong, in a sentence; or what was raised, which becomes one.
            excerpt: how it begins, no longer than itself.
            key: the asset that it speaks of; None: that cannot be told, so it may be any of the file's.
            class_: the class that it would have had; None: that cannot be told.
        """
        row = (
            file,
            position,
            _clean(reason_of(reason)),
            _clean(excerpt[:_EXCERPT].rstrip()),
            key,
            name_of(class_),
        )
        for name, value in zip(self._rejects, row, strict=True):
            self._rejects[name].append(value)
        self.reject_count += 1
        if len(self._rejects["file"]) >= 10_000:
            self._flush_rejects()

    def damaged(self, file: int, *, reason: str) -> None:
        """Says that a label file does not hold all that was once in it: its end is missing, or it has holes.

        One record that is wrong is a reject, and no damage.

        Args:
            file: the number of the label file.
            reason: how it shows.
        """
        self.tally.note(f"damaged file: {reason}")
        self.add("damages", 1, file=file, reason=_clean(reason))
        self.add("coverage", 1, file=file, answer="not_exhaustive")

    def reject_file(self, file: int, *, position: str = WHOLE, reason: str | Exception) -> None:
        """Records that a label file, or a part of one, cannot be read at all; see `reject`."""
        self.reject(file, position, reason=reason)
        self.add("damages", 1, file=file, reason=_clean(reason_of(reason)))

    def close(self) -> None:
        """Completes the files."""
        self._flush_rejects()
        self._flush_metadata()
        for writer in self._writers.values():
            writer.close()

    def _flush_rejects(self) -> None:
        columns, count = self._rejects, len(self._rejects["file"])
        self._rejects = {name: [] for name in columns}
        self.add("rejects", count, **columns)

    def _possible(self, count: int, columns: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Rejects assets by whose name no file can be called, and gives the others."""
        said = {name: spread(columns.get(name), count) for name in ("file", "key", "position", "name", "uri")}
        called = [name or uri or "" for name, uri in zip(said["name"], said["uri"], strict=True)]
        faults = list(map(name_fault, called))
        if not any(faults):
            return count, columns
        for number, fault in enumerate(faults):
            if fault:
                where = {"key": said["key"][number], "excerpt": called[number]}
                self.reject(said["file"][number], said["position"][number] or "", reason=fault, **where)
        kept = [number for number, fault in enumerate(faults) if not fault]
        spread_out = {name: spread(value, count) for name, value in columns.items()}
        return len(kept), {name: [values[number] for number in kept] for name, values in spread_out.items()}

    def _taken(self, count: int, columns: dict[str, Any]) -> dict[str, list[Any]]:
        """Takes the metadata of listed assets apart; the columns that follow from them."""
        documents = spread(columns["metadata"], count)
        if not any(documents):
            return {}
        said = zip(spread(columns["file"], count), spread(columns["key"], count), documents, strict=True)
        found = [
            self._metadata.add(file, key, document=document, tally=self.tally) or _NOT_SAID
            for file, key, document in said
        ]
        if len(self._metadata) >= _BATCH:
            self._flush_metadata()
        return {name: [getattr(item, name) for item in found] for name in Taken.__struct_fields__}

    def _flush_metadata(self) -> None:
        count = len(self._metadata)
        self.add("listed_leaves", count, **self._metadata.columns())

    def _write(self, kind: str, rows: pa.Table) -> None:
        if kind not in self._writers:
            self._writers[kind] = parquet_writer(self._folder / f"{kind}-{self._task:06}.parquet", kind)
        self._writers[kind].write_table(rows)


def parquet_writer(path: Path, kind: str) -> pq.ParquetWriter:
    """Fast settings: these files are read once and thrown away."""
    return pq.ParquetWriter(
        path,
        _SCHEMAS[kind],
        compression="snappy",
        use_dictionary=_REPEATED.get(kind, False),
        write_statistics=False,
    )


def table(kind: str, count: int, /, **columns: Any) -> pa.Table:
    """`count` rows of `kind`; see `Sheets.add`."""
    schema = _SCHEMAS[kind]
    unknown = set(columns) - set(schema.names)
    assert not unknown, unknown
    arrays = [_array(columns.get(field.name), field.type, count=count) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(value: Any, type_: pa.DataType, *, count: int) -> pa.Array:
    if value is None:
        return pa.nulls(count, type_)
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value if value.type == type_ else value.cast(type_)
    if not isinstance(value, list):
        return pa.repeat(pa.scalar(value, type_), count)
    try:
        return pa.array(value, type_)
    except UnicodeEncodeError:  # half of a surrogate pair, as \ud800 in JSON
        return pa.array([None if item is None else _clean(item) for item in value], type_)


def _clean(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")


class Statements:
    """Collects assets and annotations of one file as they are found, and writes them in batches.

    What belongs to one record is added within `record`, so that it is written whole or not at all.
    """

    def __init__(self, sheets: Sheets, file: int) -> None:
        self._sheets = sheets
        self._file = file
        self._records: list[dict[str, Any]] = []
        self._assets: list[dict[str, Any]] = []
        self._marks: list[dict[str, Any]] = []
        self._unlooked: list[str] = []
        self._leaves = Leaves()
        self._depth = 0

    @contextmanager
    def record(self) -> Iterator[None]:
        """What is added within counts where it ends without an exception; else none of it does.

        Records may lie within each other: an object within a picture that is kept without it.
        """
        rows, assets, marks = len(self._records), len(self._assets), len(self._marks)
        leaves, unlooked = len(self._leaves), len(self._unlooked)
        next_row = self._sheets.next_row
        self._depth += 1
        try:
            yield
        except BaseException:
            del self._records[rows:], self._assets[assets:], self._marks[marks:], self._unlooked[unlooked:]
            self._leaves.cut(leaves)
            self._sheets.next_row = next_row
            raise
        finally:
            self._depth -= 1
        self._flush_if_full()

    @property
    def next_row(self) -> int:
        """The number of the annotation that is added next."""
        return self._sheets.next_row

    def mark(self, first: int, *, name: str, digest: str) -> None:
        """Says under which name the tool has what was added since row `first`; see `MARKS`."""
        if self.next_row > first:
            self._marks.append({"first": first, "last": self.next_row - 1, "name": name, "digest": digest})

    def asset(self, key: str, *, position: str, **columns: Any) -> None:
        """One asset that the record speaks of: columns of `named`."""
        self._assets.append({**columns, "key": key, "position": position})
        self._flush_if_full()

    def unlooked(self, key: str) -> None:
        """Says that nobody has looked at an asset, so that what is not said of it is not known."""
        self._unlooked.append(key)

    def add(self, key: str, *, position: str, attributes: bytes | None = None, **columns: Any) -> None:
        """One annotation; `class_` is its class.

        Raises:
            msgspec.MsgspecError, RecursionError, ValueError: its attributes are no JSON.
        """
        with self.record():
            row = self._sheets.next_row
            columns["class"] = columns.pop("class_", None)
            if attributes is not None and attributes.strip() != b"{}":
                self._leaves.extract(attributes, row)
                columns["attributes"] = attributes.decode("utf-8")
            shape = columns.pop("shape", None)
            if shape is not None:
                columns.update(zip(_SHAPE, shape, strict=True))
            self._records.append({**_PLAIN, **columns, "row": row, "key": key, "position": position})
            self._sheets.next_row += 1

    def flush(self) -> None:
        """Writes what was collected."""
        found = (("named", self._assets), ("annotations", self._records), ("marks", self._marks))
        leaves = self._leaves
        unlooked, self._unlooked = self._unlooked, []
        self._records, self._assets, self._marks, self._leaves = [], [], [], Leaves()
        for kind, rows in found:
            names = {name for row in rows for name in row}
            columns = {name: [row.get(name) for row in rows] for name in names}
            self._sheets.add(kind, len(rows), file=self._file, **columns)
        self._sheets.leaves(leaves)
        self._sheets.add("coverage", len(unlooked), file=self._file, key=unlooked, answer="not_exhaustive")

    def _flush_if_full(self) -> None:
        if not self._depth and max(len(self._records), len(self._assets)) >= _BATCH:
            self.flush()


def _note_confidences(values: Sequence[float | None], *, tally: Tally) -> None:
    odd = sum(value is not None and not 0 <= value <= 1 for value in values)
    if odd:
        tally.note("a confidence that is not between 0 and 1: kept as it is written", odd)


def _folded(status: str | None) -> str | None:
    """A status that sets aside as we spell it, others as they are written."""
    if status is None:
        return None
    plain = status.strip().casefold()
    return plain if plain in SET_ASIDE else status


_PLAIN = {"kind": "annotation", "geometry_type": "none", "is_relative": False, "is_crowd": False}
_SHAPE = ("geometry_type", "x", "y", "w", "h", "area", "geometry")
