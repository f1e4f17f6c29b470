"""Nested attributes become leaves: one row for each scalar, with its path.

{"doors": [{"side": "left"}], "score": 0.50}  ->  doors[].side "left"; score "0.50", 0.5
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

Raw = msgspec.Raw | bytes


class _Written(str):
    """A number as it is written in the file."""

    __slots__ = ()


# Each leaf has its whole path: a long key above many, or many levels, make much of little. Real documents stay
# below 10 times their size.
_PATHS = 1 << 20  # characters of paths that any document may have
_EXPANDED = 50  # and larger ones, so many times their own size
_DECODER = msgspec.json.Decoder(float_hook=_Written)


class Leaves:
    """Columns of the staged table `leaves`, filled document by document."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.paths: list[str] = []
        self.texts: list[str | None] = []
        self.numbers: list[float | None] = []

    def __len__(self) -> int:
        return len(self.paths)

    def extract(self, document: Raw, row: int) -> None:
        """Adds the leaves of one JSON object.

        Raises:
            msgspec.MsgspecError, RecursionError, ValueError: it is no JSON, or nested too deep.
        """
        before = len(self.paths)
        try:
            self._walk(_DECODER.decode(document), most=max(_PATHS, _EXPANDED * len(document)))
        except BaseException:  # what it left behind would be some other row's
            self.cut(before)
            raise
        self.rows.extend([row] * (len(self.paths) - before))

    def _walk(self, document: Any, *, most: int) -> None:
        length = 0
        nodes: list[tuple[str, Any]] = [("", document)]
        add_path, add_text, add_number = self.paths.append, self.texts.append, self.numbers.append
        for prefix, node in nodes:  # grows while it is walked: breadth first, never recursive
            length += len(prefix) * len(node)
            if length > most:
                raise ValueError(f"the paths of its attributes take {_EXPANDED} times as much as they do")
            is_object = type(node) is dict
            items: Iterable[tuple[str, Any]] = node.items() if is_object else (("", item) for item in node)
            for key, value in items:
                path = prefix + key if is_object else prefix
                kind = type(value)
                if kind is dict:
                    nodes.append((path + "." if path else "", value))
                elif kind is list:
                    nodes.append((path + "[]", value))
                else:
                    add_path(path)
                    text, number = (value, None) if kind is str else _scalar(value)
                    add_text(text)
                    add_number(number)

    def cut(self, length: int) -> None:
        """Takes away all leaves but the first `length`."""
        for column in (self.rows, self.paths, self.texts, self.numbers):
            del column[length:]

    def forget(self, row: int) -> None:
        """Takes the leaves of `row` away again; it must be the last."""
        while self.rows and self.rows[-1] == row:
            for column in (self.rows, self.paths, self.texts, self.numbers):
                column.pop()


def composed(parts: Iterable[tuple[str, Raw]]) -> bytes:
    """One JSON object of raw pieces, each with its original bytes."""
    return b"{" + b", ".join(msgspec.json.encode(key) + b": " + bytes(raw) for key, raw in parts) + b"}"


def _scalar(value: Any) -> tuple[str | None, float | None]:
    """Text as written and number; null beyond the range of a float."""
    if value is None:
        return None, None
    if value is True:
        return "true", None
    if value is False:
        return "false", None
    text = str(value)
    try:
        number = float(value)
    except OverflowError:
        return text, None
    return text, number if math.isfinite(number) else None
