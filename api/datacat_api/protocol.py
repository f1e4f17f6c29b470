"""uvicorn's HTTP/1.1 with an end to waiting: it has none for a request that never comes, nor for one half sent.

`datacat serve` gives uvicorn this class by name. One who connects and says nothing, sends a byte a minute, or does not
read what he asked for, would otherwise hold a connection for ever.
"""

from __future__ import annotations

import asyncio
import functools
import os

from uvicorn.protocols.http.h11_impl import H11Protocol

from datacat.config import Settings, read_settings

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 2\r\n"
    b"Content-Length: 21\r\nConnection: close\r\n\r\nToo many connections."
)


class BoundedProtocol(H11Protocol):
    """One connection."""

    _waiting: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request; one connection too many is told so and closed."""
        super().connection_made(transport)
        if len(self.connections) > settings().serve_connections:
            transport.write(_BUSY)
            transport.close()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Takes a piece; the time for the whole request goes on, whatever comes."""
        if self._waiting is None and not self._is_answering:
            self._wait()
        super().data_received(data)
        if self._is_answering:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Between two requests, uvicorn's own limit for idle connections holds."""
        super().on_response_complete()
        if self._is_answering:  # the next request was there already
            self._stop_waiting()

    def pause_writing(self) -> None:
        """The client does not read: it has some time to go on."""
        super().pause_writing()
        self._writing = self.loop.call_later(settings().serve_idle_s, self._abort)

    def resume_writing(self) -> None:
        """It goes on."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the timers."""
        self._stop_waiting()
        if self._writing is not None:
            self._writing.cancel()
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        """Whether a request is here in full and its answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _wait(self) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(settings().serve_idle_s, self._abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _abort(self) -> None:
        self.transport.abort()


@functools.cache
def settings() -> Settings:
    """Those of the catalog that is served."""
    return read_settings(os.environ.get("DATACAT_CATALOG"))
