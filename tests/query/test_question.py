"""A plain question is read as a strict query."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.query.ask import Answer, ask
from datacat.query.plan import plan
from datacat.query.question import Understood, understood
from datacat.query.ranking import Weighted
from datacat.query.search import search
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus
from tests.query.cases import corpus


def _corpus() -> Corpus:
    made = corpus()
    made.add_label_set("drones/sites", classes=["roof window", "crane"], parents={"crane": "machine"})
    made.add_annotation(2, "roof window", label_set=4)
    made.add_annotation(2, "bus:station", label_set=4, attributes={"colour": "red"})
    return made


def _read(question: str) -> Understood:
    cursor = _corpus().cursor()
    return understood(question, cursor=cursor, vocabulary=vocabulary(cursor, identity=None))


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("does my organisation have any data that contains roofs?", "roof"),
        ("all data with roofs", "roof"),
        ("Do we have traffic lights?", "traffic-light"),
        ("cars at night", "car AND timeofday=night"),
        ("slate roofs without cars", "roof[material=slate] AND NOT car"),
        ("roofs of slate", "roof[material=slate]"),
        ("roofs, not of slate", "roof[material!=slate]"),
        ("solar roofs", "roof[solar=true]"),
        ("three people", "count(person)>=3"),
        ("at least 2 cars", "count(car)>=2"),
        ("trafic lights", "traffic-light"),
        ("bycicle", "bicycle"),
        ("Dach", "dach"),
        ("vehicles", "vehicle"),
        ("zebras", ""),
        ("", ""),
        ("photos with more than 3 cars", "count(car)>3"),
        ("fewer than three cars", "count(car)<3"),
        ("at most one car", "count(car)<=1"),
        ("no more than 2 cars", "count(car)<=2"),
        ("exactly 2 cars", "count(car)=2"),
        ("2 or more cars", "count(car)>=2"),
        ("zero cars", "count(car)=0"),
        ("one car", "car"),
        ("cars or bicycles", "car OR bicycle"),
        ("cars or bicycles at night", "(car OR bicycle) AND timeofday=night"),
        ("slate or tile roofs", "roof[material=slate OR material=tile]"),
        ("slate and tile roofs", "roof[material=slate OR material=tile]"),
        ("slate or tile roofs with solar", "roof[(material=slate OR material=tile) solar=true]"),
        ("red cars or slate roofs", "car[colour=red] OR roof[material=slate]"),
        ("night or day", "timeofday=night OR timeofday=day"),
        ("cars without roofs or people", "car AND NOT roof AND NOT person"),
        ("neither cars nor roofs", "NOT car AND NOT roof"),
        ("cars but no roofs", "car AND NOT roof"),
        ("cars at nigth", "car AND timeofday=night"),
        ("CARS AT NIGHTS", "car AND timeofday=night"),
        ("broken traffic lights", 'traffic-light["status"=broken]'),
        ("reviewed people", "person[status=reviewed]"),
        ("trafic lihgts and bicicles", "traffic-light AND bicycle"),
        ("bus:stations", 'class="bus:station"'),
        ("red bus:stations", 'class="bus:station"[colour=red]'),
        ("roofs labelled by claims", "roof[team=claims]"),
        ("data from the mapping team", "team=mapping"),
        ("mapping of roofs", "roof"),
        ("cars driving at night", "car AND timeofday=night"),
        ("roofs that both claims and mapping labelled", "roof[team=claims] AND roof[team=mapping]"),
        (
            "red cars by both claims and mapping",
            "car[colour=red team=claims] AND car[colour=red team=mapping]",
        ),
        ("pictures that both claims and mapping labelled", "team=claims AND team=mapping"),
        ("both roofs and cars", "roof AND car"),
        ("roofs that claims or mapping labelled", "roof[team=claims OR team=mapping]"),
        ("what has mapping labelled?", "team=mapping"),
        (
            "roofs that claims labelled but mapping did not",
            "roof[team=claims] AND (NOT team=mapping OR NOT roof[team=mapping])",
        ),
        ("roofs mapping didn't label", "roof[NOT team=mapping]"),
        ("roofs in mapping/roofs-2026", "roof[label_set=mapping/roofs-2026]"),
        ('cars "on a rainy day"', 'car AND "on a rainy day"'),
        ('"on a rainy day" or cars or roofs', '(car OR roof) AND "on a rainy day"'),
    ],
)
def test_a_question_becomes_a_query(question: str, query: str) -> None:
    assert _read(question).query == query


@pytest.mark.parametrize(
    "question", ["cars at night", "slate roofs without cars", "three people", "solar roofs"]
)
def test_the_query_is_strict_syntax(question: str) -> None:
    query = _read(question).query
    assert search(_corpus().cursor(), query, state=1).interpretation.replace("=", ":") == query.replace(
        "=", ":"
    )


_ODD = (
    "not",
    "Or",
    "in",
    "count",
    "near",
    "*",
    "bus:station",
    "x (y)",
    "a\\b",
    'q"q',
    "@me",
    "-minus",
    "?what",
    "any",
)
_LIKE_ODD = {
    "inside": "yes",
    "near": "tree",
    "a*": "blue",
    "not": "never",
    "team": 'he said "x"',
    "x y": "a=b",
}


def _odd(*, has_odd_classes: bool = True) -> Corpus:
    """A catalog with classes, paths and values that mean something else where they stand without quotes."""
    made = Corpus()
    made.add_label_set("street-team/signs_1")
    made.add_asset("0.png")
    for name in ["car", "castle", *(_ODD if has_odd_classes else ())]:
        made.add_annotation(0, name, label_set=0, attributes=_LIKE_ODD)
    made.list_asset(0, label_set=0, metadata={"width": "wide", "or": "other"})
    return made


def _read_odd(question: str, *, has_odd_classes: bool = False) -> Understood:
    cursor = _odd(has_odd_classes=has_odd_classes).cursor()
    return understood(question, cursor=cursor, vocabulary=vocabulary(cursor, identity=None))


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("inside yes cars", 'car["inside"=yes]'),
        ("castles near tree", 'castle["near"=tree]'),
        ("blue cars", 'car["a*"=blue]'),
        ("wide", '"width"=wide'),
        ("cars labelled by street-team", "car[team=street-team]"),
        ("data of the street_team team", "team=street-team"),
        ('cars without "a rainy day"', "car"),
        ('cars " "', "car"),
        ('cars "a\\"', 'car AND "a\\\\"'),
    ],
)
def test_odd_names_are_written_so_that_they_mean_themselves(question: str, query: str) -> None:
    assert _read_odd(question).query == query


def test_a_class_called_as_an_operator_is_in_quotes() -> None:
    assert _read_odd("not", has_odd_classes=True).query == 'class="not"'
    assert _read_odd("*", has_odd_classes=True).query == 'class="*"'


@pytest.mark.parametrize("has_odd_classes", [True, False])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_question_makes_a_query_that_can_be_asked(has_odd_classes: bool, data: st.DataObject) -> None:
    words = [
        *_ODD,
        *_LIKE_ODD.values(),
        "cars",
        "castles",
        "no",
        "or",
        "and",
        "without",
        "two",
        "by",
        "street-team",
    ]
    words += ['"a rainy day"', '" "', '"a\\"', '"', "[", "&", "casle", "wide", "zebra"]
    words += ["images", "missing", "unlabelled", "predictions", "since", "in", "march", "2026", "3"]
    question = " ".join(data.draw(st.lists(st.sampled_from(words), max_size=6)))
    cursor = _odd(has_odd_classes=has_odd_classes).cursor()
    read = understood(question, cursor=cursor, vocabulary=vocabulary(cursor, identity=None))
    for query in (read.query, read.related):
        plan(cursor, query)


def test_spelling_is_corrected_in_whole_words() -> None:
    assert _read_odd("castel castel.").text == "castle castle"
    assert _read_odd("castel castels").text == "castle castle"


def test_each_word_says_what_it_was_taken_for() -> None:
    read = _read("red cars near a zebra")
    kinds = {reading.words: reading.kind for reading in read.readings}
    assert kinds == {"red": "value", "cars": "class", "near": "unknown", "zebra": "unknown"}
    red = read.readings[0]
    assert (red.query, red.alternatives) == ("colour=red", ("state=red",))
    assert read.query == "car[colour=red]"
    assert read.unknown == ("near", "zebra")


@pytest.mark.parametrize(
    ("question", "query", "unknown"),
    [
        ("cars with 3 doors", "car", ("3", "doors")),
        ("cars with more than 2 seats", "car", ("more than 2", "seats")),
        ("cars of red colour", "car[colour=red]", ()),
        ("cars of some colour", "car", ("colour",)),
        ("3 red cars", "count(car[colour=red])>=3", ()),
        ("cars 17", "car", ("17",)),
        ("cars 2026", "car", ("2026",)),
        ("2 3 cars", "count(car)>=3", ("2",)),
        ("cars without", "car", ("without",)),
        ("cars without zebras", "car", ("without zebras",)),
        ("cars - or roofs ...", "car OR roof", ()),
        ("10 images", "media=image", ("10",)),
    ],
)
def test_every_word_is_filler_or_used_or_unknown(question: str, query: str, unknown: tuple[str, ...]) -> None:
    read = _read(question)
    assert (read.query, read.unknown) == (query, unknown)


def test_related_classes_share_a_word_or_a_parent() -> None:
    assert _read("roofs").related == 'class="roof window"'
    assert _read("bicycle").related == 'class="car"'
    assert _read("sirens").related == ""


def _nearest(questions: Weighted, k: int, allowed: pa.Array | None) -> pa.Table:
    """As if every picture had a vector, and the last were the most alike."""
    numbers = list(range(7)) if allowed is None else allowed.to_pylist()
    chosen = sorted(numbers, reverse=True)[:k]
    return pa.table(
        {"asset": pa.array(chosen, pa.int64()), "score": pa.array([0.5] * len(chosen), pa.float64())}
    )


def _asked(question: str) -> tuple[Answer, dict[str, list[str]]]:
    answer = ask(_corpus().cursor(), question, state=1, limit=9, nearest=_nearest)
    tiers = {"labelled": answer.labelled, "related": answer.related, "looks_so": answer.looks_so}
    named = {
        name: [] if hits is None else [hit.uri.rsplit("/", 1)[1] for hit in hits]
        for name, hits in tiers.items()
    }
    return answer, named


def test_an_answer_has_three_tiers() -> None:
    answer, tiers = _asked("roofs")
    assert tiers["labelled"] == ["a.png", "b.png"]
    assert tiers["related"] == ["c.png"]
    # Of f.txt somebody has said that there is none.
    assert sorted(tiers["looks_so"]) == ["d.png", "e.png", "g.wav"]
    assert answer.answers is not None
    assert (answer.answers.yes, answer.answers.no, answer.answers.unknown) == (2, 1, 4)


def test_nothing_is_labelled_as_a_word_that_is_only_near() -> None:
    answer, tiers = _asked("cats")
    assert answer.answers is None
    assert answer.labelled is None
    assert len(tiers["looks_so"]) == 7


def test_what_nobody_labelled_is_found_by_its_looks() -> None:
    answer, tiers = _asked("zebras in the snow")
    assert answer.answers is None
    assert answer.labelled is None
    assert answer.understood.text == "zebras snow"
    assert len(tiers["looks_so"]) == 7


def test_a_word_that_no_label_says_ranks_the_labelled() -> None:
    answer, tiers = _asked("cars in the snow")
    assert tiers["labelled"] == ["b.png", "c.png"]
    assert answer.labelled is not None
    assert answer.labelled.is_ranked


def test_without_embeddings_there_are_two_tiers() -> None:
    answer = ask(_corpus().cursor(), "roofs in the snow", state=1)
    assert answer.looks_so is None
    assert answer.labelled is not None
    assert [hit.uri.rsplit("/", 1)[1] for hit in answer.labelled] == ["a.png", "b.png"]


def test_half_of_a_character_is_left_out() -> None:
    assert _read("roofs\ud800").query == "roof"


def test_the_name_of_a_team_that_says_nothing_alone_is_suggested() -> None:
    cursor = corpus().cursor()
    read = understood("claims roofs", cursor=cursor, vocabulary=vocabulary(cursor, identity="suggested"))
    assert (read.query, read.unknown) == ("roof", ("claims",))
    assert read.readings[0].alternatives[0] == "team=claims"
