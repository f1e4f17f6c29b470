"""Numbers in plain words: "score below 0.5", "larger than 200 m2", "wider than 300 pixels", "severity 5"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from datacat.model.names import folded
from datacat.query.compare import Sql
from datacat.query.conditions import is_reserved
from datacat.query.own_words import QUALIFIERS
from datacat.query.plurals import comparable
from datacat.query.readings import Reading
from datacat.query.run import rows
from datacat.query.senses import ALTERNATIVES, Senses, steps
from datacat.query.values import name_text

_OPERATORS: dict[tuple[str, ...], str] = {
    ("below",): "<",
    ("under",): "<",
    ("less", "than"): "<",
    ("lower", "than"): "<",
    ("smaller", "than"): "<",
    ("fewer", "than"): "<",
    ("at", "most"): "<=",
    ("up", "to"): "<=",
    ("no", "more", "than"): "<=",
    ("not", "more", "than"): "<=",
    ("above",): ">",
    ("over",): ">",
    ("exceeding",): ">",
    ("more", "than"): ">",
    ("greater", "than"): ">",
    ("higher", "than"): ">",
    ("larger", "than"): ">",
    ("bigger", "than"): ">",
    ("at", "least"): ">=",
    ("no", "less", "than"): ">=",
    ("not", "less", "than"): ">=",
    ("exactly",): "=",
    ("equal", "to"): "=",
    ("equals",): "=",
    ("of", "exactly"): "=",
}
_BEHIND = {("or", "more"): ">=", ("or", "above"): ">=", ("or", "less"): "<=", ("or", "below"): "<="}
_COMPARATIVES = {
    **dict.fromkeys(("larger", "bigger", "greater"), ("area", ">")),
    "smaller": ("area", "<"),
    "wider": ("width", ">"),
    "narrower": ("width", "<"),
    **dict.fromkeys(("taller", "higher"), ("height", ">")),
    "longer": ("duration", ">"),
    "shorter": ("duration", "<"),
}
_FIELDS = ("confidence", "width", "height", "area", "aspect", "duration")
_OF_ASSETS = frozenset(("width", "height", "duration"))
_NUMBER = re.compile(r"(-?(?:\d+\.?\d*|\.\d+))(%|[a-z²]{1,3}\d?)?")
_LINKS = frozenset(("of", "is", "are", "was", "=", "a", "an", "the", "being"))
_UNITS = {
    **dict.fromkeys(("px", "pixel", "pixels"), "px"),
    **dict.fromkeys(("%", "percent"), "%"),
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("m2", "m²", "sqm"), "m2"),
    **dict.fromkeys(("km2", "km²"), "km2"),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), "m"),
    **dict.fromkeys(("cm", "mm", "km", "ha", "kg", "g", "min", "h"), ""),
}
_SQUARE = ("square metre", "square metres", "square meter", "square meters")
_OWN_UNITS = {"width": ("px", "%"), "height": ("px", "%"), "area": ("px", "%"), "duration": ("s", "min", "h")}
_LONGEST_NAME = 3
_OF_SURFACE = frozenset(("area", "surface", "size"))


class _Amount(NamedTuple):
    """What is compared with: the operator, the number as it is typed, its unit ("" where it has none)."""

    operator: str
    number: str
    unit: str
    taken: int


@dataclass(slots=True)
class Comparisons:
    """Looks attributes that have numbers up in one state."""

    senses: Senses
    _paths: dict[str, int] | None = field(default=None)
    _last: str = ""

    def read(self, words: Sequence[str], start: int) -> tuple[Reading, int] | None:
        """What the words from `start` on compare with a number, and how many words say it; None where nothing.

        Args:
            words: of the question, case-folded.
            start: the first that is looked at.
        """
        return (
            self._of_comparative(words, start) or self._of_name(words, start) or self._of_number(words, start)
        )

    def _of_comparative(self, words: Sequence[str], start: int) -> tuple[Reading, int] | None:
        """ "wider than 300 pixels": a measure of the box, or an attribute in that unit."""
        if words[start] not in _COMPARATIVES or words[start + 1 : start + 2] != ["than"]:
            return None
        name, operator = _COMPARATIVES[words[start]]
        amount = _number(words, start + 2, operator=operator)
        if amount is None:
            return None
        said = " ".join(words[start : start + 2 + amount.taken])
        taken = 2 + amount.taken
        of_unit = [path for path in self._numeric() if amount.unit and amount.unit in _words_of(path)]
        if name == "area" and amount.unit not in ("", *_OWN_UNITS["area"]):
            return (self._reading(said, of_unit, amount) if of_unit else _unread(said)), taken
        if name not in _OWN_UNITS or amount.unit not in ("", *_OWN_UNITS[name]):
            return (self._reading(said, of_unit, amount) if of_unit else _unread(said)), taken
        also = tuple(self._condition(path, amount) for path in self._numeric() if self._is_alike(path, name))
        return _of_field(said, name, amount, words[:start], alternatives=also[:ALTERNATIVES]), taken

    def _of_name(self, words: Sequence[str], start: int) -> tuple[Reading, int] | None:
        """ "score below 0.5", "severity 5": an attribute or a field of that name."""
        for count in range(min(_LONGEST_NAME, len(words) - start), 0, -1):
            paths = self._named(words[start : start + count])
            name = words[start] if count == 1 and words[start] in _FIELDS else ""
            if not paths and not name:
                continue
            place = start + count
            while place < len(words) and words[place] in _LINKS:
                place += 1
            amount = _amount(words, place) or _number(words, place, operator="=")
            if amount is None:
                return None
            taken = place + amount.taken - start
            said = " ".join(words[start : start + taken])
            of_unit = [path for path in paths if amount.unit and amount.unit in _words_of(path)]
            if name and not of_unit and amount.unit in ("", *_OWN_UNITS.get(name, ())):
                return _of_field(said, name, amount, words[:start]), taken
            if amount.unit and not of_unit and amount.unit != "%":
                return _unread(said), taken
            return self._reading(said, of_unit or paths, amount), taken
        return None

    def _of_number(self, words: Sequence[str], start: int) -> tuple[Reading, int] | None:
        """ "above 0.9" behind a comparison of something, as in "score above 0.5 and below 0.9"."""
        amount = _amount(words, start)
        if amount is None or amount.unit:
            return None
        is_share = "." in amount.number
        behind = words[start + amount.taken : start + amount.taken + 1]
        if not is_share and (not self._last or self.senses.vocabulary.knows(comparable(" ".join(behind)))):
            return None
        said = " ".join(words[start : start + amount.taken])
        if self._last:
            return self._reading(said, [self._last], amount), amount.taken
        near = tuple(self._condition(path, amount) for path in self._numeric())[:ALTERNATIVES]
        if not rows(
            self.senses.cursor, Sql("SELECT 1 FROM annotations WHERE confidence IS NOT NULL LIMIT 1")
        ):
            return _unread(said, near), amount.taken
        return _of_field(said, "confidence", amount, words[:start], alternatives=near), amount.taken

    def _reading(self, said: str, paths: Sequence[str], amount: _Amount) -> Reading:
        first, *others = paths
        self._last = first
        also = tuple(self._condition(path, amount) for path in others[:ALTERNATIVES])
        return Reading(said, "comparison", self._condition(first, amount), also, path=first)

    def _condition(self, path: str, amount: _Amount) -> str:
        name = name_text(path, is_quoted=is_reserved(path) or "*" in path)
        return _compared(name, amount, number=amount.number)

    def _named(self, typed: Sequence[str]) -> list[str]:
        """Attributes with numbers that are so called, the commonest first: by their last steps, or words of them."""
        asked = [comparable(word) for word in typed]
        return [path for path in self._numeric() if _is_called(path, asked)]

    def _is_alike(self, path: str, name: str) -> bool:
        words = set(_words_of(path))
        return name in words or (name == "area" and bool(words & _OF_SURFACE))

    def _numeric(self) -> dict[str, int]:
        """Attributes and metadata that have numbers, and how many, the commonest first."""
        if self._paths is None:
            query = """
                SELECT path, sum(n)::BIGINT FROM (
                    SELECT path, sum(numbers) AS n FROM path_counts WHERE numbers > 0 GROUP BY path UNION ALL
                    SELECT path, count(number) FROM metadata_values WHERE number IS NOT NULL GROUP BY path)
                GROUP BY path ORDER BY sum(n) DESC, path
            """
            self._paths = dict(rows(self.senses.cursor, Sql(query)))
        return self._paths


def has_number(words: Sequence[str]) -> bool:
    """Whether any of the words holds a digit, so that something may be compared with it."""
    return any(any(map(str.isdigit, word)) for word in words)


def _amount(words: Sequence[str], start: int) -> _Amount | None:
    """An operator in words and a number."""
    if words[start : start + 1] == ["between"]:
        low = _number(words, start + 1, operator=">=")
        place = start + 1 + (low.taken if low else 0)
        high = _number(words, place + 1, operator="<=") if words[place : place + 1] == ["and"] else None
        if low is None or high is None:
            return None
        return _Amount("between", f"{low.number} {high.number}", high.unit, place + 1 + high.taken - start)
    for said, operator in _OPERATORS.items():
        if tuple(words[start : start + len(said)]) == said:
            found = _number(words, start + len(said), operator=operator)
            return found and found._replace(taken=len(said) + found.taken)
    return None


def _number(words: Sequence[str], start: int, *, operator: str) -> _Amount | None:
    """A number with the unit behind it."""
    match = _NUMBER.fullmatch(words[start]) if start < len(words) else None
    if match is None or (match[2] and match[2] not in _UNITS):
        return None
    taken, unit = 1, match[2] or ""
    behind = words[start + 1 : start + 3]
    if not unit and " ".join(behind) in _SQUARE:
        taken, unit = 3, "m2"
    elif not unit and behind and behind[0] in _UNITS and not _NUMBER.fullmatch(behind[0]):
        taken, unit = 2, behind[0]
    for said, instead in _BEHIND.items():
        if operator == "=" and tuple(words[start + taken : start + taken + 2]) == said:
            operator, taken = instead, taken + 2
    return _Amount(operator, match[1], _UNITS.get(unit) or unit, taken)


def _compared(name: str, amount: _Amount, *, number: str) -> str:
    if amount.operator != "between":
        return f"{name}{amount.operator}{number}"
    low, high = number.split()
    return f"({name}>={low} AND {name}<={high})"


def _of_field(
    said: str, name: str, amount: _Amount, before: Sequence[str], *, alternatives: tuple[str, ...] = ()
) -> Reading:
    """A measure of the annotation beside it; of the picture where that stands right before it."""
    unit = "%" if amount.unit == "%" else ""
    number = " ".join(f"{one}{unit}" for one in amount.number.split())
    last = next((word for word in reversed(before) if word not in ("that", "which", *_LINKS)), "")
    is_of_asset = last in QUALIFIERS and name in _OF_ASSETS and not unit
    query = _compared(name, amount, number=number)
    return Reading(
        said, "comparison", query, alternatives, field="asset" if is_of_asset else f"measure {name}"
    )


def _unread(said: str, near: Sequence[str] = ()) -> Reading:
    """Nothing is measured so; likeness would not know it either."""
    return Reading(said, "comparison", "", tuple(near), is_used=False)


def _words_of(path: str) -> list[str]:
    return [word for step in steps(path) for word in folded(step).split()]


def _is_called(path: str, asked: Sequence[str]) -> bool:
    """Whether the words name the path: all of them are words of it, one of its last step."""
    words, last = _words_of(path), folded(steps(path)[-1]).split()
    has_all = all(word in words for word in asked)
    return has_all and any(word in last for word in asked)
