"""/v1/classes, /v1/attributes, /v1/label-sets: what there is to ask for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from datacat_api.dependencies import AskedPage, Opened
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
