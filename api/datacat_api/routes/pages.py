"""The pages for people: / to search, /docs to read openapi.json. Nothing is loaded from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter(include_in_schema=False)

_WEB = files("datacat_api") / "web"
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FILES = {"/": "search.html", "/docs": "docs.html"} | {
    f"/web/{file.name}": file.name for file in _WEB.iterdir() if not file.name.endswith(".html")
}


def _add(path: str, name: str) -> None:
    def page() -> Response:
        content = (_WEB / name).read_bytes()
        return Response(
            content, media_type=_TYPES[name.rpartition(".")[2]], headers={"Cache-Control": "no-cache"}
        )

    router.add_api_route(path, page, methods=["GET"])


for _path, _name in _FILES.items():
    _add(_path, _name)
