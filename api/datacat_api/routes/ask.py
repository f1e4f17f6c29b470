"""/v1/ask."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from datacat_api.dependencies import Asked, Opened
from datacat_api.views import AnswerView

router = APIRouter(tags=["search"])


class AskedQuestion(Asked):
    """The query parameters of a plain question."""

    q: Annotated[str, Field(max_length=1_000, description="A question in plain words.")]
    limit: Annotated[int, Field(ge=1, le=100, description="Hits in a tier.")] = 5
    space: Annotated[str | None, Field(description="The embedding space that ranks.")] = None


@router.get("/ask", response_model=AnswerView)
def ask(asked: Annotated[AskedQuestion, Query()], catalogs: Opened) -> dict[str, Any]:
    """Answers a question in plain words: labelled so, labelled with something related, only looking so."""
    with catalogs.at(asked.at) as catalog:
        answer = catalog.ask(asked.q, limit=asked.limit, space=asked.space)
        tiers = {"labelled": answer.labelled, "related": answer.related, "looks_so": answer.looks_so}
        return {
            "understood": answer.understood,
            "answers": answer.answers,
            "concepts": {} if answer.labelled is None else answer.labelled.concepts_used,
            "objects": answer.objects,
            "not_embedded": None if answer.labelled is None else answer.labelled.not_embedded,
            "state": catalog.state,
            **{name: None if hits is None else list(hits) for name, hits in tiers.items()},
        }
