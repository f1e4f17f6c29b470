"""Boxes of label files that state another size of a picture than it has, against boxes drawn on the picture itself."""

from __future__ import annotations

import pytest

from datacat.query.agreement import asset_agreement
from datacat.query.overlap import overlap
from datacat.query.plan import plan
from datacat.query.run import rows
from datacat.query.search import search
from datacat.query.show import show
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus


def _two(*, stated: tuple[int, int], box: tuple[float, float, float, float]) -> Corpus:
    """A picture of 320x240 with one car at 200, 100, 50, 40; the second team drew `box` on another size."""
    made = Corpus()
    made.add_label_set("a/x", classes=["car"])
    made.add_label_set("b/y", classes=["car"])
    made.add_asset("s3://lake/0.png", width=320, height=240)
    made.list_asset(0, label_set=0, width=320, height=240)
    made.list_asset(0, label_set=1, width=stated[0], height=stated[1])
    made.add_annotation(0, "car", label_set=0, x=200, y=100, w=50, h=40, area=2000)
    x, y, w, h = box
    made.add_annotation(0, "car", label_set=1, x=x, y=y, w=w, h=h, area=w * h)
    return made


def _doubled() -> Corpus:
    return _two(stated=(640, 480), box=(400, 200, 100, 80))


def _alike() -> Corpus:
    return _two(stated=(320, 240), box=(200, 100, 50, 40))


def _turned() -> Corpus:
    return _two(stated=(240, 320), box=(100, 200, 40, 50))


def _found(made: Corpus, query: str) -> int:
    return search(made.cursor(), query, state=1).count()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("car[team:b center_x>75%]", 0),
        ("car[team:b center_x>70%]", 1),
        ("car[team:b width=50]", 1),
        ("car[team:b area=2000]", 1),
        ("car[team:b area>2%]", 1),
        ("car[team:b iou(car)>0.9]", 1),
        ("agreement<1", 0),
        ("count(car across teams)=1", 1),
    ],
)
def test_a_box_on_a_larger_copy_is_the_same_box(query: str, count: int) -> None:
    assert _found(_doubled(), query) == count


def test_two_sizes_agree_wholly() -> None:
    cursor = _doubled().cursor()
    ((_, *measured, _),) = rows(cursor, asset_agreement(vocabulary(cursor, identity=None)))
    assert measured == pytest.approx([1, 1, 1])


def test_a_match_is_shown_on_the_picture() -> None:
    (hit,) = search(_doubled().cursor(), "car[team:b]", state=1)
    (match,) = hit.matches
    assert (match.x, match.y, match.w, match.h) == (200, 100, 50, 40)


def test_swapped_sides_are_measured_as_turned_and_compared_with_nothing_else() -> None:
    made = _two(stated=(240, 320), box=(100, 200, 40, 50))
    assert _found(made, "car[team:b center_y>90%]") == 0
    assert _found(made, "car[team:b center_y>70%]") == 1
    assert _found(made, "NOT car[team:b iou(car)>0.9]") == 0


def test_pictures_are_only_read_where_a_label_file_states_another_size() -> None:
    corpora = (_alike(), _doubled())
    told = [plan(made.cursor(), "car[width=50]").assets().text for made in corpora]
    assert ["assets" in text for text in told] == [False, True]
    assert [_found(made, "car[width=50]") for made in corpora] == [1, 1]


def test_very_many_stated_sizes_are_found_by_each_query() -> None:
    made = _doubled()
    for number in range(1, 1_100):
        made.add_asset(f"s3://lake/{number}.png", width=320, height=240)
        made.list_asset(number, label_set=1, width=640, height=480)
        made.add_annotation(number, "car", label_set=1, x=0, y=0, w=100, h=100, area=10_000)
    assert _found(made, "car[team:b width=50 area=2500]") == 1_099


@pytest.mark.parametrize(
    "query", ["agreement<1", "agreement>=0", "agreement.iou<1", "count(car across teams)=1"]
)
def test_boxes_of_a_turned_picture_are_neither_like_others_nor_unlike(query: str) -> None:
    hits = search(_turned().cursor(), query, state=1)
    assert (hits.answers.yes, hits.answers.no, hits.answers.unknown) == (0, 0, 1)


def test_an_overlap_counts_what_it_cannot_compare() -> None:
    cursor = _turned().cursor()
    found = overlap(cursor, "a", right="b", vocabulary=vocabulary(cursor, identity=None))
    assert (found.shared, found.compared, found.incomparable) == (1, 0, 1)
    assert (found.agreement, found.matched, found.cells, found.lowest) == (None, 0, (), ())


def test_a_third_who_disagrees_is_found_beside_what_cannot_be_compared() -> None:
    made = _turned()
    third = made.add_label_set("c/z", classes=["car"])
    made.list_asset(0, label_set=third, width=320, height=240)
    made.add_annotation(0, "car", label_set=third, x=0, y=0, w=50, h=40, area=2000)
    answers = [search(made.cursor(), f"agreement{said}", state=1).answers for said in ("<0.5", ">=0.5", "=0")]
    assert [(one.yes, one.no, one.unknown) for one in answers] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]


def test_an_asset_is_shown_with_all_coordinates_on_the_picture() -> None:
    made = _doubled()
    ring = {"geometry_type": "polygon", "geometry": "[[400, 200, 500, 200, 500, 280]]"}
    made.add_annotation(0, "car", label_set=1, x=400, y=200, w=100, h=80, area=4000, **ring)
    found = show(made.cursor(), "0").annotations
    assert {(one.x, one.y, one.w, one.h) for one in found} == {(200, 100, 50, 40)}
    assert (found[2].area, found[2].geometry) == (1000, [[200, 100, 250, 100, 250, 140]])


def test_an_asset_is_shown_as_drawn_where_its_picture_was_turned() -> None:
    (_, turned) = show(_turned().cursor(), "0").annotations
    assert (turned.x, turned.y, turned.w, turned.h) == (100, 200, 40, 50)


@pytest.mark.parametrize(
    ("stated", "shape", "box"),
    [
        ((640, 480), "rotated", (10, 20, 50, 40)),  # scaled alike: half of each
        ((640, 240), "box", (10, 40, 50, 80)),
    ],
)
def test_a_turned_box_that_is_none_on_the_picture_is_shown_as_its_box(
    stated: tuple[int, int], shape: str, box: tuple[float, ...]
) -> None:
    made = _two(stated=stated, box=(0, 0, 1, 1))
    turned = '{"center": [70, 80], "size": [90, 60], "degrees": 30}'
    said = {"geometry_type": "rotated", "geometry": turned, "area": 5400}
    made.add_annotation(0, "ship", label_set=1, x=20, y=40, w=100, h=80, **said)
    (*_, found) = show(made.cursor(), "0").annotations
    assert (found.geometry_type, found.x, found.y, found.w, found.h) == (shape, *box)
    assert (found.geometry is None) == (shape == "box")
