"""Listens to a search and measures its steps: their time, and what their statements read."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import duckdb

from datacat.query.explanation import Reading, Step
from datacat.query.file_reads import Extent, FileReads, Piece, logged, position, read
from datacat.query.profile import Profile, Scan, profile_of, profiling
from datacat.steps import heard_by

_METHODS = {
    "bitstring_agg(": "a bit for each asset, so that different ones need no hash table",
    "CREATE TEMP TABLE matching": "the matching assets are kept in a temporary table",
}


@dataclass(slots=True)
class _Statement:
    number: int  # DuckDB's of the statement lies before this, and behind that of the statement before
    profile: Profile
    time_s: float


@dataclass(slots=True)
class _Open:
    """A step that goes on."""

    name: str
    time_s: float = 0.0
    statements: list[_Statement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parts: list[_Open] = field(default_factory=list)


class Recorder:
    """A `datacat.steps.Listener`; its results are there when `listening` has ended."""

    def __init__(self) -> None:
        self.steps: tuple[Step, ...] = ()
        self.memory_bytes = 0
        self._root = _Open("")
        self._open = [self._root]
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._connection = 0
        self._own_s = 0.0  # what measuring took
        self._ending = ExitStack()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Measures what this thread does inside."""
        with self._ending:
            with heard_by(self):
                yield
            self._finish()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See `Listener`."""
        opened = _Open(name)
        self._open[-1].parts.append(opened)
        self._open.append(opened)
        start, own_s = time.perf_counter(), self._own_s
        try:
            yield
        finally:
            opened.time_s = time.perf_counter() - start - (self._own_s - own_s)
            self._open.pop()

    def note(self, text: str) -> None:
        """See `Listener`."""
        notes = self._open[-1].notes
        if text not in notes:
            notes.append(text)

    @contextmanager
    def statement(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> Iterator[None]:
        """See `Listener`."""
        start = time.perf_counter()
        self._measure(cursor)
        begun = time.perf_counter()
        yield
        ended = time.perf_counter()
        profile = profile_of(cursor)
        _, number = position(cursor)
        self._open[-1].statements.append(_Statement(number, profile, ended - begun))
        self.memory_bytes = max(self.memory_bytes, profile.memory_bytes)
        for sign, method in _METHODS.items():
            if sign in sql:
                self.note(method)
        self._own_s += begun - start + time.perf_counter() - ended

    def _measure(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """A search has one cursor; it is measured from its first statement on."""
        if self._cursor is None:
            self._cursor = cursor
            self._connection, _ = position(cursor)
            self._ending.enter_context(logged(cursor))
            self._ending.enter_context(profiling(cursor))
        assert self._cursor is cursor

    def _finish(self) -> None:
        """Reads the log while it is there, and makes the steps."""
        files = FileReads({}, ()) if self._cursor is None else read(self._cursor, self._connection)
        numbers = [statement.number for statement in _statements(self._root)]
        of_statement: dict[int, list[Piece]] = {}
        for piece in files.pieces:
            place = bisect_left(numbers, piece.statement)
            if place < len(numbers):
                of_statement.setdefault(numbers[place], []).append(piece)
        self.steps = tuple(_finished(part, files.extents, of_statement) for part in self._root.parts)


def _statements(opened: _Open) -> list[_Statement]:
    """Of a step and its parts, in the order in which they were run."""
    below = [statement for part in opened.parts for statement in _statements(part)]
    return sorted([*opened.statements, *below], key=lambda statement: statement.number)


def _finished(opened: _Open, extents: Mapping[str, Extent], pieces: Mapping[int, Sequence[Piece]]) -> Step:
    plan_s = sum(statement.profile.plan_s for statement in opened.statements)
    scans: dict[str, list[Scan]] = {}
    for statement in opened.statements:
        for table, scan in statement.profile.scans:
            scans.setdefault(table, []).append(scan)
    mine = [piece for statement in opened.statements for piece in pieces.get(statement.number, ())]
    return Step(
        opened.name,
        opened.time_s,
        plan_s,
        max(0.0, sum(statement.time_s for statement in opened.statements) - plan_s),
        len(opened.statements),
        tuple(_reading(table, scans[table], extents[table], mine) for table in sorted(scans)),
        tuple(opened.notes),
        tuple(_finished(part, extents, pieces) for part in opened.parts),
    )


def _reading(table: str, scans: Sequence[Scan], extent: Extent, pieces: Sequence[Piece]) -> Reading:
    mine = [piece for piece in pieces if piece.table == table]
    rows_of = {(piece.file, piece.row_group): piece.rows for piece in mine}
    return Reading(
        table,
        len({piece.file for piece in mine}),
        extent.files,
        len(rows_of),
        extent.row_groups,
        sum(rows_of.values()),
        extent.rows,
        sum(piece.bytes for piece in mine),
        tuple(scans),
    )
