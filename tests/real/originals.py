"""The label files of ../shared/data, read by the plainest Python: no reader of datacat has a hand in it."""

from __future__ import annotations

import csv
import hashlib
import json
import wave
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from PIL import Image

Box = tuple[float, float, float, float]  # left, top, width, height in pixels


@dataclass(frozen=True)
class Said:
    """One statement of a team about an asset."""

    team: str
    name: str | None = None
    box: Box | None = None
    area: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    annotator: str | None = None
    created: str = ""
    kind: str = "annotation"
    confidence: float | None = None
    is_crowd: bool = False
    span: tuple[float, float] | None = None

    def is_a(self, *names: str) -> bool:
        return (self.name or "").lower() in names


@dataclass
class Asset:
    """What there is at one path, and what everybody says of it."""

    uri: str
    said: list[Said] = field(default_factory=list)
    teams: set[str] = field(default_factory=set)
    covers: dict[str, set[str]] = field(default_factory=dict)
    """Team -> the classes that it looked for, in lower case."""
    metadata: list[dict[str, Any]] = field(default_factory=list)
    splits: set[str] = field(default_factory=set)
    copies: list[Asset] = field(default_factory=list)
    """What lies at other addresses with the same bytes."""

    @property
    def addresses(self) -> list[Path]:
        return [self.path, *(copy.path for copy in self.copies)]

    def join(self, copy: Asset) -> None:
        """Takes what is said of other bytes that are equal."""
        self.copies.append(copy)
        self.said += copy.said
        self.teams |= copy.teams
        for team, classes in copy.covers.items():
            self.covers.setdefault(team, set()).update(classes)
        self.metadata += copy.metadata
        self.splits |= copy.splits

    def voices(self, *names: str) -> list[list[Said]]:
        """What each team's people, and each team's models, say of these classes."""
        found: dict[tuple[str, str], list[Said]] = defaultdict(list)
        for one in self.of(*names):
            found[one.team, one.kind].append(one)
        return list(found.values())

    def of(self, *names: str, team: str | None = None) -> list[Said]:
        """The statements with one of these classes; without a name, all."""
        return [
            one for one in self.said if (not names or one.is_a(*names)) and (team is None or one.team == team)
        ]

    @cached_property
    def path(self) -> Path:
        return Path(self.uri)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of a picture; (0, 0) of anything else."""
        if self.path.suffix not in (".jpg", ".png"):
            return 0, 0
        with Image.open(self.path) as picture:
            return picture.size

    @cached_property
    def seconds(self) -> float:
        """How long a recording lasts; 0 of anything else."""
        if self.path.suffix != ".wav":
            return 0
        with wave.open(self.uri) as sound:
            return float(sound.getnframes() / sound.getframerate())

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


class Lake(dict[str, Asset]):
    """Assets by URI."""

    def __init__(self) -> None:
        super().__init__()
        self.classes: dict[str, set[str]] = defaultdict(set)
        """Team -> the classes that its files list or use, in lower case."""

    def __missing__(self, uri: str) -> Asset:
        self[uri] = Asset(uri)
        return self[uri]

    def spoken_of(self, path: Path, team: str) -> Asset:
        asset = self[str(path)]
        asset.teams.add(team)
        return asset

    def join_copies(self) -> None:
        """Pictures and recordings of equal bytes become one, at the address that came first."""
        firsts: dict[str, Asset] = {}
        for uri, asset in list(self.items()):
            if asset.path.suffix not in (".jpg", ".png", ".wav") or not asset.path.exists():
                continue
            first = firsts.setdefault(asset.digest, asset)
            if first is not asset:
                first.join(self.pop(uri))

    def say(self, asset: Asset, said: Said) -> None:
        asset.said.append(said)
        if said.name is not None:
            self.classes[said.team].add(said.name.lower())


def voc(lake: Lake, folder: Path, *, team: str) -> None:
    """Pascal VOC covers nothing."""
    for path in sorted(folder.glob("Annotations/*.xml")):
        root = ElementTree.parse(path).getroot()
        asset = lake.spoken_of(folder / "JPEGImages" / root.findtext("filename", ""), team)
        asset.metadata.append({"path": root.findtext("path"), "segmented": root.findtext("segmented")})
        for each in root.iter("object"):
            sides = [float(each.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")]
            # A few say another size than the picture has: they were drawn on a copy of it.
            stated = [int(root.findtext(f"size/{side}", "")) for side in ("width", "height")]
            across, down = (own / said if said else 1 for own, said in zip(asset.size, stated, strict=True))
            left, top, right, bottom = sides
            box = (left * across, top * down, (right - left) * across, (bottom - top) * down)
            attributes = {"truncated": int(each.findtext("truncated", ""))}
            said = Said(team, each.findtext("name"), box, area=box[2] * box[3], attributes=attributes)
            lake.say(asset, said)
    for split in ("train", "val", "test"):
        for name in (folder / f"ImageSets/Main/{split}.txt").read_text().split():
            lake[str(folder / "JPEGImages" / f"{name}.jpg")].splits.add(split)


def coco(lake: Lake, path: Path, *, images: Path, team: str, split: str | None = None) -> None:
    """COCO covers its categories on its images, if anything is drawn. A segment of a panoptic picture is drawn."""
    document = json.loads(path.read_text())
    drawn = [
        {"image_id": one["image_id"], **each}
        for one in document["annotations"]
        for each in one.get("segments_info", [one])
    ]
    categories = {one["id"]: one["name"] for one in document.get("categories", [])}
    lake.classes[team] |= {name.lower() for name in categories.values()}
    is_drawn = any("bbox" in one for one in drawn)
    files: dict[Any, Asset] = {}
    for image in document["images"]:
        asset = files[image["id"]] = lake.spoken_of(images / image["file_name"], team)
        asset.metadata.append({key: image[key] for key in ("license", "date_captured", "coco_url")})
        if is_drawn:
            asset.covers[team] = {name.lower() for name in categories.values()}
        if split:
            asset.splits.add(split)
    for one in drawn:
        x, y, w, h = one.get("bbox", [0, 0, 0, 0])
        lake.say(
            files[one["image_id"]],
            Said(
                team,
                categories.get(one.get("category_id")),
                (x, y, w, h) if "bbox" in one else None,
                area=one.get("area"),
                text=one.get("caption", ""),
                is_crowd=bool(one.get("iscrowd")),
            ),
        )


def supercategories(path: Path) -> dict[str, set[str]]:
    """Each supercategory of a COCO file with the categories below it."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in json.loads(path.read_text())["categories"]:
        found[one["supercategory"]].add(one["name"])
    return found


def yolo(lake: Lake, folder: Path, *, team: str) -> None:
    """YOLO covers the names of its list on each picture that has a label file."""
    names = (folder / "aerial.names").read_text().split()
    lake.classes[team] |= set(names)
    for path in sorted(folder.glob("MOS*.txt")):
        asset = lake.spoken_of(path.with_suffix(".png"), team)
        asset.covers[team] = set(names)
        width, height = asset.size
        for line in path.read_text().splitlines():
            number, x, y, w, h = line.split()
            box_w, box_h = float(w) * width, float(h) * height
            box = (float(x) * width - box_w / 2, float(y) * height - box_h / 2, box_w, box_h)
            lake.say(asset, Said(team, names[int(number)], box, area=box_w * box_h))


def label_studio(lake: Lake, path: Path, *, team: str) -> None:
    """Rectangles of an export, whose pictures are not here; per cent of the picture become pixels."""
    for task in json.loads(path.read_text()):
        asset = lake.spoken_of(Path(task["data"]["image"]), team)
        for annotation in task["annotations"]:
            for result in annotation["result"]:
                value, width, height = result["value"], result["original_width"], result["original_height"]
                box = (
                    value["x"] / 100 * width,
                    value["y"] / 100 * height,
                    value["width"] / 100 * width,
                    value["height"] / 100 * height,
                )
                (name,) = value["rectanglelabels"]
                by, at = str(annotation["completed_by"]), annotation["created_at"]
                lake.say(asset, Said(team, name, box, area=box[2] * box[3], annotator=by, created=at))


def ndjson(lake: Lake, path: Path, *, team: str, covers: tuple[str, ...] = ()) -> None:
    """The neutral form, with the classes that the team says it covers."""
    for line in path.read_text().splitlines():
        one = json.loads(line)
        asset = lake.spoken_of(Path(one["asset"]), team)
        asset.covers[team] = {name.lower() for name in covers}
        if "metadata" in one:
            asset.metadata.append(one["metadata"])
        box, drawn = one.get("box"), one.get("geometry", {})
        said = {key: one[key] for key in ("text", "annotator", "created", "kind", "confidence") if key in one}
        lake.say(
            asset,
            Said(
                team,
                one["class"],
                tuple(box) if box else None,
                area=box[2] * box[3] if box else None,
                attributes=one.get("attributes", {}),
                span=(drawn.get("start", drawn.get("start_s")), drawn.get("end", drawn.get("end_s")))
                if drawn
                else None,
                **said,
            ),
        )


def second_look(rows: Path, *, images: Path) -> Iterator[dict[str, Any]]:
    """BCCD's CSV as another team's labels: its rows, some left out, moved, or renamed, with nested attributes."""
    with rows.open() as file:
        for number, row in enumerate(csv.DictReader(file)):
            picture = int(row["filename"][-9:-4])
            if picture % 4 == 0 or number % 11 == 0:
                continue
            left, top = float(row["xmin"]), float(row["ymin"])
            box = [left, top, float(row["xmax"]) - left, float(row["ymax"]) - top]
            if number % 5 == 0:
                box[0] += box[2] * 0.25  # so that IoU is 0.6
            name = "WBC" if number % 17 == 0 else row["cell_type"]
            checked = {"by": ("ann", "bob", "cho")[picture % 3], "score": number % 10 / 10}
            said: dict[str, Any] = {"asset": str(images / row["filename"]), "class": name, "box": box}
            said |= {"annotator": f"user{number % 3}", "created": f"2026-0{number % 9 + 1}-15T12:00:00Z"}
            if number % 6:
                marks = [
                    {"kind": kind, "depth": number % (7 + place)}
                    for place, kind in enumerate(("dark", "pale"))
                ]
                said["attributes"] = {
                    "checked": checked,
                    "marks": marks[: number % 3],
                    "tags": ["a", "b"][number % 2 :],
                }
            if number % 13 == 0:
                said |= {"kind": "prediction", "confidence": number % 20 / 20}
            yield said


def spoken_digits(folder: Path) -> Iterator[dict[str, Any]]:
    """FSDD has its labels in the names of its files: {digit}_{speaker}_{take}.wav."""
    for path in sorted(folder.glob("*.wav")):
        digit, speaker, take = path.stem.split("_")
        said = {"speaker": {"name": speaker}, "take": int(take)}
        yield {"asset": str(path), "class": f"digit {digit}", "attributes": said}


def windows(folder: Path) -> Iterator[dict[str, Any]]:
    """NAB's windows of anomalies, in seconds since the series begins."""
    for name, spans in json.loads((folder / "labels/combined_windows.json").read_text()).items():
        path = folder / "data" / name
        if not path.exists():
            continue
        with path.open() as file:
            begin = datetime.fromisoformat(next(csv.DictReader(file))["timestamp"])
        for span in spans:
            start, end = ((datetime.fromisoformat(time) - begin).total_seconds() for time in span)
            drawn = {"geometry_type": "range", "geometry": {"start_s": start, "end_s": end}}
            yield {"asset": str(path), "class": "anomaly", **drawn}


def answers(path: Path, *, into: Path) -> Iterator[dict[str, Any]]:
    """XQuAD's answers as spans of texts, which are written to files."""
    paragraphs = [each for article in json.loads(path.read_text())["data"] for each in article["paragraphs"]]
    for number, paragraph in enumerate(paragraphs):
        text = into / f"{number:03}.txt"
        text.write_text(paragraph["context"], "utf-8")
        for question in paragraph["qas"]:
            (answer,) = question["answers"]
            start, said = answer["answer_start"], answer["text"]
            drawn = {"geometry_type": "span", "geometry": {"start": start, "end": start + len(said)}}
            asked = {"attributes": {"question": question["question"]}}
            yield {"asset": str(text), "class": "answer", "text": said, **drawn, **asked}


def written(path: Path, records: Iterator[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
