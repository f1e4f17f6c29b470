"""What `tables` needs of an ingest: `ingest` makes such a value, and neither knows the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from datacat.model.names import LabelSetName
from datacat.model.report import Tally


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A label file as it was when it was read last."""

    uri: str
    size: int
    etag: str
    modified: datetime | None
    digest: str | None
    format: str


class Staged(Protocol):
    """What an ingest read; see docs/explanation/architecture.md."""

    @property
    def format(self) -> str:
        """The format's name."""

    @property
    def read(self) -> Sequence[int]:
        """Numbers of the files that were read now, as the staged table `files` has them."""

    @property
    def gone(self) -> Sequence[str]:
        """URIs of files that the label set rested on and that are no longer there."""

    @property
    def tally(self) -> Tally:
        """What was assumed and noted."""

    @property
    def skipped(self) -> Sequence[tuple[str, str]]:
        """Files that are no label files, and why."""

    def paths(self, kind: str, /) -> Sequence[str]:
        """Parquet files of a kind, with the schema `STAGED[kind]`; perhaps none."""


@dataclass(frozen=True, slots=True)
class Source:
    """Which label set, and where it comes from."""

    label_set: LabelSetName
    location: str
    options: Mapping[str, str] = field(default_factory=dict)
