"""Lists whose elements are no plain values, and elements in which one path holds different things."""

from __future__ import annotations

import pytest

from datacat.query.plan import plan
from datacat.query.search import search
from datacat.testing.corpus import Corpus
from datacat.testing.oracle import Oracle

_DOCUMENTS = (
    {
        "parts": [{"side": "left", "marks": ["rust", "dent"]}, {"side": "right", "marks": []}],
        "tags": [{}, []],
    },
    {"parts": [{"side": {"name": "left"}, "marks": "rust"}, {"side": "rear"}], "tags": ["new"]},
    {"parts": [{}, {"side": None, "marks": ["rust", None]}], "tags": []},
    {"parts": "none", "tags": "old"},
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("length(tags)=2", [0]),
        ("length(tags)<2", [1, 2]),
        ("length(tags) not in (1, 2)", [2]),
        ("parts[].{length(marks)=0}", [0]),
        ("NOT [length(tags)=2]", [1, 2]),
        ("parts[].{side!=rear}", [0]),
        ("parts[].{marks=rust}", [0, 1, 2]),
        ("parts[].{all(marks)=rust}", [1]),
        # A null is unknown, and so is what no leaf is compared with: they neither fulfil a condition nor its opposite.
        ("parts[].{none(marks)=dent side exists}", [1]),
        ("?[parts[].{none(marks)=dent side exists}]", [0, 2, 3]),
        ("parts[].{any(marks) contains us NOT any(marks) contains en}", [1]),
        ("?[parts[].{any(marks) contains us NOT any(marks) contains en}]", [0, 2, 3]),
        ("parts[].{has:side NOT side!=x}", []),
        ("?[parts[].{has:side NOT side!=x}]", [1, 2, 3]),
        ("parts[].{has:side NOT side=x}", [0, 1]),
        ("?[parts[].{has:side NOT side=x}]", [2, 3]),
        ("parts[].{missing:side}", [2]),
        ("parts[].{length(marks)=2}", [0, 2]),
        ("parts[].{*e=left}", [0, 1]),
    ],
)
def test_lists_of_whatever(text: str, found: list[int]) -> None:
    made = Corpus()
    made.add_label_set("driving/street", classes=["car"])
    for number, attributes in enumerate(_DOCUMENTS):
        made.add_asset(f"{number}.png")
        made.add_annotation(number, "car", label_set=0, attributes=attributes)
    assert search(made.cursor(), text, state=1).numbers == found
    assert Oracle(made).assets(plan(made.cursor(), text).meaning) == found
