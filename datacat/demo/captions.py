"""What can be said of a drawn scene: tags that follow from its truth, and the words for them.

The shipped CLIP model learns from these; its answers are checked against the same tags on scenes it never saw.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from datacat.demo.palette import CARS
from datacat.demo.truth import Scene

_CROWD = 4
_ROOF_WORDS = {
    "slate": ("slate roofs", "a grey slate roof", "a house with a slate roof", "dark roofs"),
    "tile": ("red tile roofs", "a red tiled roof", "a house with a tile roof", "red roofs", "red tiles"),
    "metal": ("metal roofs", "a white metal roof", "a house with a metal roof", "a shiny roof"),
    "thatch": ("thatched roofs", "a thatch roof", "a house with a straw roof", "brown thatch"),
}

PHRASES: dict[str, tuple[str, ...]] = {
    "aerial": (
        "houses from above",
        "an aerial picture",
        "a satellite image",
        "a village seen from above",
        "a bird's eye view",
    ),
    "street": (
        "a street",
        "houses on a street",
        "a street seen from the pavement",
        "a road with houses",
        "a street view",
    ),
    "day": ("a street by day", "a blue sky", "a sunny day", "clouds in a blue sky", "daylight"),
    "dusk": ("a sunset", "a street at dusk", "the evening sky", "an orange sky", "dusk", "evening"),
    "night": (
        "a street at night",
        "night",
        "a dark street",
        "the moon and stars",
        "lit windows at night",
        "a night scene",
    ),
    "lake": ("a lake", "water", "a lake shore", "a beach by the water", "houses by a lake", "a river"),
    "boat": ("a boat", "boats on a lake", "a boat on the water", "a white boat", "sailing boats"),
    "pool": (
        "a swimming pool",
        "a swimming pool in a garden",
        "a pool",
        "houses with swimming pools",
        "a blue pool behind a house",
        "swimming pools",
    ),
    "panels": (
        "solar panels",
        "solar panels on a roof",
        "a roof with solar panels",
        "photovoltaic panels",
        "a solar roof",
    ),
    "car": ("cars", "a car", "cars on a road", "traffic", "vehicles"),
    "open": (
        "a car with an open door",
        "an open car door",
        "a car with its door open",
        "a parked car with an open door",
    ),
    "person": (
        "people",
        "a person",
        "people on the pavement",
        "a pedestrian",
        "people walking",
        "somebody walking",
    ),
    "crowd": ("many people", "a crowd", "a crowd of people", "a busy pavement"),
    "tree": ("trees", "a tree", "green trees", "trees in a garden"),
    "empty": ("an empty road", "a road without cars", "no cars", "no traffic"),
    "crossing": ("a crossroads", "a road junction", "two roads that cross", "an intersection"),
    **{f"roof {name}": words for name, words in _ROOF_WORDS.items()},
    **{f"car {name}": (f"a {name} car", f"{name} cars", f"a {name} vehicle") for name in CARS},
}

_FRAMES = (
    "{}",
    "{}",
    "{}",
    "a picture of {}",
    "a photo of {}",
    "an image of {}",
    "all data with {}",
    "pictures with {}",
)
_JOINTS = (" and ", " and ", " with ", ", ")


def tags(scene: Scene) -> frozenset[str]:
    """What is true of a scene, as keys of `PHRASES`."""
    found = {scene.kind, *(thing.label for thing in scene.things)} & PHRASES.keys()
    if scene.kind == "street":
        found.add(scene.light)
    for roof in scene.of("roof"):
        found.add(f"roof {roof.attributes['material']}")
    for car in scene.of("car"):
        found.add(f"car {car.attributes['color']}")
        if scene.kind == "street" and car.attributes["door"] == "open":
            found.add("open")
    if not scene.of("car"):
        found.add("empty")
    if len(scene.of("person")) >= _CROWD:
        found.add("crowd")
    if scene.has_crossing:
        found.add("crossing")
    return frozenset(found)


def caption(chosen: Iterable[str], rng: random.Random) -> str:
    """One way to say that a picture shows the chosen tags."""
    said = [rng.choice(PHRASES[tag]) for tag in chosen]
    text = said[0]
    for phrase in said[1:]:
        text += rng.choice(_JOINTS) + phrase
    return rng.choice(_FRAMES).format(text)
