"""What `datacat ingest` is told of coverage."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.cli.main import main
from tests.ingest.test_formats import coco, save


def run(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0), "".join(capsys.readouterr())


def test_coverage_is_declared_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = coco(2)
    document["categories"] += [{"id": 8, "name": "Tree, large"}, {"id": 9, "name": "Car"}]
    place, catalog = str(save(tmp_path / "lake" / "a.json", document)), str(tmp_path / "catalog")
    Catalog.init(catalog)
    command = ("ingest", place, "--team", "a", "--name", "b", "-C", catalog)
    code, printed = run(*command, capsys=capsys)
    assert (code, "coverage: its 3 classes labelled exhaustively" in printed) == (0, True)
    options = ("--covers", 'Roof, "Tree, large"', "--covers-attributes", "n", "--ontology", "v2")
    code, printed = run(*command, *options, capsys=capsys)
    assert (code, "coverage: Roof, Tree, large labelled exhaustively" in printed) == (0, True)
    ((text,),) = Catalog.open(catalog).cursor().execute("SELECT coverage FROM label_sets").fetchall()
    expected = {
        "classes": ["Roof", "Tree, large"],
        "attributes": ["n"],
        "origin": "declared",
        "ontology": "v2",
    }
    assert json.loads(text) == expected
    code, printed = run(*command, "--covers", "roof", capsys=capsys)
    assert (code, "no label file names roof" in printed, "did you mean Roof?" in printed) == (0, True, True)


def test_licence_and_owner_are_shown_by_the_overview(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, catalog = str(save(tmp_path / "lake" / "a.json", coco(2))), str(tmp_path / "catalog")
    Catalog.init(catalog)
    said = ("--licence", "CC BY 4.0", "--owner", "ada@example.org")
    code, _ = run("ingest", place, "--team", "a", "--name", "b", *said, "-C", catalog, capsys=capsys)
    assert code == 0
    code, printed = run("overview", "a/b", "-C", catalog, capsys=capsys)
    shown = dict(line.split(maxsplit=1) for line in printed.splitlines() if " " in line)
    assert (shown["licence"], shown["owner"]) == ("CC BY 4.0", "ada@example.org")


def _of_two_formats(folder: Path) -> tuple[Path, str]:
    """A lake with COCO and YOLO in it, and the place of a catalog; both names must be quoted in a shell."""
    lake, catalog = folder / "my lake", str(folder / "my catalog")
    save(lake / "labels.json", coco(2))
    save(lake / "0.txt", "0 0.5 0.5 0.1 0.1\n")
    Catalog.init(catalog)
    return lake, catalog


def test_a_folder_of_several_formats_is_told_apart_and_ingested_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, catalog = _of_two_formats(tmp_path)
    command = ("ingest", str(lake), "--team", "a", "--name", "b", "-C", catalog)
    code, printed = run(*command, capsys=capsys)
    assert code == 1
    for format_ in ("coco", "yolo"):
        assert f"datacat ingest '{lake}' --team a --name b-{format_} --format {format_}" in printed
    code, printed = run(*command, "--each", capsys=capsys)
    assert (code, "a/b-coco" in printed, "a/b-yolo" in printed) == (0, True, True)
    assert len(Catalog.open(catalog).label_sets()) == 2


def test_commands_for_each_format_keep_all_that_was_given_and_can_be_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They lost the catalog, the media root, what is covered, and all else."""
    lake, catalog = _of_two_formats(tmp_path)
    given = ["-C", catalog, "--media-root", str(lake), "--covers", "none", "--licence", "it's mine"]
    given += ["--look-again", "-m", "first: `datacat log`", "--author", "ada"]
    command = ("ingest", str(lake), "--team", "a", "--name", "b", *given)
    code, printed = run(*command, capsys=capsys)
    lines = [line for line in printed.splitlines() if line.startswith("datacat ingest")]
    assert (code, len(lines)) == (1, 2)
    for line in lines:
        words = shlex.split(line)
        assert set(given) <= set(words)
        assert run(*words[1:], capsys=capsys)[0] == 0
    assert set(Catalog.open(catalog).label_sets()["label_set"].to_pylist()) == {"a/b-coco", "a/b-yolo"}


def test_an_ingest_of_nothing_but_rejects_fails_with_the_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, catalog = tmp_path / "lake", str(tmp_path / "catalog")
    save(lake / "a.json", [{"id": True, "data": {}, "annotations": [{"result": []}]}])
    Catalog.init(catalog)
    code, printed = run("ingest", str(lake), "--team", "a", "--name", "b", "-C", catalog, capsys=capsys)
    assert (code, "every record was rejected: 1 × true is no identifier (a.json, [0])" in printed) == (
        1,
        True,
    )
    assert Catalog.open(catalog).state == 0
