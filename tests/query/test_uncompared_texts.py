"""Values that are text where a number is compared with them are named."""

from __future__ import annotations

import pytest

from datacat.query.search import search
from datacat.testing.corpus import Corpus


def _corpus() -> Corpus:
    made = Corpus()
    made.add_label_set("a/one", classes=["car"])
    made.add_asset("s3://lake/0.png")
    made.list_asset(0, label_set=0, metadata={"speed": "slow"})
    for score in (0.95, "0.9", "0.7", None):
        made.add_annotation(
            0, "car", label_set=0, attributes={"score": score, "depth": 7, "seen": "2026-03-01"}
        )
    return made


_SCORE = '2 values of `score` are text (as "0.7"), which is not compared with a number'


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("car[score>0.8]", _SCORE),
        ("NOT car[score<=0.8]", _SCORE),
        ("count(car[score>0.8])>=2", _SCORE),
        (
            "metadata.speed>=0 OR car",
            '1 value of `metadata.speed` is text ("slow"), which is not compared with a number',
        ),
        ("car[depth>5]", None),
        ("car[score=0.95]", None),
        ("car[seen>2025]", None),
        ("car[score>a] OR car", None),
    ],
)
def test_texts_beside_a_number_are_named(text: str, hint: str | None) -> None:
    assert search(_corpus().cursor(), text, state=1).hint() == hint


def test_where_nothing_is_found_both_are_said() -> None:
    hint = search(_corpus().cursor(), "car[score>0.99 seen=never]", state=1).hint()
    assert hint is not None
    assert hint.splitlines() == ["no `seen` is `never`; there is `2026-03-01`", _SCORE]
