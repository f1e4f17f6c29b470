"""/v1/log and /v1/health."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

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
                "changes": {
                    kind: {"added": added, "removed": removed} for kind, added, removed in entry.changes
                },
            }
            for entry in entries
        ]
        return page_of(listed, asked, state=catalog.state)


@router.get("/health", response_model=Health)
async def health(asked: Annotated[Nothing, Query()], request: Request) -> dict[str, Any]:
    """Says that the service runs and how much it has to do; waits for nothing, so it answers while all is taken."""
    catalogs, load = request.app.state.catalogs, request.app.state.load
    return {
        "status": "busy" if load.queries.is_full else "ok",
        "state": catalogs.state,
        "version": datacat.__version__,
        "running": load.queries.running + load.media.running,
        "waiting": load.queries.waiting + load.media.waiting,
    }
