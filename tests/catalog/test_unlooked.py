"""A snapshot says on how many of its assets nobody looked for a class, and its exports do."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.cli.main import main
from datacat.errors import SnapshotDamaged
from datacat.versions import unlooked
from datacat.versions.facts import check_facts
from tests.catalog.lakes import box, coco, draw

_PICTURES = ["0.png", "1.png", "2.png", "3.png"]
_ROOF = "2 × assets on which nobody looked for `roof`, which would seem absent"
_CAR = "2 × assets on which nobody looked for `car`, which would seem absent"


def teams(
    root: Path,
    said: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    covers: Mapping[str, str | Sequence[str]] = {},
) -> Catalog:
    """A catalog of what teams labelled: by team, class and picture; `covers` by team."""
    draw(root / "media", _PICTURES)
    catalog = Catalog.init(root / "catalog")
    for team, classes in said.items():
        boxes = [box(picture, name) for name, pictures in classes.items() for picture in pictures]
        coco(root / team / "instances.json", boxes)
        catalog.ingest(
            str(root / team), team=team, name="n", media_root=str(root / "media"), covers=covers.get(team)
        )
    return catalog


@pytest.fixture
def two(tmp_path: Path) -> Catalog:
    """One team's roofs on two pictures, another one's cars on two others."""
    return teams(tmp_path, {"a": {"roof": _PICTURES[:2]}, "b": {"car": _PICTURES[2:]}})


def test_classes_that_nobody_looked_for_are_counted(two: Catalog) -> None:
    frozen = two.freeze("s", query="roof OR car")
    assert frozen.summary()["unlooked"] == {"car": 2, "roof": 2}
    assert frozen.definition.counts["unlooked:car"] == 2
    alone = two.freeze("alone", query="roof")
    assert alone.summary()["unlooked"] == {}
    assert not [name for name in alone.definition.counts if name.startswith("unlooked")]


@pytest.mark.parametrize(("format_name", "media"), [("coco", "reference"), ("yolo", "copy")])
def test_exports_say_it(two: Catalog, tmp_path: Path, format_name: str, media: str) -> None:
    frozen = two.freeze("s", query="roof OR car")
    report = frozen.export(tmp_path / "out", format=format_name, media=media)
    assert {_ROOF, _CAR} <= set(report.losses)
    alone = two.freeze("alone", query="roof").export(tmp_path / "alone", format=format_name, media=media)
    assert not [line for line in alone.losses if "looked" in line]


def test_parquet_keeps_it(two: Catalog, tmp_path: Path) -> None:
    report = two.freeze("s", query="roof OR car").export(tmp_path / "out", format="parquet")
    assert report.losses == ()
    counts = json.loads((tmp_path / "out/definition.json").read_text())["counts"]
    assert (counts["unlooked:car"], counts["unlooked:roof"]) == (2, 2)


def test_of_many_classes_the_most_frequent_are_counted_and_few_named(tmp_path: Path) -> None:
    names = [f"c{number:02}" for number in range(60)]
    said = {"a": dict.fromkeys(names, _PICTURES[:1]), "b": {"roof": _PICTURES[1:]}}
    frozen = teams(tmp_path, said).freeze("s", query="*")
    report = frozen.export(tmp_path / "out", format="coco")
    lines = [line for line in report.losses if "looked" in line]
    assert len(frozen.definition.unlooked) == unlooked.MOST_CLASSES == 50
    assert len(lines) == 11
    assert "40 × more classes for which nobody looked on some assets, where they would seem absent" in lines


def test_who_covers_a_class_has_looked(tmp_path: Path) -> None:
    said = {"a": {"roof": _PICTURES[:2], "car": _PICTURES[:1]}, "b": {"car": _PICTURES[2:]}}
    frozen = teams(tmp_path, said, covers={"a": "all"}).freeze("s", query="roof OR car")
    assert frozen.summary()["unlooked"] == {"roof": 2}


def test_who_labelled_one_that_is_not_frozen_has_looked(tmp_path: Path) -> None:
    said = {"a": {"roof": _PICTURES[:3], "car": _PICTURES[:1]}, "b": {"car": _PICTURES[1:2]}}
    catalog = teams(tmp_path, said, covers={"a": "none"})
    frozen = catalog.freeze("s", query="roof OR car team:b")
    assert frozen.summary()["unlooked"] == {"car": 1}


def test_policy_all_counts_them_likewise(two: Catalog) -> None:
    frozen = two.freeze("s", query="media:image", annotations="all")
    assert frozen.summary()["unlooked"] == {"car": 2, "roof": 2}


def test_classes_joined_by_a_concept_are_one(tmp_path: Path) -> None:
    said = {
        "a": {"Dach": _PICTURES[:1], "tree": _PICTURES[:2]},
        "b": {"roof": _PICTURES[2:3], "car": _PICTURES[2:]},
    }
    catalog = teams(tmp_path, said, covers={"a": ["Dach"], "b": "none"})
    catalog.concepts.add("roof", ["Dach", "roof"])
    frozen = catalog.freeze("s", query="roof OR tree OR car", joining={"classes_by": "concept"})
    assert frozen.summary()["unlooked"] == {"car": 2, "tree": 2, "roof": 1}
    apart = catalog.freeze("apart", query="roof OR tree OR car")
    assert apart.summary()["unlooked"] == {"roof": 3, "Dach": 2, "car": 2, "tree": 2}


def test_who_says_that_one_of_two_joined_classes_is_absent_has_not_looked_for_both(tmp_path: Path) -> None:
    said = {"a": {"car": _PICTURES[:1], "truck": _PICTURES[1:2], "tree": _PICTURES}}
    joining = {"class_map": {"vehicle": ["car", "truck"]}}
    one = teams(tmp_path / "one", said, covers={"a": ["car"]}).freeze("s", query="*", joining=joining)
    assert one.summary()["unlooked"] == {"vehicle": 2}
    both = teams(tmp_path / "both", said, covers={"a": ["car", "truck"]}).freeze(
        "s", query="*", joining=joining
    )
    assert both.summary()["unlooked"] == {}


def test_a_map_of_one_team_counts_what_that_team_looked_for(tmp_path: Path) -> None:
    said = {
        "a": {"top": _PICTURES[:1], "tree": _PICTURES[:2]},
        "b": {"top": _PICTURES[2:3], "car": _PICTURES[2:]},
    }
    catalog = teams(tmp_path, said, covers={"a": ["top"], "b": ["top"]})
    frozen = catalog.freeze("s", query="*", joining={"class_map": {"a:top": "roof"}})
    assert frozen.summary()["unlooked"] == {"car": 2, "roof": 2, "top": 2, "tree": 2}


def test_lists_of_absent_classes_by_picture_count(tmp_path: Path) -> None:
    draw(tmp_path / "media", _PICTURES)
    path = tmp_path / "labels/instances.json"
    coco(path, [box("0.png", "car"), *(box(name, "tree") for name in _PICTURES)])
    document = json.loads(path.read_text())
    for image, absent in zip(document["images"], [[], [0], [], [0]], strict=True):
        image |= {"neg_category_ids": absent, "not_exhaustive_category_ids": []}
    path.write_text(json.dumps(document))
    catalog = Catalog.init(tmp_path / "catalog")
    catalog.ingest(str(path.parent), team="a", name="n", media_root=str(tmp_path / "media"))
    assert catalog.freeze("s", query="car OR tree").summary()["unlooked"] == {"car": 1}


def run(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(words)


def test_the_command_line_says_it_and_a_query_that_leaves_them_out(
    two: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["-C", str(tmp_path / "catalog")]
    run(["snapshot", "create", "s", "--query", "roof OR car", *at])
    said = capsys.readouterr()
    note = next(line for line in said.err.splitlines() if "nobody looked" in line)
    assert (
        "nobody looked for `car` on 2, for `roof` on 2 of 4 assets: an export says that there is none" in note
    )
    assert any(line.split() == ["unlooked", "car", "2,", "roof", "2"] for line in said.out.splitlines())
    advice = shlex.split(note.partition("--query ")[2])[0]
    assert advice == "(…) AND NOT ?class=car AND NOT ?class=roof"
    run(["snapshot", "show", "s", "--json", *at])
    assert json.loads(capsys.readouterr().out)["unlooked"] == {"car": 2, "roof": 2}
    run(["snapshot", "create", "t", "--query", "roof AND NOT ?class=roof", *at])
    assert "looked" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("name", "asked"),
    [("traffic light", 'class="traffic light"'), ("a:b", 'class="a:b"'), ("ca*", 'class="ca*"')],
)
def test_the_query_works_for_whatever_classes_are_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, asked: str
) -> None:
    said = {"a": {name: _PICTURES[:1], "cat": _PICTURES[1:2]}, "b": {"cat": _PICTURES[2:]}}
    catalog = teams(tmp_path, said, covers={"a": "all"})
    run(["snapshot", "create", "s", "--query", "media:image", "-C", str(tmp_path / "catalog")])
    note = next(line for line in capsys.readouterr().err.splitlines() if "nobody looked" in line)
    query = shlex.split(note.partition("--query ")[2])[0].replace("…", "media:image")
    assert query == f"(media:image) AND NOT ?{asked}"
    assert catalog.freeze("t", query=query).summary()["assets"] == 2
    assert catalog.freeze("t", query=query).summary()["unlooked"] == {}


def test_of_a_concept_the_query_asks_for_the_concept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"a": {"Dach": _PICTURES[:1]}, "b": {"roof": _PICTURES[1:2], "car": _PICTURES[2:]}}
    catalog = teams(tmp_path, said, covers={"b": ["car"]})
    catalog.concepts.add("roof", ["Dach", "roof"])
    words = ["snapshot", "create", "s", "--query", "media:image", "--classes-by", "concept"]
    run([*words, "-C", str(tmp_path / "catalog")])
    said_of_it = capsys.readouterr().err
    assert "nobody looked for `roof` on 2, for `car` on 1 of 4 assets" in said_of_it
    assert "'(…) AND NOT ?roof AND NOT ?car'" in said_of_it
    left = catalog.freeze("t", query="(media:image) AND NOT ?roof", joining={"classes_by": "concept"})
    assert (left.summary()["assets"], left.summary()["unlooked"]) == (2, {})


def test_a_class_that_a_map_made_has_no_query(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teams(tmp_path, {"a": {"Dach": _PICTURES[:2]}, "b": {"car": _PICTURES[2:]}}, covers={"b": "all"})
    words = ["snapshot", "create", "s", "--query", "Dach OR car", "--map-class", "Dach=top"]
    run([*words, "-C", str(tmp_path / "catalog")])
    said = capsys.readouterr().err
    assert "nobody looked for `car` on 2, for `top` on 2 of 4 assets" in said
    assert "'(…) AND NOT ?class=car'" in said


def test_a_definition_that_cannot_be_so_is_refused(two: Catalog) -> None:
    frozen = two.freeze("s", query="roof OR car")
    folder, definition = frozen.file("assets").parent, frozen.definition

    def check(**counts: int) -> None:
        check_facts(folder, dataclasses.replace(definition, counts={**definition.counts, **counts}))

    check(**{"unlooked:car": 1})  # nobody can tell from the rows
    with pytest.raises(SnapshotDamaged, match="nobody looked for car on 5 of 4 assets"):
        check(**{"unlooked:car": 5})
    with pytest.raises(SnapshotDamaged, match="nobody looked for car on -1 of 4 assets"):
        check(**{"unlooked:car": -1})
    with pytest.raises(SnapshotDamaged, match="nobody looked for boat, which is no class of it"):
        check(**{"unlooked:boat": 1})
    older = {name: count for name, count in definition.counts.items() if not name.startswith("unlooked")}
    check_facts(folder, dataclasses.replace(definition, counts=older))
