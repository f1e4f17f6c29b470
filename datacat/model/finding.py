"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `datacat doctor` found.

    Attributes:
        severity: "error": something is wrong; "note": worth knowing.
        subject: log, files, index, vectors, settings or snapshots.
        text: what was found, and where.
        hint: what to do about it.
    """

    severity: Literal["error", "note"]
    subject: str
    text: str
    hint: str = ""
