"""Ends the work for a client that went away, or that waited long enough: it would hold a processor for nobody."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datacat.catalog import Ending

WATCH = "datacat.watch"  # where in a scope the `Watch` of a request is

_AGAIN_S = 0.05  # until a statement is ended again that was about to begin
_AHEAD = 4  # messages that are read before the application asks for them


class Watch:
    """Whether somebody still waits for the answer to one request.

    Attributes:
        gone: set when the client has hung up.
        is_late: whether it took longer than it may.
    """

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.is_late = False
        self._ending = Ending()
        self.heeded = self._ending.heeded

    async def end(self) -> None:
        """Interrupts what DuckDB does for it, again and again, until this is cancelled."""
        while True:
            self._ending.end()
            await asyncio.sleep(_AGAIN_S)

    async def end_after(self, time_s: float) -> None:
        """The same, so many seconds from now."""
        await asyncio.sleep(time_s)
        self.is_late = True
        await self.end()


class Hangup:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, listening meanwhile whether somebody still waits for the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watch = Watch()
        messages: asyncio.Queue[Message] = asyncio.Queue(_AHEAD)

        async def listen() -> None:
            while not watch.gone.is_set():
                message = await receive()
                if message["type"] == "http.disconnect":
                    watch.gone.set()
                else:
                    await messages.put(message)
            if messages.empty():
                messages.put_nowait({"type": "http.disconnect"})
            await watch.end()

        async def next_message() -> Message:
            if watch.gone.is_set() and messages.empty():
                return {"type": "http.disconnect"}
            return await messages.get()

        listener = asyncio.create_task(listen())
        try:
            with watch.heeded():
                await self._app({**scope, WATCH: watch}, next_message, send)
        finally:
            listener.cancel()
