"""Things, not statements: what several say of one thing makes it no more than one."""

from __future__ import annotations

import pytest

from datacat.errors import QueryError
from datacat.query.plan import plan
from datacat.query.search import search
from datacat.testing.corpus import Corpus
from datacat.testing.oracle import Oracle


def _corpus() -> Corpus:
    """Two label sets looked: asset 0 one person each, 1 two and one, 3 a crowd, 4 image labels; on 2 neither."""
    made = Corpus()
    for name in ("a/one", "b/two"):
        made.add_label_set(name, classes=["person"])
    made.add_label_set("c/three", classes=["person"], covers="none")
    for number in range(5):
        made.add_asset(f"s3://lake/{number}.png")
    for asset, label_set, count in ((0, 0, 1), (0, 1, 1), (1, 0, 2), (1, 1, 1), (2, 2, 1)):
        for _ in range(count):
            made.add_annotation(asset, "person", label_set=label_set)
    made.add_annotation(3, "person", label_set=0)
    made.add_annotation(3, "person", label_set=0, is_crowd=True)
    made.add_annotation(4, "person", label_set=0, geometry_type="none")
    made.add_annotation(4, "person", label_set=0, geometry_type="none")
    return made


def _found(text: str) -> list[int]:
    return search(_corpus().cursor(), text, state=1).numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("count(person)>=2", [1]),
        ("count(person)>=1", [0, 1, 2, 3, 4]),
        ("count(person)=1", [0, 1]),  # of 1, one says so
        ("NOT count(person)=1", []),
        ("?count(person)=1", [2, 3, 4]),  # one at least: nobody says how many
        ("count(person)>1", [1]),
        ("NOT count(person)>1", [0]),
        ("?count(person)>1", [2, 3, 4]),
        ("count(person)<2", [0, 1]),
        ("count(person)<=1", [0, 1]),
        ("count(person)!=1", [1]),
        ("NOT count(person)<3", []),
        ("count(person)>=1 count(person)<=1", [0, 1]),
        ("NOT count(person)=7", [0, 1]),
    ],
)
def test_each_label_set_counts_by_itself(text: str, found: list[int]) -> None:
    assert _found(text) == found


def test_what_another_label_set_says_against_it_is_said() -> None:
    (hit,) = search(_corpus().cursor(), "count(person)>=2", state=1)
    assert hit.why == ("count(person)>=2: 2 found by a/one; contradicted: 1 found by b/two",)


def test_a_model_counts_by_itself() -> None:
    made = Corpus()
    made.add_label_set("a/one", classes=["person"])
    made.add_asset("s3://lake/0.png")
    made.add_annotation(0, "person", label_set=0)
    made.add_annotation(0, "person", label_set=0, kind="prediction", model="yolo")
    cursor = made.cursor()
    assert search(cursor, "count(person)>=2", state=1).numbers == []
    assert search(cursor, "count(person)=1", state=1).numbers == [0]


def _teams(*boxes: tuple[int, float], count: int = 3, covers: str | None = None) -> Corpus:
    """One asset of 100 by 100 pixels; a box is a label set and how far to the right it lies, 20 pixels wide."""
    made = Corpus()
    for number in range(count):
        made.add_label_set(
            f"{'abc'[number]}/one", classes=["person"], **({"covers": covers} if covers else {})
        )
    made.add_asset("s3://lake/0.png", width=100, height=100)
    for label_set, x in boxes:
        made.add_annotation(0, "person", label_set=label_set, x=x, y=0, w=20, h=20)
    return made


def _across(made: Corpus, *, of: str = "person") -> tuple[list[int], list[int]]:
    """Of which numbers it holds that there are so many, and of which it is unknown, as both answer it."""
    cursor, oracle = made.cursor(), Oracle(made)
    holds, unknown = [], []
    for number in range(7):
        text = f"count({of} across teams)={number}"
        for found, asked in ((holds, text), (unknown, f"?{text}")):
            numbers = search(cursor, asked, state=1).numbers
            assert numbers == oracle.assets(plan(cursor, asked).meaning), asked
            found += [number] if numbers else []
    return holds, unknown


def test_what_several_teams_box_alike_is_one_thing() -> None:
    assert _across(_teams((0, 0), (1, 1), (2, 2), (0, 50), (1, 51), (2, 80))) == ([3], [])


def test_two_label_sets_of_one_team_are_merged_like_those_of_two() -> None:
    made = Corpus()
    for name in ("a/one", "a/two"):
        made.add_label_set(name, classes=["person"])
    made.add_asset("s3://lake/0.png", width=100, height=100)
    for label_set in (0, 1):
        made.add_annotation(0, "person", label_set=label_set, x=0, y=0, w=20, h=20)
    assert _across(made) == ([1], [])


def test_what_one_team_drew_twice_stays_two() -> None:
    """b overlaps both boxes of a, and c both of them and b."""
    assert _across(_teams((0, 0), (0, 6), (1, 3), (2, 4))) == ([2], [])


def test_who_looked_for_all_says_how_many_there_are_at_most() -> None:
    assert _across(_teams((0, 0), (1, 50), covers="none")) == ([], [2, 3, 4, 5, 6])


def test_a_model_is_no_team() -> None:
    made = _teams((0, 0), (1, 0))
    made.add_annotation(0, "person", label_set=0, kind="prediction", model="yolo", x=70, y=0, w=20, h=20)
    assert _across(made) == ([1], [])
    assert search(made.cursor(), "count(person[kind:prediction] across teams)>=1", state=1).numbers == [0]


def test_groups_and_labels_of_the_whole_are_no_thing_more() -> None:
    made = _teams((0, 0), (0, 50))
    made.add_annotation(0, "person", label_set=1, x=0, y=0, w=90, h=20, is_crowd=True)
    made.add_annotation(0, "person", label_set=2, geometry_type="none")
    assert _across(made) == ([2], [])


def test_of_things_without_a_box_nobody_says_whether_they_are_the_same() -> None:
    made = _teams((0, 0), (1, 0))
    for label_set in (0, 1):
        made.add_annotation(0, "person", label_set=label_set, geometry_type="polygon")
    assert _across(made) == ([], [2, 3])


def test_what_may_be_one_may_be_one_more_across_teams() -> None:
    made = _teams((0, 0), (1, 0))
    made.add_annotation(0, "person", label_set=0, x=0, y=50, w=20, h=20, attributes={"hat": True})
    assert _across(made, of="person[hat=true]") == ([], [1, 2, 3])


def test_the_reason_names_both_sides_of_a_merged_count() -> None:
    cursor = _teams((0, 0), (1, 1), (1, 50)).cursor()
    (hit,) = search(cursor, "count(person across teams)>=2", state=1)
    asked = "count(person[kind=annotation] across teams)>=2"
    assert hit.why == (f"{asked}: 2 across teams; 1 found by a/one, 2 found by b/one",)
    assert not hit.is_contradicted


def test_a_hit_says_that_it_is_contradicted() -> None:
    hits = list(search(_corpus().cursor(), "count(person)>=2 OR count(person)=1", state=1))
    assert [(hit.asset, hit.is_contradicted) for hit in hits] == [(0, False), (1, True)]


def test_different_values_are_not_counted_across_teams() -> None:
    with pytest.raises(QueryError, match="different values of annotator are counted of all teams"):
        search(_corpus().cursor(), "count(annotator of person across teams)>=2", state=1)


@pytest.mark.parametrize(
    "text",
    [
        "count(class of (color=red OR -[aspect>1]))>=1",
        "count(class of (color=red OR -[aspect>1]))=1",
        "count([color=red OR -[aspect>1]])=2",
        "count([length(tags)=0])=2",
        "NOT count([length(tags)=0])=3",
    ],
)
def test_what_is_sure_without_an_attribute_is_counted(text: str) -> None:
    made = Corpus()
    made.add_label_set("a/one", classes=["person"])
    for number in range(2):
        made.add_asset(f"s3://lake/{number}.png", width=100, height=100)
    for x in (0, 50):
        made.add_annotation(0, "person", label_set=0, x=x, y=0, w=9, h=9, attributes={"tags": []})
    made.add_annotation(1, "person", label_set=0, attributes={"color": "blue", "tags": ["new"]})
    cursor = made.cursor()
    hits = search(cursor, text, state=1)
    assert 0 in hits.numbers
    meaning = plan(cursor, text).meaning
    assert (hits.numbers, hits.answers.no) == (
        Oracle(made).assets(meaning),
        len(Oracle(made).refuted(meaning)),
    )


def test_of_alternatives_each_must_have_been_looked_for() -> None:
    # alpha says scores and has none of 9 here; beta alone says lengths, and does not list this asset.
    made = Corpus()
    alpha, beta = made.add_label_set("alpha/a"), made.add_label_set("beta/b")
    for number in range(2):
        made.add_asset(f"{number}.png")
    made.add_annotation(0, "roof", label_set=alpha, attributes={"score": 1})
    made.add_annotation(1, "roof", label_set=beta, attributes={"tags": ["a"]})
    for query in ("[(score=9 OR length(tags)=7)]", "count((score=9 OR length(tags)=7))>=1"):
        answers = search(made.cursor(), query, state=1, limit=None).answers
        assert (answers.yes, answers.no, answers.unknown) == (0, 0, 2), query
