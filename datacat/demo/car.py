"""A car from the side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datacat.demo.canvas import Canvas, Colour, shaded, upright
from datacat.demo.truth import Point

_BASE, _SHOULDER, _TOP = 9.0, 35.0, 57.0  # heights above the road, in pixels at scale 1
_LENGTH = 132.0


@dataclass(frozen=True, slots=True)
class CarShape:
    """Where a car stands.

    Attributes:
        foot: its lower left corner in pixels.
        scale: 1 is 132 pixels long.
        way: -1: its nose is on the right; 1: on the left.
    """

    foot: Point
    scale: float
    way: int

    def at(self, along: float, up: float) -> Point:
        """The point at a share of the length from the nose, and pixels at scale 1 above the road."""
        x, y = self.foot
        length = _LENGTH * self.scale
        return x + length / 2 + self.way * (along - 0.5) * length, y - up * self.scale

    @property
    def outline(self) -> tuple[Point, ...]:
        """The box around it."""
        x, y = self.foot
        top = _TOP * self.scale
        return upright(x - 2, y - top, width=_LENGTH * self.scale + 4, height=top + 3)


def draw_car(canvas: Canvas, car: CarShape, *, paint: Colour, is_open: bool, lamp: Colour) -> None:
    """Draws it, with its front door open or closed."""
    scale = car.scale
    canvas.ellipse(car.at(0.5, 0), (_LENGTH * scale * 0.52, 6 * scale), fill=(24, 26, 30), alpha=130)
    cabin = ((0.24, _SHOULDER), (0.38, _TOP), (0.78, _TOP), (0.94, _SHOULDER))
    glass = ((0.3, _SHOULDER), (0.4, 53.5), (0.76, 53.5), (0.87, _SHOULDER))
    hull = ((0, _BASE), (0.02, 32.2), (0.28, _SHOULDER), (0.98, _SHOULDER), (1, _BASE))
    canvas.polygon(_placed(car, cabin), shaded(paint, 0.9))
    canvas.polygon(_placed(car, glass), (70, 92, 112))
    canvas.polygon(_placed(car, hull), paint)
    canvas.line(_placed(car, ((0.03, 21.7), (0.97, 21.7))), shaded(paint, 0.75), width=1.5)
    if is_open:
        canvas.polygon(_placed(car, ((0.42, 12), (0.42, 52.6), (0.62, 52.6), (0.62, 12))), (28, 26, 30))
        flap = ((0.42, 12), (0.42, 52.6), (0.26, 57.4), (0.26, 5))
        canvas.polygon(_placed(car, flap), shaded(paint, 1.18))
    else:
        canvas.line(_placed(car, ((0.6, 12), (0.6, 52.6))), shaded(paint, 0.6), width=1.2)
    for along in (0.2, 0.8):
        canvas.ellipse(car.at(along, _BASE), (11 * scale, 11 * scale), fill=(30, 30, 32))
        canvas.ellipse(car.at(along, _BASE), (5.5 * scale, 5.5 * scale), fill=(168, 170, 174))
    canvas.ellipse(car.at(0.015, 26.2), (4 * scale, 3 * scale), fill=lamp)


def _placed(car: CarShape, points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple(car.at(along, up) for along, up in points)
