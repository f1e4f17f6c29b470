"""/v1/search, /v1/explain, /v1/facets and /v1/query."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from datacat.catalog import document_of, explained, read_page, text_of, text_of_json
from datacat.errors import UsageError
from datacat_api.dependencies import Asked, AskedPage, Nothing, Opened
from datacat_api.explain_views import ExplanationView
from datacat_api.facet_views import FacetsView
from datacat_api.views import QueryForms, SearchPage

router = APIRouter(tags=["search"])


class AskedForms(Nothing):
    """A query in one of its two forms."""

    q: Annotated[
        str | None, Field(max_length=10_000, description="A query, as docs/reference/query.md describes it.")
    ] = None
    document: Annotated[
        str | None,
        Field(
            max_length=100_000, description="In its place, a query as docs/reference/query-json.md has it."
        ),
    ] = None

    @property
    def query(self) -> str:
        """What is asked, as text."""
        if (self.q is None) is (self.document is None):
            raise UsageError("q: a search has this, or else document")
        return text_of_json(self.document) if self.document is not None else self.q or ""


class AskedQuery(AskedForms, Asked):
    """The query parameters of what asks a query."""

    space: Annotated[str | None, Field(description="The embedding space of a similarity search.")] = None
    by: Annotated[
        Literal["content", "uri"],
        Field(
            description="What one hit is: a picture, at however many addresses its bytes lie, or an address."
        ),
    ] = "content"


class AskedHits(AskedQuery, AskedPage):
    """The query parameters of what finds a page of hits."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Hits on a page.")] = 20

    def _token(self) -> tuple[int, str]:
        """That of Python and of the command line, which knows its state."""
        after = self.after or ""
        return read_page(after).state, after


class AskedSearch(AskedHits):
    """The query parameters of a search."""

    count: Annotated[bool, Field(description="Say how many assets match in all.")] = False
    answers: Annotated[
        bool,
        Field(description="Say of how many assets it holds, of how many not, of how many nobody can say."),
    ] = False


class AskedFacets(AskedQuery):
    """The query parameters of facets."""

    facet: Annotated[
        list[str] | None, Field(max_length=100, description="class, team, …, or a path; none: all.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Values of each facet.")] = 10
    all_paths: Annotated[
        bool, Field(description="What tools write for themselves too, as `from_name` or `lead_time`.")
    ] = False
    best: Annotated[int, Field(ge=1, le=10_000, description="Of a ranked search, how many hits count.")] = 100


@router.get("/search", response_model=SearchPage)
def search(asked: Annotated[AskedSearch, Query()], catalogs: Opened) -> dict[str, Any]:
    """Finds assets, each with the annotations that match and the reason why."""
    with catalogs.at(asked.state) as catalog:
        hits = catalog.search(
            asked.query, limit=asked.limit, after=asked.position, space=asked.space, by=asked.by, files=False
        )
        found = list(hits)
        has_answers = (asked.answers or (asked.count and hits.asks_for_absence)) and not hits.is_ranked
        return {
            "hits": found,
            "next": hits.next,
            "interpretation": hits.interpretation,
            "concepts": hits.concepts_used,
            "state": catalog.state,
            "total": hits.count() if asked.count and not hits.is_ranked else None,
            "addresses": hits.address_count if asked.count and not hits.is_ranked else None,
            "answers": hits.answers if has_answers else None,
            "not_embedded": hits.not_embedded,
            "only_predicted": hits.only_predicted if asked.count else None,
            "set_aside": hits.set_aside if asked.count else None,
            "hint": hits.hint(),
        }


@router.get("/explain", response_model=ExplanationView)
def explain(asked: Annotated[AskedHits, Query()], catalogs: Opened) -> Any:
    """Runs a search and tells what was read for it, and how long each step took."""
    with catalogs.at(asked.state) as catalog:
        return explained(
            lambda: catalog.search(
                asked.query,
                limit=asked.limit,
                after=asked.position,
                space=asked.space,
                by=asked.by,
                files=False,
            )
        )


@router.get("/facets", response_model=FacetsView)
def facets(asked: Annotated[AskedFacets, Query()], catalogs: Opened) -> dict[str, Any]:
    """Counts what the hits of a query divide into: classes, teams, attribute values, …."""
    with catalogs.at(asked.at) as catalog:
        hits = catalog.search(asked.query, limit=asked.best, space=asked.space, by=asked.by, files=False)
        found = hits.facets(asked.facet, limit=asked.limit, all_paths=asked.all_paths)
        narrowing = hits.narrowing
        return {
            "interpretation": hits.interpretation,
            "state": catalog.state,
            "assets": found.assets,
            "annotations": found.annotations,
            "are_matching": found.are_matching,
            "facets": [narrowing.with_queries(facet) for facet in found.facets],
        }


@router.get("/query", response_model=QueryForms)
def query(asked: Annotated[AskedForms, Query()]) -> dict[str, Any]:
    """Converts a query: its strict text and its JSON, whichever was given. Names are not looked up."""
    document = document_of(asked.query)
    return {"text": text_of(document), "document": document}
