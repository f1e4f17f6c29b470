"""A word that names nothing -> the name that it surely is, misspelt; or the names that are only near it.

"Yes" to another word than was asked is the worst answer, so a name is taken only where few other words could be meant:
of the 25,000 English words of CLIP's vocabulary, one edit at five letters makes 112 into one of 95 common classes
(cattle a castle, sheets sheep), what `is_slip` forgives 18, of which 12 are forms or misspellings of it.
"""

from __future__ import annotations

import re

_SHORTEST = 5  # letters; of shorter words too many are one letter apart (cat, car, cap)
_ONE_EDIT_FROM = 7  # letters; below, only letters doubled or swapped: treees, nigth
_TWO_EDITS_FROM = 10
_DOUBLED = re.compile(r"(.)\1+")


def is_slip(typed: str, name: str) -> bool:
    """Whether `typed` is hardly anything but `name` misspelt; both comparable (`plurals`), of phrases each word."""
    one, other = typed.split(), name.split()
    if len(one) == len(other) > 1:
        return all(a == b or is_slip(a, b) for a, b in zip(one, other, strict=True))
    letters = len(typed)
    if letters < _SHORTEST or typed[0] != name[0] or any(map(str.isdigit, typed + name)):
        return False
    if _DOUBLED.sub(r"\1", typed) == _DOUBLED.sub(r"\1", name) or _are_neighbours_swapped(typed, name):
        return True
    if letters < _ONE_EDIT_FROM:
        return False
    return edits(typed, name) <= (1 if letters < _TWO_EDITS_FROM else 2)


def edits(one: str, other: str) -> int:
    """How many letters must be put in, left out, changed or swapped; any two that are swapped count once."""
    if _swapped(one, other):
        return 1
    above, row = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = above, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
    return row[-1]


def slack(typed: str) -> int:
    """How many edits away a name may be to be worth showing."""
    return min(3, max(1, len(typed) // 3))


def _swapped(one: str, other: str) -> list[int]:
    """The two places whose letters are swapped; none where more or less is different."""
    if len(one) != len(other):
        return []
    places = [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    is_swap = len(places) == 2 and one[places[0]] == other[places[1]] and one[places[1]] == other[places[0]]
    return places if is_swap else []


def _are_neighbours_swapped(one: str, other: str) -> bool:
    places = _swapped(one, other)
    return bool(places) and places[1] - places[0] == 1
