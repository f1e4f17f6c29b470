"""Why a record was rejected, in sentences: what parsers and Python say of it is put into the user's words."""

from __future__ import annotations

import re
from collections.abc import Callable

_KINDS = {
    "object": "an object",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "datetime": "a time",
    "date": "a date",
    "bytes": "bytes",
    "list": "a list",
    "dict": "an object",
    "tuple": "a list",
    "NoneType": "null",
}
_OTHER_KIND = "a value of another kind than belongs here"


def reason_of(error: Exception | str) -> str:
    """What is wrong with a record, as one sentence for people.

    Args:
        error: what was raised while it was read, or a text that was said of it.
    """
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, MemoryError):
        return "it takes more memory than there is"
    text = str(error).strip()
    if isinstance(error, KeyError):
        return f"{text.strip(chr(39))!r} is missing" if text else "a key is missing"
    for pattern, say in _SAYINGS:
        found = pattern.search(text)
        if found:
            return text[: found.start()] + say(found)  # what we say ourselves in front of it stays
    if isinstance(error, TypeError | AttributeError | IndexError):
        return _OTHER_KIND
    return text or _OTHER_KIND


def kind_name(value: object) -> str:
    """What kind of value something is, in a reader's words: text, a list, true or false."""
    return _KINDS.get(type(value).__name__, type(value).__name__)


def _kinds(text: str) -> str:
    """`int | null` as words; one without a word stays."""
    return " or ".join(_KINDS.get(kind.strip(), kind.strip()) for kind in text.split("|"))


def _where(path: str | None) -> str:
    """`$.bbox[0]` as `bbox[0]: `; the record as a whole needs no name."""
    name = re.sub(r"^\$(\[(\d+|\.\.\.)\])?\.?", "", path or "")
    return f"`{name}`: " if name else ""


def _expected(found: re.Match[str]) -> str:
    return f"{_where(found['at'])}{_kinds(found[2])} where {_kinds(found[1])} belongs"


def _length(found: re.Match[str]) -> str:
    how_many = found[2] if found[1] == "length" else f"{found[1]} {found[2]}"
    given = f"{found[3]} values" if found[3] else "another number of values"
    return f"{_where(found['at'])}{given} where {how_many} belong"


def _of_field(sentence: str) -> Callable[[re.Match[str]], str]:
    """A sentence about a field, with its first group in it and its path in front."""
    return lambda found: _where(found["at"]) + sentence.format(found[1])


def _same(sentence: str) -> Callable[[re.Match[str]], str]:
    """A sentence with the groups that were found in it."""
    return lambda found: sentence.format(*found.groups())


_AT = r"(?: - at `(?P<at>[^`]*)`)?$"
_SAYINGS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), say)
    for pattern, say in (
        (r"Expected `([^`]+)`, got `([^`]+)`" + _AT, _expected),
        (r"Expected `array` of (at least|at most|length) (\d+)(?:, got (\d+))?" + _AT, _length),
        (r"Object missing required field `([^`]+)`" + _AT, _of_field("`{}` is missing")),
        (r"Object contains unknown field `([^`]+)`" + _AT, _of_field("unknown key `{}`")),
        (r"Invalid (RFC3339|ISO8601) encoded \w+" + _AT, _of_field("no time as ISO 8601 has it")),
        (r"Invalid enum value (.+?)" + _AT, _of_field("{} is none of the values that are known")),
        (r"(Number|Integer value) out of range" + _AT, _of_field("a number that is too large")),
        (r"Input data was truncated", _same("the JSON ends in the middle")),
        (r"JSON is malformed: (.+) \(byte (\d+)\)", _same("no valid JSON: {} at byte {} of the record")),
        (r"'utf-8' codec can't decode byte.*|Invalid UTF-8.*", _same("bytes that are no UTF-8")),
        (r"invalid literal for int\(\) with base \d+: (.*)", _same("{} is no whole number")),
        (
            r"Exceeds the limit \(([\d,]+) digits\) for integer",
            _same("a whole number of more than {} digits"),
        ),
        (r"could not convert string to float: (.*)", _same("{} is no number")),
        (r"cannot convert float (?:NaN|infinity) to integer", _same("a number that is not finite")),
        (r"not enough values to unpack \(expected (.+), got (\d+)\)", _same("{1} values where {0} belong")),
        (r"too many values to unpack \(expected (\d+)", _same("more than {} values")),
        (r"[Mm]aximum recursion (?:depth|level)", _same("nested too deep")),
        (
            r"^(?:Python )?int too (?:big|large) to convert|Result too large|^math range error$",
            _same("a number that is too large"),
        ),
        (
            r"^(?:'\w+' object |unsupported operand|bad operand|can't multiply|cannot unpack|\w+ indices must|"
            r"argument of type|float\(\) argument|int\(\) argument|list index|string index|expected string|"
            r"must be real number|can only concatenate|Value after \* must)",
            _same(_OTHER_KIND),
        ),
    )
)
