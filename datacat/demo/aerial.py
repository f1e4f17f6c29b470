"""Scenes from above: lots along roads, roofs, gardens, water."""

from __future__ import annotations

import math
import random

from datacat.demo.canvas import Canvas, Colour, between, moved, rectangle, rounded, shaded, upright, varied
from datacat.demo.palette import ASPHALT, CARS, CLOTHES, GRASS, LEAVES, POOL, ROOFS, WATER
from datacat.demo.truth import Point, Scene, Thing

SIDE = 480
_ROAD = 46.0
_LOT = 116.0
_SHADOW: Colour = (20, 24, 30)


def compose(rng: random.Random, *, detail: int) -> Scene:
    """Draws one scene of 480 x 480 pixels."""
    return _Aerial(rng, detail=detail).compose()


class _Aerial:
    def __init__(self, rng: random.Random, *, detail: int) -> None:
        self.rng = rng
        self.canvas = Canvas(SIDE, SIDE, detail=detail, background=varied(rng.choice(GRASS), rng))
        self.things: list[Thing] = []
        self.road_y = rng.uniform(190, 290)
        self.road_x = rng.choice((None, rng.uniform(120, 360)))
        self.has_lake = rng.random() < 0.22
        self.material = rng.choice(tuple(ROOFS))
        self.pool_rate = rng.choice((0.0, 0.0, 0.0, 0.0, 0.45))
        self.panel_rate = rng.choice((0.0, 0.0, 0.0, 0.45))

    def compose(self) -> Scene:
        self.canvas.mottle(7, seed=self.rng.getrandbits(32))
        lake = self._lake() if self.has_lake else None
        self._roads()
        for lot in self._lots(lake):
            self._lot(lot)
        self._traffic()
        self._walkers()
        warmth = self.rng.uniform(0.94, 1.06)
        light = (warmth, 1.0, 2 - warmth)
        picture = self.canvas.finished(grain_seed=self.rng.getrandbits(32), light=light)
        return Scene("aerial", picture, "day", tuple(self.things), has_crossing=self.road_x is not None)

    def _add(self, label: str, polygon: tuple[Point, ...], **attributes: object) -> None:
        inside = [(min(max(x, 0.0), SIDE), min(max(y, 0.0), SIDE)) for x, y in polygon]
        self.things.append(Thing(label, rounded(inside), attributes))

    def _lake(self) -> float:
        """Water along the upper or lower edge; returns the y of its middle."""
        rng = self.rng
        is_top = self.road_y > SIDE / 2
        depth = rng.uniform(90, 130)
        shore = [
            (SIDE * step / 12, depth + 14 * math.sin(step * 0.9 + rng.random()) + rng.uniform(-4, 4))
            for step in range(13)
        ]
        outline = [(0.0, 0.0), (float(SIDE), 0.0), *reversed(shore)]
        if not is_top:
            outline = [(x, SIDE - y) for x, y in outline]
        beach = [(x, y + (7 if is_top else -7)) if 0 < y < SIDE else (x, y) for x, y in outline]
        self.canvas.polygon(beach, (206, 190, 146))
        self.canvas.polygon(outline, varied(WATER, rng))
        self._add("lake", tuple(outline))
        middle = depth / 2 if is_top else SIDE - depth / 2
        for _ in range(9):
            x, y = rng.uniform(0, SIDE), middle + rng.uniform(-depth / 3, depth / 3)
            self.canvas.line([(x, y), (x + rng.uniform(15, 40), y)], (150, 190, 210), width=1, alpha=90)
        for number in range(rng.choice((0, 1, 3, 4))):
            self._boat((60 + number * 100 + rng.uniform(0, 60), middle + rng.uniform(-18, 18)))
        return middle

    def _boat(self, centre: Point) -> None:
        angle = self.rng.uniform(-0.5, 0.5)
        x, y = centre
        bow = rectangle(centre, (34, 12), angle=angle)
        tip = (x + 28 * math.cos(angle), y + 28 * math.sin(angle))
        hull = (bow[0], bow[1], tip, bow[2], bow[3])
        self.canvas.polygon(moved(hull, (2, 4)), _SHADOW, alpha=90)
        self.canvas.polygon(hull, (246, 246, 242))
        self.canvas.polygon(rectangle((x - 3, y), (18, 7), angle=angle), (150, 104, 66))
        self._add("boat", hull)

    def _roads(self) -> None:
        strips = [upright(0, self.road_y - _ROAD / 2, width=SIDE, height=_ROAD)]
        if self.road_x is not None:
            strips.append(upright(self.road_x - _ROAD / 2, 0, width=_ROAD, height=SIDE))
        if self.has_lake and self.road_x is not None:
            strips.pop()
            self.road_x = None
        for strip in strips:
            self.canvas.polygon(moved(strip, (0, 0)), (176, 172, 164))
        for strip in strips:
            (left, top), _, (right, bottom), _ = strip
            narrow = 5 if bottom - top < SIDE else 0
            self.canvas.polygon(
                upright(
                    left + 5 - narrow,
                    top + narrow,
                    width=right - left - 10 + 2 * narrow,
                    height=bottom - top - 2 * narrow,
                ),
                ASPHALT,
            )
        for start in range(0, SIDE, 30):
            self.canvas.line([(start, self.road_y), (start + 14, self.road_y)], (232, 230, 220), width=2)
            if self.road_x is not None:
                self.canvas.line([(self.road_x, start), (self.road_x, start + 14)], (232, 230, 220), width=2)

    def _lots(self, lake: float | None) -> list[Point]:
        """Centres of the lots on both sides of the road, clear of roads and water."""
        rows = [self.road_y - _ROAD / 2 - 64, self.road_y + _ROAD / 2 + 64]
        if lake is None:
            rows += [y for y in (rows[0] - _LOT, rows[1] + _LOT) if 55 < y < SIDE - 55]
        else:
            rows = [y for y in rows if abs(y - lake) > 125]
        columns = [58 + _LOT * number for number in range(4)]
        centres = [(x + self.rng.uniform(0, 12), y) for y in rows for x in columns]
        if self.road_x is not None:
            centres = [(x, y) for x, y in centres if abs(x - self.road_x) > _ROAD / 2 + 56]
        return centres

    def _lot(self, centre: Point) -> None:
        rng = self.rng
        choice = rng.random()
        if choice < 0.22:
            self._grove(centre, count=rng.randint(2, 5))
            return
        self._house((centre[0] - 14, centre[1]))
        corner = (centre[0] + 42, centre[1] + rng.choice((-30, 30)))
        if rng.random() < self.pool_rate:
            self._pool(corner)
        elif rng.random() < 0.7:
            self._tree(corner, radius=rng.uniform(10, 16))

    def _house(self, centre: Point) -> None:
        rng = self.rng
        angle = rng.uniform(-0.2, 0.2)
        size = (rng.uniform(56, 74), rng.uniform(38, 52))
        material = self.material if rng.random() < 0.65 else rng.choice(tuple(ROOFS))
        outline = rectangle(centre, size, angle=angle)
        colour = varied(ROOFS[material], rng, by=8)
        self.canvas.polygon(moved(outline, (7, 8)), _SHADOW, alpha=110)
        self._gable(outline, colour, material=material)
        has_panels = material != "thatch" and rng.random() < self.panel_rate
        self._add(
            "roof", outline, material=material, solar=has_panels, area_m2=round(size[0] * size[1] * 0.06, 1)
        )
        if has_panels:
            self._panels(outline)
        elif rng.random() < 0.7:
            chimney = between(
                between(outline[0], outline[1], at=0.7), between(outline[3], outline[2], at=0.7), at=0.36
            )
            self.canvas.polygon(rectangle(chimney, (8, 8), angle=angle), (120, 70, 58))

    def _gable(self, outline: tuple[Point, ...], colour: Colour, *, material: str) -> None:
        a, b, c, d = outline
        left, right = between(a, d, at=0.5), between(b, c, at=0.5)
        self.canvas.polygon((a, b, right, left), shaded(colour, 1.12))
        self.canvas.polygon((left, right, c, d), shaded(colour, 0.82))
        courses = {"tile": 5, "slate": 7, "metal": 0, "thatch": 3}[material]
        for side in ((a, b, left, right), (left, right, d, c)):
            for course in range(1, courses):
                share = course / courses
                ends = (between(side[0], side[2], at=share), between(side[1], side[3], at=share))
                self.canvas.line(ends, shaded(colour, 0.7), width=0.8, alpha=120)
        if material == "metal":
            for seam in range(1, 9):
                ends = (between(a, b, at=seam / 9), between(d, c, at=seam / 9))
                self.canvas.line(ends, shaded(colour, 0.8), width=0.8, alpha=170)
        self.canvas.line((left, right), shaded(colour, 1.3), width=2)

    def _panels(self, outline: tuple[Point, ...]) -> None:
        a, b, c, d = outline
        top, bottom = 0.08, 0.44
        corners = [
            between(between(a, b, at=across), between(d, c, at=across), at=down)
            for across, down in ((0.1, top), (0.9, top), (0.9, bottom), (0.1, bottom))
        ]
        self.canvas.polygon(corners, (18, 32, 86))
        for cell in range(7):
            ends = (
                between(corners[0], corners[1], at=cell / 6),
                between(corners[3], corners[2], at=cell / 6),
            )
            self.canvas.line(ends, (196, 208, 226), width=1.2)
        for row in (0.0, 0.5, 1.0):
            ends = (between(corners[0], corners[3], at=row), between(corners[1], corners[2], at=row))
            self.canvas.line(ends, (196, 208, 226), width=1.2)
        self._add("panels", tuple(corners))

    def _pool(self, centre: Point) -> None:
        rng = self.rng
        size = (rng.uniform(24, 30), rng.uniform(36, 46))
        rim = rectangle(centre, (size[0] + 9, size[1] + 9))
        self.canvas.polygon(rim, (232, 224, 208))
        water = rectangle(centre, size)
        self.canvas.polygon(water, varied(POOL, rng, by=8))
        for _ in range(4):
            x, y = centre[0] + rng.uniform(-8, 4), centre[1] + rng.uniform(-14, 14)
            self.canvas.line([(x, y), (x + 8, y + 2)], (200, 244, 250), width=1.2, alpha=200)
        self._add("pool", rim)

    def _grove(self, centre: Point, *, count: int) -> None:
        for number in range(count):
            angle = 2 * math.pi * number / count
            spread = self.rng.uniform(18, 34)
            at = (centre[0] + spread * math.cos(angle), centre[1] + spread * math.sin(angle))
            self._tree(at, radius=self.rng.uniform(12, 20))

    def _tree(self, centre: Point, *, radius: float) -> None:
        rng = self.rng
        x, y = centre
        leaf = varied(rng.choice(LEAVES), rng)
        self.canvas.ellipse((x + radius * 0.4, y + radius * 0.5), (radius, radius), fill=_SHADOW, alpha=90)
        self.canvas.ellipse(centre, (radius, radius), fill=shaded(leaf, 0.8))
        for _ in range(9):
            angle, reach = rng.uniform(0, 2 * math.pi), rng.uniform(0, radius * 0.65)
            blob = (x + reach * math.cos(angle), y + reach * math.sin(angle))
            size = radius * rng.uniform(0.25, 0.42)
            self.canvas.ellipse(blob, (size, size), fill=shaded(leaf, rng.uniform(0.85, 1.3)))
        steps = [2 * math.pi * step / 10 for step in range(10)]
        self._add("tree", tuple((x + radius * math.cos(a), y + radius * math.sin(a)) for a in steps))

    def _traffic(self) -> None:
        for lane, way in ((-10, 1), (10, -1)):
            x = self.rng.uniform(-60, 180)
            while x < SIDE - 60:
                if x > 24 and self.rng.random() < 0.55:
                    self._car((x, self.road_y + lane), way=way)
                x += self.rng.uniform(58, 130)

    def _car(self, centre: Point, *, way: int) -> None:
        rng = self.rng
        colour = rng.choice(tuple(CARS))
        body = rectangle(centre, (36, 15))
        x, y = centre
        self.canvas.polygon(moved(body, (2, 3)), _SHADOW, alpha=110)
        is_open = rng.random() < 0.25
        if is_open:
            hinge = (x + 4 * way, y - 7)
            self.canvas.polygon(
                rectangle((hinge[0] - 4 * way, y - 12), (4, 11), angle=0.5 * way), shaded(CARS[colour], 0.85)
            )
        self.canvas.polygon(body, CARS[colour])
        self.canvas.polygon(rectangle((x + 7 * way, y), (7, 12)), (44, 58, 72))
        self.canvas.polygon(rectangle((x - 11 * way, y), (5, 12)), (44, 58, 72))
        self.canvas.polygon(rectangle((x - 2 * way, y), (10, 11)), shaded(CARS[colour], 1.15))
        self._add("car", body, color=colour, door="open" if is_open else "closed")

    def _walkers(self) -> None:
        rng = self.rng
        for _ in range(rng.choice((0, 0, 1, 2, 4, 6))):
            side = rng.choice((-1, 1))
            at = (rng.uniform(15, SIDE - 15), self.road_y + side * (_ROAD / 2 + 5))
            self.canvas.ellipse((at[0] + 2, at[1] + 3), (4, 3), fill=_SHADOW, alpha=110)
            self.canvas.ellipse(at, (4.5, 3.2), fill=rng.choice(CLOTHES))
            self.canvas.ellipse(at, (2.2, 2.2), fill=(222, 180, 148))
            self._add("person", upright(at[0] - 4.5, at[1] - 3.2, width=9, height=6.4))
