"""What a search found, as snapshots take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from datacat.errors import UsageError
from datacat.model.snapshot import Question
from datacat.query.hits import Hits


@dataclass(frozen=True, slots=True)
class Selection:
    """The assets and annotations that a question found."""

    question: Question
    hits: Hits

    def assets(self) -> pa.RecordBatchReader:
        """The assets, at most the question's limit."""
        found = self.hits.assets()
        if self.question.limit is None:
            return found
        return found.read_all().slice(0, self.question.limit).to_reader()

    def annotations(self) -> pa.RecordBatchReader | None:
        """The annotations that match; None where the question asks for none."""
        return self.hits.annotations() if self.hits.asks_for_annotations else None


def selected(hits: Hits, *, query: str, limit: int | None, space: Callable[[], str]) -> Selection:
    """Names what a search found.

    Args:
        hits: of the search.
        query: as it was typed.
        limit: how many were taken.
        space: names the embedding space, where likeness ranked.

    Raises:
        UsageError: likeness ranks everything and there is no limit.
    """
    if hits.is_ranked and limit is None:
        raise UsageError(
            f"likeness ranks every asset, so all of them would match {query!r}", hint="Give a limit."
        )
    used = space() if hits.is_ranked else None
    return Selection(Question(query, hits.interpretation, hits.classes_used, used, limit), hits)
