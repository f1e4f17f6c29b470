"""Things, not statements: what several say of one thing makes it no more than one."""

from __future__ import annotations

import pytest

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
    for _ in range(2):
        made.add_annotation(0, "person", label_set=0, x=0, y=0, w=9, h=9, attributes={"tags": []})
    made.add_annotation(1, "person", label_set=0, attributes={"color": "blue", "tags": ["new"]})
    cursor = made.cursor()
    hits = search(cursor, text, state=1)
    assert 0 in hits.numbers
    meaning = plan(cursor, text).meaning
    assert (hits.numbers, hits.answers.no) == (
        Oracle(made).assets(meaning),
        len(Oracle(made).refuted(meaning)),
    )
