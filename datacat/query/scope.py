"""What binding one query needs to know and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import duckdb

from datacat.errors import QueryError
from datacat.model.names import folded
from datacat.query.plurals import comparable
from datacat.query.tree import Span
from datacat.query.vocabulary import Vocabulary

_FILLERS = """
a all an and any are asset assets at contain containing contains data dataset datasets do does each every
everything file files find for frame frames from get give has have having image images in is label labeled
labelled labels list many me media my of on one our photo photos picture pictures please sample samples search
select show some that the their there these this those us we what where which who with
"""
# Words of a question that say nothing of what is sought. One that names a class of the catalog is that class.
FILLERS = frozenset(_FILLERS.split())


@dataclass(frozen=True, slots=True)
class Scope:
    """A query's text and the catalog it is bound to."""

    text: str
    cursor: duckdb.DuckDBPyConnection
    vocabulary: Vocabulary
    files: bool = True  # whether `like:` may name a file that is no asset

    def is_filler(self, word: str) -> bool:
        """Whether `word` may be dropped: it belongs to the question's form and names no class."""
        return folded(word) in FILLERS and not self.vocabulary.knows(comparable(word))

    def stop(self, what: str, span: Span, *, hint: str | None = None) -> NoReturn:
        """Raises QueryError that points at `span`."""
        raise QueryError(what, text=self.text, start=span.start, end=span.end, hint=hint)
