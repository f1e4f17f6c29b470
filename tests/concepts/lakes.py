"""Two or three teams' labels on pictures that they share, from plain Python values; and what coincides in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datacat.catalog import Catalog
from tests.catalog.lakes import draw

Box = tuple[float, float, float, float]
Said = Mapping[str, Sequence[tuple[str, Box | None]]]
"""Picture -> (class, box), without a box of the whole picture."""


def labelled(folder: Path, *, covers: str = "all", **teams: Said) -> Catalog:
    """A catalog with one label set `team/labels` of each team, on pictures in `folder/lake`."""
    draw(folder / "lake", sorted({name for said in teams.values() for name in said}))
    catalog = Catalog.init(str(folder / "catalog"))
    for team, said in teams.items():
        lines = [
            {"asset": picture, "annotations": [_annotation(*one) for one in boxes]}
            for picture, boxes in said.items()
        ]
        (folder / team).mkdir(parents=True)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / team / "labels.ndjson").write_text(text)
        catalog.ingest(
            str(folder / team),
            team=team,
            name="labels",
            media_root=str(folder / "lake"),
            covers=covers,
            author="ada",
        )
    return catalog


def _annotation(name: str, box: Box | None) -> dict[str, Any]:
    return {"class": name} | ({"box": list(box)} if box else {})


def coinciding(one: Said, other: Said, *, classes: tuple[str, str]) -> tuple[int, int, list[float]]:
    """Boxes of `classes[0]` on the pictures that both list; how many coincide; the best IoU of those: plainly."""
    boxes, best = 0, []
    for picture in one.keys() & other.keys():
        theirs = [box for name, box in other[picture] if name == classes[1] and box]
        for name, box in one[picture]:
            if name == classes[0] and box:
                boxes += 1
                best += [value for value in [max((iou(box, b) for b in theirs), default=0.0)] if value >= 0.5]
    return boxes, len(best), best


def iou(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def mean(values: Iterable[float]) -> float:
    """Of at least one."""
    listed = list(values)
    return sum(listed) / len(listed)
