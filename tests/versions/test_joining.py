"""Several teams' labels become one training set, and what that did is counted."""

from __future__ import annotations

import datetime
import itertools
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from datacat.errors import DatacatError, UsageError
from datacat.model.joining import Joining, JoiningChoice
from datacat.model.snapshot import MANIFEST, SplitRule
from datacat.versions.class_names import Asked
from datacat.versions.freeze import freeze
from datacat.versions.manifest import Contents, batches

from .lakes import Answer, Lake

MAPPING, CLAIMS, SURVEY = 0, 1, 2
Box = tuple[float, float, float, float]


def lake(*said: dict[str, Any], assets: int = 1) -> Lake:
    """Pictures of 640 × 480 of which three teams say something; by default of the first."""
    found = Lake()
    found.rows["label_sets"].append({"label_set": SURVEY, "team": "survey", "name": "all"})
    for number in range(assets):
        found.add_asset(f"s3://lake/{number}.png", bytes([number]), width=640, height=480)
    found.rows["label_set_assets"].clear()
    for statement in said:
        found.add_annotation(
            statement.get("asset", 0), **{k: v for k, v in statement.items() if k != "asset"}
        )
    return found


def box(label_set: int, name: str | None, at: Box, **more: Any) -> dict[str, Any]:
    x, y, w, h = at
    placed = {"geometry_type": "box", "x": x, "y": y, "w": w, "h": h, "is_relative": False}
    return {"label_set": label_set, "class": name, **placed, **more}


def joined(found: Lake, folder: Path, **choice: Any) -> tuple[list[dict[str, Any]], Contents]:
    """What is frozen of all assets."""
    folder.mkdir(exist_ok=True)
    chosen: JoiningChoice = choice  # type: ignore[assignment]  # the wrong ones are tried, too
    answer = Answer(range(len(found.rows["assets"])))
    rule = SplitRule.parse("")
    contents = freeze(
        found.cursor(), answer, rule=rule, annotations="all", into=folder, joining=Asked(chosen)
    )
    rows = pa.Table.from_batches(batches(folder, "annotations"), schema=MANIFEST["annotations"]).to_pylist()
    return rows, contents


def _who(rows: Iterable[dict[str, Any]]) -> list[tuple[str, str, float | None]]:
    return sorted((row["label_set"].partition("/")[0], row["class"], row["x"]) for row in rows)


def _concepts(found: Lake, **members: Sequence[str]) -> Lake:
    for concept, names in members.items():
        for name in names:
            team, _, said = name.rpartition(":")
            found.rows["concepts"].append({"concept": concept, "team": team or None, "class": said})
    return found


A, B, FAR = (10.0, 10.0, 100.0, 100.0), (15.0, 10.0, 100.0, 100.0), (400.0, 300.0, 50.0, 50.0)


def test_classes_become_the_concept_that_they_belong_to_and_say_what_they_were(tmp_path: Path) -> None:
    found = lake(
        box(MAPPING, "Dach", A), box(CLAIMS, "roof", B), box(CLAIMS, "car", FAR), box(SURVEY, "Dach", FAR)
    )
    _concepts(found, roof=["mapping:Dach", "claims:rooftop"])
    rows, contents = joined(found, tmp_path, classes_by="concept")
    assert [(row["label_set"], row["class"], row["said_class"]) for row in rows] == [
        ("claims/houses", "car", None),
        ("claims/houses", "roof", None),
        ("mapping/roofs", "roof", "Dach"),
        ("survey/all", "Dach", None),  # whose Dach nobody bound
    ]
    assert contents.joined.mapped == ({"team": "mapping", "class": "Dach", "name": "roof", "annotations": 1},)
    assert contents.classes == {"car", "roof", "Dach"}


def test_a_class_of_several_concepts_must_be_mapped(tmp_path: Path) -> None:
    found = _concepts(lake(box(MAPPING, "bank", A)), shore=["bank"], office=["mapping:bank"])
    with pytest.raises(UsageError, match="'bank' of mapping belongs to several concepts: office, shore"):
        joined(found, tmp_path, classes_by="concept")
    rows, _ = joined(found, tmp_path, classes_by="concept", class_map={"bank": "shore"})
    assert [row["class"] for row in rows] == ["shore"]


@pytest.mark.parametrize(
    "given",
    [
        {"roof": ["Dach", "claims:top"], "": ["junk"]},
        {"Dach": "roof", "claims/top": "roof", "junk": ""},
        '{"roof": ["Dach", "claims:top"], "": ["junk"]}',
        "Dach: roof\nclaims:top: roof\njunk: ''\n",
    ],
)
def test_a_map_renames_and_leaves_out(tmp_path: Path, given: Any) -> None:
    said = [(MAPPING, "Dach"), (CLAIMS, "top"), (MAPPING, "top"), (SURVEY, "junk"), (SURVEY, None)]
    found = lake(*(box(team, name, (number, 0, 5, 5)) for number, (team, name) in enumerate(said)))
    if isinstance(given, str):
        (tmp_path / "map.yaml").write_text(given)
        given = tmp_path / "map.yaml"
    rows, contents = joined(found, tmp_path / "out", class_map=given)
    assert [row["class"] for row in rows] == ["roof", "roof", "top", None]
    assert contents.joined.left_out == ({"team": "survey", "class": "junk", "annotations": 1},)
    assert [item["annotations"] for item in contents.joined.mapped] == [1, 1]


def test_a_map_is_applied_once_and_a_team_s_own_entry_goes_first(tmp_path: Path) -> None:
    found = lake(box(MAPPING, "a", A), box(MAPPING, "b", FAR), box(CLAIMS, "a", FAR))
    rows, _ = joined(found, tmp_path, class_map={"a": "b", "b": "a", "claims:a": "c"})
    assert sorted((row["said_class"], row["class"]) for row in rows) == [("a", "b"), ("a", "c"), ("b", "a")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roof: [Dach]\nhouse: [Dach]\n", "'Dach' stands twice"),
        ("Dach: roof\nDach: house\n", "'Dach' stands twice"),
        ("roof: [Dach]\nDach: house\n", "two shapes"),
        ("roof: [[Dach]]\n", "more than names"),
        ("roof: {Dach: 1}\n", "more than names"),
        ("[Dach]\n", "is no map of classes"),
        ("", "is no map of classes"),
        ("roof: [Dahc]\n", "no class 'Dahc'.*\n?Did you mean Dach"),
        ("Dach: null\n", "'null' is no class name"),
        ('Dach: "ro\\u202eof"\n', "characters in it that are not seen"),
        ('Dach: "ro\\0of"\n', "characters in it that are not seen"),
        ('Dach: " "\n', "begins or ends with a blank"),
        (f"Dach: {'x' * 1001}\n", "a class name of 1,001 characters"),
        ("a: &a [Dach, Dach]\n" + "".join(f"k{n}: [*a]\n" for n in range(3)), "more than names"),
        ("a: [Dach\n", "not valid YAML"),
        ("Dach: " + "[" * 500 + "]" * 500, "nested deeper"),
        ("Dach: roof\n" + "# \n" * 1_500_000, "more than the 4,194,304"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(DatacatError, match=f"^{tmp_path}/map.yaml: .*{told}"):
        joined(lake(box(MAPPING, "Dach", A)), tmp_path / "out", class_map=str(tmp_path / "map.yaml"))


def test_a_bomb_of_aliases_is_refused(tmp_path: Path) -> None:
    lines = ["k0: &a0 [Dach, Dach]"] + [
        f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)
    ]
    (tmp_path / "map.yaml").write_text("\n".join(lines))
    with pytest.raises(DatacatError, match="expands to more than 200,000 values"):
        joined(lake(box(MAPPING, "Dach", A)), tmp_path / "out", class_map=tmp_path / "map.yaml")


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (
            {"prefer": []},
            r"nobody is preferred\nWrite --prefer TEAM,TEAM; in Python joining={'prefer': \['TEAM', 'TEAM'\]}",
        ),
        ({"prefer": ""}, "nobody is preferred"),
        ({"prefer": {"mapping": 1}}, "`prefer` is no list of names"),
        ({"prefer": [7]}, "`prefer` is no list of names"),
        ({"prefer": ["maping"]}, "no team or label set 'maping'.*\n?Did you mean mapping"),
        ({"prefer": ["mapping", "mapping"]}, "'mapping' is preferred twice"),
        ({"prefer": ["mapping"], "overlap": "keep"}, "where all is kept"),
        ({"overlap": "first"}, "no overlap 'first'"),
        ({"classes_by": "name"}, "no classes_by 'name'"),
        ({"classesby": "team"}, "no choice 'classesby'"),
        ({"class_map": {"Dach": 3}}, "more than names"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(tmp_path: Path, choice: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        joined(lake(box(MAPPING, "Dach", A)), tmp_path, **choice)


def test_of_one_object_the_preferred_label_stays_one_to_one(tmp_path: Path) -> None:
    nearly = (12.0, 10.0, 100.0, 100.0)
    found = lake(
        box(MAPPING, "roof", A), box(CLAIMS, "roof", nearly), box(CLAIMS, "roof", B), box(CLAIMS, "car", A)
    )
    rows, contents = joined(found, tmp_path, prefer=["mapping"])
    assert joined(found, tmp_path / "text", prefer="mapping, claims")[1].joining.prefer == (
        "mapping",
        "claims",
    )
    assert _who(rows) == [("claims", "car", 10), ("claims", "roof", 15), ("mapping", "roof", 10)]
    assert contents.joined.same == ({"team": "claims", "class": "roof", "annotations": 1},)
    rows, _ = joined(found, tmp_path / "claims", prefer=["claims/houses"])
    assert _who(rows) == [("claims", "car", 10), ("claims", "roof", 12), ("claims", "roof", 15)]


def test_who_is_not_preferred_comes_behind_by_name(tmp_path: Path) -> None:
    found = lake(
        box(MAPPING, "roof", A), box(CLAIMS, "roof", B), box(SURVEY, "roof", A), box(MAPPING, "roof", FAR)
    )
    assert _who(joined(found, tmp_path / "1", overlap="one")[0])[0] == ("claims", "roof", 15)
    rows, contents = joined(found, tmp_path / "2", prefer=["survey"])
    assert _who(rows) == [("mapping", "roof", 400), ("survey", "roof", 10)]
    assert [item["annotations"] for item in (*contents.joined.same, *contents.joined.duplicates)] == [1, 1]


def test_people_s_labels_go_before_a_model_s_whoever_is_preferred(tmp_path: Path) -> None:
    found = lake(
        box(MAPPING, "roof", A, kind="prediction"),
        box(CLAIMS, "roof", B),
        box(SURVEY, "roof", B, status="draft"),
    )
    rows, _ = joined(found, tmp_path, prefer=["mapping", "survey", "claims"])
    assert _who(rows) == [("claims", "roof", 15)]


def test_shapes_are_matched_by_their_box_and_what_has_none_is_left_alone(tmp_path: Path) -> None:
    polygon = {"geometry_type": "polygon", "geometry": "[[10, 10, 110, 10, 110, 110]]"}
    rotated = {"geometry_type": "rotated", "geometry": '{"center": [60, 60], "size": [99, 99], "degrees": 3}'}
    points = {"geometry_type": "other", "geometry": "{}", "x": None, "y": None, "w": None, "h": None}
    found = lake(
        box(MAPPING, "roof", A, **polygon),
        box(CLAIMS, "roof", B, **rotated),
        box(MAPPING, "roof", FAR, **points),
        box(CLAIMS, "roof", FAR, **(points | {"geometry": "[]"})),
        box(CLAIMS, None, A),
        box(SURVEY, "roof", A, is_crowd=True),
    )
    rows, contents = joined(found, tmp_path, prefer=["mapping"])
    assert sorted(row["geometry_type"] for row in rows) == ["box", "box", "other", "other", "polygon"]
    assert contents.joined.same == ({"team": "claims", "class": "roof", "annotations": 1},)


def test_boxes_are_compared_in_pixels_of_the_picture(tmp_path: Path) -> None:
    """One in fractions, one drawn on a picture of half the size."""
    found = lake(
        box(MAPPING, "roof", (100, 100, 200, 200)),
        box(CLAIMS, "roof", (100 / 640, 100 / 480, 200 / 640, 200 / 480), is_relative=True),
        box(SURVEY, "roof", (50, 50, 100, 100)),
    )
    found.rows["label_set_assets"].append(
        {"label_set": SURVEY, "source_file": 0, "asset": 0, "width": 320, "height": 240}
    )
    rows, _ = joined(found, tmp_path, prefer=["mapping"])
    assert _who(rows) == [("mapping", "roof", 100)]
    rows, _ = joined(found, tmp_path / "survey", prefer=["survey"])
    assert [(row["label_set"], row["drawn"]) for row in rows] == [("survey/all", "320x240")]


def test_what_is_said_of_the_whole_picture_is_one_a_class(tmp_path: Path) -> None:
    whole = [
        {"label_set": team, "class": name} for team in (CLAIMS, MAPPING) for name in ("sunny", "sunny", "wet")
    ]
    rows, contents = joined(lake(*whole), tmp_path, prefer=["mapping"])
    assert _who(rows) == [("mapping", "sunny", None), ("mapping", "wet", None)]
    assert sum(int(item["annotations"]) for item in (*contents.joined.same, *contents.joined.duplicates)) == 4
    rows, contents = joined(lake(*whole), tmp_path / "kept")  # votes, perhaps
    assert len(rows) == 6
    assert [item["objects"] for item in contents.joined.shared] == [1, 1]


def test_by_default_all_stays_but_duplicates_and_it_is_said_what_overlaps(tmp_path: Path) -> None:
    found = lake(
        *(box(MAPPING, "roof", A, attributes=text) for text in ("{}", "{}", '{"a": 1}')),
        box(CLAIMS, "roof", B),
        box(SURVEY, "Dach", B),
    )
    rows, contents = joined(found, tmp_path)
    assert len(rows) == 4
    assert contents.joined.duplicates == ({"team": "mapping", "class": "roof", "annotations": 1},)
    assert contents.joined.shared == ({"class": "roof", "objects": 1, "annotations": 2},)
    assert contents.joined.coinciding == ({"class": "Dach", "other": "roof", "pairs": 2},)
    assert contents.joining == Joining()
    assert len(joined(found, tmp_path / "one", overlap="one")[0]) == 3 - 1


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("annotator", ["ann", "bob", None]),
        ("model", ["a", "b", None]),
        ("confidence", [0.2, 0.9, None]),
        ("status", ["done", "reviewed", None]),
        ("kind", ["annotation", "prediction"]),
    ],
)
def test_by_default_equal_boxes_of_two_voices_both_stay(tmp_path: Path, key: str, values: list[Any]) -> None:
    said = [box(MAPPING, "roof", A, external_id=str(n), **{key: value}) for n, value in enumerate(values * 2)]
    rows, contents = joined(lake(*said), tmp_path)
    assert sorted(map(str, (row[key] for row in rows))) == sorted(map(str, values))
    assert [item["annotations"] for item in contents.joined.duplicates] == [len(values)]


@pytest.mark.parametrize(
    "placed", [{}, {"geometry_type": "none", "x": None, "y": None, "w": None, "h": None}]
)
def test_of_what_says_the_same_the_surest_stays_then_the_newest(tmp_path: Path, placed: Any) -> None:
    old, new = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, 2024))
    said = [(0.9, old), (0.2, new), (None, new), (float("nan"), new), (0.9, new), (0.9, None)]
    for order in (said, said[::-1]):
        found = lake(*(box(MAPPING, "roof", A, confidence=c, created=at, **placed) for c, at in order))
        rows, _ = joined(found, tmp_path, overlap="one")
        assert [(row["confidence"], row["created"]) for row in rows] == [(0.9, new)]


def test_classes_that_become_one_may_make_duplicates(tmp_path: Path) -> None:
    found = lake(box(MAPPING, "car", A), box(MAPPING, "truck", A), box(MAPPING, "truck", B))
    rows, contents = joined(found, tmp_path, class_map={"vehicle": ["car", "truck"]})
    assert [row["said_class"] for row in rows] == ["car", "truck"]
    assert [item["annotations"] for item in contents.joined.duplicates] == [1]


def _iou(one: Box, other: Box) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0.0, across) * max(0.0, down)
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def _kept(teams: Sequence[list[Box]]) -> list[Box]:
    """Every assignment is tried; a box of a later team goes where the best one gives it a partner."""
    kept: list[Box] = []
    for boxes in teams:
        places = [*range(len(kept)), *[None] * len(boxes)]
        best, gone = 0.0, set[int]()
        for chosen in itertools.permutations(places, len(boxes)):
            pairs = [(n, _iou(kept[at], boxes[n])) for n, at in enumerate(chosen) if at is not None]
            total = sum(value for _, value in pairs if value >= 0.5)
            if total > best + 1e-9:
                best, gone = total, {n for n, value in pairs if value >= 0.5}
        kept = kept + [one for n, one in enumerate(boxes) if n not in gone]
    return kept


@pytest.mark.parametrize("copied", [0, 0.5])
def test_the_boxes_that_stay_are_those_of_an_oracle(tmp_path: Path, copied: float) -> None:
    """`copied`: how many boxes are exactly those of another team."""
    rng, said, expected = random.Random(8), [], []
    for asset in range(60):
        teams: list[list[Box]] = [[], [], []]
        for team in (CLAIMS, SURVEY, MAPPING):
            others = [one for boxes in teams for one in boxes]
            for _ in range(rng.randint(0, 3)):
                drawn = (rng.uniform(0, 40), rng.uniform(0, 30), rng.uniform(60, 90), rng.uniform(60, 90))
                one = rng.choice(others) if others and rng.random() < copied else drawn
                teams[team] += [one] * (one not in teams[team])
        said += [box(team, "roof", one, asset=asset) for team, boxes in enumerate(teams) for one in boxes]
        expected += [(asset, one[0]) for one in _kept([teams[CLAIMS], teams[SURVEY], teams[MAPPING]])]
    rows, contents = joined(lake(*said, assets=60), tmp_path, prefer=["claims", "survey"])
    found = [(int(Path(row["uri"]).stem), row["x"]) for row in rows]
    assert sorted(found) == sorted(expected)
    assert len(said) - len(rows) == sum(int(item["annotations"]) for item in contents.joined.same) > 20


def test_an_equal_box_of_another_team_takes_no_second_object_along(tmp_path: Path) -> None:
    """Claims has two objects, of which mapping has drawn the one to the pixel."""
    found = lake(box(MAPPING, "roof", A), box(CLAIMS, "roof", A), box(CLAIMS, "roof", B))
    rows, contents = joined(found, tmp_path, prefer=["mapping", "claims"])
    assert _who(rows) == [("claims", "roof", B[0]), ("mapping", "roof", A[0])]
    assert contents.joined.same == ({"team": "claims", "class": "roof", "annotations": 1},)
    rows, contents = joined(found, tmp_path / "keep", overlap="keep")
    assert len(rows) == 2
    assert contents.joined.shared == ()


def test_who_stays_does_not_hang_on_identifiers(tmp_path: Path) -> None:
    """Twins in all but their attributes, and boxes that lie in the middle between two others."""
    said = [box(MAPPING, "roof", A, attributes=f'{{"n": {number}}}') for number in range(4)]
    said += [box(CLAIMS, "roof", (x, 10.0, 100.0, 100.0), external_id=str(x)) for x in (0.0, 20.0, 30.0)]
    said += [box(SURVEY, "roof", (x, 10.0, 100.0, 100.0), external_id=str(x)) for x in (10.0, 25.0)]
    digests = set()
    for number, order in enumerate((said, said[::-1], said[3:] + said[:3])):
        digests.add(joined(lake(*order), tmp_path / str(number), prefer=["claims", "mapping"])[1].digest)
    assert len(digests) == 1
