"""How many a plain question asks for: "more than 3 cars", "at least two people", "2 or more", "no cars"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_BEFORE = {
    ("no", "more", "than"): "<=",
    ("not", "more", "than"): "<=",
    ("no", "fewer", "than"): ">=",
    ("no", "less", "than"): ">=",
    ("not", "fewer", "than"): ">=",
    ("not", "less", "than"): ">=",
    ("more", "than"): ">",
    ("over",): ">",
    ("fewer", "than"): "<",
    ("less", "than"): "<",
    ("at", "least"): ">=",
    ("at", "most"): "<=",
    ("up", "to"): "<=",
    ("exactly",): "=",
}
_BEHIND = {("or", "more"): ">=", ("or", "fewer"): "<=", ("or", "less"): "<="}
_NUMBER = re.compile(r"(\d{1,6})(\+?)")
_BARE_DIGITS = 3  # of a number that nothing is said before; four may be a year


@dataclass(frozen=True, slots=True)
class Quantity:
    """`count(…)` compares so with a number."""

    operator: str = ">="
    number: int = 1

    def of(self, query: str) -> str:
        """`query` that many times."""
        return query if self == ONE else f"count({query}){self.operator}{self.number}"


ONE = Quantity()


def read_quantity(words: Sequence[str]) -> tuple[Quantity, int] | None:
    """What folded words begin with, and how many words say it; None where they begin with no quantity."""
    for said, operator in _BEFORE.items():
        if tuple(words[: len(said)]) == said and (number := _number(words[len(said) :])) is not None:
            return Quantity(operator, number), len(said) + 1
    number = _number(words)
    if number is None:
        return None
    for said, operator in _BEHIND.items():
        if tuple(words[1 : 1 + len(said)]) == said:
            return Quantity(operator, number), 1 + len(said)
    if len(words[0].rstrip("+")) > _BARE_DIGITS and words[0].rstrip("+").isdecimal():
        return None
    return (Quantity("=", 0) if number == 0 else Quantity(">=", number)), 1


def _number(words: Sequence[str]) -> int | None:
    if not words:
        return None
    match = _NUMBER.fullmatch(words[0])
    if match:
        return int(match[1])
    return _WORDS.index(words[0]) if words[0] in _WORDS else None
