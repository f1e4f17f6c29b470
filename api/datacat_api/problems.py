"""Errors as RFC 9457 problems (application/problem+json): one table from exception to status."""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import Any

import duckdb
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from datacat import errors
from datacat_api.hangup import WATCH

# The nearest class in an error's own line of ancestors decides.
STATUS: dict[type[errors.DatacatError], int] = {
    errors.DatacatError: 500,
    errors.UsageError: 400,
    errors.QueryError: 400,
    errors.FormatError: 422,
    errors.NotFound: 404,
    errors.StateNotFound: 404,
    errors.SnapshotNotFound: 404,
    errors.CatalogExists: 409,
    errors.CommitConflict: 409,
    errors.SnapshotExists: 409,
    errors.EmbeddingError: 409,  # the catalog, as it is now, has nothing to answer that with
    errors.ExtraMissing: 501,
    errors.SandboxMissing: 501,
    errors.LocationError: 502,
    errors.MediaRefused: 403,
    errors.CatalogNotFound: 503,
    errors.CommitUnknown: 503,
    errors.OutOfMemory: 503,
    errors.Interrupted: 503,  # nobody is there to read it
    errors.SqlStopped: 504,
}
MEDIA_TYPE = "application/problem+json"

_FAULTS_SHOWN = 5
_log = logging.getLogger("datacat_api")


class Problem(BaseModel):
    """What every error looks like; fields that do not apply are left out."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    where: str | None = None
    hint: str | None = None
    query: str | None = None
    position: int | None = None
    end: int | None = None


DOCUMENTED: dict[str, Any] = {
    "description": "What is wrong, where, and what to do.",
    "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
}


def problem(
    status: int,
    *,
    title: str,
    detail: str,
    instance: str,
    kind: str = "about:blank",
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """One error as a response; `more` are the fields that `Problem` has beyond RFC 9457's own."""
    said = Problem(type=kind, title=title, status=status, detail=detail, instance=instance, **more)
    content = said.model_dump(exclude_none=True)
    return JSONResponse(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes the application answer every error with a problem."""
    app.add_exception_handler(errors.DatacatError, _refused)
    app.add_exception_handler(RequestValidationError, _misasked)
    for kind in (MemoryError, duckdb.OutOfMemoryException):
        app.add_exception_handler(kind, _short)
    app.add_exception_handler(HTTPException, _unrouted)
    app.add_exception_handler(Exception, _unexpected)


def status_of(error: errors.DatacatError) -> int:
    """The HTTP status for an error of datacat's own."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.DatacatError)
    watch = request.scope.get(WATCH)
    if isinstance(error, errors.Interrupted) and watch is not None and watch.is_late:
        return problem(
            504,
            title="A query that takes too long",
            detail="it was ended, as nothing was found out in time",
            instance=request.url.path,
            hint="Narrow it; whoever runs the service sets serve_timeout_s.",
        )
    kind = type(error)
    more: dict[str, Any] = {"where": error.where, "hint": error.hint}
    if isinstance(error, errors.QueryError):
        more |= {"query": error.text, "position": error.start, "end": error.end}
    return problem(
        status_of(error),
        title=(kind.__doc__ or kind.__name__).partition("\n")[0].partition(";")[0].rstrip("."),
        detail=error.what,
        instance=request.url.path,
        kind=f"urn:datacat:error:{kind.__name__}",
        **more,
    )


def _short(request: Request, error: Exception) -> JSONResponse:
    return _refused(request, errors.shortage())


def _misasked(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(item) for item in error.errors()]
    if len(faults) > _FAULTS_SHOWN:
        faults[_FAULTS_SHOWN:] = [f"… and {len(faults) - _FAULTS_SHOWN} more"]
    return problem(
        400,
        title="A request that cannot be understood",
        detail="; ".join(faults),
        instance=request.url.path,
        hint="/docs lists the parameters of every path.",
    )


def _fault(item: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"][1:])
    if item["type"] == "extra_forbidden":
        return f"there is no parameter {name!r}"
    return f"{name}: {item['msg']}"


def _unrouted(request: Request, error: Exception) -> JSONResponse:
    """404 and 405 of the router itself."""
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    detail = f"{request.method} {request.url.path}: {error.detail}"
    headers = dict(error.headers or {})
    return problem(error.status_code, title=title, detail=detail, instance=request.url.path, headers=headers)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: the log has it whole, the answer only a number to find it by."""
    number = uuid.uuid4().hex[:12]
    _log.error("error %s at %s %s", number, request.method, ascii(request.url.path), exc_info=error)
    return problem(
        500,
        title="Internal error",
        detail=f"This is a fault of datacat; the server's log has it as {number}.",
        instance=request.url.path,
    )
