"""Values of conditions, and how names and texts are written in the query language."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN_NAME = re.compile(r"[^\s()\[\]{}\"=<>!~:\-&|?](?:[^\s()\[\]{}\"=<>!~:]|\[\])*")
# No operator at its beginning (a=>b), no comma or semicolon at its end or before another condition (a=b,c>1).
_PLAIN_VALUE = re.compile(
    r"(?![=<>!~]|[^\s()\[\]{}\"]*,[^\s()\[\]{}\"]*[=<>~])(?:[^\s()\[\]{}\"]|\[\])*(?:[^\s()\[\]{}\",;]|\[\])"
)
_PLAIN_ITEM = re.compile(r"[^\s()\[\]{}\",]+")
_LONG = re.compile(r"-?\d{16,}")
_MOST_DIGITS = 38  # of DuckDB's HUGEINT
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Value:
    """The right side of a condition. A quoted one is text: no number, no wildcard."""

    text: str
    is_quoted: bool = False

    @property
    def number(self) -> float | None:
        """The number it writes, or None."""
        return float(self.text) if not self.is_quoted and _NUMBER.fullmatch(self.text) else None

    @property
    def is_long(self) -> bool:
        """Whether it is a whole number of so many digits that only its text is exact: floats differ by more than 1."""
        return _LONG.fullmatch(self.text) is not None

    @property
    def whole(self) -> int | None:
        """The whole number beyond 2^53 that it writes, of which doubles know only about what it is; else None."""
        number = (
            int(self.text) if self.is_long and not self.is_quoted and len(self.text) <= _MOST_DIGITS else 0
        )
        return number if abs(number) >= 1 << 53 else None

    @property
    def is_pattern(self) -> bool:
        """Whether it has a wildcard."""
        return not self.is_quoted and "*" in self.text

    def __str__(self) -> str:
        return quoted(self.text) if self.is_quoted or not is_value(self.text) else self.text

    def as_item(self) -> str:
        """As it stands in `in (…)`, where a comma parts values."""
        return quoted(self.text) if self.is_quoted or not _PLAIN_ITEM.fullmatch(self.text) else self.text


def quoted(text: str) -> str:
    """`text` in double quotes, as the query language escapes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def is_value(text: str) -> bool:
    """Whether it can stand without quotes as the right side of a condition."""
    return _PLAIN_VALUE.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it can stand as a bare word or as the left side of a condition."""
    return _PLAIN_NAME.fullmatch(text) is not None


def name_text(name: str, *, is_quoted: bool = False) -> str:
    """A path as the left side of a condition; `is_quoted`: as it was typed, so that it is nothing but a path."""
    return quoted(name) if is_quoted or not is_name(name) else name
