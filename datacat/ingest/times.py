"""Times as ISO 8601 writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from datacat.model.report import Tally


def iso_time(text: str, tally: Tally) -> datetime:
    """A time in UTC: a date alone is its first moment, and without a zone it is UTC, which is said.

    Args:
        text: such as `2026-03-14`, `2026-03-14T08:30:00+01:00`, `20260314T0830Z`.
        tally: where the assumption goes.

    Raises:
        ValueError: it is no ISO time.
    """
    try:
        time = datetime.fromisoformat(text.strip().upper())
        if time.tzinfo is None:
            tally.assume("times without a zone are UTC")
            return time.replace(tzinfo=UTC)
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no ISO time such as 2026-03-14 or 2026-03-14T08:30:00Z") from None
