"""/v1/snapshots: frozen training sets."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from datacat.model.names import SnapshotName
from datacat_api.dependencies import AskedPage, Nothing, Opened
from datacat_api.views import Listed, Snapshot, page_of

router = APIRouter(tags=["snapshots"])


@router.get("/snapshots", response_model=Listed[Snapshot])
def list_snapshots(asked: Annotated[AskedPage, Query()], catalogs: Opened) -> dict[str, Any]:
    """Lists the snapshots by name and version."""
    with catalogs.at(asked.state) as catalog:
        summaries = [definition.summary() for definition in catalog.snapshots.list()]
        return page_of(summaries, asked, state=catalog.state)


@router.get("/snapshots/{name}@{version}", response_model=Snapshot)
def read_snapshot(
    name: str, version: str, asked: Annotated[Nothing, Query()], catalogs: Opened
) -> dict[str, Any]:
    """Shows one snapshot: its query, counts, split and digest."""
    wanted = SnapshotName.parse(f"{name}@{version}")
    with catalogs.at() as catalog:
        return catalog.snapshots.read(wanted).summary()


@router.get("/snapshots/{name}", response_model=Snapshot)
def read_newest(name: str, asked: Annotated[Nothing, Query()], catalogs: Opened) -> dict[str, Any]:
    """Shows the newest version of a snapshot."""
    with catalogs.at() as catalog:
        return catalog.snapshots.read(name).summary()
