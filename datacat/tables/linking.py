"""Staged rows get their identifiers: files, assets, annotations; what is as before is found out.

All joins run in DuckDB, which spills to disk, so memory stays bounded whatever is ingested. The temporary
tables made here hold identifiers; the rows themselves stay in the staged files until Parquet is written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa

from datacat.model.schemas import STAGED, TABLES
from datacat.sources.location import as_pattern
from datacat.tables import identifiers, in_use
from datacat.tables.connection import quoted
from datacat.tables.counts import COUNTED
from datacat.tables.files import duckdb_type
from datacat.tables.staged import Source, Staged
from datacat.tables.state import State
from datacat.tables.store import Store

STATEMENT = tuple(name for name in TABLES["annotations"].names if name in STAGED["annotations"].names)
# Kinds whose rows come from label files; a data file of theirs is of one label set, or of several small ones.
OF_FILES = (
    "annotations",
    "attribute_values",
    "label_set_assets",
    "metadata_values",
    "coverage",
    "source_files",
    "rejects",
)
_FACTS = tuple(name for name in STAGED["media"].names if name != "uri")
_NONE = -1  # a label set that no file holds

# Files read now: their number in the catalog, if they have one.
_FILES = """
    CREATE TEMP TABLE found_files AS
    SELECT f.file, f.uri, s.source_file
    FROM staged_files f JOIN read_now USING (file)
    LEFT JOIN (SELECT uri, source_file FROM source_files WHERE label_set = ?) s USING (uri)
"""
_FILE_MAP = """
    CREATE TEMP TABLE file_map AS
    SELECT file, uri, source_file IS NOT NULL AS is_old,
        coalesce(source_file,
            ? + row_number() OVER (PARTITION BY source_file IS NULL ORDER BY file) - 1) AS source_file
    FROM found_files
"""
# Files whose rows of before may go: those read again, and those that are gone.
_REPLACED = """
    CREATE TEMP TABLE replaced AS
    SELECT source_file FROM found_files WHERE source_file IS NOT NULL
    UNION SELECT source_file FROM source_files JOIN gone USING (uri) WHERE label_set = ?
"""
_ASSETS = """
    CREATE TEMP TABLE found_assets AS
    SELECT u.uri, a.asset
    FROM (SELECT DISTINCT l.uri FROM staged_listed l JOIN found_files USING (file)) u
    LEFT JOIN assets a USING (uri)
"""
_NEW_ASSETS = """
    CREATE TEMP TABLE new_assets AS
    SELECT uri, ? + row_number() OVER (ORDER BY uri) - 1 AS asset FROM found_assets WHERE asset IS NULL
"""
_MEDIA = """
    CREATE TEMP TABLE facts AS
    SELECT * FROM staged_media
    QUALIFY row_number() OVER (PARTITION BY uri ORDER BY is_missing, digest NULLS LAST) = 1
"""
# Who cannot see a file says it is missing; that is believed where nobody else speaks of the asset.
_SAID_MISSING = """
    CREATE TEMP TABLE said_missing AS
    SELECT a.asset FROM facts f JOIN assets a USING (uri) WHERE f.is_missing AND NOT a.is_missing
"""
_SEEN_BY_OTHERS = """
    DELETE FROM said_missing WHERE asset IN (SELECT asset FROM label_set_assets WHERE label_set <> ?)
"""
_CHANGED_MEDIA = """
    CREATE TEMP TABLE updated_assets AS
    SELECT a.* REPLACE (true AS is_missing) FROM assets a WHERE asset IN (FROM said_missing)
    UNION ALL
    SELECT a.asset, a.uri, {facts}, a.first_seen FROM facts f JOIN assets a USING (uri)
    WHERE NOT f.is_missing AND (a.is_missing OR f.etag IS DISTINCT FROM a.etag
        OR f.size IS DISTINCT FROM a.size OR (f.digest IS NOT NULL AND f.digest IS DISTINCT FROM a.digest))
"""
# What label files call assets -> their numbers. Of two rows with one key the first counts.
_LISTED = """
    CREATE TEMP TABLE listed AS
    SELECT l.* EXCLUDE (filename, file_row_number), m.source_file, n.asset,
        {place} AS place
    FROM staged_listed l JOIN file_map m USING (file)
    JOIN (SELECT uri, asset FROM new_assets UNION ALL
          SELECT uri, asset FROM found_assets WHERE asset IS NOT NULL) n ON n.uri = l.uri
"""
# Names of media that were never found, which nobody speaks of any more: the media came under another name, say.
_UNSPOKEN = """
    CREATE TEMP TABLE forgotten AS
    SELECT asset FROM assets
    WHERE is_missing AND asset NOT IN (SELECT asset FROM listed) AND asset NOT IN (SELECT asset FROM updated_assets)
        AND asset IN (SELECT asset FROM label_set_assets WHERE label_set = ? AND source_file IN (FROM replaced))
"""
_SPOKEN_OF_BY_OTHERS = """
    DELETE FROM forgotten WHERE asset IN (
        SELECT asset FROM label_set_assets WHERE label_set <> ? OR source_file NOT IN (FROM replaced))
"""
# Assets that nobody ever saw, of which label files say something now that were read, or did before.
_UNSEEN = """
    CREATE TEMP TABLE unseen AS
    SELECT asset FROM assets
    WHERE is_missing AND digest IS NULL
        AND asset NOT IN (FROM forgotten) AND asset NOT IN (SELECT asset FROM updated_assets)
        AND (asset IN (SELECT asset FROM listed) OR asset IN (
            SELECT asset FROM label_set_assets WHERE label_set = ? AND source_file IN (FROM replaced)))
"""
# Their size is the one that the first label file says of those that say one now, whosever it is.
_SAID_SIZES = """
    INSERT INTO updated_assets
    WITH said AS (
        SELECT label_set, source_file, asset, width, height FROM label_set_assets
        WHERE NOT (label_set = $own AND source_file IN (FROM replaced))
        UNION ALL
        SELECT $own, source_file, asset, width, height FROM listed WHERE place = 1
    ), first AS (
        SELECT asset, arg_min({'width': width, 'height': height}, (label_set, source_file)) AS size FROM said
        WHERE width IS NOT NULL AND height IS NOT NULL AND asset IN (FROM unseen) GROUP BY asset
    )
    SELECT a.* REPLACE (f.size.width AS width, f.size.height AS height)
    FROM assets a LEFT JOIN first f USING (asset)
    WHERE a.asset IN (FROM unseen)
        AND (a.width IS DISTINCT FROM f.size.width OR a.height IS DISTINCT FROM f.size.height)
"""
_PLACE = "row_number() OVER (PARTITION BY l.file, l.key ORDER BY l.filename, l.file_row_number)"
_PAIRS = """
    CREATE TEMP TABLE pairs AS
    SELECT a.row, a.file, a.class, m.source_file, m.is_old, l.asset
    FROM staged_annotations a JOIN file_map m USING (file)
    LEFT JOIN listed l ON l.file = a.file AND l.key = a.key AND l.place = 1
"""
# The multiset difference over whole rows. Rows of one file and asset are compared by a 64-bit hash of all
# they say: among ten million unequal pairs the chance of one coincidence is 10^-12.
_SAME = """
    CREATE TEMP TABLE same AS
    WITH before AS (
        SELECT annotation, source_file, asset, hash({said}) AS said FROM annotations
        WHERE label_set = ? AND source_file IN (FROM replaced)
    ), now AS (
        SELECT p.row, p.source_file, p.asset, hash({said_now}) AS said
        FROM staged_annotations a JOIN pairs p ON p.row = a.row WHERE p.is_old AND p.asset IS NOT NULL
    )
    SELECT b.annotation, n.row
    FROM (SELECT *, row_number() OVER (PARTITION BY source_file, asset, said ORDER BY annotation) AS copy
          FROM before) b
    JOIN (SELECT *, row_number() OVER (PARTITION BY source_file, asset, said ORDER BY row) AS copy FROM now) n
    USING (source_file, asset, said, copy)
"""
_DROPPED = """
    CREATE TEMP TABLE dropped AS
    SELECT annotation FROM annotations
    WHERE label_set = ? AND source_file IN (FROM replaced) AND annotation NOT IN (SELECT annotation FROM same)
"""
_PLACED = """
    CREATE TEMP TABLE placed AS
    SELECT row, class, source_file, asset, ? + row_number() OVER (ORDER BY row) - 1 AS annotation
    FROM pairs WHERE asset IS NOT NULL AND row NOT IN (SELECT row FROM same)
"""


class Linking:
    """One attempt to link staged rows, on one state.

    Afterwards its cursor has the temporary tables `file_map`, `replaced`, `facts`, `new_assets`,
    `updated_assets`, `forgotten` (assets that go), `unseen` (assets whose size only label files say), `listed`,
    `pairs`, `placed` (staged rows that are new) and `dropped` (annotations that go).
    """

    def __init__(
        self, store: Store, staged: Staged, *, source: Source, state: State, is_frugal: bool = True
    ) -> None:
        self.store = store
        self.staged = staged
        self.source = source
        self.state = state
        self.cursor = store.cursor(state, kinds=("label_sets", "sources", "assets"), is_ingest=is_frugal)
        self._show_staged()
        own = self.known_label_set or _NONE
        store.show(self.cursor, state, kinds=(*OF_FILES, *COUNTED), label_set=own)
        self._number_files_and_assets()
        self._number_annotations()

    @cached_property
    def known_label_set(self) -> int | None:
        """The label set's number, where it has one."""
        name = self.source.label_set
        row = self.one("SELECT label_set FROM label_sets WHERE team = ? AND name = ?", [name.team, name.name])
        return int(row[0]) if row else None

    @property
    def label_set(self) -> int:
        """The label set's number."""
        return self.known_label_set or self._first["label_set"]

    @cached_property
    def is_new_source(self) -> bool:
        """Whether the label set never came from there, or never with its media there."""
        known = [self.known_label_set, self.source.location, self.source_options]
        return not self.count("sources WHERE label_set = ? AND location = ? AND options = ?", known)

    @property
    def source_options(self) -> str:
        """How the source was read, as JSON."""
        return json.dumps(dict(self.source.options), sort_keys=True, ensure_ascii=False)

    @property
    def new_source(self) -> int:
        """A number for a source that is new."""
        return self._first["source"]

    def _show_staged(self) -> None:
        for kind in STAGED:
            rows = _staged_rows(kind, self.staged.paths(kind))
            self.run(f"CREATE TEMP VIEW staged_{kind} AS {rows}")
        read, gone = pa.array(self.staged.read, pa.int32()), pa.array(self.staged.gone, pa.string())
        for name, table in (("read_now", pa.table({"file": read})), ("gone", pa.table({"uri": gone}))):
            self.cursor.register(f"{name}_given", table)
            self.run(f"CREATE TEMP TABLE {name} AS FROM {name}_given")
            self.cursor.unregister(f"{name}_given")

    def _number_files_and_assets(self) -> None:
        self.run(_FILES, [self.known_label_set])
        self.run(_REPLACED, [self.known_label_set])
        self.run(_ASSETS)
        self._first = self._reserved(
            label_set=int(self.known_label_set is None),
            source=int(self.is_new_source),
            source_file=self.count("found_files WHERE source_file IS NULL"),
            asset=self.count("found_assets WHERE asset IS NULL"),
        )
        self.run(_FILE_MAP, [self._first["source_file"]])
        self.run(_NEW_ASSETS, [self._first["asset"]])
        self._compare_media()
        self.run(_LISTED.format(place=1))
        if self.count("listed") > self.count("(SELECT DISTINCT file, key FROM listed)"):
            self.run("DROP TABLE listed")
            self.run(_LISTED.format(place=_PLACE))
        self._forget_assets()
        self._size_unseen()

    def _compare_media(self) -> None:
        self.run(_MEDIA)
        self.run(_SAID_MISSING)
        if self.count("said_missing"):
            self.store.show(self.cursor, self.state, kinds=["label_set_assets"])
            self.run(_SEEN_BY_OTHERS, [self.label_set])
        self.run(_CHANGED_MEDIA.format(facts=", ".join(f'f."{name}"' for name in _FACTS)))

    def _forget_assets(self) -> None:
        self.run(_UNSPOKEN, [self.label_set])
        if self.count("forgotten"):
            self.store.show(self.cursor, self.state, kinds=["label_set_assets"])
            self.run(_SPOKEN_OF_BY_OTHERS, [self.label_set])

    def _size_unseen(self) -> None:
        self.run(_UNSEEN, [self.label_set])
        if self.count("unseen"):
            self.store.show(self.cursor, self.state, kinds=["label_set_assets"])
            self.cursor.execute(_SAID_SIZES, {"own": self.label_set})

    def _number_annotations(self) -> None:
        self.run(_PAIRS)
        if self.count("replaced"):
            said = ", ".join(f'"{name}"' for name in STATEMENT)
            said_now = ", ".join(f'a."{name}"' for name in STATEMENT)
            self.run(_SAME.format(said=said, said_now=said_now), [self.known_label_set])
            self.run(_DROPPED, [self.known_label_set])
        else:
            self.run("CREATE TEMP TABLE same (annotation BIGINT, row BIGINT)")
            self.run("CREATE TEMP TABLE dropped (annotation BIGINT)")
        new = self.count("pairs WHERE asset IS NOT NULL") - self.count("same")
        self.run(_PLACED, [self._reserved(annotation=new)["annotation"]])

    def _reserved(self, **wanted: int) -> dict[str, int]:
        return identifiers.reserve(self.store.root, wanted, used=self._in_use, settings=self.store.settings)

    @cached_property
    def _in_use(self) -> dict[str, int]:
        return in_use.greatest(self.store, self.state, cursor=self.cursor)

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Runs a statement."""
        self.cursor.execute(sql, list(values))

    def one(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The row of a query that has one or none."""
        rows = self.cursor.execute(sql, list(values)).fetchall()  # DuckDB 2.0 waits for the end of a result
        return rows[0] if rows else None

    def count(self, source: str, values: Sequence[Any] = ()) -> int:
        """How many rows a FROM clause gives."""
        row = self.one(f"SELECT count(*) FROM {source}", values)  # noqa: S608 - our own tables
        assert row is not None
        return int(row[0])


def _staged_rows(kind: str, paths: Sequence[str]) -> str:
    schema: pa.Schema = STAGED[kind]
    place: dict[str, str] = {"filename": "VARCHAR", "file_row_number": "BIGINT"} if kind == "listed" else {}
    if not paths:
        types = {field.name: duckdb_type(field.type) for field in schema} | place
        typed = [f'NULL::{type_} AS "{name}"' for name, type_ in types.items()]
        return f"SELECT {', '.join(typed)} WHERE false"
    columns = ", ".join(f'"{name}"' for name in (*schema.names, *place))
    options = "".join(f", {name} = true" for name in place)
    return f"SELECT {columns} FROM read_parquet([{', '.join(quoted(as_pattern(path)) for path in paths)}]{options})"  # noqa: S608 - our own words
