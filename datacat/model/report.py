"""What a run says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How many records were rejected for one reason, with an example of where."""

    reason: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest found and did.

    `added`, `removed` and `kept` count annotations; the other counts are of the label set as it is now.
    `state` is the catalog's state after it; the same as before where nothing changed.
    """

    label_set: str
    format: str
    state: int
    changed: bool
    files: int
    files_new: int
    files_changed: int
    files_gone: int
    assets: int
    assets_new: int
    assets_missing: int
    annotations: int
    added: int
    removed: int
    kept: int
    leaves: int
    classes: tuple[tuple[str, int], ...]  # name, annotations
    rejects: tuple[RejectCount, ...]
    assumed: tuple[str, ...]
    notes: tuple[str, ...]  # kept but odd: 6 boxes outside the image, …
    skipped: tuple[tuple[str, str], ...] = ()  # files that are no label files, and why


@dataclass(slots=True)
class Tally:
    """Collects notes and assumptions while files are read; equal ones are counted, not repeated."""

    assumed: dict[str, None] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    def assume(self, text: str) -> None:
        """Records something that was taken for granted."""
        self.assumed.setdefault(text)

    def note(self, text: str, count: int = 1) -> None:
        """Records something odd that was kept, `count` times over."""
        self.notes[text] += count

    def merge(self, others: Iterable[Tally]) -> None:
        """Adds what workers collected."""
        for other in others:
            self.assumed.update(other.assumed)
            self.notes.update(other.notes)
