"""Drawn scenes: the same everywhere, and their truth is where they say."""

from __future__ import annotations

import hashlib
import random

import pytest

from datacat.demo.captions import PHRASES, caption, tags
from datacat.demo.palette import CARS
from datacat.demo.scenes import draw
from datacat.demo.truth import Kind

KINDS: tuple[Kind, ...] = ("aerial", "street")


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_scene(kind: Kind) -> None:
    first, again = draw(11, kind), draw(11, kind)
    assert first.things == again.things
    assert (
        hashlib.sha256(first.picture.tobytes()).digest() == hashlib.sha256(again.picture.tobytes()).digest()
    )
    assert draw(12, kind).things != first.things


@pytest.mark.parametrize("kind", KINDS)
def test_everything_lies_within_the_picture(kind: Kind) -> None:
    for seed in range(20):
        scene = draw(seed, kind, detail=1)
        for thing in scene.things:
            left, top, width, height = thing.box
            assert 0 <= left <= left + width <= scene.picture.width
            assert 0 <= top <= top + height <= scene.picture.height


def test_a_car_has_the_colour_that_its_truth_says() -> None:
    for scene in (draw(seed, "aerial", detail=1) for seed in range(10)):
        for car in scene.of("car"):
            left, top, width, height = car.box
            shown = scene.picture.getpixel((round(left + width * 0.45), round(top + height / 2)))
            nearest = min(
                CARS, key=lambda name: sum((a - b) ** 2 for a, b in zip(CARS[name], shown, strict=True))
            )
            assert nearest == car.attributes["color"]


def test_every_tag_is_drawn_sometimes() -> None:
    seen: set[str] = set()
    for seed in range(120):
        seen |= tags(draw(seed, KINDS[seed % 2], detail=1))
    assert seen == set(PHRASES)


def test_a_caption_says_what_was_chosen() -> None:
    text = caption(("pool",), random.Random(1))
    assert any(phrase in text for phrase in PHRASES["pool"])
