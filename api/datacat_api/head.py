"""HEAD on every path that answers GET: the same headers, nothing behind them, and no work for what is not sent."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """ASGI middleware; `Hangup` stands within, so that a stream that nobody is sent ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        is_done = asyncio.Event()

        async def send_headers(message: Message) -> None:
            if is_done.is_set():
                return
            if message["type"] == "http.response.start":
                await send(message)
                return
            await send({"type": "http.response.body", "body": b""})
            is_done.set()

        async def receive_end() -> Message:
            """What the client sends, and that nobody listens any more once the headers are out."""
            waiting = (asyncio.ensure_future(receive()), asyncio.ensure_future(is_done.wait()))
            done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            return waiting[0].result() if waiting[0] in done else {"type": "http.disconnect"}

        await self._app({**scope, "method": "GET", "datacat.is_head": True}, receive_end, send_headers)
