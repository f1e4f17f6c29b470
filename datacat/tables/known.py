"""What the catalog remembers of label files and media, so that an ingest reads only what changed."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from datacat.model.names import LabelSetName
from datacat.sources.location import Location
from datacat.sources.media import MediaFacts
from datacat.tables.staged import FileFacts
from datacat.tables.state import State
from datacat.tables.store import Store

_FACTS = MediaFacts.__slots__
_BATCH = 10_000


def known_files(store: Store, state: State, *, label_set: LabelSetName) -> dict[str, FileFacts]:
    """The label files of a label set by URI, as they were when they were read; none where it is new."""
    cursor = store.cursor(state, kinds=["label_sets"])
    number = _number_of(cursor, label_set)
    if number is None:
        return {}
    store.show(cursor, state, kinds=["source_files"], label_set=number)
    columns = ", ".join(FileFacts.__slots__)
    found = cursor.execute(f"SELECT {columns} FROM source_files WHERE label_set = ?", [number])  # noqa: S608 - our own words
    return {facts["uri"]: FileFacts(**facts) for facts in found.to_arrow_table().to_pylist()}


def incomplete_files(store: Store, state: State, *, label_set: LabelSetName) -> frozenset[str]:
    """The label files of a label set that speak of an asset whose media was not found."""
    cursor = store.cursor(state, kinds=["label_sets", "source_files", "label_set_assets", "assets"])
    found = cursor.execute(
        "SELECT DISTINCT f.uri FROM label_set_assets l JOIN label_sets s USING (label_set) "
        "JOIN assets a USING (asset) JOIN source_files f USING (source_file) "
        "WHERE a.is_missing AND s.team = ? AND s.name = ?",
        [label_set.team, label_set.name],
    )
    return frozenset(found.to_arrow_table()["uri"].to_pylist())


def annotation_counts(store: Store, state: State, *, label_set: LabelSetName) -> dict[str, int]:
    """How many annotations of a label set each of its label files gave, by URI; files without any are not there."""
    cursor = store.cursor(state, kinds=["label_sets"])
    number = _number_of(cursor, label_set)
    if number is None:
        return {}
    store.show(cursor, state, kinds=["source_files", "annotations"], label_set=number)
    found = cursor.execute(
        "SELECT uri, n FROM (SELECT source_file, count(*) AS n FROM annotations WHERE label_set = ? "
        "GROUP BY source_file) JOIN source_files USING (source_file) WHERE label_set = ?",
        [number, number],
    )
    return dict(found.fetchall())


class KnownMedia(Mapping[str, MediaFacts]):
    """Media facts by URI, in a file that is mapped into memory: it holds a hundred million as well as ten.

    Rows are ordered by 64 bits of the URI's md5, which are searched by halving.
    """

    def __init__(self, store: Store, state: State, *, below: Sequence[Location] = ()) -> None:
        """Reads the assets of `state` whose URI begins with one of `below` (none given: all)."""
        cursor = store.cursor(state, kinds=["assets"])
        columns = ", ".join(f'"{name}"' for name in _FACTS)
        prefixes = " OR ".join("starts_with(uri, ?)" for _ in below) or "true"
        found = cursor.execute(
            f"SELECT md5_number_lower(uri) AS place, {columns} FROM assets WHERE {prefixes} ORDER BY place",  # noqa: S608 - our own words
            [str(location) for location in below],
        )
        self._rows = _mapped(found.to_arrow_reader(_BATCH))
        self._places = self._rows.column("place")
        self._chunks = np.cumsum([0, *(len(chunk) for chunk in self._places.chunks)])
        self._hashes = [np.asarray(chunk) for chunk in self._places.chunks]
        self._firsts = np.array([hashes[0] for hashes in self._hashes if len(hashes)], dtype=np.uint64)

    def __getitem__(self, uri: str) -> MediaFacts:
        place = _place(uri)
        for number in self._rows_at(place):
            facts = self.facts(number, 1)[0]
            if facts.uri == uri:
                return facts
        raise KeyError(uri)

    def __iter__(self) -> Iterator[str]:
        for batch in self._rows.column("uri").chunks:
            yield from batch.to_pylist()

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def items(self) -> ItemsView[str, MediaFacts]:
        """All, read in the order in which they lie: looking up one by one takes 20 times as long."""
        return _Items(self)

    def of(self, uris: Sequence[str]) -> dict[str, MediaFacts]:
        """The facts of those of `uris` that are known."""
        return {uri: self[uri] for uri in uris if uri in self}

    def _rows_at(self, place: np.uint64) -> Iterator[int]:
        """Numbers of the rows with that hash, in the order of chunks."""
        chunk = max(0, int(np.searchsorted(self._firsts, place, side="left")) - 1)
        while chunk < len(self._hashes):
            hashes = self._hashes[chunk]
            first, end = (int(np.searchsorted(hashes, place, side=side)) for side in ("left", "right"))
            yield from (int(self._chunks[chunk]) + index for index in range(first, end))
            if end < len(hashes):
                return
            chunk += 1

    def facts(self, start: int, count: int) -> list[MediaFacts]:
        """Those from number `start` on, at most `count`."""
        rows: list[dict[str, Any]] = self._rows.slice(start, count).select(list(_FACTS)).to_pylist()
        return [MediaFacts(**row) for row in rows]


class _Items(ItemsView[str, MediaFacts]):
    _mapping: KnownMedia

    def __iter__(self) -> Iterator[tuple[str, MediaFacts]]:
        for start in range(0, len(self._mapping), _BATCH):
            for facts in self._mapping.facts(start, _BATCH):
                yield facts.uri, facts


def _place(uri: str) -> np.uint64:
    digest = hashlib.md5(uri.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return np.uint64(int.from_bytes(digest[8:], "little"))


def _mapped(reader: pa.RecordBatchReader) -> pa.Table:
    with tempfile.NamedTemporaryFile(prefix="datacat-media-") as file:
        with pa.ipc.new_file(file.name, reader.schema) as writer:
            for batch in reader:
                if batch.num_rows:
                    writer.write_batch(batch)
        # The mapping keeps the bytes when the name is gone.
        return pa.ipc.open_file(pa.memory_map(file.name)).read_all()


def _number_of(cursor: duckdb.DuckDBPyConnection, label_set: LabelSetName) -> int | None:
    query = "SELECT label_set FROM label_sets WHERE team = ? AND name = ?"
    found = cursor.execute(query, [label_set.team, label_set.name]).fetchone()
    return None if found is None else int(found[0])
