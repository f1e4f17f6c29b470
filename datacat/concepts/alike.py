"""Names that look or sound as if they meant the same. No dictionary: synonyms are those that concepts have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from datacat.concepts.ledger import Ledger
from datacat.query.compare import Sql
from datacat.query.plurals import comparable
from datacat.query.run import rows

_SAME = 1.0
_PART = 0.5  # a rooftop is much of a roof; a car park is nothing of a car
_SPELLED = 0.8  # at least: five letters of which one differs
_SHORTEST_PART = 4  # letters: `car` begins `carpet` and `cart`

# Names are compared with all others in DuckDB; those of very different length are not spelled alike. It counts bytes
# that differ: without accents a Latin letter is one; letters of several make names less alike than they are.
_PAIRS = f"""
    WITH names AS (SELECT unnest(?::VARCHAR[]) AS name),
    pairs AS (
        SELECT l.name AS one, r.name AS other, strip_accents(one) AS bare, strip_accents(other) AS other_bare
        FROM names l JOIN names r ON l.name < r.name)
    SELECT one, other,
        1 - damerau_levenshtein(bare, other_bare) / greatest(length(bare), length(other_bare)) AS likeness
    FROM pairs
    WHERE replace(one, ' ', '') = replace(other, ' ', '')
       OR (least(length(one), length(other)) >= {_SPELLED} * greatest(length(one), length(other))
           AND likeness >= {_SPELLED})
       OR starts_with(one, other || ' ') OR starts_with(other, one || ' ')
       OR ends_with(one, ' ' || other) OR ends_with(other, ' ' || one)
       OR (least(length(one), length(other)) >= {_SHORTEST_PART}
           AND (starts_with(one, other) OR starts_with(other, one) OR ends_with(one, other) OR ends_with(other, one)))
    ORDER BY ALL
"""  # noqa: S608 - our own numbers


@dataclass(frozen=True, slots=True)
class Alike:
    """How much two names are alike, 0 to 1, and in what."""

    value: float
    text: str


def names_alike(
    cursor: duckdb.DuckDBPyConnection, names: Iterable[str], *, ledger: Ledger
) -> Mapping[tuple[str, str], Alike]:
    """Pairs of different comparable names that are alike; the lesser name stands first.

    Args:
        cursor: any.
        names: in comparable form, each once.
        ledger: whose synonyms count.
    """
    listed = sorted(set(names))
    found = {
        (one, other): _alike(one, other, likeness=likeness)
        for one, other, likeness in rows(cursor, Sql(_PAIRS, (listed,)))
    }
    return found | _synonyms(listed, ledger)


def _alike(one: str, other: str, *, likeness: float) -> Alike:
    short, long = sorted((one, other), key=len)
    if one.replace(" ", "") == other.replace(" ", ""):
        return Alike(_SAME, f"{one} and {other} differ in spaces only")
    if likeness >= _SPELLED:
        return Alike(likeness**2, f"{one} and {other} are spelled alike")
    where = "begins" if long.startswith(short) else "ends"
    return Alike(_PART, f"{long} {where} with {short}")


def _synonyms(names: Iterable[str], ledger: Ledger) -> dict[tuple[str, str], Alike]:
    called: dict[str, list[str]] = defaultdict(list)
    concept_of = {comparable(s): c.name for c in ledger.concepts.values() for s in (c.name, *c.synonyms)}
    for name in names:
        if name in concept_of:
            called[concept_of[name]].append(name)
    return {
        (one, other): Alike(_SAME, f"{one} and {other} are names of the concept {concept}")
        for concept, same in called.items()
        for one in same
        for other in same
        if one < other
    }
