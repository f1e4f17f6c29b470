"""On which size of its picture an annotation was drawn, and where it lies on the picture."""

from __future__ import annotations

from collections.abc import Callable

from datacat.testing.corpus import Corpus, Row

_Size = tuple[int | None, int | None]


def drawn_on(corpus: Corpus, row: Row) -> tuple[_Size, tuple[int, int] | None]:
    """The size of the picture, its sides swapped where it was labelled so and no EXIF says why; and what its label file
    states, if something else.
    """
    asset = next(item for item in corpus.tables["assets"] if item["asset"] == row["asset"])
    own = asset.get("width"), asset.get("height")
    listed = [
        (item["width"], item["height"])
        for item in corpus.tables["label_set_assets"]
        if all(item[key] == row[key] for key in ("label_set", "source_file", "asset"))
        and item.get("width")
        and item.get("height")
    ]
    stated = max((size for size in listed if None not in own and size != own), default=None)
    is_swapped = stated == own[::-1] and not lies(asset, stated)
    return (own[::-1] if is_swapped else own), stated


def lies(asset: Row, stated: _Size | None) -> bool:
    """Whether a stated size is that of the picture before its EXIF turns it by a quarter, or of a copy of that."""
    width, height = asset.get("width"), asset.get("height")
    across, down = stated or (None, None)
    if asset.get("orientation") not in (5, 6, 7, 8) or not (width and height and across and down):
        return False
    return bool((across > down and width < height) or (across < down and width > height))


def on_picture(corpus: Corpus, row: Row) -> Row:
    """An annotation in pixels of its picture, whatever size of it the label file speaks of."""
    (width, height), stated = drawn_on(corpus, row)
    asset = next(item for item in corpus.tables["assets"] if item["asset"] == row["asset"])
    if stated is not None and lies(asset, stated):
        return _turned(row, asset, stated)
    if stated is None or row.get("is_relative") or not width or not height or stated == (width, height):
        return row
    by_x, by_y = width / stated[0], height / stated[1]
    factors = {"x": by_x, "y": by_y, "w": by_x, "h": by_y, "area": by_x * by_y}
    return row | {side: row[side] * by for side, by in factors.items() if row.get(side) is not None}


# Where the stored point (x, y), as fractions, is shown.
_SHOWN: dict[int, Callable[[float, float], tuple[float, float]]] = {
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}


def _turned(row: Row, asset: Row, stated: tuple[int, int]) -> Row:
    """What was drawn on a picture before its EXIF turned it."""
    if any(row.get(side) is None for side in "xywh"):
        return row
    x, y, w, h = (row[side] for side in "xywh")
    of_drawn = (1, 1) if row.get("is_relative") else stated
    to = (1, 1) if row.get("is_relative") else (asset["width"], asset["height"])
    corners = [(x / of_drawn[0], y / of_drawn[1]), ((x + w) / of_drawn[0], (y + h) / of_drawn[1])]
    (left, top), (right, bottom) = (_SHOWN[asset["orientation"]](*corner) for corner in corners)
    wide, high = abs(right - left) * to[0], abs(bottom - top) * to[1]
    place = {"x": min(left, right) * to[0], "y": min(top, bottom) * to[1], "w": wide, "h": high}
    if row.get("area") is not None:
        place["area"] = row["area"] * to[0] * to[1] / (of_drawn[0] * of_drawn[1])
    return row | place
