"""What there is to ask for: classes and attribute paths, with counts."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow as pa

from datacat.errors import NotFound, UsageError
from datacat.model.names import LabelSetName
from datacat.model.positions import IN_ORDER
from datacat.query import meaning as m
from datacat.query.bind import bind
from datacat.query.compare import TRUE, Sql
from datacat.query.pairs import of_row
from datacat.query.plurals import comparable
from datacat.query.run import arrow, rows
from datacat.query.scope import Scope
from datacat.query.syntax import parse
from datacat.query.vocabulary import Vocabulary, nearest_names, read_vocabulary

CLASSES = pa.schema(
    [
        ("class", pa.string()),
        ("concept", pa.string()),
        ("teams", pa.list_(pa.string())),
        ("label_sets", pa.list_(pa.string())),
        ("annotations", pa.int64()),
        ("assets", pa.int64()),
    ]
)
ATTRIBUTES = pa.schema(
    [
        ("path", pa.string()),
        ("types", pa.list_(pa.string())),
        ("annotations", pa.int64()),
        ("distinct", pa.int64()),
        ("examples", pa.list_(pa.string())),
        ("teams", pa.list_(pa.string())),
    ]
)
_EXAMPLES = 3  # the most frequent values of a path

# Values are counted before they are gathered, so that memory holds the distinct ones and not the leaves.
# Only a path through a list can have several leaves of one annotation, so only there are they told apart.
_ATTRIBUTES = f"""
WITH leaves AS (SELECT * FROM attribute_values WHERE {{}}),
     valued AS (
       SELECT path, text, count(*) AS uses,
              CASE WHEN any_value(number) IS NOT NULL THEN 'number'
                   WHEN text IN ('true', 'false') THEN 'boolean'
                   WHEN text IS NULL THEN 'null' ELSE 'text' END AS type
       FROM leaves GROUP BY path, text),
     by_value AS (
       SELECT path, list_sort(list(DISTINCT type)) AS types,
              sum(uses) AS leaf_count, count(text) AS value_count,
              coalesce(max_by(text, (uses, text), {_EXAMPLES}) FILTER (text IS NOT NULL), []) AS examples
       FROM valued GROUP BY path),
     of_lists AS (
       SELECT path, count(DISTINCT annotation) AS annotations
       FROM leaves WHERE contains(path, '[]') GROUP BY path),
     by_set AS (
       SELECT path, list(label_set) AS label_sets
       FROM (SELECT DISTINCT path, label_set FROM leaves) GROUP BY path)
SELECT path, types, coalesce(annotations, leaf_count)::BIGINT, value_count, examples, label_sets
FROM by_value JOIN by_set USING (path) LEFT JOIN of_lists USING (path) ORDER BY path
"""  # noqa: S608 - a number of ours


def classes(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
    """Every class as its teams write it, used or only declared, the most used first (schema `CLASSES`)."""
    words = read_vocabulary(cursor)
    counted = rows(cursor, Sql("SELECT class, count(DISTINCT asset) FROM annotations GROUP BY class"))
    assets = dict(counted)
    listed = [
        {
            "class": item.name,
            "concept": _concept(item.name, item.counts, words=words),
            "teams": _teams(item.counts, words),
            "label_sets": sorted(str(words.label_sets[number]) for number in item.counts),
            "annotations": item.annotations,
            "assets": assets.get(item.name, 0),
        }
        for item in words.classes
    ]
    listed.sort(key=lambda row: (-row["annotations"], row["class"]))
    return pa.Table.from_pylist(listed, schema=CLASSES)


def attributes(cursor: duckdb.DuckDBPyConnection, class_name: str | None = None) -> pa.Table:
    """Every attribute path, of all annotations or of those that a class name asks for (schema `ATTRIBUTES`).

    Args:
        cursor: shows the tables of one state.
        class_name: as in a query: "roof" speaks of `Roof` and `rooftop` where a concept joins them.

    Raises:
        QueryError: no such class.
    """
    words = read_vocabulary(cursor)
    condition: Sql | None = TRUE
    if class_name is not None:
        meaning = bind(parse(class_name), scope=Scope(class_name, cursor, words))
        condition = of_row(meaning.predicate) if isinstance(meaning, m.Some) else None
    if condition is None:
        raise UsageError(f"{class_name!r} is no class", hint="Give one class, as in: roof.")
    found = [
        dict(zip(ATTRIBUTES.names, (*row[:-1], _teams(row[-1], words)), strict=True))
        for row in rows(cursor, Sql(_ATTRIBUTES).filled(condition))
    ]
    return pa.Table.from_pylist(found, schema=ATTRIBUTES)


def _teams(label_sets: Iterable[int], words: Vocabulary) -> list[str]:
    return sorted({words.label_sets[number].team for number in label_sets})


def _concept(name: str, label_sets: Iterable[int], *, words: Vocabulary) -> str | None:
    """The concepts that a class belongs to."""
    teams = {words.label_sets[number].team for number in label_sets}
    found = {
        member.concept
        for member in words.members
        if comparable(name) == comparable(member.concept)
        or (comparable(name) == comparable(member.name) and member.team in (None, *teams))
    }
    return ", ".join(sorted(found)) or None


def values(cursor: duckdb.DuckDBPyConnection, path: str, *, limit: int = 20) -> pa.Table:
    """The commonest values of an attribute path: value, annotations."""
    sql = """
        SELECT text AS value, count(*) AS annotations FROM attribute_values
        WHERE path = ? AND text IS NOT NULL GROUP BY ALL ORDER BY annotations DESC, value LIMIT ?
    """
    return arrow(cursor, Sql(sql, (path, limit)))


def label_sets(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
    """The label sets: label_set, team, name, format, created."""
    return arrow(
        cursor,
        Sql(
            "SELECT team || '/' || name AS label_set, team, name, format, created FROM label_sets ORDER BY 1"
        ),
    )


def rejects(cursor: duckdb.DuckDBPyConnection, label_set: LabelSetName | None = None) -> pa.Table:
    """Records that could not be understood: label_set, file, position, reason, excerpt.

    Raises:
        NotFound: there is no such label set.
    """
    wanted = str(label_set) if label_set else None
    known = label_sets(cursor)["label_set"].to_pylist()
    if wanted and wanted not in known:
        near = nearest_names(wanted, known)
        raise NotFound(
            f"no label set {wanted}", hint=f"Did you mean {near[0]}?" if near else "See: datacat classes"
        )
    sql = f"""
        SELECT l.team || '/' || l.name AS label_set, s.uri AS file, r.position, r.reason, r.excerpt
        FROM rejects r JOIN label_sets l USING (label_set) JOIN source_files s USING (source_file)
        WHERE ?::VARCHAR IS NULL OR l.team || '/' || l.name = ? ORDER BY label_set, file, {IN_ORDER}, reason, excerpt
    """  # noqa: S608 - our own words
    return arrow(cursor, Sql(sql, (wanted, wanted)))
