"""One asset that was found, as a value and as a row of Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from datacat.errors import UsageError
from datacat.query.match import Match

MATCH = pa.struct(
    [
        ("annotation", pa.int64()),
        ("class", pa.string()),
        ("team", pa.string()),
        ("label_set", pa.string()),
        ("kind", pa.string()),
        ("geometry_type", pa.string()),
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("w", pa.float64()),
        ("h", pa.float64()),
        ("is_relative", pa.bool_()),
        ("confidence", pa.float64()),
        ("attributes", pa.string()),
    ]
)
HITS = pa.schema(
    [
        ("asset", pa.int64()),
        ("uri", pa.string()),
        ("media", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("score", pa.float64()),
        ("matches", pa.list_(MATCH)),
        ("why", pa.list_(pa.string())),
        ("addresses", pa.list_(pa.string())),
    ]
)
ASSET_IDS = pa.schema([("asset", pa.int64())])
ANNOTATION_IDS = pa.schema([("asset", pa.int64()), ("annotation", pa.int64())])


@dataclass(frozen=True, slots=True)
class Hit:
    """An asset that was found.

    Attributes:
        asset: its number in the catalog.
        uri: where it lies.
        media: image, text, ….
        width: pixels; None where unknown.
        height: pixels; None where unknown.
        score: likeness to what was asked, -1 to 1; None where nothing ranks.
        matches: the annotations that fulfil the query.
        why: a reason per term, for people.
        addresses: where the same bytes lie, `uri` first.
        is_contradicted: whether a `count(…)` holds of it by what one label set says, and another that looked says
            otherwise; `why` has both.
    """

    asset: int
    uri: str
    media: str | None
    width: int | None
    height: int | None
    score: float | None
    matches: tuple[Match, ...]
    why: tuple[str, ...]
    addresses: tuple[str, ...]
    is_contradicted: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """A query's three answers, in assets: labelled so, labelled and not so, never labelled for it."""

    yes: int
    no: int
    unknown: int


def as_row(hit: Hit) -> dict[str, Any]:
    """A hit as a row of `HITS`."""
    return {
        "asset": hit.asset,
        "uri": hit.uri,
        "media": hit.media,
        "width": hit.width,
        "height": hit.height,
        "score": hit.score,
        "matches": [match.as_row() for match in hit.matches],
        "why": list(hit.why),
        "addresses": list(hit.addresses),
    }


def chosen_columns(columns: Sequence[str] | None) -> pa.Schema:
    """The part of `HITS` that was asked for, in that order; None: all.

    Raises:
        UsageError: there is no such column, or none was named.
    """
    if columns is None:
        return HITS
    unknown = [name for name in columns if name not in HITS.names]
    if unknown or not columns or len(set(columns)) < len(columns):
        what = f"there is no column {unknown[0]!r}" if unknown else "columns must be named, each once"
        raise UsageError(what, hint=f"There are {', '.join(HITS.names)}.")
    return pa.schema([HITS.field(name) for name in columns])
