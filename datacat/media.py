"""The bytes of an asset, and only of one: no request can name a path, and no catalog leads to any file it likes.

Media are read below the places alone that the sources of the catalog name (or the setting `media_roots`), with all
links followed; and only what is a picture, a sound, a film or a cloud of points by its first bytes is handed out,
with the type that those bytes say. docs/reference/http.md has the rule in full.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import IO

import duckdb

from datacat.config import Settings
from datacat.embeddings.decoding import NoPicture, read_picture
from datacat.errors import LocationError, MediaRefused, NotFound
from datacat.sources.content import HEAD, media_type
from datacat.sources.inside import check_inside, limited_to_sources, open_inside
from datacat.sources.location import Location, filesystem, store_errors

_THUMBNAIL_PX = 96
_BLOCK = 1 << 20  # what is fetched ahead of an object on S3, bytes


@dataclass(frozen=True, slots=True)
class Media:
    """The bytes of an asset. Whoever is given it closes `file`.

    Attributes:
        type: the media type, as the bytes say it.
        size: bytes.
        file: open for reading, at the beginning; it can be sought in.
    """

    type: str
    size: int
    file: IO[bytes]

    def read(self) -> bytes:
        """All of the bytes; closes the file."""
        with self.file:
            return self.file.read()


def media_of(cursor: duckdb.DuckDBPyConnection, asset: int | str, *, settings: Settings) -> Media:
    """The bytes of the asset with that number.

    Raises:
        NotFound: no such asset, or its media is missing.
        MediaRefused: it lies outside of what the sources name, or is no media.
        LocationError: it cannot be read.
    """
    # Of a copy, the bytes of what stands for it.
    sql = (
        "SELECT uri, is_missing FROM assets "
        "WHERE asset = (SELECT asset FROM addresses WHERE address = TRY_CAST(? AS BIGINT))"
    )
    found = cursor.execute(sql, [str(asset)]).fetchall()
    if not found or found[0][1]:
        raise NotFound(f"no media of asset {asset}")
    place = Location(found[0][0])
    file = _opened(place, limited_to_sources(cursor, settings), asset=asset)
    kind = media_type(file.read(HEAD), name=place.name)
    if kind is None:
        file.close()
        raise MediaRefused(
            "not sent: by its content it is no picture, sound, film or cloud of points", where=place.uri
        )
    size = file.seek(0, 2)
    file.seek(0)
    return Media(kind, size, file)


def thumbnail_of(uri: str, settings: Settings) -> str | None:
    """A small picture of a picture as a `data:` address; None where it cannot be read.

    Args:
        uri: the picture's.
        settings: limited to where pictures may lie.
    """
    try:
        picture, _ = read_picture(uri, settings)
    except NoPicture:
        return None
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    small = io.BytesIO()
    picture.save(small, "JPEG", quality=70)
    return f"data:image/jpeg;base64,{base64.b64encode(small.getvalue()).decode()}"


def _opened(place: Location, settings: Settings, *, asset: int | str) -> IO[bytes]:
    try:
        if not place.is_s3:
            return open_inside(place.path, settings.reads)
        check_inside(place.uri, settings.reads)
        system = filesystem(place, settings)
        opened: IO[bytes] = system.open(place.path, "rb", block_size=_BLOCK, cache_type="readahead")
        return opened
    except LocationError as error:
        raise MediaRefused(error.what, where=place.uri, hint=error.hint) from error
    except FileNotFoundError as error:
        raise NotFound(f"the media of asset {asset} is gone", where=place.uri) from error
    except store_errors() as error:
        raise LocationError(f"cannot be read: {error}", where=place.uri) from error
