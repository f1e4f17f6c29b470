"""What `tables` needs of an ingest: `ingest` makes such a value, and neither knows the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from datacat.model.coverage import CoverageClaim
from datacat.model.names import LabelSetName
from datacat.model.report import Tally
from datacat.model.rights import RightsClaim


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

    @property
    def exhaustive(self) -> Mapping[tuple[str, ...], Sequence[int]]:
        """Lists of classes, and the files read now that list assets on which all of those are labelled."""

    def paths(self, kind: str, /) -> Sequence[str]:
        """Parquet files of a kind, with the schema `STAGED[kind]`; perhaps none."""


@dataclass(frozen=True, slots=True)
class Source:
    """Which label set, where it comes from, and what a person says of it."""

    label_set: LabelSetName
    location: str
    options: Mapping[str, str] = field(default_factory=dict)
    claim: CoverageClaim = field(default_factory=CoverageClaim)
    rights: RightsClaim = field(default_factory=RightsClaim)
