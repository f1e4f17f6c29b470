"""Why a search found nothing: a condition asks for a value that nobody has, most often a slip of the keys.

Looked for only where nothing was found; 4 million leaves at one path are counted in a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql, at, column_compares, leaf_compares
from datacat.query.pairs import table_at
from datacat.query.run import rows
from datacat.query.tree import Operator, Quantifier
from datacat.query.values import Value, name_text
from datacat.query.vocabulary import Vocabulary, nearest_names

_NEAREST_OF = 2_000  # commonest values
_SHOWN = 3
# Fields with a few values that people know, and those of which each annotation has its own.
_NAMED = ("annotator", "status", "model")
_OWN = ("track", "text", "external_id")
_FIELDS = (*_NAMED, *_OWN, "split")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value would stand.

    Attributes:
        table: in which.
        rows: a condition: those of its rows that have such values.
        column: theirs.
        compares: a condition that asks for the value.
        is_own: whether most rows have a value of their own, of which none is worth a suggestion.
    """

    table: Sql
    rows: Sql
    column: str
    compares: Sql
    is_own: bool = False

    def has_some(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        query = Sql("SELECT 1 FROM {} WHERE {} AND {} LIMIT 1")
        return bool(rows(cursor, query.filled(self.table, self.rows, self.compares)))

    def commonest(self, cursor: duckdb.DuckDBPyConnection) -> list[str]:
        query = Sql(
            f"SELECT {self.column} FROM {{}} WHERE {{}} AND {self.column} IS NOT NULL "  # noqa: S608 - our own
            f"GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {_NEAREST_OF}"
        )
        return [text for (text,) in rows(cursor, query.filled(self.table, self.rows))]


def unknown_values(
    cursor: duckdb.DuckDBPyConnection, meaning: m.Meaning, *, vocabulary: Vocabulary
) -> tuple[str, ...]:
    """A sentence for each value of `=` or `:` that no annotation and no asset has, whatever else is asked."""
    places: dict[tuple[str, Value], list[_Place]] = {}
    for node in _asked(meaning):
        for name, value, place in _places(node):
            places.setdefault((name, value), []).append(place)
    unknown = [item for item in places.items() if not any(place.has_some(cursor) for place in item[1])]
    paths = vocabulary.paths(cursor)
    return tuple(
        _sentence(
            name, value, known=_commonest(found, cursor), is_attribute=name in paths and name in _FIELDS
        )
        for (name, value), found in unknown
    )


def _asked(node: m.Meaning) -> Iterator[m.Meaning]:
    """The conditions that must hold; nothing is missed because of those that must not."""
    match node:
        case m.Not() | m.Unknown():
            return
        case m.ElementIs(candidates=candidates):
            yield from _asked(candidates)
        case _:
            yield node
            for child in m.children(node):
                yield from _asked(child)


def _places(node: m.Meaning) -> Iterator[tuple[str, Value, _Place]]:
    """Of each value that the node asks for: what it is a value of, the value, and where it would stand."""
    if not isinstance(node, m.AttributeIs | m.MetadataIs | m.ColumnIs | m.SplitIs):
        return
    if node.operator not in (Operator.EQUAL, Operator.IN):
        return
    if isinstance(node, m.AttributeIs | m.MetadataIs) and node.quantifier is Quantifier.NONE:
        return
    for value in node.values:
        match node:
            case m.AttributeIs(paths=paths, shown=name):
                table = table_at("attribute_values", paths)
                yield name, value, _Place(table, at(paths), "text", leaf_compares(Operator.EQUAL, [value]))
            case m.MetadataIs(paths=paths, shown=name):
                table = Sql("metadata_values")
                yield name, value, _Place(table, at(paths), "text", leaf_compares(Operator.EQUAL, [value]))
            case m.ColumnIs(name=name, column=column) if name in _FIELDS:
                yield name, value, _of_column("annotations", column, value)
            case m.SplitIs():
                yield "split", value, _of_column("label_set_assets", "split", value)


def _of_column(table: str, column: str, value: Value) -> _Place:
    compares = column_compares(column, Operator.EQUAL, values=[value])
    return _Place(Sql(table), TRUE, column, compares, is_own=column in _OWN)


def _commonest(places: Sequence[_Place], cursor: duckdb.DuckDBPyConnection) -> list[str] | None:
    """The commonest values of all places; None where each has its own."""
    if all(place.is_own for place in places):
        return None
    return list(dict.fromkeys(text for place in places for text in place.commonest(cursor)))


def _sentence(name: str, value: Value, *, known: Sequence[str] | None, is_attribute: bool) -> str:
    said = f"no `{name}` is `{value}`"
    if known is not None:
        spelled = {text.casefold(): text for text in reversed(known)}
        near = [spelled[text] for text in nearest_names(value.text.casefold(), spelled)]
        if near:
            said += f"; did you mean {' or '.join(f'`{text}`' for text in near)}?"
        elif known:
            more = ", …" if len(known) > _SHOWN else ""
            said += f"; there is {', '.join(f'`{text}`' for text in known[:_SHOWN])}{more}"
        else:
            said += ": nobody says any"
    if is_attribute:
        said = f"{said.removesuffix('?')}; an attribute is so called too: {name_text(f'attributes.{name}')}"
    return said
