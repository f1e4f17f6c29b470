"""A place where bytes lie: a local path or an s3:// prefix, the same to whoever reads it.

A local location is an absolute path as the operating system writes it (`/data/lake/a.png`), an S3 one is
`s3://bucket/key`: these are the URIs that the catalog stores.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from datacat.config import Settings
from datacat.errors import LocationError
from datacat.sources.s3 import s3_filesystem

_MAGIC = re.compile(r"[*?\[]")
_ESCAPED = re.compile(r"\[([*?\[])\]")


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """An absolute place. Make one with `Location.parse`; `str()` gives the URI."""

    uri: str

    @classmethod
    def parse(cls, text: str | os.PathLike[str]) -> Location:
        """Reads what a person typed: a path (made absolute, `~` expanded), file:// or s3://; or a `Path`.

        Raises:
            LocationError: another scheme, or an S3 location without a bucket.
        """
        if not isinstance(text, str):
            text = os.fspath(text)
            if text.startswith("s3:/"):
                raise LocationError("a Path cannot hold s3://", where=text, hint="Give it as text.")
        scheme, separator, rest = text.partition("://")
        if not separator:
            return cls(os.path.abspath(os.path.expanduser(text)))
        if scheme == "file":
            return cls(os.path.abspath(rest))
        if scheme != "s3":
            raise LocationError(
                f"cannot read {scheme}:// locations", where=text, hint="Use a path or s3://bucket/prefix."
            )
        bucket, _, key = rest.partition("/")
        if not bucket:
            raise LocationError("no bucket is named", where=text, hint="Write s3://bucket/prefix.")
        return cls(f"s3://{bucket}/{key.strip('/')}".rstrip("/"))

    def __str__(self) -> str:
        return self.uri

    @property
    def is_s3(self) -> bool:
        """Whether it is under s3://."""
        return self.uri.startswith("s3://")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.uri)

    @property
    def parent(self) -> Location:
        """The folder above."""
        return Location(self.uri.rsplit("/", 1)[0] or "/")

    def child(self, relative: str) -> Location:
        """The place `relative` to this one; `..` may not lead out of the bucket or the root."""
        if not self.is_s3:
            return Location(os.path.normpath(os.path.join(self.uri, relative)))
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        joined = posixpath.normpath(posixpath.join("/", key, relative)).lstrip("/")
        return Location(f"s3://{bucket}/{joined}".rstrip("/"))

    @property
    def path(self) -> str:
        """What the filesystem of `filesystem()` calls it: the path, or bucket/key."""
        return self.uri.removeprefix("s3://")


def as_pattern(path: str) -> str:
    """A path as DuckDB must be given it, which takes what it reads for a pattern: `a[b]` is `ab` there."""
    return _MAGIC.sub(r"[\g<0>]", path) if _MAGIC.search(path) else path


def of_pattern(pattern: str) -> str:
    """The path that `as_pattern` made a pattern of."""
    return _ESCAPED.sub(r"\g<1>", pattern)


def has_magic(path: str) -> bool:
    """Whether a library that looks for patterns would take a path for one."""
    return bool(_MAGIC.search(path))


def filesystem(location: Location, settings: Settings) -> Any:
    """The fsspec filesystem that reads and writes `location` (addressed by `location.path`).

    Listings are never cached: s3fs would deny that a key written by somebody else exists.
    """
    if not location.is_s3:
        return _local_filesystem()
    return _s3_filesystem(os.getpid(), *s3_address(settings), settings.s3_timeout_s)


def s3_address(settings: Settings) -> tuple[str | None, str]:
    """Endpoint (None: AWS itself) and region."""
    endpoint = (
        settings.s3_endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    )
    region = settings.s3_region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return endpoint or None, region or "us-east-1"


def object_store_options(settings: Settings) -> dict[str, str]:
    """What delta-rs and LanceDB (both on Rust's object_store) want to know of S3.

    Credentials are left to the environment, where they look for themselves.
    """
    endpoint, region = s3_address(settings)
    options = {"aws_region": region, "aws_conditional_put": "etag"} | _patience(settings.s3_timeout_s)
    if endpoint:
        options["aws_endpoint"] = endpoint
        if endpoint.startswith("http://"):
            options["aws_allow_http"] = "true"
    return options


def _patience(timeout_s: int) -> dict[str, str]:
    """How long both wait: their own 10 tries of 30 seconds take minutes. Each ignores the other's words."""
    timeout, in_all = f"{timeout_s}s", 4 * timeout_s
    return {
        "timeout": f"{2 * timeout_s}s",
        "connect_timeout": timeout,
        "max_retries": "3",
        "retry_timeout": f"{in_all}s",
        "client_max_retries": "3",
        "client_retry_timeout": str(in_all),
    }


def store_errors() -> tuple[type[Exception], ...]:
    """What a filesystem raises: OSError, and the kinds of botocore (a dead line, no credentials) and of aiohttp (half a
    body)."""
    botocore, aiohttp = sys.modules.get("botocore.exceptions"), sys.modules.get("aiohttp")
    kinds: list[type[Exception]] = [OSError]
    if botocore:
        kinds += [botocore.BotoCoreError, botocore.ClientError]
    if aiohttp:
        kinds.append(aiohttp.ClientError)
    return tuple(kinds)


@lru_cache(maxsize=1)
def _local_filesystem() -> Any:
    from fsspec.implementations.local import LocalFileSystem

    return LocalFileSystem(auto_mkdir=False)


@lru_cache(maxsize=8)
def _s3_filesystem(pid: int, endpoint: str | None, region: str, timeout_s: int) -> Any:
    """One a process (an event loop does not survive a fork) and address."""
    return s3_filesystem(endpoint=endpoint, region=region, timeout_s=timeout_s)
