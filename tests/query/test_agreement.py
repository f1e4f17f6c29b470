"""How far label sets agree, against a box by box comparison."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.query.agreement import agreement_pairs, asset_agreement
from datacat.query.search import search
from datacat.query.vocabulary import vocabulary
from datacat.testing.accord import accords
from datacat.testing.corpus import Corpus

_SIDES = st.sampled_from([0, 1, 2, 10, 11, 12])


@st.composite
def _scenes(draw: st.DrawFn) -> Corpus:
    made = Corpus()
    made.add_label_set("mapping/roofs", classes=["Roof", "car"])
    made.add_label_set(
        "claims/houses", classes=["rooftop", "car"], covers=draw(st.sampled_from(["declared", "none"]))
    )
    made.add_label_set("other/things", classes=["tree", "rooftop"], covers=["tree"])
    if draw(st.booleans()):
        made.add_concept("roof", "mapping:Roof", "claims:rooftop")
    for number in range(2):
        made.add_asset(f"s3://lake/{number}.png", width=draw(st.sampled_from([None, 20])), height=20)
        for label_set in draw(st.sets(st.integers(0, 2))):
            made.list_asset(number, label_set=label_set)
    for _ in range(draw(st.integers(0, 12))):
        box = dict(zip("xywh", draw(st.tuples(_SIDES, _SIDES, _SIDES, _SIDES)), strict=True))
        is_share = draw(st.booleans())
        if is_share:
            box = {side: value / 20 for side, value in box.items()}
        made.add_annotation(
            draw(st.integers(0, 1)),
            draw(st.sampled_from(["Roof", "rooftop", "car", "tree", None])),
            label_set=draw(st.integers(0, 2)),
            kind=draw(st.sampled_from(["annotation", "annotation", "prediction"])),
            is_crowd=draw(st.sampled_from([None, False, True])),
            is_relative=is_share,
            **(box if draw(st.booleans()) else {}),
        )
    return made


@settings(max_examples=60, deadline=None)
@given(_scenes())
def test_agreement_is_what_comparing_boxes_gives(made: Corpus) -> None:
    cursor = made.cursor()
    words = vocabulary(cursor, identity=None)
    sql = agreement_pairs(words)
    columns = "asset, left_set, right_set, agreement, class_agreement, box_iou"
    query = f"SELECT {columns} FROM ({sql.text}) ORDER BY ALL"
    found = cursor.execute(query, list(sql.values)).fetchall()
    expected = [
        (*place, accord.agreement, accord.class_agreement, accord.box_iou)
        for *place, accord in accords(made, words)
    ]
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours[3:] == pytest.approx(theirs[3:])


def _two(*, second: str, x: float) -> Corpus:
    made = Corpus()
    made.add_label_set("a/x", classes=["car", "bus"])
    made.add_label_set("b/y", classes=["car", "bus"])
    made.add_asset("s3://lake/0.png", width=100, height=100)
    made.add_annotation(0, "car", label_set=0, x=0, y=0, w=10, h=10)
    made.add_annotation(0, second, label_set=1, x=x, y=0, w=10, h=10)
    return made


@pytest.mark.parametrize(
    ("second", "x", "expected"),
    [
        ("car", 0, (1, 1, 1)),
        ("bus", 0, (0, 0, 1)),
        ("car", 50, (0, None, None)),
        ("car", 2, (1, 1, 80 / 120)),
    ],
)
def test_agreement_of_two_boxes(second: str, x: float, expected: tuple[float | None, ...]) -> None:
    cursor = _two(second=second, x=x).cursor()
    sql = asset_agreement(vocabulary(cursor, identity=None))
    ((_, *measured),) = cursor.execute(sql.text, list(sql.values)).fetchall()
    assert tuple(measured) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("agreement<0.5", 1),
        ("agreement>=0.5", 0),
        ("agreement.class=0", 1),
        ("agreement.iou>0.9", 1),
        ("NOT agreement<1", 0),
    ],
)
def test_agreement_can_be_asked_for(query: str, count: int) -> None:
    hits = search(_two(second="bus", x=0).cursor(), query, state=1)
    assert hits.count() == count
    assert [hit.why[0] for hit in hits] == [query] * count
