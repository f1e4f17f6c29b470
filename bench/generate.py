"""A seeded corpus of label files: teams, each with its own nested attribute schema, in COCO.

    python bench/generate.py bench/out/corpus --annotations 1000000 --images 143000 --teams 12

Classes follow a Zipf distribution over 200 names; each team's schema has 4 to 10 leaves, up to 3 deep. The key
`survey.flag` is rare: one annotation in 20,000 has it. There are no pictures: this measures labels.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from documents import CLASSES, RARE_ONE_IN, RARE_TEXT, WORDS, tree

_ZIPF_EXPONENT = 1.1
_LEAVES = (
    "material",
    "condition",
    "color",
    "occlusion",
    "damage",
    "pitch",
    "age",
    "door",
    "owner",
    "source",
    "lamp",
)
_GROUPS = ("condition", "inspector", "state", "survey", "detail")


@dataclass(frozen=True, slots=True)
class Team:
    """One team's file and the leaves of its schema."""

    name: str
    path: Path
    leaves: tuple[str, ...]


def generate(folder: Path, *, annotations: int, images: int, teams: int, seed: int = 1) -> list[Team]:
    """Writes one COCO file a team below `folder`, unless an equal corpus is there already."""
    stamp = folder / f"done-{annotations}-{images}-{teams}-{seed}.json"
    if stamp.exists():
        return [Team(t["name"], Path(t["path"]), tuple(t["leaves"])) for t in json.loads(stamp.read_text())]
    made = [
        _team(folder, number, annotations=annotations // teams, images=images // teams, seed=seed)
        for number in range(teams)
    ]
    listed = [{"name": t.name, "path": str(t.path), "leaves": t.leaves} for t in made]
    stamp.write_text(json.dumps(listed))
    return made


def write_coco(path: Path, *, annotations: int, images: int, schema: int, seed: int) -> tuple[str, ...]:
    """Writes one COCO file; returns the attribute paths of its schema."""
    dice = random.Random(f"{seed}-{schema}")
    paths, document = _schema(random.Random(f"schema-{schema}"))
    weights = [1 / (rank + 1) ** _ZIPF_EXPONENT for rank in range(CLASSES)]
    drawn = dice.choices(range(CLASSES), weights, k=annotations)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info": {"description": "generated"}, "images": [')
        file.write(",\n".join(_images(images, schema=schema)))
        file.write('], "categories": [')
        file.write(",\n".join(f'{{"id": {n + 1}, "name": "class_{n:03}"}}' for n in range(CLASSES)))
        file.write('], "annotations": [')
        for number, drawn_class in enumerate(drawn):
            x, y, w, h = (
                dice.randrange(1500),
                dice.randrange(900),
                dice.randrange(4, 400),
                dice.randrange(4, 180),
            )
            file.write(",\n" if number else "")
            file.write(
                f'{{"id": {number + 1}, "image_id": {number % images + 1}, "category_id": {drawn_class + 1}, '
                f'"bbox": [{x}, {y}, {w}, {h}], "area": {w * h}, "iscrowd": 0, "attributes": {document(dice)}}}'
            )
        file.write("]}")
    return paths


def _team(folder: Path, number: int, *, annotations: int, images: int, seed: int) -> Team:
    name = f"team{number:02}"
    path = folder / name / "instances.json"
    leaves = write_coco(path, annotations=annotations, images=images, schema=number, seed=seed)
    return Team(name, path, leaves)


def _images(count: int, *, schema: int) -> Iterator[str]:
    for number in range(count):
        name = f"{schema:02}/{number // 1000:04}/{number:07}.jpg"
        yield f'{{"id": {number + 1}, "file_name": "{name}", "width": 1920, "height": 1080}}'


def _schema(dice: random.Random) -> tuple[tuple[str, ...], Callable[[random.Random], str]]:
    """Leaves as paths, and a function that draws one document of them."""
    flat = dice.sample(_LEAVES, dice.randrange(2, 5))
    paths: list[str] = ["material", *(leaf for leaf in flat if leaf not in ("material", "condition", "door"))]
    paths += ["condition.score", "condition.inspector.name"]
    for group in dice.sample(_GROUPS[2:], dice.randrange(1, 3)):
        paths += [
            f"{group}.{leaf}" for leaf in dice.sample(("level", "note", "checked"), dice.randrange(1, 3))
        ]
    paths = list(dict.fromkeys(paths))

    def document(draw: random.Random) -> str:
        values = {path: _value(path, draw) for path in paths}
        if draw.random() < 1 / RARE_ONE_IN:
            values["survey.flag"] = RARE_TEXT
        return json.dumps(tree(values))

    return tuple(paths), document


def _value(path: str, draw: random.Random) -> object:
    leaf = path.rsplit(".", 1)[-1]
    if leaf == "score":
        return round(draw.random(), 3)
    if leaf == "name":
        return f"insp{draw.randrange(500)}"
    if leaf in ("level", "age", "pitch"):
        return draw.randrange(100)
    if leaf == "checked":
        return draw.random() < 0.5
    return draw.choice(WORDS)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=143_000)
    parser.add_argument("--teams", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    for team in generate(
        chosen.folder,
        annotations=chosen.annotations,
        images=chosen.images,
        teams=chosen.teams,
        seed=chosen.seed,
    ):
        print(team.name, team.path, f"{team.path.stat().st_size / 1e6:.1f} MB", ", ".join(team.leaves))


if __name__ == "__main__":
    main()
