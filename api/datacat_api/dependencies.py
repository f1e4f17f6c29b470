"""What routes are given: the catalog of a request, and the parameters that many of them share."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Annotated, cast

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

import datacat
from datacat.catalog import Catalog
from datacat.errors import UsageError


class Catalogs:
    """The catalog, opened as often as requests are answered at once.

    A `Catalog` looks at one state, so each request has one to itself; the next request takes it over and
    moves it to the newest state, which costs little where nothing has changed. `state` is the newest that was seen.
    Each is of one of as many DuckDBs as queries may run, the one that fewest requests have, so that no query has more
    than its part of the memory.
    """

    def __init__(self, place: str | None) -> None:
        first = datacat.open(place)
        self._place = str(first.root)
        self.settings = first.settings
        self.state = first.state
        slots = range(self.settings.serve_concurrency)
        self._users = [0 for _ in slots]
        self._idle: list[deque[Catalog]] = [deque() for _ in slots]
        self._lock = Lock()

    @contextmanager
    def at(self, state: int | None = None) -> Iterator[Catalog]:
        """The catalog at its newest state, or at a past one.

        Raises:
            StateNotFound: it never had that state.
        """
        with self._slot() as slot:
            if state is not None:
                yield self._opened(slot, at=state)
                return
            try:
                catalog = self._idle[slot].pop()
            except IndexError:
                catalog = self._opened(slot)
            try:
                self.state = catalog.refresh().state
                yield catalog
            finally:
                self._idle[slot].append(catalog)

    @contextmanager
    def _slot(self) -> Iterator[int]:
        with self._lock:
            slot = self._users.index(min(self._users))
            self._users[slot] += 1
        try:
            yield slot
        finally:
            with self._lock:
                self._users[slot] -= 1

    def _opened(self, slot: int, *, at: int | None = None) -> Catalog:
        settings = self.settings.slotted(slot, of=self.settings.serve_concurrency)
        return Catalog.open(self._place, at=at, own=settings)


def _of_application(request: Request) -> Catalogs:
    return cast(Catalogs, request.app.state.catalogs)


Opened = Annotated[Catalogs, Depends(_of_application)]


class Nothing(BaseModel):
    """The query parameters of a path that takes none; as for all paths, any other is refused."""

    model_config = ConfigDict(extra="forbid")


class Asked(Nothing):
    """The query parameters of a path that shows the catalog."""

    at: Annotated[int | None, Field(ge=0, lt=2**53, description="A past state; by default the newest.")] = (
        None
    )


class AskedPage(Asked):
    """The query parameters of a list."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Items on a page.")] = 100
    after: Annotated[str | None, Field(max_length=400, description="`next` of the page before.")] = None

    @property
    def state(self) -> int | None:
        """The state to look at: a page belongs to the state of the first one."""
        if self.after is None:
            return self.at
        state = self._token()[0]
        if self.at not in (None, state):
            raise UsageError(
                f"this page token belongs to state {state}, not {self.at}", hint="Leave out `at`."
            )
        return state

    @property
    def position(self) -> str | None:
        """Where in that state to go on; None at the beginning."""
        return None if self.after is None else self._token()[1]

    def _token(self) -> tuple[int, str]:
        state, dot, position = (self.after or "").partition(".")
        if not (dot and position and state.isascii() and state.isdecimal() and len(state) < 16):
            raise UsageError(
                f"{self.after!r} is no page token", hint="Take it from `next` of the page before."
            )
        return int(state), position


def token(state: int, position: str | int | None) -> str | None:
    """The page token for `position` of a state; None for None."""
    return None if position is None else f"{state}.{position}"
