"""/v1/search.ndjson and /v1/search.arrow: all hits of a query, piece by piece."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from datacat.errors import Interrupted
from datacat_api.dependencies import Opened
from datacat_api.routes.search import AskedQuery

router = APIRouter(tags=["search"])


class AskedStream(AskedQuery):
    """The query parameters of a stream."""

    columns: Annotated[
        str | None,
        Field(
            max_length=400, description="As in `asset,uri`; without `matches` and `why` it is much faster."
        ),
    ] = None
    limit: Annotated[int | None, Field(ge=1, lt=2**53, description="So many hits; by default all.")] = None


@router.get("/search.ndjson", response_class=StreamingResponse)
def search_ndjson(asked: Annotated[AskedStream, Query()], catalogs: Opened) -> StreamingResponse:
    """Streams the hits of a query, one JSON object a line."""
    return _streamed(asked, catalogs, to="ndjson", media_type="application/x-ndjson")


@router.get("/search.arrow", response_class=StreamingResponse)
def search_arrow(asked: Annotated[AskedStream, Query()], catalogs: Opened) -> StreamingResponse:
    """Streams the hits of a query in Arrow's IPC stream format."""
    return _streamed(asked, catalogs, to="arrow", media_type="application/vnd.apache.arrow.stream")


def _streamed(asked: AskedStream, catalogs: Opened, *, to: str, media_type: str) -> StreamingResponse:
    """What can be refused is refused here, before the first byte; a client that goes away ends the rest."""
    columns = None if asked.columns is None else [name.strip() for name in asked.columns.split(",")]
    with catalogs.at(asked.at) as catalog:
        hits = catalog.search(asked.query, limit=asked.limit, space=asked.space, by=asked.by, files=False)
        if hits.is_ranked:  # by the embeddings of this catalog, which the next request takes over
            _ = hits.numbers
        pieces = _while_wanted(hits.stream(to, columns=columns))
        return StreamingResponse(pieces, media_type=media_type, headers={"Datacat-State": str(catalog.state)})


def _while_wanted(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Ends as though all were said where the client has hung up."""
    with contextlib.suppress(Interrupted):
        yield from pieces
