"""When, in plain words: "in march 2026", "since 5 May 2025", "between 2024 and 2026", "before 2025-06"."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from datacat.query.readings import Reading

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SHORT = {month[:3]: number for number, month in enumerate(_MONTHS, 1)} | {"sept": 9}
_OPERATORS = {
    "in": "=",
    "on": "=",
    "during": "=",
    "from": "=",
    "of": "=",
    "since": ">=",
    "after": ">",
    "before": "<",
    "until": "<=",
    "till": "<=",
}
_UP_TO = {"between": ("and",), "from": ("to", "until", "till")}
_YEAR = re.compile(r"(?:19|20)\d\d")
_ISO = re.compile(r"(?:19|20)\d\d-\d\d(-\d\d)?")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_SKIPPED = ("the", "of")

_VERBS = {
    **dict.fromkeys(("taken", "captured", "shot", "photographed", "filmed", "recorded"), "captured"),
    **dict.fromkeys(("labelled", "labeled", "annotated", "created", "made", "predicted"), "created"),
}


def read_when(words: Sequence[str], start: int) -> tuple[Reading, int] | None:
    """What case-folded words say from `start` on of a time, and how many words say it; None where they say none.

    It is the time when a picture was taken, or when a label was made where "labelled" or the like stands before it.
    """
    verb = _VERBS.get(words[start])
    first = start + 1 if verb else start
    field = verb or _verb_before(words[:start])
    found = _compared(words[first:], is_asked=bool(field))
    if found is None:
        return None
    times, taken = found
    field = field or "captured"
    conditions = [f"{field}{operator}{period}" for operator, period in times]
    query = conditions[0] if len(times) == 1 else f"({' AND '.join(conditions)})"
    said = " ".join(words[start : first + taken])
    return Reading(said, "time", query, field=field), first - start + taken


def _verb_before(words: Sequence[str]) -> str:
    """Of `labelled` or `labelled by ann`, the time that is meant."""
    last = max((n for n, word in enumerate(words) if word in _VERBS), default=None)
    if last is None or words[last + 1 : last + 2] not in ([], ["by"]):
        return ""
    return _VERBS[words[last]]


def _compared(words: Sequence[str], *, is_asked: bool) -> tuple[list[tuple[str, str]], int] | None:
    """Operators and periods that all hold. A year alone must be asked for: "2026" may be anything."""
    first = words[0] if words else ""
    start, taken = _period(words[1:]) if first in (*_OPERATORS, "between") else ("", 0)
    if start:
        ends = words[1 + taken :]
        if ends and ends[0] in _UP_TO.get(first, ()):
            end, more = _period(ends[1:])
            if end:
                return [(">=", start), ("<=", end)], 2 + taken + more
        return ([(_OPERATORS[first], start)], 1 + taken) if first in _OPERATORS else None
    start, taken = _period(words)
    is_year = taken == 1 and bool(_YEAR.fullmatch(start))
    return ([("=", start)], taken) if start and (is_asked or not is_year) else None


def _period(words: Sequence[str]) -> tuple[str, int]:
    """A year, month or day in ISO form, and how many words say it; "" and 0 where there is none."""
    places = [n for n, word in enumerate(words[:5]) if word not in _SKIPPED]
    for count in (3, 2, 1):
        said = [words[n] for n in places[:count]]
        found = _iso(said) if len(said) == count else ""
        if found:
            return found, places[count - 1] + 1
    return "", 0


def _iso(said: Sequence[str]) -> str:
    if len(said) == 1:
        is_date = _ISO.fullmatch(said[0]) and _is_day(said[0] if len(said[0]) == 10 else f"{said[0]}-01")
        return said[0] if is_date or _YEAR.fullmatch(said[0]) else ""
    *before, year = said
    months = [word for word in before if _month(word)]
    days = [word for word in before if _DAY.fullmatch(word)]
    if not _YEAR.fullmatch(year) or len(months) != 1 or len(months) + len(days) != len(before):
        return ""
    month = f"{year}-{_month(months[0]):02}"
    if not days:
        return month
    match = _DAY.fullmatch(days[0])
    day = f"{month}-{int(match[1]):02}" if match else ""
    return day if _is_day(day) else ""


def _month(word: str) -> int:
    """1 to 12; 0 where it is none."""
    return _MONTHS.index(word) + 1 if word in _MONTHS else _SHORT.get(word, 0)


def _is_day(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True
