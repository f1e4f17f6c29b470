"""Two or three teams' labels on pictures that they share, from plain Python values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datacat.catalog import Catalog
from tests.catalog.lakes import coco, draw

Box = tuple[float, float, float, float]
Said = Mapping[str, Sequence[tuple[str, Box]]]
"""Picture -> (class, box)."""


def labelled(folder: Path, **teams: Said) -> Catalog:
    """A catalog with one label set `team/labels` of each team, in COCO, on pictures in `folder/lake`."""
    pictures = sorted({name for said in teams.values() for name in said})
    draw(folder / "lake", pictures)
    catalog = Catalog.init(str(folder / "catalog"))
    for team, said in teams.items():
        rows: list[dict[str, Any]] = [
            {"picture": picture, "class": name, "bbox": list(box)}
            for picture, boxes in said.items()
            for name, box in boxes
        ]
        coco(folder / team / "labels.json", rows, pictures=said)
        catalog.ingest(
            str(folder / team), team=team, name="labels", media_root=str(folder / "lake"), author="ada"
        )
    return catalog
