"""The overview against a plain count in Python."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings

from datacat.query.overview import ClassCount, LabelSetOverview, Overview, Sharing, overview
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus
from datacat.testing.strategies import corpora


def _overview(made: Corpus) -> Overview:
    cursor = made.cursor()
    return overview(cursor, vocabulary=vocabulary(cursor, identity=None), state=7)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(corpora())
def test_overview_is_what_counting_gives(made: Corpus) -> None:
    found = _overview(made)
    listed: dict[int, set[int]] = {0: set(), 1: set(), 2: set()}
    for row in made.tables["label_set_assets"]:
        listed[row["label_set"]].add(row["asset"])
    annotations = made.tables["annotations"]
    assert (found.assets, found.annotations) == (len(made.tables["assets"]), len(annotations))
    numbers = {f"{row['team']}/{row['name']}": row["label_set"] for row in made.tables["label_sets"]}
    assert [item.label_set for item in found.label_sets] == sorted(numbers)
    for item in found.label_sets:
        number = numbers[item.label_set]
        rows = [row for row in annotations if row["label_set"] == number]
        others = set().union(*(assets for other, assets in listed.items() if other != number))
        assert item.assets == len(listed[number])
        assert item.annotations == len(rows)
        assert item.classes == len({row["class"] for row in rows} - {None})
        paths = {row["path"] for row in made.tables["attribute_values"] if row["label_set"] == number}
        assert item.attributes == len(paths)
        assert item.shared == len(listed[number] & others)
        with_whom = {
            name: len(listed[number] & listed[other]) for name, other in numbers.items() if other != number
        }
        assert {other.label_set: other.assets for other in item.with_whom} == {
            k: v for k, v in with_whom.items() if v
        }
    for team in found.teams:  # of which each has one label set
        (item,) = [item for item in found.label_sets if item.team == team.team]
        assert (team.assets, team.annotations, team.classes) == (item.assets, item.annotations, item.classes)
        assert team.shared == item.shared


def _two_teams() -> Corpus:
    made = Corpus()
    made.add_label_set("mapping/roofs", classes=["Roof", "Tree"])
    made.add_label_set("mapping/trees", classes=["Tree"], covers=["Tree"])
    made.add_label_set("claims/houses", covers="none")
    for number in range(3):
        made.add_asset(f"s3://lake/{number}.png")
        made.list_asset(number, label_set=0)
    made.add_annotation(0, "Roof", label_set=0, attributes={"a": {"b": 1}})
    made.add_annotation(0, "Tree", label_set=0)
    made.add_annotation(0, "Tree", label_set=0)
    made.add_annotation(0, "Tree", label_set=1)
    made.add_annotation(1, None, label_set=2)
    made.tables["label_sets"][0] |= {"format": "coco", "licence": '{"said": "CC0", "named": []}'}
    made.add_source_file("s3://lake/roofs/labels.json", label_set=0)
    made.tables["source_files"][0]["modified"] = datetime(2026, 3, 1, tzinfo=UTC)
    made.tables["rejects"].append({"label_set": 0, "source_file": 0, "reason": "odd"})
    made.cover(1, "car", label_set=2, answer="absent")
    return made


def test_a_label_set_in_numbers() -> None:
    found = {item.label_set: item for item in _overview(_two_teams()).label_sets}
    assert found["mapping/roofs"] == LabelSetOverview(
        label_set="mapping/roofs",
        team="mapping",
        assets=3,
        annotations=3,
        classes=2,
        top_classes=(ClassCount("Tree", 2), ClassCount("Roof", 1)),
        attributes=1,
        format="coco",
        licence="CC0",
        visibility=None,
        owner=None,
        created=None,
        changed=datetime(2026, 3, 1, tzinfo=UTC),
        files=1,
        rejects=1,
        coverage="declared",
        covered_classes=2,
        ontology=None,
        shared=2,
        with_whom=(Sharing("mapping/trees", 1), Sharing("claims/houses", 1)),
    )
    assert (found["claims/houses"].coverage, found["claims/houses"].covered_classes) == ("declared", 1)
    assert found["claims/houses"].classes == 0


@pytest.mark.parametrize(
    ("team", "label_sets", "assets", "annotations", "classes", "shared"),
    [("mapping", 2, 3, 4, 2, 1), ("claims", 1, 1, 1, 0, 1)],
)
def test_a_team_counts_what_its_label_sets_share_once(
    team: str, label_sets: int, assets: int, annotations: int, classes: int, shared: int
) -> None:
    (found,) = [item for item in _overview(_two_teams()).teams if item.team == team]
    assert (found.label_sets, found.assets, found.annotations) == (label_sets, assets, annotations)
    assert (found.classes, found.shared) == (classes, shared)
