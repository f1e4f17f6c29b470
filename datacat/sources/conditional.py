"""Objects on S3 that are written only where something holds, by one of many who try at once."""

from __future__ import annotations

from datacat.config import Settings
from datacat.sources.location import Location, filesystem
from datacat.sources.s3 import status_of

_REFUSED = {"IfNoneMatch": (412,), "IfMatch": (412, 404)}  # 404: nothing is there that could match
_AT_ONCE = 409  # somebody else writes right now, so the server has not looked
_TRIES = 3


def conditional_put(place: Location, content: bytes, *, settings: Settings, **condition: str) -> str | None:
    """Writes an object if IfMatch or IfNoneMatch hold.

    An answer can get lost after the object was written. The server, asked again, then refuses: what is there are
    the bytes of the first time. So they are looked at before it is taken for somebody else's.

    Args:
        place: under s3://.
        content: what nobody else would write: let it hold an id of its own.
        settings: how the server is reached.
        condition: IfMatch or IfNoneMatch.

    Returns:
        The ETag of what was written; None where the server says that the condition does not hold.

    Raises:
        OSError: it cannot be written, as there is no such bucket or others always write at the same moment.
    """
    system = filesystem(place, settings)
    bucket, _, key = place.path.partition("/")
    refused = {status for name in condition for status in _REFUSED[name]}
    for left in reversed(range(_TRIES)):
        try:
            answer = system.call_s3("put_object", Bucket=bucket, Key=key, Body=content, **condition)
            return str(answer["ETag"])
        except OSError as error:
            if status_of(error) in refused:
                return _etag_of_ours(place, content, settings)
            if status_of(error) != _AT_ONCE or not left:
                raise
    raise AssertionError(place)


def _etag_of_ours(place: Location, content: bytes, settings: Settings) -> str | None:
    """The ETag of what is there, where it is `content`."""
    system = filesystem(place, settings)
    try:
        found = system.info(place.path)
        is_ours = found["size"] == len(content) and system.cat_file(place.path) == content
    except FileNotFoundError:
        return None
    return str(found["ETag"]) if is_ours else None
