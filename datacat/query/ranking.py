"""The assets of a ranked search in their order: by likeness, or by likeness and labels together, and behind them what
passes the filter and cannot be ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol, runtime_checkable

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from datacat.errors import EmbeddingError
from datacat.query import meaning as m
from datacat.query.hybrid import DEPTH, Fused, fused
from datacat.query.matching import Matching
from datacat.query.plan import Plan
from datacat.query.vocabulary import Vocabulary

Weighted = tuple[tuple[m.Question, float], ...]
Nearest = Callable[[Weighted, int, pa.Array | None], pa.Table]
"""(questions with their weights, k, allowed assets or None)
-> table (asset int64, score float): the k with the highest weighted sum of cosines, or all of fewer."""

Scored = list[tuple[int, float | None]]
"""Assets with their scores; None: it could not be ranked."""


@runtime_checkable
class Ranker(Protocol):
    """What some `Nearest` know beside the ranking."""

    def vector_count(self, allowed: pa.Array | None) -> int:
        """How many of some assets (None: of all) can be ranked."""

    def floor(self) -> float:
        """The score from which a picture looks like a text at all."""


class Ranking:
    """See the module. Where nothing ranks, it is never asked.

    Raises:
        EmbeddingError: likeness is asked for and there are no vectors.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        plan: Plan,
        matching: Matching,
        *,
        vocabulary: Vocabulary,
        nearest: Nearest | None,
    ) -> None:
        if plan.similar and nearest is None:
            raise EmbeddingError("this catalog has no embeddings to rank by", hint="Run: datacat embed")
        self._cursor, self._plan, self._matching = cursor, plan, matching
        self._vocabulary, self._nearest = vocabulary, nearest

    @property
    def is_hybrid(self) -> bool:
        """Whether labels rank as well."""
        return any(part.is_hybrid for part in self._plan.similar)

    @property
    def keeps_unranked(self) -> bool:
        """Whether what cannot be ranked is a hit all the same: where something else was asked for, too."""
        return self._plan.keeps_unranked and not isinstance(self._plan.wanted, m.Everything)

    @property
    def without_vector_count(self) -> int | None:
        """How many assets pass the filter and have no vector; None where nobody can say."""
        if not isinstance(self._nearest, Ranker):
            return None
        return self._matching.count - self._nearest.vector_count(self._allowed)

    def reasons(self, asset: int) -> tuple[str, ...]:
        """What put it where it is, where labels rank as well."""
        reason = self._fused.reasons.get(asset) if self.is_hybrid else None
        return () if reason is None else (reason,)

    def assets(self, offset: int, limit: int | None) -> Scored:
        """The assets from `offset` on, best first, equal scores by number; one more than `limit`."""
        allowed = self._allowed
        wanted = self._matching.count if limit is None else offset + limit + 1
        if wanted == 0 or (allowed is not None and len(allowed) == 0):
            return []
        ranked: Scored = []
        ranked += self._fused.ranked[:wanted] if self.is_hybrid else self._alike(wanted, allowed)
        if self._plan.floor is not None:
            ranked = [(asset, score) for asset, score in ranked if score is None or score >= self._plan.floor]
        if self.keeps_unranked and len(ranked) < wanted:
            ranked += self._unranked([asset for asset, _ in ranked], most=wanted - len(ranked))
        return ranked[offset:wanted]

    def _alike(self, count: int, allowed: pa.Array | None) -> list[tuple[int, float]]:
        assert self._nearest is not None
        found = self._nearest(_weighted(self._plan.similar), count, allowed)
        scored: list[tuple[int, float]]
        scored = list(zip(found["asset"].to_pylist(), found["score"].to_pylist(), strict=True))
        return sorted(scored, key=lambda item: (-item[1], item[0]))

    def _unranked(self, ranked: Sequence[int], *, most: int) -> Scored:
        """The first assets that pass the filter and are not among the ranked ones, by number."""
        every = self._matching.every["asset"]
        rest = every.filter(pc.invert(pc.is_in(every, value_set=pa.array(ranked, pa.int64()))))
        return [(asset, None) for asset in rest.slice(0, most).to_pylist()]

    @property
    def _allowed(self) -> pa.Array | None:
        """The assets that likeness may rank; None: all."""
        is_all = isinstance(self._plan.wanted, m.Everything)
        return None if is_all else self._matching.every["asset"].combine_chunks()

    @cached_property
    def _fused(self) -> Fused:
        """The ranking by labels and likeness together."""
        assert self._nearest is not None
        (similar,) = self._plan.similar
        allowed = self._allowed
        return fused(
            similar.question.text or "",
            cursor=self._cursor,
            vocabulary=self._vocabulary,
            allowed=None if allowed is None else self._matching.table,
            alike=self._nearest(_weighted((similar,)), DEPTH, allowed),
        )


def _weighted(similar: tuple[m.Similar, ...]) -> Weighted:
    return tuple((part.question, part.weight) for part in similar)
