"""A question that takes DuckDB half a minute over a catalog that is made in two seconds."""

from __future__ import annotations

from pathlib import Path

from datacat.catalog import Catalog
from tests.catalog.lakes import box, coco, draw

SLOW_QUESTION = "car near:car<1px"
_BOXES = 15_000  # on one picture: as many pairs as their square


def place_of_slow_questions(folder: Path) -> str:
    """Makes the catalog."""
    draw(folder / "crowd", ["crowd.png"])
    coco(folder / "crowd/labels.json", [box("crowd.png", "car") for _ in range(_BOXES)])
    made = Catalog.init(str(folder / "slow"))
    made.ingest(str(folder / "crowd"), team="street", name="crowd")
    return str(made.root)
