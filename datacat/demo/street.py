"""Scenes from the pavement: a row of houses, cars, people, a sky."""

from __future__ import annotations

import random

from datacat.demo.canvas import Canvas, Colour, between, moved, rounded, shaded, upright, varied
from datacat.demo.car import CarShape, draw_car
from datacat.demo.palette import ASPHALT, CARS, CLOTHES, LEAVES, ROOFS, WALLS
from datacat.demo.truth import Point, Scene, Thing

WIDTH, HEIGHT = 576, 384
_GROUND = 252.0  # where houses stand
_KERB = 282.0  # where the road begins
_SKIES: dict[str, tuple[Colour, Colour]] = {
    "day": ((96, 154, 214), (206, 226, 238)),
    "dusk": ((92, 74, 128), (240, 158, 96)),
    "night": ((10, 14, 36), (34, 42, 74)),
}
_LIGHTS: dict[str, tuple[float, float, float]] = {
    "day": (1.0, 1.0, 1.0),
    "dusk": (1.02, 0.84, 0.8),
    "night": (0.42, 0.46, 0.66),
}
_LAMP: Colour = (255, 226, 140)


def compose(rng: random.Random, *, detail: int) -> Scene:
    """Draws one scene of 576 x 384 pixels."""
    return _Street(rng, detail=detail).compose()


class _Street:
    def __init__(self, rng: random.Random, *, detail: int) -> None:
        self.rng = rng
        self.light = rng.choice(("day", "day", "day", "dusk", "night"))
        self.canvas = Canvas(WIDTH, HEIGHT, detail=detail, background=ASPHALT)
        self.things: list[Thing] = []
        self.material = rng.choice(tuple(ROOFS))
        self.lamps: list[Point] = []

    def compose(self) -> Scene:
        self._sky()
        self._row()
        self._pavement()
        self._people()
        self._cars()
        tint = _LIGHTS[self.light]
        picture = self.canvas.finished(grain_seed=self.rng.getrandbits(32), light=tint)
        return Scene("street", picture, self.light, tuple(self.things))

    def _add(self, label: str, polygon: tuple[Point, ...], **attributes: object) -> None:
        inside = [(min(max(x, 0.0), WIDTH), min(max(y, 0.0), HEIGHT)) for x, y in polygon]
        self.things.append(Thing(label, rounded(inside), attributes))

    def _lit(self, colour: Colour) -> Colour:
        """A colour that still looks like `colour` after the night's tint."""
        red, green, blue = (
            min(255, round(part / tint)) for part, tint in zip(colour, _LIGHTS[self.light], strict=True)
        )
        return red, green, blue

    def _sky(self) -> None:
        rng = self.rng
        top, bottom = _SKIES[self.light]
        self.canvas.gradient(self._lit(top), self._lit(bottom), until=_GROUND)
        if self.light == "night":
            for _ in range(40):
                self.canvas.ellipse(
                    (rng.uniform(0, WIDTH), rng.uniform(0, 130)), (0.9, 0.9), fill=self._lit((240, 240, 255))
                )
            self.canvas.ellipse(
                (rng.uniform(60, 500), rng.uniform(28, 60)), (15, 15), fill=self._lit((246, 244, 220))
            )
        elif self.light == "dusk":
            self.canvas.ellipse((rng.uniform(60, 500), 150), (24, 24), fill=self._lit((255, 214, 130)))
        else:
            for _ in range(rng.randint(1, 4)):
                x, y = rng.uniform(20, 540), rng.uniform(20, 90)
                for _ in range(6):
                    puff = (x + rng.uniform(-34, 34), y + rng.uniform(-7, 7))
                    self.canvas.ellipse(
                        puff, (rng.uniform(14, 26), rng.uniform(7, 13)), fill=(250, 252, 255), alpha=200
                    )
        hills = [
            (0.0, _GROUND),
            *((x, 190 + rng.uniform(-22, 14)) for x in range(0, WIDTH + 96, 96)),
            (float(WIDTH), _GROUND),
        ]
        self.canvas.polygon(hills, (110, 136, 120))

    def _row(self) -> None:
        """Houses and trees from left to right, with gaps."""
        rng = self.rng
        self.canvas.polygon(upright(0, _GROUND - 6, width=WIDTH, height=14), (104, 132, 80))
        x = rng.uniform(-30, 20)
        while x < WIDTH - 30:
            if rng.random() < 0.72:
                width = rng.uniform(96, 136)
                self._house(x, width)
                x += width + rng.uniform(4, 26)
            else:
                self._tree((x + 30, _GROUND), height=rng.uniform(80, 130))
                x += 66

    def _house(self, left: float, width: float) -> None:
        rng = self.rng
        height = rng.uniform(70, 96)
        top = _GROUND - height
        wall = varied(rng.choice(WALLS), rng)
        self.canvas.polygon(upright(left, top, width=width, height=height), wall)
        self.canvas.polygon(
            upright(left + width * 0.86, top, width=width * 0.14, height=height), shaded(wall, 0.86)
        )
        glass = self._lit(_LAMP) if self.light != "day" and rng.random() < 0.8 else (92, 116, 140)
        for column in (0.14, 0.66):
            for level in (0.16, 0.58):
                pane = upright(
                    left + width * column, top + height * level, width=width * 0.19, height=height * 0.24
                )
                self.canvas.polygon(
                    moved(
                        upright(
                            pane[0][0] - 2, pane[0][1] - 2, width=width * 0.19 + 4, height=height * 0.24 + 4
                        ),
                        (0, 0),
                    ),
                    (244, 244, 240),
                )
                self.canvas.polygon(pane, glass)
        self.canvas.polygon(
            upright(left + width * 0.41, _GROUND - height * 0.46, width=width * 0.17, height=height * 0.46),
            varied((110, 70, 50), rng, by=30),
        )
        self._roof(left, top, width=width)

    def _roof(self, left: float, top: float, *, width: float) -> None:
        rng = self.rng
        material = self.material if rng.random() < 0.7 else rng.choice(tuple(ROOFS))
        colour = varied(ROOFS[material], rng, by=8)
        rise, inset = rng.uniform(40, 54), rng.uniform(0.14, 0.24) * width
        a, b = (left + inset, top - rise), (left + width - inset, top - rise)
        c, d = (left + width + 8, top + 3), (left - 8, top + 3)
        if rng.random() < 0.6:
            self.canvas.polygon(
                upright(left + width * 0.7, top - rise - 10, width=12, height=30), (140, 84, 66)
            )
        self.canvas.polygon((a, b, c, d), colour)
        rows = {"tile": 7, "slate": 9, "metal": 0, "thatch": 4}[material]
        for row in range(1, rows):
            self.canvas.line(
                (between(a, d, at=row / rows), between(b, c, at=row / rows)),
                shaded(colour, 0.72),
                width=1,
                alpha=150,
            )
        if material == "metal":
            for seam in range(1, 12):
                self.canvas.line(
                    (between(a, b, at=seam / 12), between(d, c, at=seam / 12)),
                    shaded(colour, 0.78),
                    width=1,
                    alpha=190,
                )
        self.canvas.line((a, b), shaded(colour, 1.25), width=3)
        self.canvas.line((d, c), shaded(colour, 0.6), width=2)
        self._add("roof", (a, b, c, d), material=material)

    def _tree(self, foot: Point, *, height: float) -> None:
        rng = self.rng
        x, y = foot
        self.canvas.polygon(upright(x - 4, y - height * 0.5, width=8, height=height * 0.5), (96, 70, 48))
        leaf = varied(rng.choice(LEAVES), rng)
        crown = (x, y - height * 0.68)
        reach = height * 0.32
        self.canvas.ellipse(crown, (reach, reach), fill=shaded(leaf, 0.85))
        for _ in range(16):
            blob = (crown[0] + rng.uniform(-0.7, 0.7) * reach, crown[1] + rng.uniform(-0.7, 0.7) * reach)
            self.canvas.ellipse(blob, (reach * 0.3, reach * 0.3), fill=shaded(leaf, rng.uniform(0.8, 1.25)))
        self._add("tree", upright(x - reach, y - height, width=2 * reach, height=height))

    def _pavement(self) -> None:
        self.canvas.polygon(upright(0, _GROUND + 6, width=WIDTH, height=_KERB - _GROUND - 6), (178, 174, 168))
        self.canvas.polygon(upright(0, _KERB - 3, width=WIDTH, height=4), (210, 208, 202))
        self.canvas.polygon(upright(0, _KERB, width=WIDTH, height=HEIGHT - _KERB), ASPHALT)
        for start in range(-20, WIDTH, 70):
            self.canvas.polygon(upright(start, 350, width=38, height=4), (232, 230, 220))

    def _people(self) -> None:
        rng = self.rng
        count = rng.choice((0, 0, 1, 2, 3, 5, 7))
        for number in range(count):
            x = 24 + (WIDTH - 48) * (number + rng.uniform(0.1, 0.9)) / count
            self._person((x, _KERB - rng.uniform(1, 9)), height=rng.uniform(50, 62))

    def _person(self, foot: Point, *, height: float) -> None:
        rng = self.rng
        x, y = foot
        coat, trousers = rng.choice(CLOTHES), rng.choice(((50, 54, 70), (92, 80, 66), (40, 40, 44)))
        stride = rng.uniform(3, 7)
        hip, neck = y - height * 0.46, y - height * 0.82
        for step in (-stride, stride):
            self.canvas.line([(x, hip), (x + step, y)], trousers, width=5)
        self.canvas.polygon([(x - 7, neck), (x + 7, neck), (x + 6, hip + 2), (x - 6, hip + 2)], coat)
        for side in (-1, 1):
            self.canvas.line([(x + 7 * side, neck + 2), (x + 9 * side, hip - 2)], shaded(coat, 0.85), width=4)
        self.canvas.ellipse((x, y - height * 0.91), (5.5, 6.5), fill=(222, 180, 148))
        self.canvas.ellipse((x, y - height * 0.95), (5.7, 4), fill=(70, 50, 36))
        self._add("person", upright(x - 11, y - height, width=22, height=height))

    def _cars(self) -> None:
        rng = self.rng
        for lane, scale in ((_KERB + 44, 0.9), (_KERB + 92, 1.1)):
            x = rng.uniform(-40, 150)
            while x < WIDTH - 40:
                if rng.random() < 0.5 and x > 4:
                    self._car((x, lane), scale=scale)
                x += 150 * scale + rng.uniform(10, 120)

    def _car(self, foot: Point, *, scale: float) -> None:
        rng = self.rng
        name = rng.choice(tuple(CARS))
        shape = CarShape(foot, scale=scale, way=rng.choice((-1, 1)))
        is_open = rng.random() < 0.3
        draw_car(self.canvas, shape, paint=CARS[name], is_open=is_open, lamp=self._lit(_LAMP))
        self._add("car", shape.outline, color=name, door="open" if is_open else "closed")
