"""An answer at a state of the catalog becomes the files of a snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from datacat.errors import SnapshotError, UsageError
from datacat.model.snapshot import ANNOTATION_POLICIES, MANIFEST, UNLOOKED, Question, SplitRule
from datacat.versions.class_names import Asked, Names, renamed_classes
from datacat.versions.join import join
from datacat.versions.manifest import ROWS_AT_ONCE, Contents, Reckoning, writer
from datacat.versions.split import assign
from datacat.versions.unlooked import unlooked


class Selection(Protocol):
    """The answer to a question: which rows of the catalog to freeze."""

    @property
    def question(self) -> Question:
        """What was asked."""

    def assets(self) -> pa.RecordBatchReader:
        """The assets found: a column `asset`."""

    def annotations(self) -> pa.RecordBatchReader | None:
        """The annotations that made them match: a column `annotation`; None where it asked for none."""


_STATEMENT = [
    column.name
    for column in MANIFEST["annotations"]
    if column.name not in ("uri", "label_set", "class", "drawn", "said_class")
]
_STATEMENT_SQL = ", ".join(f'n."{name}"' for name in _STATEMENT)

# A picture at several addresses is named by the least of them, whichever was ingested first.
_NAMED = """
CREATE OR REPLACE TEMP TABLE snapshot_uris AS
SELECT asset, least(min(o.uri), min(a.uri)) AS least_uri, count(*) AS copies
FROM other_addresses AS o JOIN assets AS a USING (asset) SEMI JOIN snapshot_assets USING (asset)
GROUP BY asset
"""
_URI = "coalesce(least_uri, a.uri)"
_ASSETS_SQL = f"""
WITH named AS (
  SELECT
    l.asset, l.width, l.height, s.team || '/' || s.name AS label_set,
    '{{"label_set": ' || to_json(s.team || '/' || s.name) || ', "metadata": ' || l.metadata || '}}' AS metadata
  FROM label_set_assets AS l
  JOIN label_sets AS s USING (label_set)
  SEMI JOIN snapshot_assets USING (asset)
), spoken AS (
  SELECT
    asset,
    list_sort(list(DISTINCT label_set)) AS label_sets,
    max(struct_pack(width := width, height := height)) AS said,
    array_to_string(list_sort(list(DISTINCT metadata)), ', ') AS metadata
  FROM named
  GROUP BY asset
)
SELECT
  {_URI} AS uri, a.media, a.digest, a.size,
  CASE WHEN a.width IS NULL THEN spoken.said.width ELSE a.width END AS width,
  CASE WHEN a.width IS NULL THEN spoken.said.height ELSE a.height END AS height,
  a.duration_s,
  coalesce(a.is_missing, false) AS is_missing,
  coalesce(spoken.label_sets, []) AS label_sets,
  '[' || spoken.metadata || ']' AS metadata,
  a.orientation
FROM assets AS a
SEMI JOIN snapshot_assets USING (asset)
LEFT JOIN spoken USING (asset)
LEFT JOIN snapshot_uris USING (asset)
ORDER BY 1
"""  # noqa: S608 - our own words

_LABEL_SETS_SQL = """
SELECT s.team || '/' || s.name, s.format, s.licence, s.classes
FROM label_sets AS s
SEMI JOIN (FROM label_set_assets SEMI JOIN snapshot_assets USING (asset)) USING (label_set)
ORDER BY 1
"""

_UNSEEN_SQL = """
SELECT count(*) FILTER (a.is_missing), count(*) FILTER (NOT coalesce(a.is_missing, false) AND a.fault IS NOT NULL)
FROM assets AS a SEMI JOIN snapshot_assets USING (asset)
"""

# Ordered by every column: rows that are equal in all of them are one another's twins, so the order is the
# only one.
_ANNOTATIONS_SQL = f"""
SELECT {_URI} AS uri, s.team || '/' || s.name AS label_set, r.name AS class, {_STATEMENT_SQL}, r.drawn,
  CASE WHEN r.name IS DISTINCT FROM n.class THEN n.class END AS said_class
FROM annotations AS n
JOIN snapshot_rows AS r USING (annotation)
JOIN assets AS a ON a.asset = r.asset
JOIN label_sets AS s ON s.label_set = r.label_set
LEFT JOIN snapshot_uris ON snapshot_uris.asset = r.asset
ORDER BY 1, s.team, s.name, r.name, {_STATEMENT_SQL}, said_class
"""  # noqa: S608 - names of our own schema


def freeze(
    cursor: duckdb.DuckDBPyConnection,
    selection: Selection,
    *,
    rule: SplitRule,
    annotations: str,
    into: Path,
    joining: Asked | None = None,
) -> Contents:
    """Writes the manifest of `selection` into the folder `into`.

    Args:
        cursor: the catalog at one state; the tables of `model.schemas.TABLES` are views in it.
        selection: what was found at that state.
        rule: how to split the assets.
        annotations: "matching" freezes those that made their asset match (all, where the question asked for
            none), "all" freezes all of the assets found.
        into: an existing, empty folder.
        joining: how what several label sets say becomes one; by default it stays as they say it.

    Raises:
        UsageError: no such policy, nothing was found, or a `joining` that makes no sense.
    """
    if annotations not in ANNOTATION_POLICIES:
        raise UsageError(
            f"no annotation policy {annotations!r}", hint=f"Known: {', '.join(ANNOTATION_POLICIES)}."
        )
    asset_count = _take(cursor, selection.assets(), column="asset", table="snapshot_assets")
    matching = selection.annotations() if annotations == "matching" else None
    chosen = "snapshot_assets USING (asset)"
    if matching is not None:
        _take(cursor, matching, column="annotation", table="snapshot_annotations")
        chosen = "snapshot_annotations USING (annotation)"
    if not asset_count:
        raise UsageError(f"nothing to freeze: no asset matches {selection.question.text!r}")
    cursor.execute(_NAMED)
    joined_by, joined, names = join(cursor, asked=joining or Asked({}), chosen=chosen)
    reckoning = Reckoning()
    for table, sql in (("assets", _ASSETS_SQL), ("annotations", _ANNOTATIONS_SQL)):
        with writer(into, table) as parquet:
            for batch in _rows(cursor, sql, table=table, rule=rule):
                reckoning.add(table, batch)
                parquet.write_batch(batch)
    label_sets = renamed_classes(_label_sets(cursor), names=names)
    contents = replace(reckoning.contents(), label_sets=label_sets, joining=joined_by, joined=joined)
    if contents.counts["assets"] != asset_count:
        raise SnapshotError(
            f"{asset_count} assets were found, {contents.counts['assets']} of them are in the catalog",
            hint="The answer and the catalog are of different states.",
        )
    told = _asides(cursor, names=names, asset_count=asset_count)
    return replace(contents, counts={**contents.counts, **told})


def _asides(cursor: duckdb.DuckDBPyConnection, *, names: Names, asset_count: int) -> dict[str, int]:
    """What a definition counts beside rows, where there is any; see `Definition.counts`."""
    ((merged,),) = cursor.execute("SELECT coalesce(sum(copies), 0)::BIGINT FROM snapshot_uris").fetchall()
    ((missing, unreadable),) = cursor.execute(_UNSEEN_SQL).fetchall()
    found = {"merged_copies": merged, "missing": missing, "unreadable": unreadable}
    for name, count in unlooked(cursor, names=names, asset_count=asset_count).items():
        found[f"{UNLOOKED}{name}"] = count
    return {name: count for name, count in found.items() if count}


def _label_sets(cursor: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """What the label sets that speak of the assets say of themselves; see `Definition.label_sets`."""
    return {
        name: {"format": format_, "licence": _json(licence), "classes": _json(classes) or []}
        for name, format_, licence, classes in cursor.execute(_LABEL_SETS_SQL).fetchall()
    }


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _take(cursor: duckdb.DuckDBPyConnection, rows: pa.RecordBatchReader, *, column: str, table: str) -> int:
    """Makes a temporary table of the distinct values of one column; returns how many there are."""
    cursor.register("snapshot_ids", rows.read_all().select([column]))
    create = f'CREATE OR REPLACE TEMP TABLE {table} AS SELECT DISTINCT "{column}" FROM snapshot_ids'  # noqa: S608 - our own words
    cursor.execute(create).fetchall()
    cursor.unregister("snapshot_ids")
    # All of it is fetched: DuckDB 2.0 does nothing else on a connection before.
    ((count,),) = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608 - our own words
    return int(count)


def _rows(
    cursor: duckdb.DuckDBPyConnection, sql: str, *, table: str, rule: SplitRule
) -> Iterator[pa.RecordBatch]:
    """The rows of one table of the manifest, with its schema."""
    for batch in cursor.execute(sql).to_arrow_reader(ROWS_AT_ONCE):
        rows = pa.table(batch)
        if table == "assets":
            contents = pa.compute.coalesce(rows["digest"], rows["uri"]).to_pylist()
            rows = rows.append_column("split", pa.array(assign(contents, rule=rule), pa.string()))
        yield from rows.select(MANIFEST[table].names).cast(MANIFEST[table]).combine_chunks().to_batches()
