"""What is wrong with the vectors, compared with what the catalog holds."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from datacat.embeddings.joined import COUNTS, joined
from datacat.embeddings.spaces import Spaces, lost_error
from datacat.embeddings.vectors import VectorStore
from datacat.errors import EmbeddingError
from datacat.model.finding import Finding

_AGAIN = "Remove its files in vectors/ and run `datacat embed` again: vectors can always be made again."
_COUNTED = f"""
    WITH found AS (SELECT v.asset, v.digest, a.asset IS NOT NULL AS is_known,
            a.asset IS NOT NULL AND {COUNTS} AS counts, a.fault IS NULL AS is_sound
        FROM vector_rows v LEFT JOIN assets a USING (asset))
    SELECT count(DISTINCT asset) FILTER (NOT is_known) AS unknown,
        count(*) - count(DISTINCT (asset, digest)) AS repeated,
        count(DISTINCT (asset, digest)) FILTER (is_known AND NOT counts) AS stale,
        (SELECT count(*) FROM assets WHERE media = 'image' AND NOT is_missing AND fault IS NULL)
            - count(DISTINCT asset) FILTER (counts AND is_sound) AS waiting,
        (SELECT count(*) FROM assets WHERE media = 'image' AND NOT is_missing AND fault IS NOT NULL) AS unreadable
    FROM found
"""  # noqa: S608 - ours


def findings(cursor: duckdb.DuckDBPyConnection, *, spaces: Spaces, store: VectorStore) -> Iterator[Finding]:
    """What is odd about each space: unreadable, rows of unknown assets, repeated rows, pictures without vector."""
    try:
        names = spaces.names()
        tables, lost = spaces.tables(), spaces.lost()
    except EmbeddingError as error:
        yield _error(f"{error.where}: {error.what}", hint=error.hint or "")
        return
    for gone in (lost_error(name, folder=spaces.folder) for name in lost):
        yield _error(f"{gone.where}: {gone.what}", hint=gone.hint or "")
    for name in names:
        yield from _of_space(cursor, name, spaces=spaces, store=store)
    for name in sorted(set(tables) - set(names)):
        yield _error(f"nobody knows which model the vectors {name} are of: {name}.json is gone", hint=_AGAIN)


def _of_space(
    cursor: duckdb.DuckDBPyConnection, name: str, *, spaces: Spaces, store: VectorStore
) -> Iterator[Finding]:
    try:
        space = spaces.chosen(name)
        keys = store.table(space.name).keys()
    except EmbeddingError as error:
        yield _error(f"{name}: {error.what} ({error.where})", hint=_AGAIN)
        return
    ((unknown, repeated, stale, waiting, unreadable),) = [
        tuple(row.values()) for row in joined(cursor, keys, sql=_COUNTED).to_pylist()
    ]
    if unknown:
        text = (
            f"{name}: {unknown} assets have a vector that the catalog does not have; searches leave them out"
        )
        yield _error(text, hint=_AGAIN)
    if repeated:
        text = f"{name}: {repeated} rows are there more than once; each asset is found once all the same"
        yield Finding("note", "vectors", text)
    if stale:
        text = f"{name}: {stale} vectors are of pictures that changed or are gone; searches leave them out"
        yield Finding("note", "vectors", text)
    if waiting > 0:
        text = f"{name}: {waiting} pictures were not embedded"
        yield Finding("note", "vectors", text, "Run `datacat embed` with the model of this space.")
    if unreadable:
        text = f"{name}: {unreadable} pictures cannot be read, so they have no vector"
        yield Finding("note", "vectors", text, "See them, and why: datacat search is:unreadable")


def _error(text: str, *, hint: str) -> Finding:
    return Finding("error", "vectors", text, hint)
