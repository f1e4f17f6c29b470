"""The composition of the service: routes, errors, guards, pages."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends, FastAPI

import datacat
from datacat.config import size_bytes
from datacat_api import problems
from datacat_api.answer_size import AnswerSize
from datacat_api.compression import Compression
from datacat_api.dependencies import Catalogs
from datacat_api.guard import LOOPBACK, Guard
from datacat_api.hangup import Hangup
from datacat_api.head import Head
from datacat_api.limits import Limits, Load
from datacat_api.memory import keep_few_arenas
from datacat_api.once import given_once
from datacat_api.routes import (
    ask,
    assets,
    concepts,
    history,
    pages,
    search,
    searches,
    snapshots,
    stream,
    vocabulary,
)

ROUTERS: tuple[APIRouter, ...] = (
    search.router,
    searches.router,
    stream.router,
    ask.router,
    assets.router,
    vocabulary.router,
    concepts.router,
    snapshots.router,
    history.router,
)


def create_app(catalog: str | None = None, *, hosts: Sequence[str] = LOOPBACK) -> FastAPI:
    """Makes the service.

    Args:
        catalog: a folder or s3://bucket/prefix; None: as `datacat.open` finds it (DATACAT_CATALOG, …).
        hosts: the names it answers to, besides loopback addresses; another Host header is refused.

    Raises:
        CatalogNotFound: there is no catalog.
    """
    app = FastAPI(
        title="datacat",
        summary="Search an organisation's labelled data and its frozen training sets.",
        version=datacat.__version__,
        docs_url=None,  # FastAPI's page loads its scripts from elsewhere; ours is routes/pages.py
        redoc_url=None,
        responses={"4XX": problems.DOCUMENTED, "5XX": problems.DOCUMENTED},
    )
    keep_few_arenas()
    catalogs = app.state.catalogs = Catalogs(catalog)
    load = app.state.load = Load.bounded(catalogs.settings)
    for router in ROUTERS:
        app.include_router(router, prefix="/v1", dependencies=[Depends(given_once)])
    app.include_router(pages.router)
    problems.install(app)
    app.add_middleware(AnswerSize, limit=size_bytes(catalogs.settings.serve_answer))
    app.add_middleware(Compression, minimum_size=1000, compresslevel=5)
    app.add_middleware(Limits, load=load, settings=catalogs.settings)
    app.add_middleware(Hangup)
    app.add_middleware(Head)
    app.add_middleware(Guard, hosts=hosts)
    return app
