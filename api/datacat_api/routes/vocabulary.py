"""/v1/classes, /v1/attributes, /v1/label-sets, /v1/overview, /v1/overlap: what there is to ask for."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from datacat_api.dependencies import Asked, AskedPage, Opened
from datacat_api.facet_views import OverlapView, OverviewView
from datacat_api.views import Attribute, Class, LabelSet, Listed, page_of

router = APIRouter(tags=["vocabulary"])


@router.get("/classes", response_model=Listed[Class])
def classes(asked: Annotated[AskedPage, Query()], catalogs: Opened) -> dict[str, Any]:
    """Lists the classes of all teams, the most used first."""
    with catalogs.at(asked.state) as catalog:
        return page_of(catalog.classes().to_pylist(), asked, state=catalog.state)


@router.get("/attributes", response_model=Listed[Attribute])
def attributes(asked: Annotated[AskedPage, Query()], catalogs: Opened) -> dict[str, Any]:
    """Lists the attribute paths, with types, counts and examples."""
    with catalogs.at(asked.state) as catalog:
        return page_of(catalog.attributes().to_pylist(), asked, state=catalog.state)


@router.get("/label-sets", response_model=Listed[LabelSet])
def label_sets(asked: Annotated[AskedPage, Query()], catalogs: Opened) -> dict[str, Any]:
    """Lists the label sets: which team labelled what, from which format."""
    with catalogs.at(asked.state) as catalog:
        return page_of(catalog.label_sets().to_pylist(), asked, state=catalog.state)


class AskedOverlap(Asked):
    """The query parameters of an overlap."""

    left: Annotated[str, Field(max_length=400, description="A team, or a label set team/name.")]
    right: Annotated[str, Field(max_length=400, description="The other.")]
    limit: Annotated[int, Field(ge=1, le=1000, description="Disputed assets, and pairs of classes.")] = 10


@router.get("/overview", response_model=OverviewView)
def overview(asked: Annotated[Asked, Query()], catalogs: Opened) -> Any:
    """Says what each team and label set has, and with whom it shares assets."""
    with catalogs.at(asked.at) as catalog:
        return catalog.overview()


@router.get("/overlap", response_model=OverlapView)
def overlap(asked: Annotated[AskedOverlap, Query()], catalogs: Opened) -> dict[str, Any]:
    """Says which assets two teams or label sets share, and how far they agree."""
    with catalogs.at(asked.at) as catalog:
        found = catalog.overlap(asked.left, asked.right, limit=asked.limit)
        return {"state": catalog.state, **{item.name: getattr(found, item.name) for item in fields(found)}}
