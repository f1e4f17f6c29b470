"""What is true of a drawn picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from PIL import Image

Kind = Literal["aerial", "street"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something drawn.

    Attributes:
        label: what it is, in no team's words: roof, car, tree, person, pool, panels, lake, boat.
        polygon: its outline in pixels, y down.
        attributes: what it is like, as in {"material": "slate"}.
    """

    label: str
    polygon: tuple[Point, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, width, height in pixels."""
        xs, ys = zip(*self.polygon, strict=True)
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and all that is true of it.

    Attributes:
        kind: seen from above, or from the pavement.
        picture: RGB.
        light: day, dusk or night.
        has_crossing: two roads cross.
        things: what was drawn, the farthest first; all of it lies within the picture.
    """

    kind: Kind
    picture: Image.Image
    light: str
    things: tuple[Thing, ...]
    has_crossing: bool = False

    def of(self, label: str) -> tuple[Thing, ...]:
        """The things of one label."""
        return tuple(thing for thing in self.things if thing.label == label)
