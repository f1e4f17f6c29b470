"""Which values are text where a number was compared with them, so that nobody can say how they compare."""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb

from datacat.query import meaning as m
from datacat.query.compare import Sql, at
from datacat.query.pairs import table_at
from datacat.query.paths_as_texts import paths_as_texts
from datacat.query.periods import is_year
from datacat.query.run import rows
from datacat.query.tree import Operator
from datacat.query.vocabulary import Vocabulary

_ORDER = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)


def uncompared_texts(
    cursor: duckdb.DuckDBPyConnection, meaning: m.Meaning, *, vocabulary: Vocabulary
) -> tuple[str, ...]:
    """A sentence for each path that is compared with a number and has texts, whatever else is asked.

    A path that is known to have numbers alone is not looked at. Then those of `paths_as_texts`.
    """
    found = {str(node.shown): told for node in _with_numbers(meaning) if (told := _told(cursor, node))}
    return (*found.values(), *paths_as_texts(cursor, meaning, vocabulary=vocabulary))


def _with_numbers(node: m.Meaning) -> Iterator[m.AttributeIs | m.MetadataIs]:
    """The conditions that ask whether something is less or more than a number."""
    match node:
        case m.ElementIs(candidates=candidates):
            yield from _with_numbers(candidates)
        case m.AttributeIs() | m.MetadataIs():
            (first, *_) = node.values
            has_texts = isinstance(node, m.MetadataIs) or node.sort.has_texts
            if has_texts and node.operator in _ORDER and first.number is not None and not is_year(first.text):
                yield node
    for child in m.children(node):
        yield from _with_numbers(child)


def _told(cursor: duckdb.DuckDBPyConnection, node: m.AttributeIs | m.MetadataIs) -> str | None:
    is_attribute = isinstance(node, m.AttributeIs)
    table = table_at("attribute_values", node.paths) if is_attribute else Sql("metadata_values")
    query = Sql("SELECT count(*), min(text) FROM {} WHERE {} AND number IS NULL AND text IS NOT NULL")
    ((count, example),) = rows(cursor, query.filled(table, at(node.paths)))
    if not count:
        return None
    shown = json.dumps(example, ensure_ascii=False)
    if count == 1:
        return f"1 value of `{node.shown}` is text ({shown}), which is not compared with a number"
    return f"{count:,} values of `{node.shown}` are text (as {shown}), which is not compared with a number"
