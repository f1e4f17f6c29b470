"""What is being done, told to whoever measures it; costs nothing where nobody does.

`datacat.query.explain` listens. Steps stand inside each other; a statement belongs to the innermost step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import duckdb


class Listener(Protocol):
    """Hears what is done in its thread while `heard_by` lasts."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Something of that name is done inside."""

    def note(self, text: str) -> None:
        """How the present step does its work."""

    def statement(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> AbstractContextManager[None]:
        """DuckDB runs this inside, and all of its rows are read there."""


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Tells `listener` what is done inside, by this thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def step(name: str) -> AbstractContextManager[None]:
    """Names what is done inside, as in "find the page"."""
    listener = _listener.get()
    return nullcontext() if listener is None else listener.step(name)


def note(text: str) -> None:
    """Says how the present step does its work, as in "found by the vector index"."""
    listener = _listener.get()
    if listener is not None:
        listener.note(text)


def statement(cursor: duckdb.DuckDBPyConnection, sql: str) -> AbstractContextManager[None]:
    """Announces a statement that is run, and whose rows are read, inside."""
    listener = _listener.get()
    return nullcontext() if listener is None else listener.statement(cursor, sql)
