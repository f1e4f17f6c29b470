"""A state of the catalog: its number and the immutable files it consists of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from datacat.model.schemas import KINDS

# The column that tells the logical tables apart. Not `kind`: annotations have a column of that name, and
# Delta takes a partition column from the log, not from the file.
PARTITION = "logical_table"
# Columns whose least and greatest values stand in the log, for engines that prune files by them.
PRUNED_BY = ("label_set", "source_file", "asset", "annotation", "path", "class")

# The column that numbers the rows of a kind.
NUMBERED_BY = {
    "sources": "source",
    "label_sets": "label_set",
    "source_files": "source_file",
    "assets": "asset",
    "annotations": "annotation",
}

_DIGEST = re.compile(r"-([0-9a-f]{64})\.parquet$")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One immutable Parquet file.

    Attributes:
        kind: of `TABLES`.
        path: below the log's folder.
        size: bytes.
        row_count: how many rows it has.
        low: the least of its label sets.
        high: the greatest of them.
        first: its least class, or path where it has paths; None where the log does not tell.
        last: its greatest.
        greatest: the greatest number that its rows have, see `NUMBERED_BY`; None where the log does not tell.
    """

    kind: str
    path: str
    size: int
    row_count: int
    low: int | None = None
    high: int | None = None
    first: str | None = None
    last: str | None = None
    greatest: int | None = field(default=None, compare=False)

    @property
    def digest(self) -> str | None:
        """The sha256 of its bytes, which its name ends in; None where a release wrote it that kept none."""
        found = _DIGEST.search(self.path)
        return found[1] if found else None

    def may_hold(self, label_set: int) -> bool:
        """Whether it may hold rows of that label set."""
        return self.low is None or self.high is None or self.low <= label_set <= self.high


@dataclass(frozen=True)
class State:
    """The catalog as one commit left it.

    Attributes:
        number: counts from 0, the empty catalog.
        time: of the commit; None where its log entry is gone.
        files: all of its files.
    """

    number: int
    time: datetime | None
    files: tuple[DataFile, ...]

    @cached_property
    def by_kind(self) -> Mapping[str, tuple[DataFile, ...]]:
        """Its files per kind, ordered by path."""
        found: dict[str, list[DataFile]] = {kind: [] for kind in KINDS}
        for file in sorted(self.files, key=lambda file: file.path):
            found.setdefault(file.kind, []).append(file)
        return {kind: tuple(files) for kind, files in found.items()}

    @cached_property
    def identity(self) -> str:
        """Names what it holds: states of whatever catalog with equal identities are equal."""
        listed = "\n".join(sorted(file.path for file in self.files))
        return f"{self.number}-{hashlib.blake2b(listed.encode(), digest_size=16).hexdigest()}"

    def of(self, kind: str, *, label_set: int | None = None) -> tuple[DataFile, ...]:
        """The files of a kind (that may hold rows of a label set)."""
        return tuple(f for f in self.by_kind[kind] if label_set is None or f.may_hold(label_set))


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One commit. `changes` are (kind, rows added, rows removed)."""

    state: int
    time: datetime
    author: str
    message: str
    changes: tuple[tuple[str, int, int], ...]
