"""/v1/search."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import Field

from datacat_api.dependencies import AskedPage, Opened, token
from datacat_api.views import SearchPage

router = APIRouter(tags=["search"])


class AskedHits(AskedPage):
    """How a search is answered."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Hits on a page.")] = 20
    count: Annotated[bool, Field(description="Say how many assets match in all.")] = False
    space: Annotated[str | None, Field(description="The embedding space of a similarity search.")] = None


class AskedSearch(AskedHits):
    """The query parameters of a search."""

    q: Annotated[
        str, Field(max_length=10_000, description="A query, as docs/reference/query.md describes it.")
    ]


@router.get("/search", response_model=SearchPage)
def search(asked: Annotated[AskedSearch, Query()], catalogs: Opened) -> dict[str, Any]:
    """Finds assets, each with the annotations that match and the reason why."""
    return _found(asked, asked.q, catalogs=catalogs)


@router.post("/search", response_model=SearchPage)
def search_by_document(
    document: Annotated[
        dict[str, Any], Body(description="A query as docs/reference/query-json.md describes it.")
    ],
    asked: Annotated[AskedHits, Query()],
    catalogs: Opened,
) -> dict[str, Any]:
    """The same for a query as JSON."""
    return _found(asked, document, catalogs=catalogs)


def _found(asked: AskedHits, query: str | dict[str, Any], *, catalogs: Opened) -> dict[str, Any]:
    with catalogs.at(asked.state) as catalog:
        hits = catalog.search(query, limit=asked.limit, after=asked.position, space=asked.space, files=False)
        return {
            "hits": list(hits),
            "next": token(catalog.state, hits.next),
            "interpretation": hits.interpretation,
            "state": catalog.state,
            "total": hits.count() if asked.count else None,
            "answers": hits.answers if asked.count and hits.asks_for_absence and not hits.is_ranked else None,
        }
