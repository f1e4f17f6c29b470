"""Ends the work for a client that went away: a query of a minute would hold a processor for nobody."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datacat.catalog import Ending

_AGAIN_S = 0.05  # until a statement is ended again that was about to begin
_AHEAD = 4  # messages that are read before the application asks for them


class Hangup:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, listening meanwhile whether somebody still waits for the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ending = Ending()
        messages: asyncio.Queue[Message] = asyncio.Queue(_AHEAD)

        async def listen() -> None:
            is_there = True
            while is_there:
                message = await receive()
                is_there = message["type"] != "http.disconnect"
                if is_there:
                    await messages.put(message)
            while True:
                ending.end()
                if messages.empty():
                    messages.put_nowait({"type": "http.disconnect"})
                await asyncio.sleep(_AGAIN_S)

        listener = asyncio.create_task(listen())
        try:
            with ending.heeded():
                await self._app(scope, messages.get, send)
        finally:
            listener.cancel()
