"""Likeness for searches that may never ask for it: the vectors are opened when something is ranked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from datacat.query.ranking import Weighted
from datacat.steps import step

if TYPE_CHECKING:
    from datacat.embeddings.nearest import Nearest


class LazyNearest:
    """The nearest assets in a space that `open_space` opens."""

    def __init__(self, open_space: Callable[[], Nearest]) -> None:
        self._open_space = open_space

    def __call__(self, questions: Weighted, k: int, allowed: pa.Array | None) -> pa.Table:
        """See `embeddings.nearest.Nearest`."""
        return self._opened(questions, k, allowed)

    def vector_count(self, allowed: pa.Array | None) -> int:
        """How many of some assets (None: of all) have a vector."""
        return self._opened.vector_count(allowed)

    def floor(self) -> float:
        """The score from which a picture looks like a text at all."""
        return self._opened.floor()

    @cached_property
    def _opened(self) -> Nearest:
        with step("open the vectors"):
            return self._open_space()
