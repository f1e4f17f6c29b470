"""Ends what DuckDB does for somebody who no longer waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import duckdb

from datacat.errors import Interrupted


class Ending:
    """Ends the statements that run inside `heeded`, in whatever threads its context reaches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[duckdb.DuckDBPyConnection] = []
        self._is_over = False

    def end(self) -> None:
        """Interrupts what runs and refuses what would follow.

        A statement that is just about to begin is missed: call it again until whoever works has noticed.
        """
        with self._lock:
            self._is_over = True
            for cursor in self._running:
                cursor.interrupt()

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Every statement that begins inside may be ended by `end`, and then raises `Interrupted`."""
        token = _ending.set(self)
        try:
            yield
        finally:
            _ending.reset(token)

    @contextmanager
    def running(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """A statement runs inside.

        Raises:
            Interrupted: all is over.
        """
        with self._lock:
            if self._is_over:
                raise Interrupted("nobody waits for this search any more")
            self._running.append(cursor)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(cursor)


_ending: ContextVar[Ending | None] = ContextVar("ending", default=None)


@contextmanager
def may_be_ended(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A statement runs inside, for whoever set an `Ending`, if anybody did."""
    ending = _ending.get()
    if ending is None:
        yield
    else:
        with ending.running(cursor):
            yield
