"""/v1/assets and their media: always of the catalog's assets, never of a path that somebody names."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from datacat.errors import NotFound
from datacat_api.dependencies import Asked, Opened
from datacat_api.sending import FileSent
from datacat_api.views import Asset

router = APIRouter(tags=["assets"])

# What a browser may show by itself. SVG and HTML can run scripts, so they and all the rest are downloads.
SHOWN = frozenset(f"image/{kind}" for kind in ("avif", "bmp", "gif", "jpeg", "png", "tiff", "webp"))
_LONGEST_ID = 18  # digits; the identifiers are 64 bits wide


@router.get("/assets/{id}", response_model=Asset)
def asset(id: str, asked: Annotated[Asked, Query()], catalogs: Opened) -> object:  # noqa: A002 - the wire's word
    """Shows one asset with everything said about it."""
    with catalogs.at(asked.at) as catalog:
        return catalog.asset(_checked(id))


@router.get("/assets/{id}/media", response_class=Response)
def media(
    id: str,  # noqa: A002
    asked: Annotated[Asked, Query()],
    request: Request,
    catalogs: Opened,
) -> Response:
    """Sends the bytes of an asset, or a range of them; only of what is a picture, sound, film or cloud of points."""
    with catalogs.at(asked.at) as catalog:
        digest = catalog.asset(_checked(id)).digest
        found = catalog.media(id)
    shown = "inline" if found.type in SHOWN else "attachment"
    headers = {"Content-Disposition": shown, "Content-Security-Policy": "default-src 'none'; sandbox"}
    if digest:
        headers |= {"ETag": f'"{digest}"', "Cache-Control": "private, no-cache"}
        if f'"{digest}"' in request.headers.get("if-none-match", ""):
            found.file.close()
            return Response(status_code=304, headers=headers)
    return FileSent(
        found.file, size=found.size, media_type=found.type, headers=headers, asked=request.headers
    )


def _checked(id: str) -> str:  # noqa: A002
    if not (id.isascii() and id.isdecimal() and len(id) <= _LONGEST_ID):
        raise NotFound(f"no asset has the id {id!r}", hint="Ids are the numbers that /v1/search gives.")
    return id
