"""A confidence that is none is kept and said, in every format that has one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import read, rows
from tests.ingest.test_formats import coco, save

_NOTE = "a confidence that is not between 0 and 1: kept as it is written"


def _coco(score: float) -> dict[str, Any]:
    document = coco(2)
    document["annotations"] = [{**item, "score": score} for item in document["annotations"][:1]]
    return document


def _studio(score: float) -> list[dict[str, Any]]:
    value = {"x": 1, "y": 1, "width": 2, "height": 3, "rotation": 0, "rectanglelabels": ["Roof"]}
    box = {
        "id": "r",
        "type": "rectanglelabels",
        "value": value,
        "from_name": "l",
        "to_name": "image",
        "score": score,
    }
    return [{"id": 1, "data": {"image": "0.png"}, "predictions": [{"id": 2, "result": [box]}]}]


def _neutral(score: float) -> str:
    return json.dumps({"asset": "0.png", "class": "Roof", "confidence": score}) + "\n"


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", _coco), ("b.json", _studio), ("c.ndjson", _neutral)]
)
@pytest.mark.parametrize(("score", "is_odd"), [(0, False), (1, False), (1.7, True), (-0.1, True), (93, True)])
def test_a_confidence_beyond_0_to_1_is_kept_and_noted(
    tmp_path: Path, name: str, content: Any, *, score: float, is_odd: bool
) -> None:
    save(tmp_path / "lake" / name, content(score))
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert [row["confidence"] for row in rows(staged, "annotations")] == [score]
    assert (staged.tally.notes.get(_NOTE) == 1) is is_odd
