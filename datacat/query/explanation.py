"""How a search was answered, as values: `explain.py` makes them.

Every number is measured while the search runs; none is estimated. What measuring itself takes is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from datacat.query.profile import Scan

VECTORS = "vectors"
ROLES = {
    "annotations": "annotations, by class",
    "assets": "columns of assets",
    "attribute_values": "index of attribute values",
    "class_counts": "counts of classes",
    "concept_details": "what concepts are",
    "concepts": "concepts",
    "coverage": "who looked for what",
    "label_set_assets": "which assets label sets list",
    "label_sets": "label sets",
    "metadata_values": "index of asset metadata",
    "path_counts": "counts of attribute paths",
    "rejects": "records that could not be read",
    "source_files": "label files",
    "sources": "sources",
    VECTORS: "vectors",
}
"""What a table is to a query."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of the query, in strict syntax, and the tables that answer it."""

    text: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a step read of one table, each file, row group and row counted once.

    Attributes:
        table: a logical table.
        files: of which a row group was read, of `all_files` that the state has.
        row_groups: that were read, of `all_row_groups`; statistics, Bloom filters and joins skip the others.
        rows: in those row groups, of `all_rows`.
        bytes: that were read, as they lie in the files.
        scans: each scan of the table with its conditions, the rows that fulfilled them, and its time.
    """

    table: str
    files: int
    all_files: int
    row_groups: int
    all_row_groups: int
    rows: int
    all_rows: int
    bytes: int
    scans: tuple[Scan, ...]

    @property
    def role(self) -> str:
        """What the table is to a query."""
        return ROLES.get(self.table, self.table)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done for the answer.

    Attributes:
        name: what.
        time_s: how long it took, with its parts.
        plan_s: of that, until DuckDB had its plans.
        run_s: of that, DuckDB's statements without their planning.
        statements: how many DuckDB ran.
        readings: what they read from data files.
        notes: how it was done.
        parts: steps within it.
    """

    name: str
    time_s: float
    plan_s: float
    run_s: float
    statements: int
    readings: tuple[Reading, ...]
    notes: tuple[str, ...]
    parts: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a search was answered.

    Attributes:
        interpretation: the query in strict syntax.
        terms: what each class of it stood for.
        conditions: its parts, with the tables that answer them.
        state: of the catalog.
        count: how many assets match; None of a ranked search, which would have to rank them all.
        shown: hits on the page.
        steps: in their order.
        time_s: of all steps.
        memory_bytes: the most that DuckDB's buffers took meanwhile, those of other searches included.
    """

    interpretation: str
    terms: Mapping[str, tuple[str, ...]]
    conditions: tuple[Condition, ...]
    state: int
    count: int | None
    shown: int
    steps: tuple[Step, ...]
    time_s: float
    memory_bytes: int
