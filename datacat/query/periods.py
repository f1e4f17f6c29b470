"""Times in queries: `2026`, `2026-01`, `2026-01-15`, `2026-01-15T10:30` are periods, UTC unless they say otherwise.

A comparison with a period is one with its bounds: `created>2026-01` begins in February, `created=2026-01` is any
time in January.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from datacat.query.tree import Operator

_TIME = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d?)(-(?P<day>\d\d?)"
    r"([T ](?P<hour>\d\d)(:(?P<minute>\d\d)(:(?P<second>\d\d(\.\d+)?))?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?)?)?"
)

_LAST_YEAR = 9999
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
# RE2 of a text that is a date, or a date and a time.
DATES = "^[0-9]{4}-[0-9]{2}(-[0-9]{2}([Tt ]|$)|$)"


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to `end` (exclusive), as `text` names it."""

    text: str
    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f'"{self.text}"' if " " in self.text else self.text


def read_period(text: str) -> Period | None:
    """The period that a text names; None where it names none."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    parts = match.groupdict()
    try:
        seconds = float(parts["second"] or 0)
        start = datetime(
            int(parts["year"]),
            int(parts["month"] or 1),
            int(parts["day"] or 1),
            int(parts["hour"] or 0),
            int(parts["minute"] or 0),
            tzinfo=_zone(parts["zone"]),
        ) + timedelta(seconds=seconds)
        return Period(text, start, _end(start, parts))
    except (ValueError, OverflowError):
        return None


def is_year(text: str) -> bool:
    """Whether a number may be a year, before which or after which lie dates."""
    return len(text) == 4 and text.isdecimal() and text.isascii()


def is_date(text: str) -> bool:
    """Whether it is a year, a month or a day, written so that dates in it begin with it."""
    return _DATE.fullmatch(text) is not None


def behind(text: str) -> str:
    """What stands behind all dates of a period, as text: of `2026-03` what is greater than `2026-03-31T23:59`.

    Any other text is what it is.
    """
    return f"{text}~" if is_date(text) else text


def bounds(operator: Operator, period: Period) -> tuple[datetime | None, datetime | None]:
    """The times for which `time operator period` holds: from (inclusive) and to (exclusive); None: unbounded.

    UNEQUAL has no such bounds; it is what EQUAL leaves out.
    """
    return {
        Operator.EQUAL: (period.start, period.end),
        Operator.UNEQUAL: (period.start, period.end),
        Operator.LESS: (None, period.start),
        Operator.AT_MOST: (None, period.end),
        Operator.GREATER: (period.end, None),
        Operator.AT_LEAST: (period.start, None),
    }[operator]


def _end(start: datetime, parts: dict[str, str | None]) -> datetime:
    if start.year == _LAST_YEAR:  # who writes 9999 means for ever
        return datetime.max.replace(tzinfo=UTC)
    if parts["month"] is None:
        return start.replace(year=start.year + 1)
    if parts["day"] is None:
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    steps = {"hour": timedelta(days=1), "minute": timedelta(hours=1), "second": timedelta(minutes=1)}
    for finer, step in steps.items():
        if parts[finer] is None:
            return start + step
    exact = parts["second"]
    return start + (timedelta(microseconds=1) if exact and "." in exact else timedelta(seconds=1))


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone((1 if text[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
