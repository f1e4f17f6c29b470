"""Which assets two teams or label sets share, where they agree on them and where they do not.

What agreement is, says docs/explanation/agreement.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import duckdb

from datacat.errors import NotFound, UsageError
from datacat.query.agreement import agreement_cells, agreement_pairs
from datacat.query.compare import Sql, one_of
from datacat.query.once import may_repeat
from datacat.query.run import rows
from datacat.query.values import Value
from datacat.query.vocabulary import Vocabulary, nearest_names

_numbers = count()
_SHARED = """
    WITH lefts AS (SELECT DISTINCT asset, address FROM label_set_assets WHERE {}),
    rights AS (SELECT DISTINCT asset, address FROM label_set_assets WHERE {})
    SELECT (SELECT count(DISTINCT asset) FROM lefts), (SELECT count(DISTINCT asset) FROM rights),
        (SELECT count(DISTINCT asset) FROM lefts SEMI JOIN rights USING (asset)),
        (SELECT count(DISTINCT asset) FROM lefts SEMI JOIN rights USING (asset)
         WHERE asset NOT IN (SELECT asset FROM lefts SEMI JOIN rights USING (asset, address)))
"""
_LEAST = """
    SELECT asset, min(agreement) AS agreement, min(class_agreement) AS class_agreement, min(box_iou) AS box_iou,
        sum(left_count)::BIGINT AS left_count, sum(right_count)::BIGINT AS right_count
    FROM {} WHERE is_compared GROUP BY asset
"""
_SUMMARY = """
    SELECT count(*), count(*) FILTER (agreement = 1), avg(agreement) FROM ({})
"""
_INCOMPARABLE = """
    SELECT count(DISTINCT asset) FROM {} WHERE NOT is_compared
"""
_MATCHED = """
    SELECT sum(matched)::BIGINT, sum(class_agreement * matched) / nullif(sum(matched), 0),
        sum(box_iou * matched) / nullif(sum(matched), 0)
    FROM {}
"""
_LOWEST = """
    SELECT asset, uri, agreement, class_agreement, box_iou, left_count, right_count
    FROM ({}) JOIN assets USING (asset) WHERE agreement < 1
    ORDER BY agreement, left_count + right_count DESC, asset LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one calls so and the other so: concepts, else classes; None: the other has nothing there.

    `box_iou` is the mean over the matched boxes; None where there are none.
    """

    left: str | None
    right: str | None
    annotations: int
    box_iou: float | None


@dataclass(frozen=True, slots=True)
class Disputed:
    """An asset on which the two do not agree; measures as in docs/explanation/agreement.md.

    `left_count`, `right_count`: how much each says.
    """

    asset: int
    uri: str
    agreement: float
    class_agreement: float | None
    box_iou: float | None
    left_count: int
    right_count: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two teams or label sets have in common.

    Attributes:
        left: team or `team/name`.
        right: the other.
        left_assets: of which the left speaks.
        right_assets: of which the right does.
        shared: of which both speak.
        equal_bytes: of the shared ones, those that the two have at different addresses, with the same bytes.
        compared: of the shared ones, how many could be compared: with classes that both have.
        agreed: of the compared ones, on how many they agree wholly.
        incomparable: of the shared ones, on how many boxes could not be compared: one side drew them on the picture as
            its EXIF turns it, or gives fractions of an unknown size. What the two say there is left out.
        agreement: the mean over them; None where there are none.
        matched: how many boxes match.
        class_agreement: of the matched boxes, the share of equal name.
        box_iou: of the matched boxes, the mean intersection over union.
        cells: who calls what how, the most frequent first.
        lowest: the assets with the lowest agreement below 1.
        query: what finds these assets, and shared ones on which a third label set disagrees.
    """

    left: str
    right: str
    left_assets: int
    right_assets: int
    shared: int
    equal_bytes: int
    compared: int
    incomparable: int
    agreed: int
    agreement: float | None
    matched: int
    class_agreement: float | None
    box_iou: float | None
    cells: tuple[Cell, ...]
    lowest: tuple[Disputed, ...]
    query: str


def overlap(
    cursor: duckdb.DuckDBPyConnection, left: str, *, right: str, vocabulary: Vocabulary, limit: int = 10
) -> Overlap:
    """Compares two teams, or label sets (`team/name`); a team's label sets are taken together.

    Args:
        cursor: shows one state.
        left: the one.
        right: the other.
        vocabulary: of the state.
        limit: cells, and assets with the lowest agreement.

    Raises:
        NotFound: there is no such team or label set.
        UsageError: both are the same, or a limit below 1.
    """
    sets = (_label_sets(left, vocabulary), _label_sets(right, vocabulary))
    if set(sets[0]) == set(sets[1]):
        raise UsageError(f"{left} and {right} are the same", hint="Name two: datacat overview lists them.")
    if limit < 1:
        raise UsageError(f"a list of {limit} makes no sense", hint="Give a limit from 1.")
    both = Sql(_SHARED).filled(*(one_of("label_set", numbers) for numbers in sets))
    ((left_assets, right_assets, shared, equal_bytes),) = rows(cursor, both)
    pairs, repeats = Sql(f"overlap_{next(_numbers)}"), may_repeat(cursor, vocabulary) is not None
    stated = vocabulary.stated(cursor)
    compared_pairs = agreement_pairs(vocabulary, sets=sets, may_repeat=repeats, stated=stated)
    rows(cursor, Sql("CREATE TEMP TABLE {} AS {}").filled(pairs, compared_pairs))
    least = Sql(_LEAST).filled(pairs)
    ((compared, agreed, agreement),) = rows(cursor, Sql(_SUMMARY).filled(least))
    ((incomparable,),) = rows(cursor, Sql(_INCOMPARABLE).filled(pairs))
    ((matched, class_agreement, box_iou),) = rows(cursor, Sql(_MATCHED).filled(pairs))
    lowest = rows(cursor, Sql(_LOWEST, (limit,)).filled(least))
    rows(cursor, Sql("DROP TABLE {}").filled(pairs))
    cells = rows(cursor, agreement_cells(vocabulary, sets=sets, may_repeat=repeats, stated=stated))
    return Overlap(
        left=left,
        right=right,
        left_assets=left_assets,
        right_assets=right_assets,
        shared=shared,
        equal_bytes=equal_bytes,
        compared=compared,
        incomparable=incomparable,
        agreed=agreed,
        agreement=agreement,
        matched=matched or 0,
        class_agreement=class_agreement,
        box_iou=box_iou,
        cells=_cells(cells, vocabulary, limit=limit),
        lowest=tuple(Disputed(*row) for row in lowest),
        query=f"{_asked(left)} {_asked(right)} agreement<1",
    )


def _cells(found: Sequence[tuple[Any, ...]], vocabulary: Vocabulary, *, limit: int) -> tuple[Cell, ...]:
    """As people write the names, the most frequent first."""

    def shown(name: str | None) -> str | None:
        return None if name is None else vocabulary.shown(name)

    cells = [Cell(shown(left), shown(right), n, iou) for left, right, n, iou in found]
    cells.sort(key=lambda cell: (-cell.annotations, cell.left or "", cell.right or ""))
    return tuple(cells[:limit])


def _label_sets(name: str, vocabulary: Vocabulary) -> list[int]:
    """The numbers of a team's label sets, or of the one that is named."""
    known = vocabulary.label_sets.values()
    found = [item.number for item in known if name in (item.team, str(item))]
    if not found:
        near = nearest_names(name, [*vocabulary.teams, *map(str, known)])
        what = "label set" if "/" in name else "team"
        hint = f"Did you mean {' or '.join(near)}?" if near else "See: datacat overview"
        raise NotFound(f"no {what} {name}", hint=hint)
    return found


def _asked(name: str) -> str:
    field = "label_set" if "/" in name else "team"
    return f"{field}:{Value(name)}"
