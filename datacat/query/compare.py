"""One comparison as SQL, and the little that is needed to put pieces of SQL together.

Text is compared without regard to case: lower() on the column costs 2 ms where a condition reads 4 million
leaves, and row groups are pruned by path and class all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datacat.query.meaning import Value
from datacat.query.tree import Operator

_NUMBER_COLUMNS = frozenset(
    {"area", "w", "h", "x", "y", "confidence", "width", "height", "duration_s", "size"}
)


@dataclass(frozen=True, slots=True)
class Sql:
    """Text with `?` for each of `values`. The text is always one of ours; what users type is a value."""

    text: str
    values: tuple[object, ...] = ()

    def filled(self, *pieces: Sql) -> Sql:
        """Puts pieces into the `{}` of the text. The pieces must stand before the text's own `?`."""
        return Sql(
            self.text.format(*(piece.text for piece in pieces)),
            (*(value for piece in pieces for value in piece.values), *self.values),
        )


TRUE = Sql("true")


def joined(word: str, pieces: Sequence[Sql]) -> Sql:
    """Pieces with `word` between them; conditions that are always true are left out of a conjunction."""
    kept = [piece for piece in pieces if piece != TRUE] if word == " AND " else list(pieces)
    if not kept:
        return TRUE
    return Sql(
        word.join(piece.text for piece in kept), tuple(value for piece in kept for value in piece.values)
    )


def leaf_compares(operator: Operator, value: Value) -> Sql:
    """A condition on `text` and `number` of an attribute leaf."""
    number = value.number
    if operator in _ORDER:
        if number is not None:
            return _number_compares("number", operator, number=number)
        return Sql(f"(number IS NULL AND lower(text) {operator} lower(?))", (value.text,))
    if number is None or operator is Operator.MATCHES:
        return _text_compares("text", operator, value=value)
    if operator is Operator.EQUAL:
        return Sql("(number = ? OR lower(text) = lower(?))", (number, value.text))
    return Sql(
        "(text IS NOT NULL AND (number = ? OR lower(text) = lower(?)) IS NOT TRUE)", (number, value.text)
    )


def column_compares(column: str, operator: Operator, *, value: Value) -> Sql:
    """A condition on a column of `annotations` or `assets`."""
    if column in _NUMBER_COLUMNS:
        assert value.number is not None
        return _number_compares(column, operator, number=value.number)
    return _text_compares(column, operator, value=value)


def uri_compares(column: str, operator: Operator, *, value: Value) -> Sql:
    """URIs are compared with regard to case, whole or from a slash on: `uri:a/7.png` finds s3://lake/a/7.png."""
    if operator not in (Operator.EQUAL, Operator.UNEQUAL):
        return _text_compares(column, operator, value=value)
    if value.is_pattern:
        pattern = _like_pattern(value.text)
        same = Sql(f"({column} LIKE ? ESCAPE '\\' OR {column} LIKE ? ESCAPE '\\')", (pattern, "%/" + pattern))
    else:
        same = Sql(f"({column} = ? OR ends_with({column}, ?))", (value.text, "/" + value.text))
    return same if operator is Operator.EQUAL else Sql("NOT {}").filled(same)


def _number_compares(column: str, operator: Operator, *, number: float) -> Sql:
    operator_text = "<>" if operator is Operator.UNEQUAL else operator
    compares = Sql(f"{column} {operator_text} ?", (number,))
    if operator in (Operator.GREATER, Operator.AT_LEAST):
        # To DuckDB NaN is greater than every number; to a person it is none.
        return Sql(f"({column} {operator_text} ? AND {column} <= 'Infinity'::DOUBLE)", (number,))
    return compares


def _text_compares(column: str, operator: Operator, *, value: Value) -> Sql:
    if operator is Operator.MATCHES:
        return Sql(f"regexp_matches({column}, ?, 'i')", (value.text,))
    if operator in _ORDER:
        return Sql(f"lower({column}) {operator} lower(?)", (value.text,))
    negation = "NOT " if operator is Operator.UNEQUAL else ""
    if value.is_pattern:
        return Sql(f"{column} {negation}ILIKE ? ESCAPE '\\'", (_like_pattern(value.text),))
    return Sql(f"{negation}lower({column}) = lower(?)", (value.text,))


def _like_pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%")


_ORDER = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)
