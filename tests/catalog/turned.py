"""Pictures with one red rectangle, stored in each way that EXIF knows, and what many teams' tools wrote of it.

People see all of them alike: 120x160 pixels with the rectangle at `BOX`. Where a tool does not heed EXIF, it sees the
picture as it is stored; what stands in its file is measured there, by looking for the red pixels.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from PIL.Image import Transpose

Box = tuple[float, float, float, float]
SHOWN = (120, 160)
BOX: Box = (16, 32, 40, 64)  # left, top, width, height
NAMES = tuple(f"turned{orientation}.png" for orientation in range(1, 9))
_RED, _GREY = (220, 20, 20), (90, 90, 90)
# What undoes the turn by which a stored picture is shown.
_STORED = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


def draw_pictures(folder: Path) -> None:
    """Writes the eight of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for orientation, name in enumerate(NAMES, start=1):
        picture = Image.new("RGB", SHOWN, _GREY)
        left, top, wide, high = BOX
        ImageDraw.Draw(picture).rectangle((left, top, left + wide - 1, top + high - 1), fill=_RED)
        # So that it is no copy of another one.
        picture.putpixel((SHOWN[0] - 1, SHOWN[1] - 1), (0, 0, orientation))
        stored = picture.transpose(_STORED[orientation]) if orientation in _STORED else picture
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored.save(folder / name, exif=exif)


def box_of(picture: Image.Image) -> Box:
    """Where the red is."""
    down, across = np.nonzero(np.asarray(picture.convert("RGB"))[:, :, 0] > 150)
    left, top = float(across.min()), float(down.min())
    return left, top, float(across.max()) + 1 - left, float(down.max()) + 1 - top


def seen(path: Path, *, heeds_exif: bool) -> Image.Image:
    """A picture as a tool sees it."""
    with Image.open(path) as picture:
        return ImageOps.exif_transpose(picture) if heeds_exif else picture.copy()


def is_on_red(picture: Image.Image, box: Box) -> bool:
    """Whether a box holds red alone, and all of it."""
    left, top, wide, high = (round(side) for side in box)
    red = np.asarray(picture.convert("RGB"))[:, :, 0] > 150
    return bool(red[top : top + high, left : left + wide].all()) and red.sum() == wide * high


def _drawn(path: Path, *, heeds_exif: bool) -> tuple[tuple[int, int], Box]:
    """The size that a tool sees, and where the rectangle is on it.

    A tool that does not heed EXIF is told by the size in its file alone: where both are the same, it saw the picture
    as it is shown.
    """
    stored = seen(path, heeds_exif=False)
    picture = stored if stored.size != SHOWN and not heeds_exif else seen(path, heeds_exif=True)
    return picture.size, box_of(picture)


def write_neutral(folder: Path, *, heeds_exif: bool, states: float | None, is_relative: bool = False) -> None:
    """Records with the size times `states`, or without one; of a picture of that size."""
    draw_pictures(folder)
    lines = []
    for name in NAMES:
        (width, height), box = _drawn(folder / name, heeds_exif=heeds_exif)
        by = states or 1
        size = {"width": round(width * by), "height": round(height * by)} if states else {}
        units = (width, height, width, height) if is_relative else (1 / by,) * 4
        sides = [side / unit for side, unit in zip(box, units, strict=True)]
        lines.append(
            json.dumps({"asset": name, "class": "thing", "box": sides, "is_relative": is_relative, **size})
        )
    (folder / "labels.ndjson").write_text("\n".join(lines))


def write_coco(folder: Path, *, heeds_exif: bool, states: float = 1) -> None:
    """A COCO file with sizes times `states`, and polygons."""
    draw_pictures(folder)
    images, annotations = [], []
    for number, name in enumerate(NAMES, start=1):
        (width, height), box = _drawn(folder / name, heeds_exif=heeds_exif)
        left, top, wide, high = (side * states for side in box)
        ring = [left, top, left + wide, top, left + wide, top + high, left, top + high]
        images.append(
            {
                "id": number,
                "file_name": name,
                "width": round(width * states),
                "height": round(height * states),
            }
        )
        annotations.append(
            {"id": number, "image_id": number, "category_id": 1, "bbox": [left, top, wide, high]}
            | {"segmentation": [ring], "area": wide * high, "iscrowd": 0}
        )
    document = {"images": images, "categories": [{"id": 1, "name": "thing"}], "annotations": annotations}
    (folder / "labels.json").write_text(json.dumps(document))


def write_voc(folder: Path, *, heeds_exif: bool) -> None:
    """An XML file a picture."""
    draw_pictures(folder)
    for name in NAMES:
        (width, height), (left, top, wide, high) = _drawn(folder / name, heeds_exif=heeds_exif)
        box = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{left + wide}</xmax><ymax>{top + high}</ymax>"
        (folder / name).with_suffix(".xml").write_text(
            f"<annotation><filename>{name}</filename>"
            f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
            f"<object><name>thing</name><bndbox>{box}</bndbox></object></annotation>"
        )


def write_yolo(folder: Path) -> None:
    """A text file a picture."""
    draw_pictures(folder)
    left, top, wide, high = (side / SHOWN[at % 2] for at, side in enumerate(BOX))
    (folder / "classes.txt").write_text("thing\n")
    for name in NAMES:
        line = f"0 {left + wide / 2} {top + high / 2} {wide} {high}\n"
        (folder / name).with_suffix(".txt").write_text(line)


def write_open_images(folder: Path) -> None:
    """A table of boxes."""
    draw_pictures(folder)
    left, top, wide, high = (side / SHOWN[at % 2] for at, side in enumerate(BOX))
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax"
    rows = [f"{Path(name).stem},xclick,/m/1,1,{left},{left + wide},{top},{top + high}" for name in NAMES]
    (folder / "train-annotations-bbox.csv").write_text("\n".join([head, *rows]) + "\n")
    (folder / "class-descriptions-boxable.csv").write_text("/m/1,thing\n")


TEAMS: dict[str, Callable[[Path], None]] = {
    "neutral": lambda to: write_neutral(to, heeds_exif=True, states=None),
    "neutral-shown": lambda to: write_neutral(to, heeds_exif=True, states=1),
    "neutral-stored": lambda to: write_neutral(to, heeds_exif=False, states=1),
    "neutral-large": lambda to: write_neutral(to, heeds_exif=True, states=2),
    "neutral-large-stored": lambda to: write_neutral(to, heeds_exif=False, states=2),
    "shares": lambda to: write_neutral(to, heeds_exif=True, states=None, is_relative=True),
    "shares-shown": lambda to: write_neutral(to, heeds_exif=True, states=1, is_relative=True),
    "shares-stored": lambda to: write_neutral(to, heeds_exif=False, states=1, is_relative=True),
    "coco-shown": lambda to: write_coco(to, heeds_exif=True),
    "coco-stored": lambda to: write_coco(to, heeds_exif=False),
    "coco-small-stored": lambda to: write_coco(to, heeds_exif=False, states=0.5),
    "voc-shown": lambda to: write_voc(to, heeds_exif=True),
    "voc-stored": lambda to: write_voc(to, heeds_exif=False),
    "yolo": write_yolo,
    "open-images": write_open_images,
}
"""Who labelled them, with which tool."""
