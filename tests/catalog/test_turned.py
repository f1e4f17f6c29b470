"""A box lies on its object in every face, whatever EXIF says of the picture and its label file of its size."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PIL import Image
from pycocotools.coco import COCO

from datacat.catalog import Catalog
from tests.catalog.turned import BOX, NAMES, SHOWN, TEAMS, is_on_red, seen

_LEFT, _TOP, _WIDE, _HIGH = BOX
FROZEN = ("coco-stored", "coco-small-stored", "shares-stored", "yolo")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """All teams; their copies of a picture are one asset."""
    folder = tmp_path_factory.mktemp("turned")
    made = Catalog.init(str(folder / "catalog"))
    for team, write in TEAMS.items():
        write(folder / team)
        made.ingest(str(folder / team), team=team, name="x")
    return made


@pytest.mark.parametrize("team", TEAMS)
def test_conditions_measure_the_picture_that_is_shown(catalog: Catalog, team: str) -> None:
    assert (
        catalog.search(f"thing[team:{team} x>{_LEFT - 1} x<{_LEFT + 1} y>{_TOP - 1} y<{_TOP + 1}]").count()
        == 8
    )
    assert (
        catalog.search(f"thing[team:{team} center_x>29% center_x<31% center_y>39% center_y<41%]").count() == 8
    )
    assert (
        catalog.search(
            f"thing[team:{team} width>39 width<41 height>63 height<65 area>2500 area<2600]"
        ).count()
        == 8
    )


def test_all_teams_agree(catalog: Catalog) -> None:
    for one, other in itertools.pairwise(TEAMS):
        assert catalog.search(f"thing[team:{one} iou(thing[team:{other}])>0.99]").count() == 8
    assert catalog.search("agreement.iou>0.99").count() == 8
    assert catalog.search("count(thing across teams)=1").count() == 8


def test_matches_and_shown_assets_have_the_same_boxes(catalog: Catalog) -> None:
    hits = catalog.search("thing")
    for hit in hits:
        shown = catalog.asset(hit.asset)
        assert (shown.width, shown.height) == SHOWN
        assert (shown.orientation or 1) == int(hit.uri[-5])
        assert len(hit.matches) == len(shown.annotations) == len(TEAMS)
        for said in (*hit.matches, *shown.annotations):
            units = SHOWN * 2 if said.is_relative else (1,) * 4
            sides = [side * unit for side, unit in zip((said.x, said.y, said.w, said.h), units, strict=True)]
            assert sides == pytest.approx(BOX)
    matches = [hit["matches"] for hit in hits.to_arrow().to_pylist()]
    assert [[one["x"] for one in found] for found in matches] == [
        [one.x for one in hit.matches] for hit in hits
    ]


def test_polygons_are_shown_on_the_picture(catalog: Catalog) -> None:
    for hit in catalog.search("thing"):
        rings = [said.geometry[0] for said in catalog.asset(hit.asset).annotations if said.geometry]
        assert len(rings) == 3
        for ring in rings:
            assert (min(ring[::2]), min(ring[1::2])) == pytest.approx((_LEFT, _TOP))
            assert (max(ring[::2]), max(ring[1::2])) == pytest.approx((_LEFT + _WIDE, _TOP + _HIGH))


def test_one_object_of_all_teams_is_one_object_of_a_snapshot(catalog: Catalog) -> None:
    assert (
        catalog.freeze("joined", query="thing", joining={"overlap": "one"}).definition.counts["annotations"]
        == 8
    )


def _coco(folder: Path) -> list[tuple[Path, tuple[int, int], list[float]]]:
    (path,) = folder.glob("annotations/instances_*.json")
    loaded = COCO(str(path))
    found = []
    for said in loaded.loadAnns(loaded.getAnnIds()):
        (image,) = loaded.loadImgs(said["image_id"])
        found.append((folder / image["file_name"], (image["width"], image["height"]), said["bbox"]))
        if "segmentation" in said:
            (ring,) = said["segmentation"]
            place = [min(ring[::2]), min(ring[1::2])]
            found.append((*found[-1][:2], [*place, max(ring[::2]) - place[0], max(ring[1::2]) - place[1]]))
    return found


@pytest.mark.parametrize("team", [None, *FROZEN])
def test_coco_has_the_size_of_the_picture_that_its_boxes_lie_on(
    catalog: Catalog, tmp_path: Path, team: str | None
) -> None:
    query = "thing" if team is None else f"thing[team:{team}]"
    name = f"coco-{team}"
    catalog.freeze(name, query=query, joining={"overlap": "keep"}).export(
        tmp_path / "out", format="coco", media="copy"
    )
    found = _coco(tmp_path / "out")
    assert len({path for path, _, _ in found}) == 8
    for path, size, box in found:
        stored = seen(path, heeds_exif=False)
        picture = stored if stored.size == size != SHOWN else seen(path, heeds_exif=True)
        assert picture.size == size
        assert is_on_red(picture, tuple(box))


@pytest.mark.parametrize("team", [None, *FROZEN])
def test_yolo_lies_on_the_picture_that_is_shown(catalog: Catalog, tmp_path: Path, team: str | None) -> None:
    """Ultralytics reads pictures with OpenCV, which turns them as EXIF says."""
    query = "thing" if team is None else f"thing[team:{team}]"
    catalog.freeze(f"yolo-{team}", query=query, joining={"overlap": "keep"}).export(
        tmp_path / "out", format="yolo"
    )
    paths = sorted((tmp_path / "out/images").rglob("*.png"))
    assert len(paths) == 8
    for path in paths:
        picture = seen(path, heeds_exif=True)
        label = Path(str(path).replace("/images/", "/labels/")).with_suffix(".txt")
        for line in label.read_text().splitlines():
            assert is_on_red(picture, _in_pixels([float(number) for number in line.split()[1:]]))


def _in_pixels(numbers: list[float]) -> tuple[float, float, float, float]:
    if len(numbers) > 4:
        left, top = min(numbers[::2]), min(numbers[1::2])
        wide, high = max(numbers[::2]) - left, max(numbers[1::2]) - top
    else:
        wide, high = numbers[2:]
        left, top = numbers[0] - wide / 2, numbers[1] - high / 2
    return left * SHOWN[0], top * SHOWN[1], wide * SHOWN[0], high * SHOWN[1]


@pytest.mark.parametrize("team", [None, *FROZEN])
def test_tensors_have_their_boxes_on_the_object(catalog: Catalog, team: str | None) -> None:
    pytest.importorskip("torch")
    query = "thing" if team is None else f"thing[team:{team}]"
    data = catalog.freeze(f"torch-{team}", query=query, joining={"overlap": "keep"}).torch()
    assert len(data) == len(NAMES)
    for pixels, target in data:
        picture = Image.fromarray((pixels.numpy() * 255).round().astype("uint8").transpose(1, 2, 0))
        assert picture.size == SHOWN
        for left, top, right, bottom in target["boxes"].tolist():
            assert is_on_red(picture, (left, top, right - left, bottom - top))
    assert (data.cut_box_count, data.left_out_box_count) == (0, 0)
