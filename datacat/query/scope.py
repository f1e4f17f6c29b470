"""What binding one query needs to know and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, Protocol, TypeVar

import duckdb

from datacat.errors import DatacatError, QueryError
from datacat.model.names import folded
from datacat.query.compare import Sql
from datacat.query.plurals import comparable
from datacat.query.tree import Span
from datacat.query.vocabulary import Vocabulary

T = TypeVar("T")

_FILLERS = """
a all an and annotated any are asset assets at contain containing contains data dataset datasets did do does each every
everything file files find for frame frames from get give has have having image images in is label labeled
labelled labels list made many me media my of on one organisation organization our photo photos picture pictures
please sample samples search select show some that the their there these this those us we what where which who with
"""
# Words of a question that say nothing of what is sought. One that names a class of the catalog is that class.
FILLERS = frozenset(_FILLERS.split())


def is_filler(word: str, vocabulary: Vocabulary, *, fillers: frozenset[str] = FILLERS) -> bool:
    """Whether `word` may be dropped: it belongs to the question's form and names no class."""
    return folded(word) in fillers and not vocabulary.knows(comparable(word))


class Outside(Protocol):
    """What a query may ask of the catalog beyond the tables of its state."""

    def snapshot_files(self, reference: str) -> tuple[str, ...]:
        """The Parquet files with the assets (`uri`) of a snapshot, `name` or `name@version`.

        Raises:
            NotFound, SnapshotError: there is none; the hint names the nearest.
        """

    def changed_since(self, state: int) -> Sql:
        """A SELECT of the assets that are new or other, or of which other things are said, since a state.

        Raises:
            StateNotFound: the catalog never had it, or it is to come.
        """


@dataclass(frozen=True, slots=True)
class Scope:
    """A query's text and the catalog it is bound to."""

    text: str
    cursor: duckdb.DuckDBPyConnection
    vocabulary: Vocabulary
    files: bool = True  # whether `like:` may name a file that is no asset
    outside: Outside | None = None

    def is_filler(self, word: str) -> bool:
        """See the function."""
        return is_filler(word, self.vocabulary)

    def asked_outside(self, ask: Callable[[Outside], T], span: Span) -> T:
        """What the catalog answers; what it does not know is an error that points at `span`."""
        if self.outside is None:
            self.stop("that cannot be asked here: no catalog stands behind these tables", span)
        try:
            return ask(self.outside)
        except DatacatError as error:
            self.stop(error.what, span, hint=error.hint)

    def stop(self, what: str, span: Span, *, hint: str | None = None) -> NoReturn:
        """Raises QueryError that points at `span`."""
        raise QueryError(what, text=self.text, start=span.start, end=span.end, hint=hint)
