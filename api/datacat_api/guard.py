"""What holds for every request: whose name it was sent to, and what a browser may do with the answer.

There is no authentication, so the service trusts whoever sits at this machine. Two ways lead around that:
another site's page that reads from it (hence no CORS headers, and Cross-Origin-Resource-Policy), and another
site's name that is made to point at 127.0.0.1 (DNS rebinding; hence the check of the Host header).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datacat_api.problems import problem

LOOPBACK = ("localhost",)

_PORT = re.compile(r":\d+$")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    # A page may load what lies beside it and nothing else; media override this with less.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or refuses one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = _PORT.sub("", Headers(scope=scope).get("host", "")).lower()
        if host in self._hosts or _is_loopback(host):
            await self._app(scope, receive, send_guarded)
            return
        refused = problem(
            421,
            title="This service does not go by that name",
            detail=f"the Host header says {host!r}",
            instance=scope["path"],
            hint=f"It answers to {', '.join(sorted(self._hosts))} and loopback addresses.",
        )
        await refused(scope, receive, send_guarded)


def _is_loopback(host: str) -> bool:
    """Whether it is an address (not a name, which may come to mean another machine) of this machine."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
