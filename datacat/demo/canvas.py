"""A canvas in logical pixels, drawn larger than it is shown so that edges come out smooth."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from datacat.demo.truth import Point

Colour = tuple[int, int, int]


class Canvas:
    """Draws shapes given in logical pixels, y down."""

    def __init__(self, width: int, height: int, *, detail: int, background: Colour) -> None:
        self.width = width
        self.height = height
        self._detail = detail
        self._image = Image.new("RGB", (width * detail, height * detail), background)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def polygon(self, points: Iterable[Point], fill: Colour, *, alpha: int = 255) -> None:
        """Fills a polygon."""
        self._draw.polygon(self._scaled(points), fill=(*fill, alpha))

    def line(self, points: Iterable[Point], fill: Colour, *, width: float = 1, alpha: int = 255) -> None:
        """Draws a line of `width` logical pixels."""
        self._draw.line(
            self._scaled(points),
            fill=(*fill, alpha),
            width=max(1, round(width * self._detail)),
            joint="curve",
        )

    def ellipse(self, centre: Point, radii: Point, *, fill: Colour, alpha: int = 255) -> None:
        """Fills an upright ellipse."""
        (x, y), (a, b) = centre, radii
        self._draw.ellipse(self._scaled([(x - a, y - b), (x + a, y + b)]), fill=(*fill, alpha))

    def gradient(self, top: Colour, bottom: Colour, *, until: float) -> None:
        """Fills everything above `until` with a vertical gradient."""
        rows = max(1, round(until * self._detail))
        mix = np.linspace(0, 1, rows)[:, None, None]
        band = np.asarray(top) * (1 - mix) + np.asarray(bottom) * mix
        whole = np.broadcast_to(band, (rows, self._image.width, 3)).astype(np.uint8)
        self._image.paste(Image.fromarray(whole), (0, 0))

    def mottle(self, strength: float, *, seed: int, grain: int = 24) -> None:
        """Lightens and darkens softly in patches of about `grain` logical pixels; before anything else is drawn."""
        noise = np.random.default_rng(seed)
        coarse = noise.normal(0, strength, (self.height // grain + 2, self.width // grain + 2))
        fine = noise.normal(0, strength / 2, (self.height // 4 + 2, self.width // 4 + 2))
        shade = _enlarged(coarse, self._image.size) + _enlarged(fine, self._image.size)
        lit = np.asarray(self._image, dtype=np.float32) + shade[:, :, None]
        self._image.paste(Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)))

    def finished(self, *, grain_seed: int, light: Sequence[float] = (1.0, 1.0, 1.0)) -> Image.Image:
        """The picture at its logical size, tinted by `light`, with a camera's grain."""
        small = self._image.resize((self.width, self.height), Image.Resampling.BOX)
        grain = np.random.default_rng(grain_seed).normal(0, 3.0, (self.height, self.width, 1))
        lit = np.asarray(small, dtype=np.float32) * np.asarray(light, dtype=np.float32) + grain
        return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)).filter(ImageFilter.SMOOTH)

    def _scaled(self, points: Iterable[Point]) -> list[Point]:
        return [(x * self._detail, y * self._detail) for x, y in points]


def _enlarged(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = Image.fromarray(values.astype(np.float32), mode="F")
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def shaded(colour: Colour, factor: float) -> Colour:
    """A colour, lighter (above 1) or darker (below 1)."""
    red, green, blue = (min(255, max(0, round(part * factor))) for part in colour)
    return red, green, blue


def varied(colour: Colour, rng: random.Random, *, by: int = 10) -> Colour:
    """A colour near `colour`."""
    red, green, blue = (min(255, max(0, part + rng.randint(-by, by))) for part in colour)
    return red, green, blue


def rectangle(centre: Point, size: Point, *, angle: float = 0.0) -> tuple[Point, ...]:
    """The corners of a rectangle turned by `angle` radians, from the top left clockwise."""
    (x, y), (width, height) = centre, size
    cos, sin = math.cos(angle), math.sin(angle)
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    halves = ((a * width / 2, b * height / 2) for a, b in corners)
    return tuple((x + u * cos - v * sin, y + u * sin + v * cos) for u, v in halves)


def upright(left: float, top: float, *, width: float, height: float) -> tuple[Point, ...]:
    """The corners of an upright rectangle, from the top left clockwise."""
    return rectangle((left + width / 2, top + height / 2), (width, height))


def between(start: Point, end: Point, *, at: float) -> Point:
    """The point at the share `at` of the way from `start` to `end`."""
    return start[0] + (end[0] - start[0]) * at, start[1] + (end[1] - start[1]) * at


def moved(points: Iterable[Point], by: Point) -> tuple[Point, ...]:
    """The points, moved."""
    return tuple((x + by[0], y + by[1]) for x, y in points)


def rounded(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points to a hundredth of a pixel, as label tools write them."""
    return tuple((round(x, 2), round(y, 2)) for x, y in points)
