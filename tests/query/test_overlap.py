"""What two teams share and where they agree."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from datacat.errors import NotFound, UsageError
from datacat.query.overlap import Cell, Overlap, overlap
from datacat.query.search import search
from datacat.query.vocabulary import vocabulary
from datacat.testing.accord import accords
from datacat.testing.corpus import Corpus
from tests.query.test_agreement import _scenes


def _overlap(made: Corpus, left: str, right: str, *, limit: int = 100) -> Overlap:
    cursor = made.cursor()
    return overlap(cursor, left, right=right, vocabulary=vocabulary(cursor, identity=None), limit=limit)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(_scenes())
def test_overlap_is_what_comparing_boxes_gives(made: Corpus) -> None:
    found = _overlap(made, "mapping", "claims/houses")
    words = vocabulary(made.cursor(), identity=None)
    compared = {
        asset: accord for asset, left, right, accord in accords(made, words) if (left, right) == (0, 1)
    }
    assert found.compared == len(compared)
    assert found.agreed == sum(accord.agreement == 1 for accord in compared.values())
    lowest = {asset: accord.agreement for asset, accord in compared.items() if accord.agreement < 1}
    assert {item.asset: item.agreement for item in found.lowest} == pytest.approx(lowest)
    cells = [cell for cell in found.cells if cell.box_iou is not None]
    assert sum(cell.annotations for cell in cells) == found.matched
    if found.matched:
        same = sum(cell.annotations for cell in cells if cell.left == cell.right)
        assert found.class_agreement == pytest.approx(same / found.matched)
        total = sum(cell.annotations * (cell.box_iou or 0) for cell in cells)
        assert found.box_iou == pytest.approx(total / found.matched)


def _two_teams() -> Corpus:
    made = Corpus()
    made.add_label_set("mapping/roofs", classes=["Roof", "Shed"])
    made.add_label_set("mapping/more", classes=["Roof"])
    made.add_label_set("claims/houses", classes=["rooftop", "shed"])
    made.add_concept("roof", "mapping:Roof", "claims:rooftop")
    for number, digest in enumerate(["d0", "d1", "d2", "d2"]):
        made.add_asset(f"s3://lake/{number}.png", width=100, height=100, digest=digest)
    box = {"x": 0, "y": 0, "w": 10, "h": 10}
    for asset in (0, 1):
        made.add_annotation(asset, "Roof", label_set=0, **box)
    made.add_annotation(0, "rooftop", label_set=2, **box)
    made.add_annotation(1, "shed", label_set=2, **box)
    made.add_annotation(1, "rooftop", label_set=2, x=50, y=50, w=10, h=10)
    made.list_asset(2, label_set=0)
    made.list_asset(3, label_set=2)
    made.copy(3, of=2)
    return made


def test_overlap_counts_cells_and_names_the_worst_assets() -> None:
    found = _overlap(_two_teams(), "mapping", "claims")
    assert (found.left_assets, found.right_assets, found.shared, found.equal_bytes) == (3, 3, 3, 1)
    # On the picture that each has at an address of its own, both looked and say nothing.
    assert (found.compared, found.agreed, found.matched) == (3, 2, 2)
    assert (found.agreement, found.class_agreement, found.box_iou) == (pytest.approx(2 / 3), 0.5, 1)
    assert found.cells == (
        Cell(None, "roof", 1, None),
        Cell("roof", "roof", 1, 1.0),
        Cell("roof", "shed", 1, 1.0),
    )
    (worst,) = found.lowest
    assert (worst.asset, worst.agreement, worst.left_count, worst.right_count) == (1, 0, 1, 2)


def test_the_query_of_an_overlap_finds_the_same_assets() -> None:
    made = _two_teams()
    for left, right in (("mapping", "claims"), ("mapping/roofs", "claims/houses")):
        found = _overlap(made, left, right)
        assert [hit.asset for hit in search(made.cursor(), found.query, state=1)] == [1]


def test_the_query_finds_those_of_a_third_label_set_too() -> None:
    """As docstring, help and the page of the command say."""
    made = _two_teams()
    third = made.add_label_set("other/houses", classes=["Roof"])
    made.add_annotation(0, "Roof", label_set=third, x=50, y=50, w=10, h=10)
    found = _overlap(made, "mapping", "claims")
    assert [item.asset for item in found.lowest] == [1]
    assert [hit.asset for hit in search(made.cursor(), found.query, state=1)] == [0, 1]


def test_one_label_set_of_a_team_can_be_named() -> None:
    assert _overlap(_two_teams(), "mapping/more", "claims").shared == 0
    assert _overlap(_two_teams(), "mapping/more", "claims").agreement is None


@pytest.mark.parametrize(
    ("left", "right", "error", "says"),
    [
        ("mappin", "claims", NotFound, "no team mappin\nDid you mean mapping"),
        ("mapping/roof", "claims", NotFound, "no label set mapping/roof\nDid you mean mapping/roofs"),
        ("claims", "claims/houses", UsageError, "are the same"),
    ],
)
def test_unknown_and_equal_names_are_refused(
    left: str, right: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        _overlap(_two_teams(), left, right)
