"""Which names of conditions mean something of datacat's own, and how attributes of such names are asked for."""

from __future__ import annotations

import pytest

from datacat.errors import QueryError
from datacat.query import meaning as m
from datacat.query.conditions import FIELD_NAMES, is_reserved
from datacat.query.plan import plan
from datacat.query.search import search
from datacat.query.tree import RelationKind
from datacat.testing.corpus import Corpus

_OWN = (*FIELD_NAMES, *RelationKind, "Label-Set", "Team", "about", "unlike", "within", "inside", "near")
_OTHERS = ("material", "attributes.team", "count", "any", "not", "concept", "teams")


def _asks_for_attribute(name: str) -> bool:
    made = Corpus()
    made.add_label_set("driving/street", classes=["car"])
    made.add_asset("a.png")
    made.add_annotation(0, "car", label_set=0, attributes={name.removeprefix("attributes."): "x"})
    try:
        predicate = plan(made.cursor(), f"[{name}=x]").meaning
    except QueryError:
        return False
    return isinstance(predicate, m.Some) and isinstance(predicate.predicate, m.AttributeIs)


@pytest.mark.parametrize("name", _OWN)
def test_a_reserved_name_is_no_attribute(name: str) -> None:
    assert is_reserved(name)
    assert not _asks_for_attribute(name)


@pytest.mark.parametrize("name", _OTHERS)
def test_any_other_name_is_an_attribute(name: str) -> None:
    assert not is_reserved(name)
    assert _asks_for_attribute(name)


@pytest.mark.parametrize(
    "text",
    [
        '["width"=5]',
        'car["team"=blue]',
        'car["about"=x]',
        'car["inside"=yes]',
        '["a*"=x]',
        '["a*" in (x)]',
        '["a*" contains x]',
        'any("a*")=x',
        'has:"a*"',
        '"mood"=calm',
        '"m*"=calm',
        'has:"m*"',
        'parts[].{"near"=left}',
        '"odd parts[]"{side=left}',
        '"odd parts"{"near"=left}',
    ],
)
def test_quotes_that_make_a_name_an_attribute_are_kept(text: str) -> None:
    made = Corpus()
    made.add_label_set("driving/street", classes=["car"])
    for _ in range(2):
        made.add_asset("a.png")
    names = {"width": 5, "team": "blue", "about": "x", "inside": "yes", "a*": "x"}
    lists = {name: [{"side": "left", "near": "left"}] for name in ("parts", "odd parts")}
    made.add_annotation(0, "car", label_set=0, attributes={**names, **lists})
    made.add_annotation(1, "car", label_set=0, attributes={"about b": "x", "ab": "x"})
    made.list_asset(0, label_set=0, metadata={"mood": "calm", "m*": "calm"})
    made.list_asset(1, label_set=0, metadata={"mo": "calm"})
    first, again = (search(made.cursor(), asked, state=1) for asked in (text, _strict(made, text)))
    assert again.interpretation == first.interpretation
    assert again.numbers == first.numbers == [0]


@pytest.mark.parametrize(
    "text",
    [
        "[mood=calm]",
        '["mood"=calm]',
        "-[mood=calm]",
        "[has:mood]",
        "[metadata.mood=calm]",
        "mood=calm",
        "has:mood",
    ],
)
def test_what_was_asked_of_annotations_alone_is_asked_of_assets_no_more_when_read_again(text: str) -> None:
    made = Corpus()
    made.add_label_set("driving/street", classes=["car"])
    for number in range(2):
        made.add_asset(f"{number}.png")
        made.add_annotation(
            number,
            "car",
            label_set=0,
            attributes={"mood": "calm" if number else "wild", "metadata.mood": "calm"},
        )
    made.list_asset(0, label_set=0, metadata={"mood": "calm"})
    bound = plan(made.cursor(), text)
    assert plan(made.cursor(), bound.interpretation).meaning == bound.meaning


def _strict(made: Corpus, text: str) -> str:
    return plan(made.cursor(), text).interpretation
