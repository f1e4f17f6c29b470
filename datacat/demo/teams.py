"""A small data lake: drawn pictures, and what three teams said of them in three formats and vocabularies.

    <folder>/media/{aerial,street}/0001.jpg …
    <folder>/mapping/{north,south}.json      COCO: Roof, Car, Tree; nested attributes
    <folder>/driving/data.yaml, labels/*.txt YOLO: car, person, tree, roofs
    <folder>/claims/export.json              Label Studio: rooftop, with its damage

The teams overlap, and nobody has labelled pools, solar panels, lakes or boats. A few records are wrong in the ways in
which real ones are.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from datacat.demo.scenes import draw
from datacat.demo.truth import Kind, Point, Thing

_AERIAL_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class TeamLabels:
    """The labels of one team.

    Attributes:
        name: the team.
        format: of its label files, as `datacat formats` names it.
        label_set: what the team calls it.
        roof_word: the team's class for a roof.
        about: what it labels, in a few words.
        location: its folder.
    """

    name: str
    format: str
    label_set: str
    roof_word: str
    about: str
    location: Path


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the lake and what is truly on it."""

    path: str  # below the media folder
    kind: Kind
    width: int
    height: int
    things: tuple[Thing, ...]

    def of(self, *labels: str) -> tuple[Thing, ...]:
        """The things of these labels."""
        return tuple(thing for thing in self.things if thing.label in labels)


@dataclass(frozen=True, slots=True)
class Lake:
    """What was written."""

    folder: Path
    media: Path
    teams: tuple[TeamLabels, ...]
    pictures: tuple[Picture, ...]


def write_lake(folder: Path, *, seed: int, count: int = 360) -> Lake:
    """Draws `count` pictures into `folder` and writes the label files of three teams.

    The same seed and count give the same truth and the same label files everywhere; the JPEG bytes hang on the
    installed Pillow.
    """
    media = folder / "media"
    for kind in ("aerial", "street"):
        (media / kind).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        job = partial(_drawn, media=media, seed=seed, aerial=round(count * _AERIAL_SHARE))
        pictures = tuple(pool.map(job, range(count), chunksize=16))
    rng = random.Random(seed)
    teams = (
        _mapping(folder / "mapping", _sample(pictures, rng, aerial=0.75, street=0.0), rng=rng),
        _driving(folder / "driving", _sample(pictures, rng, aerial=0.15, street=0.9), rng=rng),
        _claims(folder / "claims", _sample(pictures, rng, aerial=0.45, street=0.3), rng=rng),
    )
    return Lake(folder, media, teams, pictures)


def _drawn(number: int, *, media: Path, seed: int, aerial: int) -> Picture:
    kind: Kind = "aerial" if number < aerial else "street"
    scene = draw(seed * 100_000 + number, kind)
    path = f"{kind}/{number + 1:04}.jpg"
    scene.picture.save(media / path, quality=90)
    return Picture(path, kind, *scene.picture.size, scene.things)


def _sample(
    pictures: Sequence[Picture], rng: random.Random, *, aerial: float, street: float
) -> list[Picture]:
    share = {"aerial": aerial, "street": street}
    return [picture for picture in pictures if rng.random() < share[picture.kind]]


def _mapping(folder: Path, pictures: Sequence[Picture], *, rng: random.Random) -> TeamLabels:
    """COCO in two files, as two people would have exported it."""
    middle = len(pictures) // 2
    _write_json(folder / "north.json", _coco(pictures[:middle], rng))
    _write_json(folder / "south.json", _coco(pictures[middle:], rng))
    about = "roofs, cars and trees from above; polygons, nested attributes"
    return TeamLabels("mapping", "coco", "roofs-2026", "Roof", about, folder)


def _coco(pictures: Sequence[Picture], rng: random.Random) -> dict[str, Any]:
    categories = {"roof": 1, "car": 2, "tree": 3}
    things = [
        (image, thing) for image, picture in enumerate(pictures, 1) for thing in picture.of(*categories)
    ]
    annotations = [
        {"id": number, "image_id": image, "category_id": categories[thing.label]} | _coco_record(thing, rng)
        for number, (image, thing) in enumerate(things, 1)
    ]
    annotations[0]["bbox"] = [-14.0, 3.5, 90.0, 60.0]  # begins outside the picture
    return {
        "images": [
            {"id": image, "file_name": picture.path, "width": picture.width, "height": picture.height}
            for image, picture in enumerate(pictures, 1)
        ],
        "categories": [{"id": number, "name": label.capitalize()} for label, number in categories.items()],
        "annotations": annotations,
    }


def _coco_record(thing: Thing, rng: random.Random) -> dict[str, Any]:
    record: dict[str, Any] = {"bbox": [round(part, 2) for part in thing.box], "iscrowd": 0}
    record["area"] = round(thing.box[2] * thing.box[3], 1)
    if thing.label == "roof":
        record["segmentation"] = [[part for point in thing.polygon for part in point]]
        inspector = {"name": f"insp{rng.randint(1, 9)}"}
        condition = {"score": round(rng.betavariate(5, 2), 2), "inspector": inspector}
        record["attributes"] = {
            "material": thing.attributes["material"],
            "area_m2": thing.attributes["area_m2"],
            "condition": condition,
        }
    elif thing.label == "car":
        record["attributes"] = {
            "color": thing.attributes["color"],
            "door": {"state": thing.attributes["door"]},
        }
    return record


def _driving(folder: Path, pictures: Sequence[Picture], *, rng: random.Random) -> TeamLabels:
    """YOLO boxes; a text file a picture."""
    names = ("car", "person", "tree", "roofs")
    numbers = {"car": 0, "person": 1, "tree": 2, "roof": 3}
    labels = folder / "labels"
    labels.mkdir(parents=True, exist_ok=True)
    (folder / "data.yaml").write_text(f"names: [{', '.join(names)}]\n")
    for position, picture in enumerate(pictures):
        lines = [_yolo_line(thing, picture, numbers) for thing in picture.of(*numbers)]
        if position == 0:
            lines.append("0 0.5 0.5 0.2")  # a number is missing
        if position == 1:
            lines = []  # looked at, and nothing found
        (labels / f"{Path(picture.path).stem}.txt").write_text("".join(f"{line}\n" for line in lines))
    about = "cars, people, trees and roofs from the pavement; boxes"
    return TeamLabels("driving", "yolo", "street-objects", "roofs", about, folder)


def _yolo_line(thing: Thing, picture: Picture, numbers: dict[str, int]) -> str:
    left, top, width, height = thing.box
    centre = ((left + width / 2) / picture.width, (top + height / 2) / picture.height)
    parts = (*centre, width / picture.width, height / picture.height)
    return f"{numbers[thing.label]} {' '.join(f'{part:.6f}' for part in parts)}"


def _claims(folder: Path, pictures: Sequence[Picture], *, rng: random.Random) -> TeamLabels:
    """A Label Studio export: each rooftop with its damage, what it is made of, and who says so."""
    tasks = []
    for number, picture in enumerate(pictures, start=1):
        results: list[dict[str, Any]] = []
        for thing in picture.of("roof"):
            results += _region(thing, picture, rng=rng, region=f"r{number}-{len(results)}")
        day, person = rng.randint(1, 28), rng.randint(1, 6)
        annotation = {
            "id": 5000 + number,
            "completed_by": {"email": f"adjuster{person}@claims.example"},
            "created_at": f"2026-03-{day:02}T09:{number % 60:02}:00Z",
            "ground_truth": rng.random() < 0.2,
            "result": results,
        }
        tasks.append(
            {
                "id": number,
                "data": {"image": f"/data/local-files/?d={picture.path}"},
                "annotations": [annotation],
            }
        )
    lost = dict(tasks[-1], id=len(tasks) + 1, data={"image": "/data/local-files/?d=street/9999.jpg"})
    _write_json(folder / "export.json", [*tasks, lost])
    return TeamLabels("claims", "label_studio", "damage-2026", "rooftop", "rooftops and their damage", folder)


def _region(thing: Thing, picture: Picture, *, rng: random.Random, region: str) -> list[dict[str, Any]]:
    size = {"original_width": picture.width, "original_height": picture.height}

    def percent(point: Point) -> list[float]:
        return [round(point[0] / picture.width * 100, 3), round(point[1] / picture.height * 100, 3)]

    shape = {"points": [percent(point) for point in thing.polygon]}
    damage = rng.choices(("none", "hail", "storm", "fire"), (6, 2, 2, 1))[0]
    material = str(thing.attributes["material"])
    if rng.random() < 0.06:  # the two teams do not always agree
        material = rng.choice(("slate", "tile", "metal", "thatch"))

    def result(control: str, kind: str, **value: Any) -> dict[str, Any]:
        return {
            "id": region,
            "from_name": control,
            "to_name": "image",
            "type": kind,
            "value": shape | value,
        } | size

    return [
        result("label", "polygonlabels", polygonlabels=["rooftop"]),
        result("damage", "choices", choices=[damage]),
        result("material", "choices", choices=[material]),
        result("severity", "rating", rating=0 if damage == "none" else rng.randint(1, 5)),
    ]


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value) + "\n")
