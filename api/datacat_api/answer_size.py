"""An answer that is made whole is no larger than the settings say; streams and files are sent piece by piece."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datacat_api.problems import problem


class AnswerSize:
    """ASGI middleware; stands within `Compression`, so that it counts what was said and not what is sent."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or says that the answer would be too large."""
        begun: list[Message] = []

        async def send_bounded(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message)
                return
            size = len(message.get("body", b""))
            if begun and size > self._limit and not message.get("more_body"):
                await self._refused(size, scope)(scope, receive, send)
                return
            while begun:
                await send(begun.pop())
            await send(message)

        await self._app(scope, receive, send_bounded)

    def _refused(self, size: int, scope: Scope) -> ASGIApp:
        return problem(
            400,
            title="An answer that is too large",
            detail=f"it has {size:,} bytes, more than {self._limit:,}",
            instance=scope["path"],
            hint="Ask for less (`limit`), or stream it: /v1/search.ndjson. Whoever runs the service sets serve_answer.",
        )
