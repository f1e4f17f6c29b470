"""/v1/log and /v1/health."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

import datacat
from datacat_api.dependencies import AskedPage, Nothing, Opened
from datacat_api.views import Change, Health, Listed, page_of, rows_needed

router = APIRouter(tags=["history"])


@router.get("/log", response_model=Listed[Change])
def log(asked: Annotated[AskedPage, Query()], catalogs: Opened) -> dict[str, Any]:
    """Lists the changes of the catalog, the newest first."""
    with catalogs.at(asked.state) as catalog:
        entries = catalog.log(limit=rows_needed(asked))
        listed = [
            {
                "state": entry.state,
                "time": entry.time,
                "author": entry.author,
                "message": entry.message,
                "changes": [
                    {"kind": kind, "added": added, "removed": removed}
                    for kind, added, removed in entry.changes
                ],
            }
            for entry in entries
        ]
        return page_of(listed, asked, state=catalog.state)


@router.get("/health", response_model=Health)
def health(asked: Annotated[Nothing, Query()], catalogs: Opened) -> dict[str, Any]:
    """Says that the service runs and the catalog can be read."""
    with catalogs.at() as catalog:
        return {"status": "ok", "state": catalog.state, "version": datacat.__version__}
