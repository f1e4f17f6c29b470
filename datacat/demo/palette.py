"""The colours of drawn things, by the names that their attributes have."""

from __future__ import annotations

from datacat.demo.canvas import Colour

ROOFS: dict[str, Colour] = {
    "slate": (84, 92, 108),
    "tile": (178, 78, 52),
    "metal": (182, 190, 194),
    "thatch": (168, 136, 78),
}
CARS: dict[str, Colour] = {
    "red": (196, 32, 36),
    "white": (236, 236, 232),
    "black": (36, 36, 40),
    "blue": (38, 76, 168),
    "yellow": (232, 188, 36),
}
CLOTHES: tuple[Colour, ...] = (
    (200, 60, 60),
    (60, 90, 160),
    (230, 200, 90),
    (70, 120, 80),
    (150, 90, 150),
    (60, 60, 64),
)
WALLS: tuple[Colour, ...] = (
    (226, 214, 190),
    (206, 186, 158),
    (188, 150, 130),
    (216, 222, 224),
    (198, 206, 180),
)
GRASS: tuple[Colour, ...] = ((104, 138, 70), (122, 142, 80), (92, 126, 66), (138, 142, 88))
LEAVES: tuple[Colour, ...] = ((58, 104, 48), (70, 116, 54), (48, 90, 52), (84, 120, 58))
ASPHALT: Colour = (112, 112, 116)
WATER: Colour = (52, 98, 132)
POOL: Colour = (64, 196, 222)
