"""How far label sets agree, against a box by box comparison."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.query.agreement import agreement_pairs, asset_agreement
from datacat.query.assignment import assigned, matched_boxes
from datacat.query.compare import Sql
from datacat.query.run import rows
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
            stated = draw(st.sampled_from([{}, {"width": 40, "height": 20}]))
            made.list_asset(number, label_set=label_set, **stated)
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
    found = rows(cursor, Sql(query, sql.values))
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
    ((_, *measured, _),) = rows(cursor, sql)
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


_EDGES = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(500, 1000), max_size=16)


@settings(max_examples=200, deadline=None)
@given(_EDGES)
def test_no_other_assignment_has_a_greater_sum(edges: dict[tuple[int, int], int]) -> None:
    pairs = sorted(edges)
    weights = [edges[pair] / 1000 for pair in pairs]
    lefts, rights = [left for left, _ in pairs], [right for _, right in pairs]
    chosen = [
        pair
        for pair, is_in in zip(pairs, assigned(lefts, rights=rights, weights=weights), strict=True)
        if is_in
    ]
    assert len({left for left, _ in chosen}) == len({right for _, right in chosen}) == len(chosen)
    best = max(
        sum(edges.get(pair, 0) for pair in enumerate(order)) for order in itertools.permutations(range(5))
    )
    assert sum(edges[pair] for pair in chosen) == best


def _crossing() -> Corpus:
    """The best partner of b/y's first box is a/x's second, whose only other partner is b/y's second."""
    made = Corpus()
    made.add_label_set("a/x", classes=["car"])
    made.add_label_set("b/y", classes=["car"])
    made.add_asset("s3://lake/0.png", width=100, height=100)
    for label_set, x in ((0, 0), (0, 3), (1, 2), (1, 6)):
        made.add_annotation(0, "car", label_set=label_set, x=x, y=0, w=10, h=10)
    return made


def test_matching_is_the_best_for_all_and_not_for_each() -> None:
    made = _crossing()
    cursor = made.cursor()
    ((_, *measured, _),) = rows(cursor, asset_agreement(vocabulary(cursor, identity=None)))
    # Mutual best would take 3 with 2 (9/11) and leave the others alone: agreement 0.5.
    assert measured == pytest.approx([1, 1, (8 / 12 + 7 / 13) / 2])


def test_boxes_are_matched_across_label_sets_whatever_their_classes() -> None:
    made = _crossing()
    made.add_label_set("c/z", classes=["bus"])
    made.add_annotation(0, "bus", label_set=2, x=0, y=0, w=10, h=10)
    found = rows(
        made.cursor(), matched_boxes(Sql("SELECT annotation FROM annotations WHERE annotation <> 1"))
    )
    assert sorted(row[1:5] for row in found) == [(0, 1, 0, 2), (0, 2, 0, 4), (1, 2, 2, 4)]
