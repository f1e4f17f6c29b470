"""What should come out of the cases about YOLO."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import datacat
from datacat.errors import FormatError, NothingUnderstood
from datacat.testing.format_suite import read, rows

from .conftest import Case

_BOUNDED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from pathlib import Path
from datacat.testing.format_suite import read, rows
if __name__ == "__main__":
    staged = read(Path(sys.argv[1]), Path(sys.argv[2]))
    print(len(rows(staged, "annotations")), [row["reason"] for row in rows(staged, "rejects")])
"""


def _splits(folder: Path, into: Path) -> dict[str, str | None]:
    return {Path(row["uri"]).name: row["split"] for row in rows(read(folder, into), "listed")}


def test_a_label_and_its_picture_in_different_splits(case: Case, tmp_path: Path) -> None:
    staged = read(case("yolo-cross-split"), tmp_path / "out")
    assert {row["split"] for row in rows(staged, "listed")} == {"train"}
    assert any("lies in the split val, its picture in train" in note for note in staged.tally.notes)


def test_each_line_of_another_kind_is_rejected_with_its_number(case: Case, tmp_path: Path) -> None:
    staged = read(case("yolo-label-numbers-of-another-kind"), tmp_path / "out")
    rejects = {Path(staged.files[row["file"]].uri).name: row for row in rows(staged, "rejects")}
    assert {name: row["position"] for name, row in rejects.items()} == dict.fromkeys(
        ("b0.txt", "b1.txt", "b2.txt", "b3.txt"), "line 1"
    )
    assert rejects["b0.txt"]["reason"] == "'0,5' is no number, in which a comma stands for the point"
    assert (len(rows(staged, "annotations")), len(rows(staged, "listed"))) == (1, 5)
    assert staged.tally.notes["a label file of which no line can be read: its picture is kept"] == 4


def test_names_count_below_their_own_folder_only(case: Case, tmp_path: Path) -> None:
    staged = read(case("yolo-names-from-sibling"), tmp_path / "out")
    assert sorted(row["class"] for row in rows(staged, "annotations")) == ["0", "1", "fence", "gate"]
    assert any("they are named by their numbers" in note for note in staged.tally.notes)


def test_names_are_kept_as_written(case: Case, tmp_path: Path) -> None:
    staged = read(case("yolo-names-yes-no"), tmp_path / "out")
    assert [row["class"] for row in rows(staged, "annotations")] == [
        *("yes", "no", "off", "010", "1.50", "2024-01-31", "null", "1e3"),
    ]


def test_boxes_in_pixels_are_refused(case: Case, tmp_path: Path) -> None:
    folder = case("yolo-pixel-boxes")
    with pytest.raises(FormatError, match="not YOLO: its numbers are no fractions"):
        read(folder, tmp_path / "out")


def test_no_split_comes_from_a_word_within_a_name(case: Case, tmp_path: Path) -> None:
    assert set(_splits(case("yolo-split-from-word"), tmp_path / "out").values()) == {None}


def test_a_number_over_one_behind_a_box_is_a_track(case: Case, tmp_path: Path) -> None:
    staged = read(case("yolo-track-id-column"), tmp_path / "out")
    found = [
        (row["geometry_type"], row["kind"], row["confidence"], row["track"])
        for row in rows(staged, "annotations")
    ]
    assert sorted(found, key=str) == [
        ("box", "annotation", None, "12"),
        ("box", "annotation", None, "7"),
        ("box", "prediction", 0.91, "7"),
    ]
    assert any("numbers of tracks" in line for line in staged.tally.assumed)


def test_lists_of_pictures_give_splits(case: Case, tmp_path: Path) -> None:
    found = _splits(case("yolo-train-txt-ignored"), tmp_path / "out")
    assert found == {"a.png": "train", "b.png": "train", "c.png": "val"}


def test_pictures_without_a_label_file_are_assets(case: Case, tmp_path: Path) -> None:
    staged = read(case("yolo-unlabelled-sibling-same-names"), tmp_path / "out")
    assert len(rows(staged, "listed")) == 5
    assert sum(row["position"] == "no label file" for row in rows(staged, "listed")) == 3


def test_a_yaml_bomb_is_refused_and_other_files_go_in(case: Case, tmp_path: Path) -> None:
    folder = case("yolo-yaml-bomb")
    command = [sys.executable, "-c", _BOUNDED, str(folder), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "1 ['refused: it expands to more than 200,000 values']"


def test_data_yaml_gives_splits(case: Case, tmp_path: Path) -> None:
    found = _splits(case("yolo-yaml-split"), tmp_path / "out")
    assert found == {"a.jpg": "train", "b.jpg": "train", "c.jpg": "val"}


def _exported(folder: Path, tmp_path: Path, query: str) -> tuple[Path, tuple[str, ...]]:
    """The only snapshot of a case, exported as YOLO with nothing said of media; and what was lost."""
    catalog = datacat.init(str(tmp_path / "cat"))
    catalog.ingest(str(folder), team="t", name="n")
    frozen = datacat.open(str(tmp_path / "cat")).freeze("x", query=query)
    return tmp_path / "yolo", frozen.export(tmp_path / "yolo", format="yolo").losses


def test_an_export_is_trained_on_its_own_labels(case: Case, tmp_path: Path) -> None:
    folder, _ = _exported(case("yolo-export-reference"), tmp_path, "gate")
    data = yaml.safe_load((folder / "data.yaml").read_text())
    assert {"train", "val"} <= data.keys()
    lines = (folder / data["train"]).read_text().splitlines()
    labels = [folder / line.replace("/images/", "/labels/").replace(".png", ".txt") for line in lines]
    assert [label.read_text().split()[0] for label in labels] == ["0", "0"]
    assert data["names"] == {0: "gate"}


def test_boxes_past_the_edge_are_cut_or_left_out(case: Case, tmp_path: Path) -> None:
    folder, losses = _exported(case("coco-box-past-edge-to-yolo"), tmp_path, "shed")
    (label,) = folder.rglob("e.txt")
    found = [[float(word) for word in line.split()[1:]] for line in label.read_text().splitlines()]
    assert {len(values) > 4 for values in found} == {
        True
    }  # a polygon is among them: all are written as polygons
    assert all(-1e-9 <= value <= 1 + 1e-9 for values in found for value in values)
    assert all(max(values[0::2]) > min(values[0::2]) for values in found)
    assert any("cut at its edge" in loss for loss in losses)
    # The box of -9x-9 spans 21 to 30, which the ingest notes: nothing is left out.
    assert len(found) == 5
    assert any(min(values[0::2]) == pytest.approx(21 / 64) for values in found)


def test_a_nul_in_a_name_is_rejected_with_its_place(case: Case, tmp_path: Path) -> None:
    folder = case("coco-nul-in-name")
    with pytest.raises(
        NothingUnderstood, match=r"the name of the asset has a NUL in it \(c\.json, images\[0\]\)"
    ):
        read(folder, tmp_path / "alone")
    (folder / "d.json").write_text((folder / "c.json").read_text().replace("\\u0000", ""))
    staged = read(folder, tmp_path / "out")
    found = {row["reason"]: row["position"] for row in rows(staged, "rejects")}
    assert found == {
        "the name of the asset has a NUL in it": "images[0]",
        "its asset was rejected": "annotations[0]",
    }
    assert [row["file"] for kind in ("annotations", "listed") for row in rows(staged, kind)] == [1, 1]
