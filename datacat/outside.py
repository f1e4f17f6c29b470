"""What queries ask of the catalog beyond the tables of their state: snapshots and other states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacat.query.compare import Sql
from datacat.tables import State, Tables

if TYPE_CHECKING:
    from datacat.versions.snapshots import Snapshots


@dataclass(frozen=True, slots=True)
class CatalogOutside:
    """See `datacat.query.scope.Outside`. Snapshots are opened when one is asked for."""

    tables: Tables
    state: State
    snapshots: Callable[[], Snapshots]

    def snapshot_files(self, reference: str) -> tuple[str, ...]:
        """The Parquet files with the assets of a snapshot."""
        return (str(self.snapshots().read(reference).file("assets")),)

    def changed_since(self, state: int) -> Sql:
        """The assets that are other since a state."""
        return Sql(self.tables.changed_assets(self.state, since=state))
