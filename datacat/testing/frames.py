"""On which size of its picture an annotation was drawn, and where it lies on the picture."""

from __future__ import annotations

from datacat.testing.corpus import Corpus, Row

_Size = tuple[int | None, int | None]


def drawn_on(corpus: Corpus, row: Row) -> tuple[_Size, tuple[int, int] | None]:
    """The size of the picture, turned where it was labelled so; and what its label file states, if something else."""
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
    return (own[::-1] if stated == own[::-1] else own), stated


def on_picture(corpus: Corpus, row: Row) -> Row:
    """An annotation in pixels of its picture, whatever size of it the label file speaks of."""
    (width, height), stated = drawn_on(corpus, row)
    if stated is None or row.get("is_relative") or not width or not height or stated == (width, height):
        return row
    by_x, by_y = width / stated[0], height / stated[1]
    factors = {"x": by_x, "y": by_y, "w": by_x, "h": by_y, "area": by_x * by_y}
    return row | {side: row[side] * by for side, by in factors.items() if row.get(side) is not None}
