"""The views of a state, made once a process and shared by its cursors.

Making them takes 0.6 ms each, most of a query for one class; choosing a schema that has them takes 0.05 ms. A schema is
dropped when no cursor looks at it any more and newer states have taken its place.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable

import duckdb

_KEPT = 16  # states whose views stay though nobody looks at them


class _Schema:
    """The views of one state in one database, and how many cursors look at them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds: set[str] = set()
        self.users = 0


_lock = threading.RLock()
_schemas: OrderedDict[tuple[int, str], _Schema] = OrderedDict()


def look_at(
    cursor: duckdb.DuckDBPyConnection,
    identity: str,
    *,
    database: int,
    kinds: Iterable[str],
    select: Callable[[str], str],
    select_at: Callable[[str], str | None],
) -> None:
    """Lets `cursor` see the views of a state, making those that are not there.

    Args:
        cursor: a fresh one; until it is gone, the views stay.
        identity: names the state.
        database: names the DuckDB instance that the cursor is of.
        kinds: the tables that are needed.
        select: the SELECT of a kind.
        select_at: one with the parameter `wanted`, for a value of the column that comes first; None: there is none.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    with _lock:
        schema = _schemas.setdefault((database, identity), _Schema(_name(identity)))
        _schemas.move_to_end((database, identity))
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema.name}"')
        for kind in kinds:
            if kind not in schema.kinds:
                cursor.execute(f'CREATE VIEW "{schema.name}"."{kind}" AS {select(kind)}')
                if at := select_at(kind):
                    cursor.execute(f'CREATE MACRO "{schema.name}"."{kind}_at"(wanted) AS TABLE {at}')
                schema.kinds.add(kind)
        schema.users += 1
        weakref.finalize(cursor, _leave, schema)
        cursor.execute(f'USE "{schema.name}"')
        _drop_old(cursor, database)


def _name(identity: str) -> str:
    return "state_" + hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()


def _leave(schema: _Schema) -> None:
    with _lock:
        schema.users -= 1


def _drop_old(cursor: duckdb.DuckDBPyConnection, database: int) -> None:
    idle = [key for key, schema in _schemas.items() if key[0] == database and not schema.users]
    for key in idle[: max(0, len(idle) - _KEPT)]:
        schema = _schemas.pop(key)
        cursor.execute(f'DROP SCHEMA "{schema.name}" CASCADE')
