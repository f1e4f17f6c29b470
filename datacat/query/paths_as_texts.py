"""Which values of a query are texts though they look like a path: a path has its place on the left of a comparison."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from datacat.query import meaning as m
from datacat.query.compare import Sql, at, leaf_compares
from datacat.query.pairs import table_at
from datacat.query.paths import attributes_named
from datacat.query.run import rows
from datacat.query.tree import Operator
from datacat.query.values import Value, quoted
from datacat.query.vocabulary import Vocabulary


def paths_as_texts(
    cursor: duckdb.DuckDBPyConnection, meaning: m.Meaning, *, vocabulary: Vocabulary
) -> tuple[str, ...]:
    """A sentence for each bare word that is compared as a text, and is the name of an attribute's path.

    Where somebody has that text, it is what is meant, and nothing is said; so of what stands in quotes.
    """
    found = {}
    for node, value in _with_words(meaning):
        if attributes_named(value.text, cursor=cursor, vocabulary=vocabulary) and not _is_said(
            cursor, node, value
        ):
            found[node.shown, node.operator, value] = _sentence(node, value)
    return tuple(found.values())


def _with_words(node: m.Meaning) -> Iterator[tuple[m.AttributeIs | m.MetadataIs, Value]]:
    match node:
        case m.ElementIs(candidates=candidates):
            yield from _with_words(candidates)
        case m.AttributeIs() | m.MetadataIs() if node.operator is not Operator.MATCHES:
            for value in node.values:
                if not value.is_quoted and not value.is_pattern and value.number is None:
                    yield node, value
    for child in m.children(node):
        yield from _with_words(child)


def _is_said(cursor: duckdb.DuckDBPyConnection, node: m.AttributeIs | m.MetadataIs, value: Value) -> bool:
    is_attribute = isinstance(node, m.AttributeIs)
    table = table_at("attribute_values", node.paths) if is_attribute else Sql("metadata_values")
    query = Sql("SELECT 1 FROM {} WHERE {} AND {} LIMIT 1")
    return bool(rows(cursor, query.filled(table, at(node.paths), leaf_compares(Operator.EQUAL, [value]))))


def _sentence(node: m.AttributeIs | m.MetadataIs, value: Value) -> str:
    is_list = node.operator in (Operator.IN, Operator.NOT_IN)
    is_word = is_list or node.operator is Operator.CONTAINS
    right = f"({quoted(value.text)})" if is_list else quoted(value.text)
    asked = f"{node.shown}{f' {node.operator} ' if is_word else node.operator}{right}"
    return (
        f"`{value}` is compared as a text, which no `{node.shown}` is: a path cannot stand on the right; "
        f"if the text is meant: {asked}"
    )
