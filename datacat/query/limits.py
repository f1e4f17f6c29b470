"""What a query may ask at once: DuckDB plans more than that for minutes and in gigabytes, whatever memory_limit says,
and cannot be ended meanwhile.

Sets that are joined with one another are what costs: 100 are planned in 0.6 s of processor time and 65 MB, 150 in 3 s
and 270 MB, 200 in 10 s and 770 MB (DuckDB 1.5, EXPLAIN over empty tables). Alternatives are planned one by one: OR of
200 costs 0.1 s.
"""

from __future__ import annotations

from datacat.errors import UsageError
from datacat.query import meaning as m
from datacat.query.pairs import of_row
from datacat.query.run import TOO_MANY

_JOINED = 100
_NESTED = 4  # `?` within `?`: each is neither what is within nor its opposite, so it doubles that


def check_nesting(asked: m.Meaning) -> None:
    """Refuses a query, before negations, with too many `?` within each other.

    Raises:
        UsageError: so.
    """
    if _nested(asked) > _NESTED:
        raise UsageError(
            "too many ? stand within each other",
            hint=f"{_NESTED} may. Whether something is unknown is always known: ?(?car) finds nothing.",
        )


def check_joins(node: m.Meaning) -> None:
    """Refuses a query, negations rewritten, of too many conditions that must hold together.

    Raises:
        UsageError: so.
    """
    for inner in m.descendants(node):
        if isinstance(inner, m.And) and sum(map(_sets, inner.parts)) > _JOINED:
            raise UsageError(
                TOO_MANY,
                hint=f"{_JOINED} conditions can hold together, absences counting twice. "
                "Freeze what some of them find as a snapshot, and ask for the rest within it: in:NAME.",
            )


def _nested(node: m.Meaning) -> int:
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            return max(map(_nested, parts))
        case m.Not(part=part):
            return _nested(part)
        case m.Unknown(part=part):
            return 1 + _nested(part)
    return 0


def _sets(part: m.Meaning) -> int:
    """How many sets are joined for a part of a conjunction; none for a condition on columns."""
    if isinstance(part, m.Absent | m.Neither):
        return 2
    if isinstance(part, m.Denied):
        return 2 * _sets(part.part)
    return 0 if isinstance(part, m.AssetIs | m.AssetTime) or of_row(part) is not None else 1
