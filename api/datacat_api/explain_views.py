"""What the wire shows of how a search was answered; times are in seconds."""

from __future__ import annotations

from pydantic import Field

from datacat_api.views import View


class ConditionView(View):
    """A part of the query, in strict syntax, and the tables that answer it."""

    text: str
    tables: list[str]


class ScanView(View):
    """One scan of a table."""

    conditions: str = Field(description="As DuckDB prints them; empty where it took every row.")
    skipped_by: str = Field(description="What else row groups were skipped by: a list, or a join.")
    rows: int = Field(description="That fulfilled them.")
    time_s: float = Field(description="Of all threads together.")


class ReadingView(View):
    """What a step read of one table, of all that the state has of it."""

    table: str
    role: str
    files: int
    all_files: int
    row_groups: int
    all_row_groups: int
    rows: int = Field(description="In the row groups that were read.")
    all_rows: int
    bytes: int
    scans: list[ScanView]


class StepView(View):
    """Something that was done for the answer."""

    name: str
    time_s: float = Field(description="With its parts.")
    plan_s: float = Field(description="Of that, until DuckDB had its plans; without its parts.")
    run_s: float = Field(
        description="Of that, DuckDB's statements without their planning; without its parts."
    )
    statements: int
    readings: list[ReadingView]
    notes: list[str]
    parts: list[StepView]


class ExplanationView(View):
    """How a search was answered."""

    interpretation: str = Field(description="What was understood, in strict syntax.")
    terms: dict[str, list[str]] = Field(description="What each class of the query stands for.")
    conditions: list[ConditionView]
    state: int
    count: int | None = Field(description="Assets that match; null of a ranked search.")
    shown: int = Field(description="Hits on the page.")
    steps: list[StepView]
    time_s: float
    memory_bytes: int = Field(description="The most that DuckDB's buffers took, other searches included.")
