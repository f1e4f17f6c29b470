"""The bytes of an asset, and only of one: no request can name a path."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path

import duckdb

from datacat.config import Settings
from datacat.errors import NotFound
from datacat.sources.location import Location, filesystem
from datacat.sources.reading import read_bytes


@dataclass(frozen=True, slots=True)
class Media:
    """The bytes of an asset: `path` where they lie on this machine, else `content`."""

    type: str
    path: Path | None
    content: bytes | None


def media_of(cursor: duckdb.DuckDBPyConnection, asset: str, *, settings: Settings) -> Media:
    """The bytes of the asset with that number.

    Raises:
        NotFound: no such asset, or its media is missing.
        LocationError: S3 does not give it.
    """
    # Of a copy, the bytes of what stands for it.
    sql = (
        "SELECT uri, is_missing FROM assets "
        "WHERE asset = (SELECT asset FROM addresses WHERE address = TRY_CAST(? AS BIGINT))"
    )
    found = cursor.execute(sql, [asset]).fetchall()
    if not found or found[0][1]:
        raise NotFound(f"no media of asset {asset}")
    place = Location.parse(found[0][0])
    kind = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
    if not filesystem(place, settings).isfile(place.path):
        raise NotFound(f"the media of asset {asset} is gone", where=place.uri)
    if not place.is_s3:
        return Media(kind, Path(place.path), None)
    return Media(kind, None, read_bytes(place.uri, settings))
