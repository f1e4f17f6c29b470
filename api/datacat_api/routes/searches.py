"""/v1/searches: queries under a name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from datacat_api.dependencies import AskedPage, Opened
from datacat_api.views import Listed, SavedSearch, page_of

router = APIRouter(tags=["search"])


@router.get("/searches", response_model=Listed[SavedSearch])
def list_searches(asked: Annotated[AskedPage, Query()], catalogs: Opened) -> dict[str, Any]:
    """Lists the saved searches by name; `q=@name` of /v1/search runs one."""
    with catalogs.at(asked.state) as catalog:
        return page_of(catalog.searches.list(), asked, state=catalog.state)
