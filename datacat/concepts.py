"""Concepts: which class names of several teams mean the same."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from datacat.errors import NotFound, UsageError
from datacat.model.schemas import TABLES
from datacat.places import author_of
from datacat.tables import State, Tables

_Row = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True)
class Concepts:
    """The concepts of a catalog; hangs on `Catalog`."""

    _tables: Tables
    look_at: Callable[[State], None]
    shown: Callable[[], State]

    def list(self) -> pa.Table:
        """One row a member: concept, team (null: every team), class."""
        return self._tables.cursor(self.shown()).execute("FROM concepts ORDER BY ALL").to_arrow_table()

    def add(
        self, concept: str, classes: Sequence[str], *, author: str = "", message: str = ""
    ) -> builtins.list[str]:
        """Says that `[team:]class` names mean `concept`; returns those that were new.

        Raises:
            UsageError: an empty name.
        """
        members = [_member(concept, text) for text in classes]
        added: builtins.list[_Row] = []

        def edit(old: pa.Table) -> pa.Table:
            rows = _rows(old)
            added[:] = [member for member in dict.fromkeys(members) if member not in rows]
            return _table([*rows, *added])

        self._replace(edit, author=author, message=message or f"concept {concept}: add {', '.join(classes)}")
        return [_shown(row) for row in added]

    def remove(
        self, concept: str, classes: Sequence[str] = (), *, author: str = "", message: str = ""
    ) -> builtins.list[str]:
        """Takes class names out of `concept`, or all of them; returns those that went.

        Raises:
            NotFound: there was none of them.
        """
        wanted = {_member(concept, text) for text in classes}
        removed: builtins.list[_Row] = []

        def edit(old: pa.Table) -> pa.Table:
            rows = _rows(old)
            removed[:] = [row for row in rows if row[0] == concept and (not wanted or row in wanted)]
            return _table([row for row in rows if row not in removed])

        self._replace(
            edit, author=author, message=message or f"concept {concept}: remove {', '.join(classes)}"
        )
        if not removed:
            raise NotFound(f"no such member of concept {concept!r}", hint="See: datacat concepts list")
        return [_shown(row) for row in removed]

    def _replace(self, edit: Callable[[pa.Table], pa.Table], *, author: str, message: str) -> None:
        chosen = author or author_of(self._tables.store.settings)
        self._tables.replace("concepts", edit, author=chosen, message=message)
        self.look_at(self._tables.state())


def _member(concept: str, text: str) -> _Row:
    team, colon, name = text.partition(":")
    row = (concept.strip(), team.strip() if colon else None, (name if colon else text).strip())
    if not row[0] or not row[2] or row[1] == "":
        raise UsageError(f"{text!r} is no class name", hint="Write CLASS or TEAM:CLASS.")
    return row


def _shown(row: _Row) -> str:
    return f"{row[1]}:{row[2]}" if row[1] else row[2]


def _rows(table: pa.Table) -> builtins.list[_Row]:
    return [(row["concept"], row["team"], row["class"]) for row in table.to_pylist()]


def _table(rows: Sequence[_Row]) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    return pa.Table.from_arrays(
        [pa.array(column, pa.string()) for column in columns], schema=TABLES["concepts"]
    )
