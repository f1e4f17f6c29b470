"""/v1/concepts: which class names mean the same, and which may."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from datacat_api.concept_views import ConceptListed, ConceptShown, ConceptsSuggested
from datacat_api.dependencies import Asked, AskedPage, Opened
from datacat_api.views import Listed, page_of

router = APIRouter(tags=["vocabulary"])


class AskedConcept(Asked):
    """The query parameters of one concept."""

    changes: Annotated[int, Field(ge=0, le=1000, description="Of its history, the newest first.")] = 20


class AskedSuggestions(Asked):
    """The query parameters of suggestions."""

    classes: Annotated[
        list[str],
        Field(
            default_factory=list, max_length=100, description="Only what concerns these `[team:]class` names."
        ),
    ]
    min_score: Annotated[float, Field(ge=0, le=1, description="How sure a suggestion is at least.")] = 0.5
    limit: Annotated[int, Field(ge=1, le=1000, description="Suggestions at most.")] = 20
    space: Annotated[str | None, Field(description="The embedding space whose model compares.")] = None


@router.get("/concepts", response_model=Listed[ConceptListed])
def concepts(asked: Annotated[AskedPage, Query()], catalogs: Opened) -> dict[str, Any]:
    """Lists the concepts with their classes."""
    with catalogs.at(asked.state) as catalog:
        return page_of(catalog.concepts.list().to_pylist(), asked, state=catalog.state)


@router.get("/concepts/suggestions", response_model=ConceptsSuggested)
def suggestions(asked: Annotated[AskedSuggestions, Query()], catalogs: Opened) -> dict[str, Any]:
    """Proposes classes that may mean the same, with what speaks for and against it; changes nothing."""
    with catalogs.at(asked.at) as catalog:
        found = catalog.concepts.suggest(
            asked.classes, min_score=asked.min_score, limit=asked.limit, space=asked.space
        )
        return {"items": found.items, "notes": found.notes, "all": found.all, "state": catalog.state}


@router.get("/concepts/{name}", response_model=ConceptShown)
def concept(name: str, asked: Annotated[AskedConcept, Query()], catalogs: Opened) -> object:
    """Shows one concept with everything known of it, and who changed what."""
    with catalogs.at(asked.at) as catalog:
        return catalog.concepts.show(name, changes=asked.changes)
