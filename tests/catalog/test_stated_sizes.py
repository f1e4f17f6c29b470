"""What an ingest says of label files that state another size of a picture than it has."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from datacat.catalog import Catalog
from tests.ingest.test_formats import save

_ORIENTATION = 0x0112


def _picture(path: Path, orientation: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", (64, 48))
    exif = picture.getexif()
    exif[_ORIENTATION] = orientation
    picture.save(path, exif=exif)


def _notes(folder: Path, orientation: int) -> str:
    """Of a picture of 64x48 that a COCO file says to be 48x64."""
    _picture(folder / "lake/a.jpg", orientation)
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [50, 10, 10, 10]}
    images = [{"id": 1, "file_name": "a.jpg", "width": 48, "height": 64}]
    document = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": [box]}
    save(folder / "lake/a.json", document)
    report = Catalog.init(str(folder / "catalog")).ingest(str(folder / "lake"), team="a", name="x")
    return "\n".join(report.notes)


def test_swapped_sides_that_no_exif_explains_are_said(tmp_path: Path) -> None:
    notes = _notes(tmp_path, orientation=1)
    assert "label file says 48x64, the picture is 64x48: 1" in notes
    assert "swaps width and height of a picture that no EXIF turns" in notes


def test_swapped_sides_that_exif_explains_are_said_so(tmp_path: Path) -> None:
    notes = _notes(tmp_path, orientation=6)
    assert "a label file gives the size of a picture as its EXIF turns it: 1" in notes
    assert "no EXIF turns" not in notes
