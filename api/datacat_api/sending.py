"""Sends an open file piece by piece, or the range of it that was asked for; one piece is in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

PIECE = 256 << 10  # bytes
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class FileSent(StreamingResponse):
    """The file, closed when it was sent or nobody waits for it any more."""

    def __init__(
        self,
        file: IO[bytes],
        *,
        size: int,
        media_type: str,
        headers: Mapping[str, str],
        asked: Mapping[str, str],
    ) -> None:
        """`asked` are the headers of the request: `range`, and `if-range` with the tag that it holds for."""
        self._file = file
        start, end = 0, size
        status, more = 200, {"Accept-Ranges": "bytes"}
        wanted = _range(asked, size=size, tag=headers.get("ETag"))
        if wanted is not None:
            start, end = wanted
            is_there = start < end
            status = 206 if is_there else 416
            more["Content-Range"] = f"bytes {start}-{end - 1}/{size}" if is_there else f"bytes */{size}"
        more["Content-Length"] = str(max(0, end - start))
        super().__init__(
            _pieces(file, start=start, end=end),
            status_code=status,
            media_type=media_type,
            headers={**headers, **more},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it; of a HEAD request the headers alone."""
        try:
            if scope.get("datacat.is_head"):
                bare = Response(status_code=self.status_code)
                bare.raw_headers = self.raw_headers
                await bare(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(self._file.close)


def _range(asked: Mapping[str, str], *, size: int, tag: str | None) -> tuple[int, int] | None:
    """From where to where; empty: there is nothing; None: all of it is wanted (several ranges, another version)."""
    found = _RANGE.fullmatch(asked.get("range", ""))
    if not found or not any(found.groups()) or asked.get("if-range", tag) != tag:
        return None
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) else (size, size)
    end = min(size, int(last) + 1) if last else size
    return (int(first), end) if int(first) < size and int(first) < end else (size, size)


def _pieces(file: IO[bytes], *, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    left = end - start
    while left > 0:
        piece = file.read(min(PIECE, left))
        if not piece:
            return
        left -= len(piece)
        yield piece
