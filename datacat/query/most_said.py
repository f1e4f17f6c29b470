"""How many things some annotations are of, told as `count(…)` tells it: within each label set, and once each."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from datacat.query.compare import Sql
from datacat.query.once import COLUMNS, may_repeat, once
from datacat.query.run import rows
from datacat.query.vocabulary import Vocabulary
from datacat.query.voices import JUDGED, least

_TABLE = "counted_annotations"
_ROWS = Sql(
    f"SELECT asset, label_set, annotation, {', '.join((*JUDGED, *COLUMNS))}, true AS is_sure "  # noqa: S608 - our own words
    f"FROM annotations SEMI JOIN {_TABLE} USING (asset, annotation)"
)


def most_said(cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, *, annotations: pa.Table) -> list[int]:
    """Of each asset how many there are, as the label set (or model) says that has most; the fewest first.

    Several label sets may have labelled the same thing, so theirs are not added up.

    Args:
        cursor: shows the state.
        vocabulary: of the state.
        annotations: with `asset` and `annotation`.
    """
    said = least(once(_ROWS, alike=may_repeat(cursor, vocabulary)))
    numbers = Sql("SELECT max(lo)::BIGINT AS n FROM ({}) GROUP BY asset ORDER BY n").filled(said)
    cursor.register(_TABLE, annotations.select(["asset", "annotation"]))
    try:
        return [n for (n,) in rows(cursor, numbers)]
    finally:
        cursor.unregister(_TABLE)
