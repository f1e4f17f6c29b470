"""Log, files, rows and index of one state, held against each other."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb

from datacat.errors import CatalogError, DatacatError
from datacat.model.finding import Finding
from datacat.model.schemas import KINDS
from datacat.sources.location import as_pattern
from datacat.tables import identifiers
from datacat.tables.check_log import log_findings
from datacat.tables.connection import connected
from datacat.tables.copies import copies
from datacat.tables.counts import CLASSES, PATHS
from datacat.tables.state import NUMBERED_BY, DataFile, State
from datacat.tables.store import Store
from datacat.tables.tree import is_data_file, links, strangers
from datacat.tables.upkeep import needed_paths

SAMPLE = 5_000  # annotations whose attributes are taken apart again
_SHOWN = 3
_RESTORE = "Restore it from a backup, or ingest its label set again into a new catalog."
_AGAIN = "Ingest the label set again into a new catalog, and report this."

_DIFFERING = "SELECT label_set FROM ((({0}) EXCEPT ALL FROM {1}) UNION ALL (FROM {1} EXCEPT ALL ({0})))"
_COPIES = copies("FROM assets")
_COPIES_DIFFER = (
    f"SELECT asset FROM ((({_COPIES}) EXCEPT FROM copies) UNION ALL (FROM copies EXCEPT ({_COPIES})))"  # noqa: S608
)
# What must not be found: subject, text, query of examples.
_RULES = (
    ("files", "URIs are more than one asset", "SELECT uri FROM assets GROUP BY uri HAVING count(*) > 1"),
    ("files", "assets share a number", "SELECT asset FROM assets GROUP BY asset HAVING count(*) > 1"),
    (
        "files",
        "annotations share a number",
        "SELECT annotation FROM annotations GROUP BY annotation HAVING count(*) > 1",
    ),
    (
        "files",
        "annotations are of an asset that is not there",
        "SELECT annotation FROM annotations WHERE asset NOT IN (SELECT asset FROM assets)",
    ),
    (
        "files",
        "annotations are of a label set that is not there",
        "SELECT annotation FROM annotations WHERE label_set NOT IN (SELECT label_set FROM label_sets)",
    ),
    (
        "files",
        "annotations are of a label file that is not there",
        "SELECT annotation FROM annotations WHERE source_file NOT IN (SELECT source_file FROM source_files)",
    ),
    (
        "files",
        "listed assets are not there",
        "SELECT asset FROM label_set_assets WHERE asset NOT IN (SELECT asset FROM assets)",
    ),
    *(
        (
            "files",
            f"rows of {kind} are of an asset that their label file does not list, in label sets",
            f"SELECT label_set FROM {kind} ANTI JOIN label_set_assets USING (label_set, source_file, asset)",  # noqa: S608 - our own words
        )
        for kind in ("metadata_values", "coverage")
    ),
    (
        "files",
        "assets are said to be copies of others, or not, against what their bytes are",
        _COPIES_DIFFER,
    ),
    (
        "index",
        "rows of the attribute index are of no annotation, or of one with another class, asset or label set",
        """SELECT v.annotation FROM attribute_values v LEFT JOIN annotations a USING (annotation)
           WHERE a.annotation IS NULL OR a.asset <> v.asset OR a.label_set <> v.label_set
           OR a.class IS DISTINCT FROM v.class OR a.attributes IS NULL""",
    ),
    (
        "index",
        "counts of classes are not those of the annotations, in label sets",
        _DIFFERING.format(CLASSES.format(annotations="annotations"), "class_counts"),
    ),
    (
        "index",
        "counts of paths are not those of the attribute index, in label sets",
        _DIFFERING.format(PATHS.format(leaves="attribute_values"), "path_counts"),
    ),
)


def check(store: Store, state: State, *, sample: int = SAMPLE) -> Iterator[Finding]:
    """Yields what is wrong in `state`, and notes of what a crash left behind; nothing where all is well.

    Args:
        store: whose.
        state: which.
        sample: of how many annotations the index is compared with the attributes themselves.
    """
    yield from _tree(store)
    yield from log_findings(store)
    if state.number < 0:
        return
    damaged = list(_files(store, state))
    yield from damaged
    yield from _orphans(store)
    if damaged:
        return
    cursor = _cursor(store, state, kinds=KINDS)
    try:
        yield from _rules(cursor)
        yield from _identifiers(store, cursor)
        yield from _index(cursor, sample=sample)
    except duckdb.Error as error:
        yield Finding("error", "files", f"the rows cannot be read: {error}", _RESTORE)


def _tree(store: Store) -> Iterator[Finding]:
    """Links in the catalog's own tree, and what somebody else put there."""
    for path in links(store.root):
        hint = "Put the folder or file itself in its place; nothing is written or removed before that."
        yield Finding(
            "error", "files", f"{path} is a link, and what it leads to is no part of the catalog", hint
        )
    others = list(strangers(store.root))
    if others:
        text = f"{len(others)} files among the data files are not datacat's, as {others[0]}"
        yield Finding(
            "note", "files", text, "gc leaves them alone; if you know whose they are, take them away."
        )


def _rules(cursor: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    for subject, text, query in _RULES:
        count = _count(cursor, query)
        if count:
            found = cursor.execute(f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {_SHOWN}").fetchall()  # noqa: S608 - our own words
            examples = ", ".join(str(row[0]) for row in found)
            yield Finding("error", subject, f"{count:,} {text}: {examples}", _AGAIN)


def _files(store: Store, state: State) -> Iterator[Finding]:
    stored = {file.path: file.size for file in store.files.stored()}
    cursor = _cursor(store, state, kinds=())
    for file in state.files:
        if file.path not in stored:
            yield Finding("error", "files", f"{file.path} is gone", _RESTORE)
        elif stored[file.path] != file.size:
            text = f"{file.path} has {stored[file.path]:,} bytes, not {file.size:,}"
            yield Finding("error", "files", text, _RESTORE)
        else:
            yield from (Finding("error", "files", text, _RESTORE) for text in _rows(store, cursor, file=file))


def _rows(store: Store, cursor: duckdb.DuckDBPyConnection, *, file: DataFile) -> Iterator[str]:
    try:
        (path,) = store.files.local([file])
        ((count,),) = cursor.execute(
            "SELECT num_rows FROM parquet_file_metadata(?)", [as_pattern(path)]
        ).fetchall()
        if count != file.row_count:
            yield f"{file.path} has {count:,} rows, not {file.row_count:,}"
    except duckdb.Error as error:
        yield f"{file.path} cannot be read: {error}"
    except DatacatError as error:
        yield f"{file.path} cannot be read: {error.what}"


def _orphans(store: Store) -> Iterator[Finding]:
    try:
        needed = needed_paths(store)
    except CatalogError:
        return  # the log is damaged, which was said
    orphans = [
        file
        for file in store.files.stored()
        if file.path not in needed and is_data_file(file.path.rsplit("/", 1)[1])
    ]
    if orphans:
        size = sum(file.size for file in orphans)
        text = f"{len(orphans)} data files ({size:,} bytes) are in no state: a writer died, or is at work"
        yield Finding("note", "files", text, "Remove them: datacat gc")


def _identifiers(store: Store, cursor: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    try:
        following = identifiers.last(store.root, store.settings)
    except CatalogError as error:
        yield Finding("error", "log", f"{error.where}: {error.what}", error.hint or "")
        return
    used = {}
    for kind, column in NUMBERED_BY.items():
        ((last,),) = cursor.execute(f"SELECT max({column}) FROM {kind}").fetchall()  # noqa: S608 - our own names
        if last is not None:
            used[column] = last
    for text in identifiers.behind_use(following, used=used):
        yield Finding(
            "error", "log", text, "Restore <catalog>/ids from a backup before anything is ingested."
        )


def _index(cursor: duckdb.DuckDBPyConnection, *, sample: int) -> Iterator[Finding]:
    """Takes the attributes of a sample apart again and compares leaf by leaf."""
    cursor.execute(
        "CREATE TEMP TABLE sample AS SELECT annotation, attributes FROM annotations "
        "WHERE attributes IS NOT NULL ORDER BY hash(annotation), annotation LIMIT ?",
        [sample],
    )
    indexed: dict[int, Counter[tuple[Any, ...]]] = {}
    for annotation, *leaf in cursor.execute(
        "SELECT annotation, path, text, number FROM attribute_values "
        "WHERE annotation IN (SELECT annotation FROM sample)"
    ).fetchall():
        indexed.setdefault(annotation, Counter())[tuple(leaf)] += 1
    wrong = [
        annotation
        for annotation, attributes in cursor.execute("FROM sample ORDER BY annotation").fetchall()
        if Counter(_leaves(attributes)) != indexed.get(annotation, Counter())
    ]
    if wrong:
        examples = ", ".join(map(str, wrong[:_SHOWN]))
        text = f"of {len(wrong):,} annotations the index says other than their attributes: {examples}"
        yield Finding("error", "index", text, _AGAIN)


class _Written(str):
    """A number as it is written."""

    __slots__ = ()


def _leaves(document: str) -> Iterator[tuple[str, str | None, float | None]]:
    """The scalar leaves of a JSON object by the rules of `model.schemas`, apart from how ingest does it."""
    pending: list[tuple[str, Any]] = [
        ("", json.loads(document, parse_float=_Written, parse_constant=_Written))
    ]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending += ((f"{path}.{key}" if path else key, item) for key, item in value.items())
        elif isinstance(value, list):
            pending += ((f"{path}[]", item) for item in value)
        elif value is None:
            yield path, None, None
        elif isinstance(value, bool):
            yield path, "true" if value else "false", None
        elif isinstance(value, str) and not isinstance(value, _Written):
            yield path, value, None
        else:
            yield path, str(value), _number(value)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _cursor(store: Store, state: State, *, kinds: Iterable[str]) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own, which reads files again instead of trusting what it remembers of them."""
    cursor = connected(store.settings)
    store.show(cursor, state, kinds=kinds)
    return cursor


def _count(cursor: duckdb.DuckDBPyConnection, query: str) -> int:
    ((count,),) = cursor.execute(f"SELECT count(*) FROM ({query})").fetchall()  # noqa: S608 - our own queries
    return int(count)
