"""SQL of an analyst: from the text to rows, in a process that can do nothing else."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from datacat.config import Settings
from datacat.errors import SqlError, UsageError
from datacat.query.plurals import comparable
from datacat.sandbox.fence import SPILL, sandboxed, unfenced
from datacat.sandbox.process import Process
from datacat.sandbox.result import SqlResult
from datacat.sandbox.views import KINDS, VIEWS
from datacat.tables import State, Tables
from datacat.tables.connection import quoted
from datacat.tables.state import DataFile

# What can be left out, by tests that try the others alone. The first fence is the sandbox itself.
FENCES = ("process", "settings", "statement")
_SQL_CHARACTERS = 100_000
_HALF = re.compile("[\ud800-\udfff]")  # a surrogate
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B", re.IGNORECASE)
_SMALLEST_BYTES = 64 << 20
_GIB = 1 << 30
# Seconds of processor time that starting and reading take on top.
_START_CPU_S = 10


def run_sql(
    tables: Tables,
    sql: str,
    *,
    state: State,
    timeout_s: float | None = None,
    memory: str | None = None,
    is_sandboxed: bool = True,
    fences: Collection[str] = FENCES,
) -> SqlResult:
    """Starts a query over the views of one state.

    Args:
        tables: of the catalog.
        sql: one SELECT.
        state: which state.
        timeout_s: seconds that it may be waited for; by default `sql_timeout_s`.
        memory: as in 1GiB; by default `sql_memory`.
        is_sandboxed: whether it runs in bubblewrap; if not, the other fences hold alone.
        fences: some of `FENCES`; all but in tests.

    Raises:
        SqlError: the SQL is wrong or not allowed.
        SqlStopped: it took too long or too much memory.
        SandboxMissing: the operating system offers no sandbox.
        UsageError: a time or memory that makes no sense.
    """
    settings = tables.store.settings
    seconds = settings.sql_timeout_s if timeout_s is None else timeout_s
    if not 0 < seconds < 1e6:
        raise UsageError(f"{seconds:g} s is no time limit", hint="Give seconds, as in 60.")
    if len(sql) > _SQL_CHARACTERS:
        raise SqlError(f"the query has {len(sql):,} characters", hint=f"At most {_SQL_CHARACTERS:,}.")
    if _HALF.search(sql):
        raise SqlError("the query has half of a character", hint="Write it in UTF-8.")
    memory_bytes = _bytes(memory or settings.sql_memory)
    command = (
        sandboxed(shown=_folders(tables, state), spill_bytes=memory_bytes) if is_sandboxed else unfenced()
    )
    request = {
        "sql": sql,
        "setup": list(_setup(tables, state)),
        "views": [view.name for view in VIEWS],
        "files": tables.store.files.local(_files(state)),
        "config": _config(settings, memory_bytes=memory_bytes, spills=is_sandboxed),
        "limits": _limits(settings, memory_bytes=memory_bytes, seconds=seconds, spills=is_sandboxed),
        "fences": list(fences),
        "spills": is_sandboxed,
    }
    return SqlResult(Process(command, request=json.dumps(request).encode(), timeout_s=seconds))


def _files(state: State) -> list[DataFile]:
    return [file for kind in KINDS for file in state.of(kind)]


def _folders(tables: Tables, state: State) -> list[str]:
    """The folders of data files. Mounting single files takes 90 ms for 200 and 1.6 s for 1,000."""
    files = tables.store.files
    first = {file.kind: file for file in _files(state)}
    return [path.rsplit("/", 1)[0] for path in files.local(list(first.values()))]


def _setup(tables: Tables, state: State) -> Iterator[str]:
    """The statements that make the views, over a schema that queries cannot name."""
    yield "SET TimeZone = 'UTC'"
    yield "SET enable_progress_bar = false"
    yield "CREATE SCHEMA stored"
    for kind in KINDS:
        yield f'CREATE VIEW stored."{kind}" AS {tables.store.files.select(kind, state.of(kind))}'
    yield "CREATE TABLE stored.concept_classes (concept VARCHAR, label_set BIGINT, class VARCHAR)"
    members = [
        f"({quoted(name)}, {number}, {quoted(text)})" for name, number, text in _members(tables, state)
    ]
    if members:
        yield f"INSERT INTO stored.concept_classes VALUES {', '.join(members)}"  # noqa: S608 - quoted
    for view in VIEWS:
        yield f"CREATE VIEW {view.name} AS {view.select}"


def _members(tables: Tables, state: State) -> Iterator[tuple[str, int, str]]:
    """(concept, label set, class) of every class that belongs to a concept, by its name or as a member."""
    if not state.of("concepts"):
        return
    cursor = tables.cursor(state, kinds=("concepts", "class_counts", "label_sets"))
    named: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for concept, team, name in cursor.execute("SELECT concept, team, class FROM concepts").fetchall():
        named[comparable(name)].add((concept, team))
        named[comparable(concept)].add((concept, None))
    used = "SELECT DISTINCT label_set, team, class FROM class_counts JOIN label_sets USING (label_set) ORDER BY ALL"
    for label_set, team, name in cursor.execute(used).fetchall():
        found = named.get(comparable(name), ()) if name is not None else ()
        for concept in sorted({concept for concept, whose in found if whose in (None, team)}):
            yield concept, label_set, name


def _config(settings: Settings, *, memory_bytes: int, spills: bool) -> dict[str, str | int | bool]:
    return {
        "memory_limit": f"{memory_bytes}B",
        "threads": settings.thread_count,
        "temp_directory": SPILL if spills else "",
        "max_temp_directory_size": f"{memory_bytes if spills else 0}B",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "preserve_insertion_order": False,
    }


def _limits(settings: Settings, *, memory_bytes: int, seconds: float, spills: bool) -> dict[str, int]:
    """Of the process, by the names of setrlimit. DuckDB's allocator asks for twice what it uses."""
    return {
        "AS": 3 * memory_bytes + 4 * _GIB,
        "DATA": 2 * memory_bytes + _GIB,
        "CPU": int(seconds * settings.thread_count) + _START_CPU_S,
        "FSIZE": memory_bytes if spills else 0,
        "CORE": 0,
    }


def _bytes(size: str) -> int:
    """Reads 1GiB, 500MB.

    Raises:
        UsageError: it is no size, or too small for any query.
    """
    match = _SIZE.fullmatch(size.strip())
    found = int(float(match[1]) * (1024 if match[3] else 1000) ** _UNITS[match[2].upper()]) if match else 0
    if found < _SMALLEST_BYTES:
        raise UsageError(f"{size!r} is no memory for a query", hint="Give at least 64MiB, as in 1GiB.")
    return found
