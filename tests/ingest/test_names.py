"""Assets by whose name no file can be called are rejects in every format, with what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datacat.testing.format_suite import read, rows

from .test_formats import coco, save

ODD = "a\0.png"


def _coco() -> dict[str, Any]:
    document = coco(3)
    document["images"][1]["file_name"] = ODD
    document["annotations"][1]["attributes"] = {"deep": [1, 2]}
    return document


def _studio() -> list[dict[str, Any]]:
    value = {"x": 1, "y": 1, "width": 2, "height": 3, "rotation": 0, "rectanglelabels": ["Roof"]}
    size = {"original_width": 100, "original_height": 80, "from_name": "label", "to_name": "image"}
    box = {"id": "r", "type": "rectanglelabels", "value": value, **size}
    return [
        {"id": number, "data": {"image": name}, "annotations": [{"id": number, "result": [box]}]}
        for number, name in enumerate(("0.png", ODD, "2.png"))
    ]


def _neutral() -> str:
    return "\n".join(
        json.dumps({"asset": name, "class": "Roof", "box": [1, 2, 3, 4]}) for name in ("0", ODD, "2")
    )


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", _coco()), ("b.json", _studio()), ("c.ndjson", _neutral())]
)
def test_a_name_with_nul_rejects_the_asset_and_its_annotations(
    name: str, content: Any, tmp_path: Path
) -> None:
    save(tmp_path / "lake" / name, content)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "annotations")) == 2
    assert len(rows(staged, "listed")) == 2
    kept = {row["row"] for row in rows(staged, "annotations")}
    assert {row["row"] for row in rows(staged, "leaves")} <= kept
    reasons = sorted((row["reason"], row["class"]) for row in rows(staged, "rejects"))
    assert reasons == [("its asset was rejected", "Roof"), ("the name of the asset has a NUL in it", None)]
    assert all(row["position"] for row in rows(staged, "rejects"))


def test_a_picture_within_the_label_file_is_no_name(tmp_path: Path) -> None:
    document = coco(2)
    document["images"][0]["file_name"] = f"data:image/png;base64,{'A' * 10_000}"
    save(tmp_path / "lake" / "a.json", document)
    staged = read(tmp_path / "lake", tmp_path / "out")
    assert len(rows(staged, "listed")) == 1
    (first, _) = sorted(rows(staged, "rejects"), key=lambda row: -len(row["reason"]))
    assert first["reason"] == "the name of the asset is 10,022 bytes long, more than 4,096"
