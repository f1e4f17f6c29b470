"""Settings: `DATACAT_*` variables, then settings files, then defaults; each remembers where it came from.

Files are, the later before the earlier: the user's own (~/.config/datacat/datacat.toml), `datacat.toml` in the working
directory, `datacat.toml` in the catalog's folder; or alone the one that `DATACAT_CONFIG` names. The two that lie in
folders are somebody else's word until the user has confirmed them (`datacat trust`): what directs credentials, writes
or identity is not taken from them, and how much they may use is bounded. S3 credentials and region are read the way
every AWS tool reads them (`AWS_*`, `~/.aws`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from datacat.errors import ConfigError
from datacat.trust import Trusted, distrust, is_trusted, trust, trusted

FILE_NAME = "datacat.toml"
_SERVE = ("serve_concurrency", "serve_per_client", "serve_timeout_s", "serve_idle_s", "serve_connections")
_OF_MEMORY = ("memory_limit", "ingest_memory", "sql_memory")  # which may be in % of it
_SIZES = (*_OF_MEMORY, "spill_limit", "serve_answer", "pull_limit")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B|%)", re.IGNORECASE)
_POWERS = "KMGT"
_MAX_FILE_BYTES = 65_536
# What a file that nobody has confirmed may say, within `_bounded`. Everything else, and what comes later, it may not.
HARMLESS = frozenset((*_OF_MEMORY, "spill_limit", "threads", "sql_timeout_s", "space"))
_MAX_TIMEOUT_S = 3600
_MAX_SHARE = 0.8  # of the machine's memory


@dataclass(frozen=True, slots=True)
class Unheard:
    """A file with settings that are not followed because the user has not confirmed it."""

    path: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        verb = "is" if len(self.names) == 1 else "are"
        hint = f"If you trust the file: datacat trust {self.path}"
        return f"{self.path}: {', '.join(self.names)} {verb} not followed. {hint}"


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
    spill_limit: str = "32GiB"
    """What searches may spill to disk together, in one process; an ingest may take 90 % of what is free."""
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
    s3_timeout_s: int = 15
    """Seconds that an S3 server may be silent; it is asked a few times, so that a command gives up after minutes."""
    media_roots: str = ""
    """Folders and s3:// prefixes, joined by `:`, below which alone media are read; by default where the sources lie."""
    serve_concurrency: int = 4
    """Queries that `datacat serve` answers at once; each may use that part of memory_limit and spill_limit."""
    serve_queue: int = 64
    """Requests that wait for one of these to end; one more is told to come again (503)."""
    serve_per_client: int = 64
    """Requests of one address that are answered or wait; one more is told to come again (429)."""
    serve_timeout_s: int = 120
    """Seconds until an answer must have begun; then its query is ended (504)."""
    serve_idle_s: int = 15
    """Seconds for a request to arrive in full, for an idle connection, and for a client to read on."""
    serve_answer: str = "64MiB"
    """The largest answer that is made whole; a larger one is refused (400). Streams and media have no end."""
    serve_connections: int = 256
    """Connections at once."""
    pull_limit: str = "64GiB"
    """What one `datacat snapshot pull` may fetch; nothing is taken in where a remote says that it has more."""
    dvc_remote: str = ""
    """Where `datacat snapshot push` sends snapshots: any DVC remote URL."""

    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where each value that is no default came from."""
    slot: int = field(default=0, compare=False)
    """No setting: which DuckDB of this process is meant; see `slotted`."""
    reads: tuple[str, ...] | None = field(default=None, compare=False)
    """No setting: the places that whoever is given these may read lakes below; None: all. See `sources.inside`."""
    unheard: tuple[Unheard, ...] = field(default=(), compare=False)
    """What files say that nobody has confirmed, and that is not followed."""

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise self._refused("threads", "must be 0 or more")
        for name in ("sql_timeout_s", "s3_timeout_s", *_SERVE):
            if getattr(self, name) < 1:
                raise self._refused(name, "must be 1 or more")
        for name in _SIZES:
            size = _SIZE.fullmatch(getattr(self, name))
            if size is None:
                raise self._refused(name, "must be a size, as in 4GiB or 500MB")
            if size[2] == "%" and name not in _OF_MEMORY:
                raise self._refused(name, "must be a size, as in 32GiB")
            if size[2] == "%" and float(size[1]) > 100:
                raise self._refused(name, "is more than all of the memory")

    def _refused(self, name: str, why: str) -> ConfigError:
        value = getattr(self, name)
        return ConfigError(f"{name} = {value!r} {why}", where=self.origins.get(name))

    def slotted(self, slot: int, *, of: int) -> Settings:
        """The same with a DuckDB of its own, one of `of` that divide memory_limit and spill_limit."""
        memory, spilled = (size_bytes(size) // of // 1000 for size in (self.memory_limit, self.spill_limit))
        return replace(self, slot=slot, memory_limit=f"{memory}KB", spill_limit=f"{spilled}KB")

    @property
    def cache_path(self) -> Path:
        """The cache folder, made absolute."""
        chosen = self.cache_dir or os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "datacat")
        return Path(chosen).expanduser().absolute()

    @property
    def thread_count(self) -> int:
        """`threads`, with 0 resolved to the cores this process may use."""
        return self.threads or len(os.sched_getaffinity(0))


NO_SETTINGS = ("origins", "slot", "reads", "unheard")
_KNOWN = {item.name: item.type for item in fields(Settings) if item.name not in NO_SETTINGS}


def read_settings(folder: str | Path | None = None) -> Settings:
    """Reads the settings that hold for the catalog in `folder` (None: for none in particular).

    Raises:
        ConfigError: an unknown key or a value of the wrong kind, with file or variable.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    unheard = []
    for path, is_own in _files(folder):
        content = _content(path)
        said = _parsed(path, content=content)
        is_own = is_own or is_trusted(path, content=content)
        refused = [] if is_own else [name for name in said if not _may_say(name, said[name])]
        if refused:
            unheard.append(Unheard(str(path), tuple(refused)))
        for name in said.keys() - set(refused):
            _put(values, origins, name=name, value=said[name], origin=str(path))
    for variable, text in os.environ.items():
        name = variable.removeprefix("DATACAT_").lower()
        if not variable.startswith("DATACAT_") or name == "config":
            continue
        _put(values, origins, name=name, value=text, origin=f"environment variable {variable}")
    return Settings(**values, origins=origins, unheard=tuple(unheard))


def size_bytes(size: str) -> int:
    """Of a setting that is a size; a part of the machine's memory where it is one in %."""
    found = _SIZE.fullmatch(size)
    if found is None:
        raise ConfigError(f"{size!r} is no size, as 4GiB or 500MB are")
    return int(_bytes(found))


def _bytes(size: re.Match[str]) -> float:
    number, unit = float(size[1]), size[2].upper()
    if unit == "%":
        return number / 100 * _memory_bytes()
    return float(number * (1024 if "I" in unit else 1000) ** (_POWERS.index(unit[0]) + 1))


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def user_file() -> Path:
    """Where the user's own settings lie."""
    return (
        Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser().absolute() / "datacat" / FILE_NAME
    )


def confirm(place: str | Path) -> tuple[Trusted, dict[str, Any]]:
    """Records that the user follows a settings file, and returns what it says.

    Args:
        place: the file, or the folder that it lies in.

    Raises:
        ConfigError: there is none, or it is not valid.
    """
    path = file_in(place)
    content = _content(path)
    said = _parsed(path, content=content)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, value in said.items():
        _put(values, origins, name=name, value=value, origin=str(path))
    Settings(**values, origins=origins)
    return trust(path, content=content), said


def file_in(place: str | Path) -> Path:
    """The settings file that `place` names, itself or as its folder."""
    path = Path(place).expanduser().absolute()
    return path / FILE_NAME if path.is_dir() else path


def _files(folder: str | Path | None) -> list[tuple[Path, bool]]:
    """The files that are read, the most telling last, each with whether it is the user's own."""
    named = os.environ.get("DATACAT_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError("no such file", where=f"DATACAT_CONFIG={named}")
        return [(Path(named), True)]
    found = [Path.cwd() / FILE_NAME]
    if folder is not None and "://" not in str(folder):
        found.append(Path(folder) / FILE_NAME)
    own = user_file()
    places = [(own, True)] + [(path, False) for path in dict.fromkeys(found) if path != own]
    return [(path, is_own) for path, is_own in places if path.is_file()]


def _may_say(name: str, value: object) -> bool:
    """Whether a file that nobody has confirmed may say this. What is no setting or no value is refused later."""
    if name not in _KNOWN:
        return True
    return name in HARMLESS and _is_bounded(name, value)


def _is_bounded(name: str, value: object) -> bool:
    """Whether so much leaves the machine usable."""
    if name == "threads":
        return not str(value).isdecimal() or int(str(value)) <= len(os.sched_getaffinity(0))
    if name == "sql_timeout_s":
        return not str(value).isdecimal() or int(str(value)) <= _MAX_TIMEOUT_S
    size = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if name == "space" or size is None:
        return True
    return _bytes(size) <= _MAX_SHARE * _memory_bytes()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigError(f"is longer than {_MAX_FILE_BYTES:,} bytes", where=str(path))
    return content


def _parsed(path: Path, *, content: bytes) -> dict[str, Any]:
    """What a settings file says, by the names of settings."""
    try:
        return _flat(tomllib.loads(content.decode("utf-8")))
    except RecursionError as error:
        raise ConfigError("not valid TOML: nested too deeply", where=str(path)) from error
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


__all__ = [
    "FILE_NAME", "HARMLESS", "Settings", "Trusted", "Unheard", "confirm", "distrust", "file_in", "read_settings",
    "size_bytes", "trusted", "user_file",
]  # fmt: skip
