"""One DuckDB a process, or a slot of the service, with its limits; a cursor of its own for whoever asks."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
import uuid
from pathlib import Path

import duckdb

from datacat.config import Settings, size_bytes

_Key = tuple[int, str, str, int, int]  # process, memory, room to spill, threads, slot

_DAY_S = 86_400
_lock = threading.Lock()
_connections: dict[tuple[*_Key, bool], duckdb.DuckDBPyConnection] = {}


def cursor(settings: Settings, *, is_bounded: bool = True) -> duckdb.DuckDBPyConnection:
    """A cursor of its own; one that threads share gives wrong results.

    Args:
        settings: the limits of its DuckDB, and which one.
        is_bounded: whether it keeps to `spill_limit`.
    """
    key = (*_key(settings), is_bounded)
    with _lock:
        if key not in _connections:
            _connections[key] = connected(settings, is_bounded=is_bounded)
        return _connections[key].cursor()


def database_of(settings: Settings) -> int:
    """Names the DuckDB instance whose cursors `cursor` gives, where they are bounded."""
    return hash(_key(settings))


def _key(settings: Settings) -> _Key:
    return (
        os.getpid(),
        settings.memory_limit,
        settings.spill_limit,
        settings.thread_count,
        settings.slot,
    )


def connected(settings: Settings, *, is_bounded: bool = True) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own, with its limits; where it is not bounded, it may spill to 90 % of the free disk."""
    connection = duckdb.connect(
        config={
            **({"max_temp_directory_size": f"{size_bytes(settings.spill_limit)}B"} if is_bounded else {}),
            "memory_limit": f"{size_bytes(settings.memory_limit)}B",
            "threads": settings.thread_count,
            "temp_directory": str(_spill_folder(settings.cache_path / "spill")),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
    )
    # Data files never change, so their footers may be kept: a class among 10 million annotations in 12 files is looked
    # up in 2 ms where reading the footers again takes 16. GLOBAL, as a cursor takes nothing over from its connection.
    connection.execute("SET GLOBAL parquet_metadata_cache = true")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def quoted(text: str) -> str:
    """A string literal, for the few places where DuckDB takes no parameter (file lists, targets of COPY)."""
    return "'" + text.replace("'", "''") + "'"


def _spill_folder(parent: Path) -> Path:
    """A folder of this process; what killed processes left behind more than a day ago is removed."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError:  # a home that cannot be written
        parent = Path(tempfile.gettempdir())
    for folder in parent.glob("*-datacat"):
        with contextlib.suppress(OSError, ValueError):
            if time.time() - folder.stat().st_mtime > _DAY_S and not _is_alive(
                int(folder.name.split("-")[0])
            ):
                shutil.rmtree(folder)
    return parent / f"{os.getpid()}-{uuid.uuid4().hex[:8]}-datacat"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
