"""The stage's front door."""

from __future__ import annotations

from functools import partial

import duckdb

from datacat.errors import UsageError
from datacat.query.hits import By, Hits
from datacat.query.moved import ByAddress
from datacat.query.plan import plan
from datacat.query.ranking import Nearest
from datacat.query.scope import Outside
from datacat.query.vocabulary import vocabulary

READS = (
    "annotations",
    "assets",
    "attribute_values",
    "class_counts",
    "concept_details",
    "concepts",
    "copies",
    "coverage",
    "label_set_assets",
    "label_sets",
    "metadata_values",
    "path_counts",
    "rejects",
    "source_files",
    "sources",
)
"""The logical tables that a query reads."""


def search(
    cursor: duckdb.DuckDBPyConnection,
    text: str,
    *,
    state: int,
    limit: int | None = 20,
    after: str | None = None,
    by: By = "content",
    addresses: duckdb.DuckDBPyConnection | None = None,
    nearest: Nearest | None = None,
    files: bool = True,
    identity: str | None = None,
    outside: Outside | None = None,
) -> Hits:
    """Answers a query.

    Args:
        cursor: shows the logical tables of `model.schemas.TABLES` at one state; the hits go on using it.
        text: the query, as docs/reference/query.md describes it.
        state: the number of that state; page tokens hold it.
        limit: hits a page; None: all.
        after: the token of the page before.
        by: what one hit is, as the cursor shows it.
        addresses: shows the same state with each address as an asset of its own, where the first shows pictures
            that have several; what can be found there is found sooner.
        nearest: ranks assets by likeness; None where nothing was embedded.
        files: whether `like:` may name a file that is no asset; not where strangers ask.
        identity: names what the tables hold, once and for all, so that their names are read but once.
        outside: what is asked for snapshots and for other states; None: they cannot be asked for.

    Raises:
        QueryError: the query cannot be understood; points at the place.
        EmbeddingError: it asks for likeness and `nearest` is None.
        UsageError: a limit below 1, or a page token of another query or state.
    """
    if limit is not None and limit < 1:
        raise UsageError(
            f"a page of {limit} hits makes no sense", hint="Give a limit from 1, or none for everything."
        )
    found = plan(cursor, text, identity=identity, files=files, outside=outside)
    names = vocabulary(cursor, identity=identity)
    page = partial(Hits, state=state, limit=limit, after=after, by=by, nearest=nearest)
    again = partial(search, cursor, text, state=state, limit=limit, after=after, by=by, nearest=nearest)
    return page(
        cursor,
        found,
        vocabulary=names,
        by_address=None if addresses is None else ByAddress(addresses, names.addresses(cursor)),
        again=partial(again, addresses=addresses, files=files, identity=identity, outside=outside),
    )
