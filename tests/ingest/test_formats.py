"""The shipped suite for each of our formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from datacat.testing.format_suite import Expected, FormatSuite


def picture(path: Path, size: tuple[int, int] = (100, 80)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (len(path.name), 0, 0)).save(path)


def save(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def coco(count: int = 2) -> dict[str, Any]:
    boxes = [
        {"id": n, "image_id": n, "category_id": 7, "bbox": [n, 2, 3, 4], "attributes": {"n": n}}
        for n in range(count)
    ]
    images = [{"id": n, "file_name": f"{n}.png", "width": 100, "height": 80} for n in range(count)]
    return {"images": images, "annotations": boxes, "categories": [{"id": 7, "name": "Roof"}]}


class TestCoco(FormatSuite):
    format_name = "coco"
    kept = ("uri", "class", "geometry_type", "geometry", "attributes", "is_crowd", "area", "text")

    def example(self, folder: Path) -> Expected:
        document = coco(4)
        document["annotations"][1]["segmentation"] = [[1, 2, 3, 2, 3, 6.5]]
        mask = {"size": [80, 100], "counts": "Z[2:V2000000000000000000000000000bU1Gkk1"}
        document["annotations"][2] |= {"segmentation": mask, "iscrowd": 1}
        document["annotations"][3] = {
            "id": 9,
            "image_id": 3,
            "caption": "a roof",
            "weather": {"rain": 10**30},
        }
        for number in range(4):
            picture(folder / "images" / f"{number}.png")
        path = save(folder / "annotations" / "instances_train.json", document)
        return Expected(["Roof"] * 3 + ["None"], 4, path)


class TestYolo(FormatSuite):
    format_name = "yolo"

    def example(self, folder: Path) -> Expected:
        for number in range(3):
            picture(folder / "images" / "train" / f"{number}.png")
        save(folder / "data.yaml", "names: [car, roof]\ntrain: images/train\n")
        path = save(folder / "labels" / "train" / "0.txt", "0 0.5 0.5 0.2 0.2\n")
        save(folder / "labels" / "train" / "1.txt", "1 0.1 0.1 0.3 0.1 0.2 0.4\n")
        save(folder / "labels" / "train" / "2.txt", "")
        return Expected(["car", "roof"], 3, path)


class TestPascalVoc(FormatSuite):
    format_name = "pascal_voc"

    def example(self, folder: Path) -> Expected:
        box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>9</ymax></bndbox>"
        item = f"<object><name>cat</name><truncated>1</truncated>{box}</object>"
        size = "<size><width>100</width><height>80</height><depth>3</depth></size>"
        text = f"<annotation><filename>a.png</filename>{size}{item}{item}</annotation>"
        picture(folder / "JPEGImages" / "a.png")
        save(folder / "ImageSets" / "Main" / "train.txt", "a\n")
        return Expected(["cat", "cat"], 1, save(folder / "Annotations" / "a.xml", text))


class TestLabelStudio(FormatSuite):
    format_name = "label_studio"

    def example(self, folder: Path) -> Expected:
        size = {"original_width": 100, "original_height": 80, "from_name": "label", "to_name": "image"}
        value = {"x": 10, "y": 10, "width": 20, "height": 30, "rotation": 0, "rectanglelabels": ["rooftop"]}
        box = {"id": "r", "type": "rectanglelabels", "value": value, **size}
        tasks = [
            {
                "id": n,
                "data": {"image": f"/data/local-files/?d=img/{n}.png"},
                "annotations": [{"id": n, "result": [box]}],
            }
            for n in range(3)
        ]
        for number in range(3):
            picture(folder / "img" / f"{number}.png")
        return Expected(["rooftop"] * 3, 3, save(folder / "export.json", tasks))


class TestNeutral(FormatSuite):
    format_name = "neutral"

    def example(self, folder: Path) -> Expected:
        picture(folder / "a.png")
        lines = [
            {
                "asset": "a.png",
                "class": "roof",
                "box": [1, 2, 3, 4],
                "attributes": {"deep": {"er": [1, None]}},
            },
            {"asset": "b.png", "width": 9, "height": 9, "annotations": [{"class": "car"}, {"text": "two"}]},
            {"asset": "c.png", "split": "val"},
        ]
        path = save(folder / "labels.ndjson", "\r\n".join(json.dumps(line) for line in lines) + "\r\n")
        return Expected(["roof", "car", "None"], 3, path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings_read_the_same(tmp_path: Path, encoding: str) -> None:
    from datacat.testing.format_suite import read, rows

    path = save(tmp_path / "lake" / "a.json", coco())
    path.write_text(json.dumps(coco()).replace("Roof", "Dächer"), encoding)
    assert {row["class"] for row in rows(read(tmp_path / "lake", tmp_path / "out"), "annotations")} == {
        "Dächer"
    }


def test_neutral_records_name_model_and_track(tmp_path: Path) -> None:
    from datacat.testing.format_suite import read, rows

    lines = [
        {"asset": "a.png", "kind": "prediction", "model": "m1", "track": 7, "confidence": 0.5},
        {"asset": "a.png", "class": "car", "track": "t"},
        {"asset": "a.png", "class": "car", "model": 5},
    ]
    save(tmp_path / "lake" / "a.ndjson", "\n".join(map(json.dumps, lines)))
    staged = read(tmp_path / "lake", tmp_path / "out")
    found = [(row["kind"], row["model"], row["track"]) for row in rows(staged, "annotations")]
    assert found == [("prediction", "m1", "7"), ("annotation", None, "t")]
    (reject,) = rows(staged, "rejects")
    assert "`model`" in reject["reason"] or "$.model" in reject["reason"]


class TestOpenImages(FormatSuite):
    format_name = "open_images"

    def example(self, folder: Path) -> Expected:
        for name in ("train/a.jpg", "train/b.jpg"):
            picture(folder / "images" / name)
        labels = folder / "annotations"
        save(labels / "class-descriptions.csv", '/m/0,Car\n/m/1,"Ship, large"\n')
        save(labels / "train-images.csv", "ImageID,Subset,OriginalURL\na,train,\nb,train,http://x\n")
        flags = "IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
        boxes = [f"ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,{flags}"]
        boxes += ["a,xclick,/m/0,1,0.1,0.5,0.2,1,1,0,0,-1,0", "b,xclick,/m/1,1,0,1,0,1,0,0,1,0,0"]
        return Expected(
            ["Car", "Ship, large"], 2, save(labels / "train-annotations-bbox.csv", "\n".join(boxes))
        )
