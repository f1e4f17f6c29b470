"""Each rule: before and after."""

from __future__ import annotations

import duckdb
import pytest

from datacat.errors import CatalogError
from datacat.query import meaning as m
from datacat.query.plan import plan
from datacat.query.rules import RULES
from datacat.query.search import search
from tests.query.cases import corpus


def _wanted(text: str) -> str:
    return str(plan(corpus().cursor(), text).wanted)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("count(car)<3", "count(car)<3"),
        ("count(car)=0", "NOT car"),
        ("count(car)!=2", "count(car)!=2"),
        ("count(car)>=1", "car"),
        ("count(car)>0", "car"),
        ("count(car)!=0", "car"),
        ("count(car)=1", "count(car)=1"),
    ],
)
def test_counts_that_zero_fulfils(before: str, after: str) -> None:
    assert _wanted(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("NOT (car person)", "NOT car OR NOT person"),
        ("NOT (car OR person)", "NOT car AND NOT person"),
        ("NOT [car OR person]", "NOT car AND NOT person"),
        ("NOT count(car)>=3", "NOT count(car)>=3"),
        ("NOT count(car)<3", "NOT count(car)<3"),
        ("NOT count(car)>=1", "NOT car"),
        ("NOT (media:image AND -car)", "NOT media=image OR car"),
        ("?car", "?car"),
        ("NOT ?car", "NOT ?car"),
    ],
)
def test_negations_reach_what_answers_them(before: str, after: str) -> None:
    assert _wanted(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[insured=1 material=slate]", "[material=slate insured=1]"),
        ("[has:material material=slate]", "[has:material material=slate]"),
        ("[material=slate has:material]", "[has:material material=slate]"),
        ("traffic light person", "person AND traffic-light"),
        ("[condition.score>0.5 condition.score<0.9]", "[condition.score>0.5 condition.score<0.9]"),
    ],
)
def test_the_rarest_stands_last(before: str, after: str) -> None:
    assert _wanted(before) == after


@pytest.mark.parametrize(
    ("text", "is_looked_for"),
    [
        ("roof -car", False),  # mapping and claims, who have roofs, both look for cars
        ("count(roof)>=2 -car", False),
        ("car -roof", True),  # driving has cars and does not look for roofs
        ("count(roof)<2 -car", True),  # no roof need be there
        ("roof -[material=slate]", True),
        ("person -bicycle", True),  # on one image not all bicycles were labelled
        ("-car", True),
    ],
)
def test_who_looked_is_asked_only_where_it_is_not_known(text: str, is_looked_for: bool) -> None:
    planned = plan(corpus().cursor(), text)
    assert any(isinstance(node, m.Absent) for node in m.descendants(planned.wanted)) is is_looked_for
    assert planned.asks_for_absence


def test_what_is_shown_keeps_the_order_it_was_asked_in() -> None:
    hits = search(corpus().cursor(), "traffic light person", state=1)
    assert hits.interpretation == "traffic-light AND person"
    assert next(iter(hits)).why[0] == "driving/street: traffic_light"


def test_rules_can_be_printed() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "standing", "negations", "plain_counts", "said_twice", "known_voices", "looked_at", "same_leaf",
        "rarest_last",
    ]  # fmt: skip


def test_what_duckdb_cannot_run_is_one_clear_error() -> None:
    cursor: duckdb.DuckDBPyConnection = corpus().cursor()
    hits = search(cursor, "roof", state=1)
    cursor.execute("DROP VIEW annotations")
    with pytest.raises(CatalogError, match="could not be run"):
        list(hits)
