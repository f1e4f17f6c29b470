"""So much at once and no more: a few queries run, some wait, and who comes then is told when to come again.

Queries share DuckDB's memory and the processor's cores, so more of them at once are not answered sooner; they only
hold more memory, which forty threads never gave back. What asks no query (the pages, health) is never held up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datacat.config import Settings
from datacat_api.hangup import WATCH, Watch
from datacat_api.memory import give_back
from datacat_api.problems import problem

RETRY_S = 2  # when to come again
BODY_BYTES = 64 << 10  # no path reads a body
_MEDIA_PER_QUERY = 4  # files that are sent while one query runs: they wait for the client, not for a core


@dataclass(slots=True)
class Lane:
    """So many requests run, so many wait, first come first served."""

    slots: asyncio.Semaphore
    most_waiting: int
    running: int = 0
    waiting: int = 0

    @property
    def is_full(self) -> bool:
        """Whether one more could not even wait."""
        return self.slots.locked() and self.waiting >= self.most_waiting

    async def enter(self, watch: Watch) -> bool:
        """Waits for a slot; False where the client went away meanwhile."""
        self.waiting += 1
        entering = asyncio.ensure_future(self.slots.acquire())
        leaving = asyncio.ensure_future(watch.gone.wait())
        has_slot = False
        try:
            await asyncio.wait((entering, leaving), return_when=asyncio.FIRST_COMPLETED)
            has_slot = entering.done()
        finally:
            self.waiting -= 1
            leaving.cancel()
            if not has_slot and not entering.cancel():
                self.slots.release()  # it came while we were told to stop
        self.running += has_slot
        return has_slot

    def leave(self) -> None:
        """Gives the slot to the next."""
        self.running -= 1
        self.slots.release()


@dataclass(slots=True)
class Load:
    """What the service does at this moment; `of_client` counts requests by address."""

    queries: Lane
    media: Lane
    of_client: Counter[str] = field(default_factory=Counter)

    @classmethod
    def bounded(cls, settings: Settings) -> Load:
        """With the limits of the settings."""
        queries = settings.serve_concurrency
        return cls(
            Lane(asyncio.Semaphore(queries), settings.serve_queue),
            Lane(asyncio.Semaphore(queries * _MEDIA_PER_QUERY), settings.serve_queue),
        )

    def lane(self, path: str) -> Lane | None:
        """Where a request has to queue; None: nowhere."""
        if not path.startswith("/v1/") or path in ("/v1/health", "/v1/query"):
            return None
        return self.media if path.endswith("/media") else self.queries


class Limits:
    """ASGI middleware; stands within `Hangup`, whose watch it uses."""

    def __init__(self, app: ASGIApp, *, load: Load, settings: Settings) -> None:
        self._app = app
        self._load = load
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, now or when there is room, or refuses it."""
        lane = self._load.lane(scope["path"]) if scope["type"] == "http" else None
        if scope["type"] == "http" and _has_body(scope):
            await self._refuse(413, "no path here reads a body", scope, receive, send)
        elif lane is None:
            await self._app(scope, receive, send)
        else:
            await self._queue(lane, scope, receive, send)

    async def _queue(self, lane: Lane, scope: Scope, receive: Receive, send: Send) -> None:
        client = (scope.get("client") or ("",))[0]
        if self._load.of_client[client] >= self._settings.serve_per_client:
            what = f"{self._load.of_client[client]} requests of this client are being answered"
            await self._refuse(429, what, scope, receive, send)
            return
        if lane.is_full:
            what = f"{lane.running} requests are being answered, and {lane.waiting} wait"
            await self._refuse(503, what, scope, receive, send)
            return
        self._load.of_client[client] += 1
        try:
            if await lane.enter(scope[WATCH]):
                await self._run(lane, scope, receive, send)
        finally:
            self._load.of_client[client] -= 1
            self._load.of_client += Counter()  # forgets those that have none

    async def _run(self, lane: Lane, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs it until the answer begins or its time is over; an answer that has begun may go on."""
        late = asyncio.create_task(scope[WATCH].end_after(self._settings.serve_timeout_s))

        async def send_begun(message: Message) -> None:
            late.cancel()
            await send(message)

        try:
            await self._app(scope, receive, send_begun)
        finally:
            late.cancel()
            lane.leave()
            if not lane.running:
                await give_back()

    async def _refuse(self, status: int, what: str, scope: Scope, receive: Receive, send: Send) -> None:
        titles = {413: "A body", 429: "Too many requests of one client", 503: "Too many requests"}
        said = {
            "title": titles[status],
            "detail": what,
            "instance": scope["path"],
        }
        if status == 413:
            await problem(status, headers={"Connection": "close"}, **said)(scope, receive, send)
            return
        hint = f"Ask again in {RETRY_S} seconds."
        await problem(status, headers={"Retry-After": str(RETRY_S)}, hint=hint, **said)(scope, receive, send)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    return "transfer-encoding" in headers or not length.isdecimal() or int(length[:12]) > BODY_BYTES
