"""Words of plain questions that are spelled much like a name."""

from __future__ import annotations

import pytest

from datacat.query.question import Understood, understood
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus


def _read_classes(question: str, *classes: str, value: str = "dusk") -> Understood:
    made = Corpus()
    made.add_label_set("street/signs")
    made.add_asset("0.png")
    for name in classes:
        made.add_annotation(0, name, label_set=0, attributes={"light": value})
    cursor = made.cursor()
    return understood(question, cursor=cursor, vocabulary=vocabulary(cursor, identity=None))


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("treees", "tree"),
        ("pedestrain", "pedestrian"),
        ("bycicle", "bicycle"),
        ("vehicel", "vehicle"),
        ("refridgerater", "refrigerator"),
    ],
)
def test_a_word_that_is_surely_a_name_misspelt_is_that_name(question: str, name: str) -> None:
    read = _read_classes(question, name, "roof", "area")
    assert (read.query, read.readings[0].kind, read.unknown) == (name, "spelling", ())


@pytest.mark.parametrize(
    ("question", "name", "is_near"),
    [
        ("cats", "car", True),
        ("bars", "car", True),
        ("cards", "car", True),
        ("free", "tree", True),
        ("proof", "roof", True),
        ("large", "area", False),
        ("horses", "house", True),
        ("cattle", "castle", True),
        ("tablets", "table", True),
        ("predicates", "pedestrian", False),
        ("user12345", "user12346", True),
    ],
)
def test_another_word_is_left_to_likeness(question: str, name: str, is_near: bool) -> None:
    (reading,) = _read_classes(question, name).readings
    assert (reading.kind, reading.query) == ("unknown", "")
    assert reading.alternatives == ((name,) if is_near else ())


def test_of_two_names_as_near_neither_is_taken() -> None:
    read = _read_classes("containr", "container", "contain")
    assert (read.query, read.readings[0].alternatives) == ("", ("contain", "container"))


def test_values_are_corrected_as_strictly_as_names() -> None:
    assert _read_classes("nigth", "car", value="night").query == "light=night"
    light = _read_classes("light", "car", value="night").readings[0]
    assert light.kind == "attribute"
    assert _read_classes("might", "car", value="night").readings[0].alternatives == ("light=night",)


def test_a_word_of_a_longer_name_names_that_as_another_reading() -> None:
    (signs,) = _read_classes("signs", "traffic sign", "stop-sign", "car").readings
    assert (signs.kind, signs.alternatives) == ("unknown", ("stop-sign", "traffic-sign"))
