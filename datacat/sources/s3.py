"""The door to S3: what servers answer is checked here, and what goes wrong there comes out as a `LocationError`.

A server may be a proxy's login page, stand behind a line that breaks, or never answer at all. So an answer without what
every S3 server says (a length, an ETag) is no answer; a part of an object is the part that was asked for; and how
long is waited, and how often asked again, has an end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import Any

from datacat.errors import ExtraMissing, LocationError

# Of one request: botocore asks so often where the server is busy or silent, and s3fs all of that again, which also
# mends a body that broke off. Silence ends after 2 * 3 * `s3_timeout_s`; what is refused, at once.
_ASKED = 3
_BEGUN = 2
_CONNECT_S = 5
# What an answer of 2xx always has; a page of somebody else's has none of it.
_OWED = {
    "GetObject": ("ETag",),
    "HeadObject": ("ETag", "ContentLength", "LastModified"),
    "PutObject": ("ETag",),
    "UploadPart": ("ETag",),
    "CreateMultipartUpload": ("UploadId",),
    "CompleteMultipartUpload": ("ETag",),
    "CopyObject": ("CopyObjectResult",),
    "ListObjectsV2": ("IsTruncated",),
}
_OWED_OF_LISTED = ("Key", "Size")
_BETWEEN = "does a proxy or a login page stand in between? See the setting s3_endpoint"


class ForeignAnswer(OSError):
    """An answer that no S3 server gives."""


def s3_filesystem(*, endpoint: str | None, region: str, timeout_s: float) -> Any:
    """The fsspec filesystem of a server, whose methods raise FileNotFoundError, FileExistsError or LocationError.

    Args:
        endpoint: the server's address; None: AWS itself.
        region: the server's.
        timeout_s: seconds that it may be silent, before it is asked again.

    Raises:
        ExtraMissing: s3fs is not installed.
    """
    made = _strict()(
        endpoint_url=endpoint,
        client_kwargs={"region_name": region},
        config_kwargs={
            "connect_timeout": min(_CONNECT_S, timeout_s),
            "read_timeout": timeout_s,
            "retries": {"total_max_attempts": _ASKED, "mode": "standard"},
        },
        use_listings_cache=False,  # it would deny that a key written by somebody else exists
        skip_instance_cache=True,
    )
    made.retries = _BEGUN
    return _Door(made, server=endpoint or "AWS S3", timeout_s=timeout_s)


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an error of the server came with; None where there was no answer."""
    found: BaseException | None = error
    while found is not None:
        response = getattr(found, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return status if isinstance(status, int) else None
        found = found.__cause__
    return None


@lru_cache(maxsize=1)
def _strict() -> Any:
    """s3fs, with each answer looked at before it is used."""
    try:
        import s3fs
        from fsspec.asyn import sync_wrapper
    except ImportError as error:
        raise ExtraMissing("s3fs", extra="s3") from error

    class Strict(s3fs.S3FileSystem):  # type: ignore[misc]  # s3fs is not typed
        async def _call_s3(self, method: str, *arguments: Any, **options: Any) -> Any:
            try:
                answer = await super()._call_s3(method, *arguments, **options)
            except (ValueError, KeyError, TypeError, AttributeError) as error:  # a time that is none, say
                raise ForeignAnswer(f"{type(error).__name__}: {error}") from error
            operation = "".join(part.title() for part in method.split("_"))
            _check(operation, answer, asked=options)
            return answer

        call_s3 = sync_wrapper(_call_s3)

    return Strict


def _check(operation: str, answer: dict[str, Any], *, asked: dict[str, Any]) -> None:
    """Raises ForeignAnswer where an answer lacks what it owes, or is of another part than was asked for."""
    lacking = [name for name in _OWED.get(operation, ()) if answer.get(name) in (None, "")]
    for item in answer.get("Contents", ()) if operation == "ListObjectsV2" else ():
        lacking += [name for name in _OWED_OF_LISTED if name not in item]
    if lacking:
        raise ForeignAnswer(f"it answered {operation} without {lacking[0]}")
    part = asked.get("Range")
    if operation == "GetObject" and part:
        begin = str(part).removeprefix("bytes=").split("-", 1)[0]
        given = str(answer.get("ContentRange", ""))
        if begin and not given.startswith(f"bytes {begin}-"):
            raise ForeignAnswer(f"it was asked for {part} and answered {given or 'with the whole object'}")


class _Door:
    """What stands for a filesystem, or a file in it: the same methods, with their errors translated."""

    def __init__(self, behind: Any, *, server: str, timeout_s: float) -> None:
        self._behind = behind
        self._server = server
        self._timeout_s = timeout_s

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._behind, name)
        return self._translated(found) if callable(found) else found

    def open(self, *arguments: Any, **options: Any) -> Any:
        """Opens a file whose methods are translated, too."""
        opened = self._translated(self._behind.open)(*arguments, **options)
        return _File(opened, server=self._server, timeout_s=self._timeout_s)

    def _translated(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def called(*arguments: Any, **options: Any) -> Any:
            try:
                return method(*arguments, **options)
            except (FileNotFoundError, FileExistsError, LocationError):
                raise
            except _kinds() as error:
                raise self._told(error) from error

        return called

    def _told(self, error: Exception) -> LocationError:
        told = LocationError(_reason(error, self._timeout_s), where=self._server)
        told.errno = getattr(error, "errno", None)
        return told


class _File(_Door):
    """An opened file."""

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line


def _reason(error: Exception, timeout_s: float) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, ForeignAnswer) or "ResponseParserError" in names:
        return f"the answer is not one of S3 ({str(error).splitlines()[0][:200]}): {_BETWEEN}"
    if names & {"ReadTimeoutError", "ConnectTimeoutError", "TimeoutError"}:
        return f"the server was silent for {timeout_s:g} seconds, several times; try again later, or see s3_timeout_s"
    if names & {"ClientPayloadError", "IncompleteRead", "ConnectionClosedError", "ServerDisconnectedError"}:
        return "the connection broke off in the middle of an answer, several times; try again"
    status = status_of(error)
    if status is not None and status >= 500:
        return f"the server fails (HTTP {status}), several times; try again later"
    said = getattr(error, "strerror", None) or str(error).strip()
    return said or type(error).__name__


def _kinds() -> tuple[type[Exception], ...]:
    """What goes wrong on the line, or with the answer; of modules that are loaded by then."""
    botocore, aiohttp = sys.modules["botocore.exceptions"], sys.modules["aiohttp"]
    return (OSError, botocore.BotoCoreError, botocore.ClientError, aiohttp.ClientError)
