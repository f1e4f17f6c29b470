"""gzip for what is text and whole: media are compressed already, and the lines of a stream must go out at once."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

_AS_THEY_ARE = ("/media", ".ndjson", ".arrow")


class Compression(GZipMiddleware):
    """ASGI middleware."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http" and scope["path"].endswith(_AS_THEY_ARE):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
