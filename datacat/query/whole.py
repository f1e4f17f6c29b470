"""All hits of a search that nothing ranks, as record batches: DuckDB puts the matches of a range of assets together.

Only reasons are made in Python, and only where they are asked for. Of ten million matches, all of them are read and
written as NDJSON in a tenth of the time that a `Hit` for each asset takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from datacat.query import stream
from datacat.query.compare import Sql
from datacat.query.geometry import sized_within
from datacat.query.hit import HITS, MATCH
from datacat.query.run import arrow, rows

EXPLAINED_ROWS = 10_000  # matches and assets that are read at once at first
PART_BYTES = 16 << 20  # then about so many, each time at most twice as many as before
Reasons = Callable[[Sequence[int]], list[Sequence[str]]]
"""Assets -> for each of them why it is a hit."""

_FACTS = Sql(
    "SELECT asset, uri, media, width, height, NULL::DOUBLE AS score, coalesce(n, 0) AS n FROM assets "
    "SEMI JOIN (FROM {} WHERE {}) USING (asset) LEFT JOIN {} USING (asset) WHERE {} ORDER BY asset"
)
_COUNTS = Sql("(SELECT asset, count(*) AS n FROM {} WHERE {} GROUP BY asset)")
_NONE = Sql("(SELECT NULL::BIGINT AS asset, 0 AS n LIMIT 0)")
_MATCHES = Sql(
    "SELECT annotation, class, team, team || '/' || name AS label_set, kind, "
    "geometry_type, x, y, w, h, is_relative, confidence, attributes FROM {} AS sized "
    "JOIN label_sets USING (label_set) "
    "SEMI JOIN (FROM {} WHERE {}) USING (asset, annotation) WHERE {} ORDER BY asset, annotation"
)


def addresses_of(cursor: duckdb.DuckDBPyConnection, table: pa.Table) -> pa.Array:
    """Of each row of `asset` and `uri`, its URI and those of its other addresses."""
    numbers = table["asset"].to_pylist()
    others: dict[int, list[str]] = {}
    if numbers:
        query = "SELECT asset, uri FROM other_addresses WHERE asset BETWEEN ? AND ? ORDER BY uri"
        for asset, uri in rows(cursor, Sql(query, (min(numbers), max(numbers)))):
            others.setdefault(asset, []).append(uri)
    listed = [
        [uri, *others.get(asset, ())] for asset, uri in zip(numbers, table["uri"].to_pylist(), strict=True)
    ]
    return pa.array(listed, type=HITS.field("addresses").type)


@dataclass(frozen=True, slots=True)
class Whole:
    """What is read.

    Attributes:
        matching: a table of the assets.
        evidence: a table of the annotations that make them hits, asset and annotation; None where none does.
        after: only assets behind this one.
        most: no more assets than so many; None: all.
    """

    matching: Sql
    evidence: Sql | None
    after: int = -1
    most: int | None = None

    def batches(
        self, cursor: duckdb.DuckDBPyConnection, schema: pa.Schema, *, reasons: Reasons
    ) -> Iterator[pa.RecordBatch]:
        """The hits in the order of their assets, with the columns of `schema`, which is a part of `HITS`."""
        left, ahead, at_once = self.most, deque(self._ranges(cursor, schema)), 1
        while ahead:
            taken = [ahead.popleft() for _ in range(min(at_once, len(ahead)))]
            within = Sql("asset BETWEEN ? AND ?", (taken[0][0], taken[-1][1]))
            table = self._read(cursor, schema, within=within).slice(length=left)
            if "why" in schema.names:
                why = pa.array(reasons(table["asset"].to_pylist()), type=HITS.field("why").type)
                table = table.append_column("why", why)
            if "addresses" in schema.names:
                table = table.append_column("addresses", addresses_of(cursor, table))
            at_once = max(1, min(2 * at_once, at_once * PART_BYTES // max(1, table.nbytes)))
            yield from table.select(schema.names).cast(schema).combine_chunks().to_batches()
            if left is not None and (left := left - len(table)) == 0:
                return

    def _ranges(self, cursor: duckdb.DuckDBPyConnection, schema: pa.Schema) -> list[tuple[int, int]]:
        """Of assets, so that a batch is of bounded size however many matches an asset has."""
        if {"matches", "why"}.isdisjoint(schema.names):
            return stream.ranges(cursor, self.matching, after=self.after, size=stream.PART_ROWS)
        counted = self.matching
        if self.evidence is not None:
            both = Sql("(SELECT asset FROM {} UNION ALL SELECT asset FROM {})")
            counted = both.filled(self.matching, self.evidence)
        return stream.ranges(cursor, counted, after=self.after, size=EXPLAINED_ROWS)

    def _read(self, cursor: duckdb.DuckDBPyConnection, schema: pa.Schema, *, within: Sql) -> pa.Table:
        """Assets and matches are read apart and put together here: DuckDB's list() of rows takes five times as long."""
        counts = _NONE if self.evidence is None else _COUNTS.filled(self.evidence, within)
        table = arrow(cursor, _FACTS.filled(self.matching, within, counts, within))
        if "matches" not in schema.names:
            return table
        found = pa.schema(MATCH.fields).empty_table()
        if self.evidence is not None:
            query = _MATCHES.filled(sized_within(within), self.evidence, within, within)
            found = arrow(cursor, query).cast(found.schema)
        ends = pc.cumulative_sum(table["n"]).cast(pa.int32())
        starts = pa.concat_arrays([pa.array([0], pa.int32()), *ends.chunks])
        matches = pa.ListArray.from_arrays(starts, found.to_struct_array().combine_chunks())
        return table.append_column("matches", matches)
