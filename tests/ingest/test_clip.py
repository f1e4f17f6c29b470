"""Boxes and polygons at the edges of their picture."""

from __future__ import annotations

import math

import pytest

from datacat.ingest.clip import clipped_box, clipped_polygon


@pytest.mark.parametrize(
    ("corners", "found", "is_cut"),
    [
        ((0.25, 0.25, 0.5, 0.5), (0.25, 0.25, 0.5, 0.5), False),
        ((-0.5, 0.25, 0.5, 1.5), (0.0, 0.25, 0.5, 1.0), True),
        ((0.0, 0.0, 1.0000000001, 1.0), (0.0, 0.0, 1.0, 1.0), False),
        ((1.5, 0.25, 2.0, 0.5), None, True),
        ((0.5, 0.5, 0.25, 0.25), None, False),
        ((0.5, 0.5, 0.5, 0.75), None, False),
        ((0.0, 0.0, math.inf, 1.0), None, True),
        ((0.0, math.nan, 1.0, 1.0), None, True),
    ],
)
def test_a_box_is_cut_or_has_no_area(
    corners: tuple[float, float, float, float], found: tuple[float, ...] | None, is_cut: bool
) -> None:
    assert clipped_box(corners) == (found, is_cut)


def test_a_polygon_within_stays_as_it_is() -> None:
    ring = [0.1, 0.1, 0.9, 0.1, 0.5, 0.9]
    assert clipped_polygon(ring) == (ring, False)


def test_a_polygon_is_cut_at_the_edge() -> None:
    ring, is_cut = clipped_polygon([-0.5, 0.25, 0.5, 0.25, 0.5, 0.75, -0.5, 0.75])
    assert is_cut
    assert ring is not None
    assert sorted(zip(ring[0::2], ring[1::2], strict=True)) == [
        (0.0, 0.25),
        (0.0, 0.75),
        (0.5, 0.25),
        (0.5, 0.75),
    ]


@pytest.mark.parametrize(
    "ring", [[2, 2, 3, 2, 3, 3], [0.1, 0.1, 0.5, 0.5, 0.9, 0.9], [0.1, math.nan, 1, 1, 0, 1]]
)
def test_a_polygon_without_area_within_the_picture_is_none(ring: list[float]) -> None:
    assert clipped_polygon(ring)[0] is None
