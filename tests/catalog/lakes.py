"""A lake of small pictures and the COCO files that speak of them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

WIDTH, HEIGHT = 64, 48


def draw(folder: Path, names: Iterable[str]) -> None:
    """Pictures that all differ."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shade = zlib.crc32(name.encode())
        colour = (shade & 255, shade >> 8 & 255, shade >> 16 & 255)
        Image.new("RGB", (WIDTH, HEIGHT), colour).save(folder / name)


def box(picture: str, class_name: str, **more: Any) -> dict[str, Any]:
    """One annotation, as `coco` takes it."""
    return {"picture": picture, "class": class_name, "bbox": [1, 2, 30, 20]} | more


def coco(path: Path, said: Iterable[Mapping[str, Any]], *, pictures: Iterable[str] = ()) -> None:
    """Writes a COCO file; its pictures are those that it speaks of and `pictures`."""
    said = list(said)
    names = sorted({*pictures, *(one["picture"] for one in said)})
    classes = sorted({one["class"] for one in said})
    annotations = [
        {"id": number, "image_id": names.index(one["picture"]), "category_id": classes.index(one["class"])}
        | {key: value for key, value in one.items() if key not in ("picture", "class")}
        for number, one in enumerate(said)
    ]
    document = {
        "images": [
            {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT}
            for number, name in enumerate(names)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes)],
        "annotations": annotations,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
