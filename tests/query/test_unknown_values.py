"""What is said of a value that nobody has, where a search finds nothing."""

from __future__ import annotations

import pytest

from datacat.query.search import search
from datacat.testing.corpus import Corpus


def _corpus() -> Corpus:
    made = Corpus()
    made.add_label_set("driving/street", classes=["car", "person"])
    for number in range(3):
        made.add_asset(f"s3://lake/{number}.png")
    made.list_asset(0, label_set=0, split="val", metadata={"timeofday": "night"})
    doors = [{"side": "left"}, {"side": "right"}]
    for color in ("red", "red", "Red", "blue"):
        made.add_annotation(0, "car", label_set=0, attributes={"color": color, "speed": 10, "doors": doors})
    made.add_annotation(1, "person", label_set=0, status="approved", attributes={"status": "walking"})
    made.add_annotation(1, "person", label_set=0, annotator="user1", text="a man")
    return made


def _hint(text: str) -> str | None:
    return search(_corpus().cursor(), text, state=7).hint()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("color=rde", "no `color` is `rde`; did you mean `red`?"),
        ("car[color=rde]", "no `color` is `rde`; did you mean `red`?"),
        ("color in (blu, rde)", "no `color` is `blu`; did you mean `blue`?\nno `color` is `rde`; did you mean `red`?"),
        ("car[speed=fast]", "no `speed` is `fast`; there is `10`"),
        ("annotator:usr1", "no `annotator` is `usr1`; did you mean `user1`?"),
        ("model:nope", "no `model` is `nope`: nobody says any"),
        ("split:vall", "no `split` is `vall`; did you mean `val`?"),
        ("timeofday=nigth", "no `timeofday` is `nigth`; did you mean `night`?"),
        ("text=woman", "no `text` is `woman`"),
        (
            "person[status=walking]",
            "no `status` is `walking`; there is `approved`; an attribute is so called too: attributes.status",
        ),
        ("color=red count(car[color=bleu])>1", "no `color` is `bleu`; did you mean `blue`?"),
    ],
)  # fmt: skip
def test_a_value_that_nobody_has_is_named_with_the_nearest(text: str, hint: str) -> None:
    assert _hint(text) == hint


def test_a_value_within_an_element_too() -> None:
    assert _hint("doors[].{side=lft}") == "no `doors[].side` is `lft`; did you mean `left`?"


@pytest.mark.parametrize(
    "text",
    [
        "color=red",  # something is found
        "NOT color=rde",
        "person[color=red]",  # somebody has each of them
        "person NOT car[color=rde] split:val",
        "none(color)=rde person",
        "color!=rde person",
        "person[confidence=0.5]",
    ],
)
def test_nothing_is_said_of_what_is_no_slip(text: str) -> None:
    assert _hint(text) is None
