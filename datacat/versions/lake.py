"""What a catalog knows of the lake that its snapshots name: where it lies, what may be read of it, and copies in it.

The tables are asked only when something needs them: a snapshot is whole without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb
import pyarrow as pa

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError, UsageError, cause_of
from datacat.sources.inside import limited, limited_to_roots
from datacat.versions.verify import CopiesOf, no_copies

_UNTOLD = (CatalogError, LocationError, duckdb.Error)


class SourcesOf(Protocol):
    """Where the sources of a catalog lie; `surely`, it raises where some of them may not be known."""

    def __call__(self, *, surely: bool = False) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Lake:
    """The lake of a catalog.

    Attributes:
        settings: the user's.
        sources: where label files and media lie; without it there is no catalog, and everything is read.
        known_copies: where else the newest state knows pictures to be.
    """

    settings: Settings
    sources: SourcesOf | None = None
    known_copies: CopiesOf = no_copies

    def reading(self) -> Settings:
        """The settings with which pictures are read: below `media_roots`, or below the sources.

        Where the tables cannot say where those lie, only the former holds.
        """
        if self.sources is None:
            return self.settings
        if self.settings.media_roots:
            return limited_to_roots(self.settings)
        try:
            return limited(self.settings, *self.sources())
        except _UNTOLD:
            return limited_to_roots(self.settings)

    def kept(self) -> tuple[str, ...]:
        """The places that nothing may replace: those of the sources, whatever is read, and those of `media_roots`.

        Raises:
            UsageError: nobody can say where all sources lie.
            LocationError: `media_roots` names no place.
        """
        roots = limited_to_roots(self.settings).reads or ()
        try:
            return (*(self.sources(surely=True) if self.sources else ()), *roots)
        except _UNTOLD as error:
            what = f"nothing is replaced while nobody can say what the catalog was made of: {cause_of(error)}"
            hint = "Name a folder that is empty or not there. What is wrong is said by: datacat doctor"
            raise UsageError(what, hint=hint) from error

    def copies(self, pictures: pa.Table) -> Mapping[str, Sequence[str]]:
        """Where else pictures are, as `CopiesOf`; nowhere where the tables cannot be read."""
        try:
            return self.known_copies(pictures)
        except _UNTOLD:
            return {}
