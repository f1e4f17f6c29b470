"""A parameter that takes one value is given once: of `q=car&q=roof` only the last would be answered, without a word."""

from __future__ import annotations

from collections import Counter

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

_TWICE = "it takes one value and is given {} times"


async def given_once(request: Request) -> None:
    """A dependency of every route under /v1.

    Raises:
        RequestValidationError: a parameter that takes one value is given several times.
    """
    route = request.scope["route"]
    given = Counter(name for name, _ in request.query_params.multi_items())
    taking_one = _taking_one(route) if isinstance(route, APIRoute) else frozenset()
    faults = [
        {"type": "given_twice", "loc": ("query", name), "msg": _TWICE.format(times)}
        for name, times in given.items()
        if times > 1 and name in taking_one
    ]
    if faults:
        raise RequestValidationError(faults)


def _taking_one(route: APIRoute) -> frozenset[str]:
    """The parameters of a route that take one value; one that it does not have is refused with its other faults."""
    models = (asked.field_info.annotation for asked in route.dependant.query_params)
    return frozenset(
        name
        for model in models
        for name, field in getattr(model, "model_fields", {}).items()
        if "list[" not in str(field.annotation)
    )
