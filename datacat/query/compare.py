"""One comparison as SQL, and the little that is needed to put pieces of SQL together.

Text is compared without regard to case and Unicode form (`model.spelling`): lower() on the column costs 2 ms where a
condition reads 4 million leaves, and row groups are pruned by path and class all the same. Where texts
are not in ASCII, 4 million of them take 58 ms on two cores instead of 5 (those in ASCII beside them 12 instead of 10).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

from datacat.model.spelling import one_form_sql, spellings
from datacat.query.periods import DATES, Period, behind, bounds, is_date, is_year
from datacat.query.tree import Operator
from datacat.query.values import Value

if TYPE_CHECKING:
    from datacat.query.predicates import ClassMember

_LITERALS = 100
_WHOLE = 1 << 63
_NUMBER_COLUMNS = frozenset({"confidence", "width", "height", "duration_s", "size", "aspect"})
_OWN_WORDS = frozenset({"kind", "geometry_type", "media", "digest"})  # ours, in ASCII


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

    @property
    def written_out(self) -> str | None:
        """The text with its values as literals of the types that they would be bound with.

        None: where that cannot be done, or would make the text long.
        """
        parts = self.text.split("?")
        literals = [_literal(value) for value in self.values[:_LITERALS]]
        # As many question marks as there are values: none of them stands within a text.
        if len(parts) != len(literals) + 1 or len(self.values) > _LITERALS or None in literals:
            return None
        return parts[0] + "".join(
            f"{literal}{part}" for literal, part in zip(literals, parts[1:], strict=True)
        )


def _literal(value: object) -> str | None:
    match value:
        case bool():
            return str(value).lower()
        case int() if abs(value) < _WHOLE:
            return f"{value}"
        case float() if isfinite(value):
            return f"{value!r}::DOUBLE"
        case str() if "\0" not in value:
            return "'" + value.replace("'", "''") + "'::VARCHAR"
    return None


TRUE = Sql("true")


def joined(word: str, pieces: Sequence[Sql]) -> Sql:
    """Pieces with `word` between them; conditions that are always true are left out of a conjunction."""
    kept = [piece for piece in pieces if piece != TRUE] if word == " AND " else list(pieces)
    if not kept:
        return TRUE
    return Sql(
        word.join(piece.text for piece in kept), tuple(value for piece in kept for value in piece.values)
    )


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a scalar lies: SQL of its text, of its number if it is one, and of whether it is a list's element."""

    text: str = "text"
    number: str = "number"
    is_element: str = "ends_with(path, '[]')"


LEAF = Leaf()  # a row of `attribute_values` or `metadata_values`
ELEMENT = Leaf(is_element="false")  # one that is looked at by itself, of whichever list it is an element


@dataclass(frozen=True, slots=True)
class Sort:
    """What is known of the leaves at some paths: whether there are numbers, texts, such as are oddly spelled or not in
    ASCII."""

    has_numbers: bool = True
    has_texts: bool = True
    has_odd_texts: bool = True
    has_wide_texts: bool = True


ANY_SORT = Sort()


def _form_of(column: str, *, is_wide: bool) -> str:
    """SQL of the form in which a column is compared."""
    return one_form_sql(column, is_ascii=not is_wide)


def _form_asked(text: str) -> Sql:
    """The form in which what is asked for is compared."""
    return Sql(one_form_sql("?", is_ascii=text.isascii()), (text,))


def leaf_compares(
    operator: Operator, values: Sequence[Value], *, leaf: Leaf = LEAF, sort: Sort = ANY_SORT
) -> Sql:
    """A condition on a leaf; the more is known of its sort, the more row groups are skipped."""
    match operator:
        case Operator.EQUAL if len(values) == 1 and not values[0].is_pattern:
            return _leaf_equals(values[0], leaf=leaf, sort=sort)
        case Operator.IN:
            return _any([leaf_compares(Operator.EQUAL, [value], leaf=leaf, sort=sort) for value in values])
        case Operator.NOT_IN:
            each = [leaf_compares(Operator.UNEQUAL, [value], leaf=leaf, sort=sort) for value in values]
            return joined(" AND ", each)
        case Operator.CONTAINS:
            same = leaf_compares(Operator.EQUAL, values, leaf=leaf, sort=_whatever(sort))
            within = _contains(leaf.text, values[0].text, is_wide=sort.has_wide_texts)
            return Sql(f"CASE WHEN {leaf.is_element} THEN {{}} ELSE {{}} END").filled(same, within)
    return _leaf_compares(operator, values[0], leaf=leaf, sort=sort)


def _whatever(sort: Sort) -> Sort:
    """Nothing is known but whether there are texts that are not in ASCII."""
    return replace(ANY_SORT, has_wide_texts=sort.has_wide_texts)


def _contains(column: str, text: str, *, is_wide: bool) -> Sql:
    form = _form_of(column, is_wide=is_wide)
    return Sql(f"contains({form}, {{}})").filled(_form_asked(text))


def leaf_denies(
    operator: Operator, values: Sequence[Value], *, leaf: Leaf = LEAF, sort: Sort = ANY_SORT
) -> Sql:
    """A condition on a leaf: it can be read as what it is compared with, and does not compare.

    A text is no number and a number no text: of `"0.9"`, nobody can say whether it is above 0.8.
    """
    is_read = Sql(f"{leaf.text} IS NOT NULL")
    if operator in _ORDER:
        (value,) = values
        if value.number is None:
            is_read = Sql(f"({leaf.text} IS NOT NULL AND {leaf.number} IS NULL)")
        elif is_year(value.text):
            is_read = Sql(
                f"({leaf.number} IS NOT NULL OR regexp_matches({leaf.text}, '^\\d\\d\\d\\d-\\d\\d'))"
            )
        else:
            is_read = Sql(f"{leaf.number} IS NOT NULL")
    holds = leaf_compares(operator, values, leaf=leaf, sort=_whatever(sort))
    return Sql("({} AND ({}) IS NOT TRUE)").filled(is_read, holds)


def _leaf_equals(value: Value, *, leaf: Leaf, sort: Sort) -> Sql:
    number, text = value.number, leaf.text
    if is_date(value.text) and not value.is_quoted:
        as_text = _is_in_period(text, value.text)
    elif sort.has_odd_texts:
        form = _form_of(text, is_wide=sort.has_wide_texts)
        as_text = Sql(f"{form} = {{}}").filled(_form_asked(value.text))
    else:
        forms, taken = spellings(value.text)
        as_text = Sql(f"{text} IN ({forms})", (value.text,) * taken)
    if number is None or value.is_long or not sort.has_numbers:
        return as_text
    as_number = Sql(f"{leaf.number} = ?", (number,))
    return as_number if not sort.has_texts else Sql("({} OR {})").filled(as_number, as_text)


def _leaf_compares(operator: Operator, value: Value, *, leaf: Leaf, sort: Sort) -> Sql:
    number, text = value.number, leaf.text
    if operator in _ORDER:
        bound = behind(value.text) if operator in _BEHIND and not value.is_quoted else value.text
        form = _form_of(text, is_wide=sort.has_wide_texts)
        as_text = Sql(f"({leaf.number} IS NULL AND {form} {operator} {{}})").filled(_form_asked(bound))
        if number is None:
            return as_text
        as_number = number_compares(leaf.number, operator, number=number)
        if value.whole is not None:
            as_number = _exactly(leaf, operator, number=number, whole=value.whole)
        if not is_year(value.text) or not sort.has_texts:
            return as_number
        is_of_date = Sql(f"regexp_matches({text}, '^\\d\\d\\d\\d-\\d\\d')")
        return _any([as_number, joined(" AND ", [is_of_date, as_text])])
    if operator is Operator.UNEQUAL and not value.is_pattern:
        same = _leaf_equals(value, leaf=leaf, sort=_whatever(sort))
        return Sql(f"({text} IS NOT NULL AND {{}} IS NOT TRUE)").filled(same)
    return _text_compares(text, operator, value=value, is_wide=sort.has_wide_texts)


def _exactly(leaf: Leaf, operator: Operator, *, number: float, whole: int) -> Sql:
    """Doubles decide where they differ; where they are equal, the numbers as they are written do."""
    strict = Operator.LESS if operator in (Operator.LESS, Operator.AT_MOST) else Operator.GREATER
    differs = number_compares(leaf.number, strict, number=number)
    same = Sql(
        f"({leaf.number} = ? AND try_cast({leaf.text} AS HUGEINT) {operator} ?::HUGEINT)",
        (number, str(whole)),
    )
    return _any([differs, same])


def _is_in_period(text: str, date: str) -> Sql:
    """The text is that date, or a date or a time in it. What lies elsewhere is skipped: the index is sorted by text."""
    is_one = f"({text} = ? OR regexp_matches({text}, '{DATES}'))"
    return Sql(f"({text} >= ? AND {text} <= ? AND {is_one})", (date, behind(date), date))


def column_compares(
    column: str,
    operator: Operator,
    *,
    values: Sequence[Value],
    expression: str | None = None,
    is_wide: bool = True,
) -> Sql:
    """A condition on a column of `annotations` or `assets`, or on an expression that stands for it.

    `is_wide`: whether some of its texts may not be in ASCII.
    """
    compares = partial(column_compares, column, expression=expression, is_wide=is_wide)
    match operator:
        case Operator.IN:
            return _any([compares(Operator.EQUAL, values=[value]) for value in values])
        case Operator.NOT_IN:
            return joined(" AND ", [compares(Operator.UNEQUAL, values=[value]) for value in values])
        case Operator.CONTAINS:
            return _contains(column, values[0].text, is_wide=is_wide)
    if column in _NUMBER_COLUMNS:
        number = values[0].number
        assert number is not None
        return number_compares(expression or column, operator, number=number)
    return _text_compares(column, operator, value=values[0], is_wide=is_wide and column not in _OWN_WORDS)


def uri_compares(column: str, operator: Operator, *, values: Sequence[Value]) -> Sql:
    """URIs are compared with regard to case, whole or from a slash on: `uri:a/7.png` finds s3://lake/a/7.png."""
    match operator:
        case Operator.IN:
            return _any([uri_compares(column, Operator.EQUAL, values=[value]) for value in values])
        case Operator.NOT_IN:
            return Sql("NOT {}").filled(uri_compares(column, Operator.IN, values=values))
        case Operator.EQUAL | Operator.UNEQUAL:
            same = _same_uri(column, values[0])
            return same if operator is Operator.EQUAL else Sql("NOT {}").filled(same)
    return column_compares(column, operator, values=values)


def _same_uri(column: str, value: Value) -> Sql:
    if value.is_pattern:
        pattern = _like_pattern(value.text)
        return Sql(f"({column} LIKE ? ESCAPE '\\' OR {column} LIKE ? ESCAPE '\\')", (pattern, "%/" + pattern))
    return Sql(f"({column} = ? OR ends_with({column}, ?))", (value.text, "/" + value.text))


def time_compares(column: str, operator: Operator, *, period: Period) -> Sql:
    """A condition on a column of times."""
    start, end = bounds(operator, period)
    pieces = [Sql(f"{column} >= ?", (start,))] if start else []
    pieces += [Sql(f"{column} < ?", (end,))] if end else []
    inside = Sql("({})").filled(joined(" AND ", pieces))
    return Sql("NOT {}").filled(inside) if operator is Operator.UNEQUAL else inside


def _any(pieces: Sequence[Sql]) -> Sql:
    return Sql("({})").filled(joined(" OR ", pieces))


def number_compares(column: str, operator: Operator, *, number: float) -> Sql:
    """A condition on a number, or an expression of one."""
    operator_text = "<>" if operator is Operator.UNEQUAL else operator
    compares = Sql(f"{column} {operator_text} ?", (number,))
    if operator in (Operator.GREATER, Operator.AT_LEAST):
        # To DuckDB NaN is greater than every number; to a person it is none.
        return Sql(f"({column} {operator_text} ? AND {column} <= 'Infinity'::DOUBLE)", (number,))
    return compares


def measure_compares(measure: str, operator: Operator, *, number: float) -> Sql:
    """A condition on what is reckoned from boxes: 0.2 - 0.1 / 2 of 100 pixels is 15, not 15.000000000000002.

    Args:
        measure: an expression.
        operator: how it compares.
        number: with what; what differs from it by less than `slack` is equal to it.
    """
    least, most = number - slack(number), number + slack(number)
    match operator:
        case Operator.EQUAL:
            return Sql(f"{measure} BETWEEN ? AND ?", (least, most))
        case Operator.UNEQUAL:
            return Sql(f"{measure} NOT BETWEEN ? AND ?", (least, most))
    is_within = operator in (Operator.LESS, Operator.AT_LEAST)
    return number_compares(measure, operator, number=least if is_within else most)


def slack(number: float) -> float:
    """By how much a measure may differ from a number and still be it: less than a millionth, of large ones more."""
    return max(5e-7, abs(number) * 1e-12)


def _text_compares(column: str, operator: Operator, *, value: Value, is_wide: bool) -> Sql:
    form = _form_of(column, is_wide=is_wide)
    if operator is Operator.MATCHES:
        # A pattern that is changed may say something else, so only its composed form counts.
        composed = f"nfc_normalize({column})" if is_wide else column
        return Sql(f"regexp_matches({composed}, ?, 'i')", (unicodedata.normalize("NFC", value.text),))
    if operator in _ORDER:
        return Sql(f"{form} {operator} {{}}").filled(_form_asked(value.text))
    negation = "NOT " if operator is Operator.UNEQUAL else ""
    if value.is_pattern and (is_wide or not value.text.isascii()):
        asked = _form_asked(_like_pattern(value.text))
        return Sql(f"{form} {negation}LIKE {{}} ESCAPE '\\'").filled(asked)
    if value.is_pattern:
        return Sql(f"{column} {negation}ILIKE ? ESCAPE '\\'", (_like_pattern(value.text),))
    return Sql(f"{negation}{form} = {{}}").filled(_form_asked(value.text))


def _like_pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%")


_BEHIND = (Operator.GREATER, Operator.AT_MOST)
_ORDER = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)


def of_class(members: Sequence[ClassMember]) -> Sql:
    """A condition on class and label set: one of the members."""
    names = one_of("class", [member.name for member in members])
    if all(member.label_sets is None for member in members):
        return names
    choices = [
        Sql("class = ?", (member.name,))
        if member.label_sets is None
        else joined(" AND ", [Sql("class = ?", (member.name,)), one_of("label_set", member.label_sets)])
        for member in members
    ]
    return Sql("{} AND ({})").filled(names, joined(" OR ", choices))


def one_of(column: str, values: Sequence[object]) -> Sql:
    """A condition: the column is one of the values."""
    if not values:
        return Sql("false")
    return Sql(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def at(paths: tuple[str, ...]) -> Sql:
    """A condition on `path`: one of those. Written so that DuckDB skips the row groups of others."""
    return Sql("path = ?", paths) if len(paths) == 1 else one_of("path", paths)
