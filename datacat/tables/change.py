"""What a commit adds and removes, and what it rests on, as a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from datacat.tables.state import DataFile, State

Written = tuple[DataFile, str]
"""A file with its statistics, JSON as Delta wants it."""


class Conflict(Exception):
    """Somebody else committed first. Never leaves `tables`."""


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between two states.

    Attributes:
        adds: files that come.
        removes: files that go.
        still_holds: told (the state it rests on, the newest one), whether it may be applied there as it is.
        kept: rows of removed files that are written again, per kind.
    """

    adds: tuple[Written, ...]
    removes: tuple[DataFile, ...]
    still_holds: Callable[[State, State], bool]
    kept: Mapping[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Rows that come and rows that go, per kind."""
        come: Counter[str] = Counter()
        go: Counter[str] = Counter()
        for file, _ in self.adds:
            come[file.kind] += file.row_count
        for file in self.removes:
            go[file.kind] += file.row_count
        counted = {
            kind: (come[kind] - self.kept.get(kind, 0), go[kind] - self.kept.get(kind, 0))
            for kind in come | go
        }
        return {kind: counts for kind, counts in sorted(counted.items()) if any(counts)}
