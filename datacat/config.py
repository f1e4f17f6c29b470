"""Settings: `DATACAT_*` variables, then `datacat.toml`, then defaults; each remembers where it came from.

`datacat.toml` is looked for in the catalog's folder and then in the working directory; `DATACAT_CONFIG` names
another file. S3 credentials and region are read the way every AWS tool reads them (`AWS_*`, `~/.aws`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from datacat.errors import ConfigError

FILE_NAME = "datacat.toml"
_SERVE = ("serve_concurrency", "serve_per_client", "serve_timeout_s", "serve_idle_s", "serve_connections")
_SIZE = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B|%)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its default."""

    catalog: str = ""
    """The catalog that commands use when none is named: a folder or s3://bucket/prefix."""
    author: str = ""
    """Who commits; by default git's user, else the login name."""
    threads: int = 0
    """Processor threads of a query and worker processes of an ingest; 0: as many as there are cores."""
    memory_limit: str = "4GiB"
    """What DuckDB may use before it spills to disk."""
    ingest_memory: str = "512MiB"
    """The same while an ingest is linked and sorted; where that is too little, memory_limit holds."""
    sql_timeout_s: int = 60
    """Seconds that a query of `datacat sql` may take."""
    sql_memory: str = "1GiB"
    """What such a query may use before it spills, and again as much where it spills to (memory as well)."""
    cache_dir: str = ""
    """Local copies of the immutable files of an s3:// catalog; by default ~/.cache/datacat."""
    space: str = ""
    """The embedding space that queries use when a catalog has several."""
    s3_endpoint: str = ""
    """The address of an S3 server that is not AWS; by default AWS_ENDPOINT_URL."""
    s3_region: str = ""
    """The region of that server; by default AWS_REGION, else us-east-1."""
    media_roots: str = ""
    """Folders and s3:// prefixes, joined by `:`, below which alone media are read; by default where the sources lie."""
    serve_concurrency: int = 4
    """Queries that `datacat serve` answers at once; they share memory_limit."""
    serve_queue: int = 64
    """Requests that wait for one of these to end; one more is told to come again (503)."""
    serve_per_client: int = 64
    """Requests of one address that are answered or wait; one more is told to come again (429)."""
    serve_timeout_s: int = 120
    """Seconds until an answer must have begun; then its query is ended (504)."""
    serve_idle_s: int = 15
    """Seconds for a request to arrive in full, for an idle connection, and for a client to read on."""
    serve_connections: int = 256
    """Connections at once."""
    dvc_remote: str = ""
    """Where `datacat snapshot push` sends snapshots: any DVC remote URL."""

    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where each value that is no default came from."""
    reads: tuple[str, ...] | None = field(default=None, compare=False)
    """No setting: the places that whoever is given these may read lakes below; None: all. See `sources.inside`."""

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise self._refused("threads", "must be 0 or more")
        for name in ("sql_timeout_s", *_SERVE):
            if getattr(self, name) < 1:
                raise self._refused(name, "must be 1 or more")
        for name in ("memory_limit", "ingest_memory", "sql_memory"):
            if not _SIZE.fullmatch(getattr(self, name)):
                raise self._refused(name, "must be a size, as in 4GiB or 500MB")

    def _refused(self, name: str, why: str) -> ConfigError:
        value = getattr(self, name)
        return ConfigError(f"{name} = {value!r} {why}", where=self.origins.get(name))

    @property
    def cache_path(self) -> Path:
        """The cache folder, made absolute."""
        chosen = self.cache_dir or os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "datacat")
        return Path(chosen).expanduser().absolute()

    @property
    def thread_count(self) -> int:
        """`threads`, with 0 resolved to the cores this process may use."""
        return self.threads or len(os.sched_getaffinity(0))


_KNOWN = {item.name: item.type for item in fields(Settings) if item.name not in ("origins", "reads")}


def read_settings(folder: str | Path | None = None) -> Settings:
    """Reads the settings that hold for the catalog in `folder` (None: for none in particular).

    Raises:
        ConfigError: an unknown key or a value of the wrong kind, with file or variable.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for path in _files(folder):
        for name, value in _flat(_parsed(path)).items():
            _put(values, origins, name=name, value=value, origin=str(path))
    for variable, text in os.environ.items():
        name = variable.removeprefix("DATACAT_").lower()
        if not variable.startswith("DATACAT_") or name == "config":
            continue
        _put(values, origins, name=name, value=text, origin=f"environment variable {variable}")
    return Settings(**values, origins=origins)


def _files(folder: str | Path | None) -> list[Path]:
    named = os.environ.get("DATACAT_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError("no such file", where=f"DATACAT_CONFIG={named}")
        return [Path(named)]
    found = [Path.cwd() / FILE_NAME]
    if folder is not None and "://" not in str(folder):
        found.append(Path(folder) / FILE_NAME)
    return [path for path in dict.fromkeys(found) if path.is_file()]


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error


def _flat(table: dict[str, Any]) -> dict[str, Any]:
    """Makes `[s3] endpoint = …` the same as `s3_endpoint = …`."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat.update({f"{name}_{inner}": content for inner, content in value.items()})
        else:
            flat[name] = value
    return flat


def _put(values: dict[str, Any], origins: dict[str, str], *, name: str, value: object, origin: str) -> None:
    if name not in _KNOWN:
        raise ConfigError(f"unknown setting {name!r}", where=origin, hint=f"Known: {', '.join(_KNOWN)}.")
    if _KNOWN[name] == "int":
        try:
            value = int(str(value))
        except ValueError as error:
            raise ConfigError(f"{name} must be a whole number, not {value!r}", where=origin) from error
    elif not isinstance(value, str):
        raise ConfigError(f"{name} must be text, not {value!r}", where=origin)
    values[name] = value
    origins[name] = origin
