"""Coordinates of one annotation, brought from the size of a picture that its label file states to the picture.

The picture is the one that is shown. Where its EXIF turns it by a quarter, and the label file states a size that lies
the other way, the annotation was drawn on the picture as it is stored, and is turned with it: `geometry.sized` says the
same in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

QUARTER_TURNS = (5, 6, 7, 8)  # EXIF's orientations in which width and height change places
Factors = tuple[float, float]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Way:
    """How coordinates come to the picture.

    Attributes:
        by: times the first factor to the right, times the second down.
        turn: EXIF's orientation by which they are turned then, 5 to 8; None where they are not.
        within: width and height of the picture that is shown, in pixels or as fractions; for a turn.
    """

    by: Factors
    turn: int | None = None
    within: Factors = (1.0, 1.0)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies on the picture."""
        x, y = x * self.by[0], y * self.by[1]
        if self.turn is None:
            return x, y
        across = self.within[0] - y if self.turn in (6, 7) else y
        return across, (self.within[1] - x if self.turn in (7, 8) else x)

    def box(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of the box and the area."""
        across, down = self.by
        sides = {"w": across, "h": down, "area": across * down}
        found = {name: None if row[name] is None else row[name] * factor for name, factor in sides.items()}
        if None in (row["x"], row["y"], row["w"], row["h"]):
            return {"x": None, "y": None, **found}
        corners = [self.point(row["x"], row["y"])]
        if self.turn is not None:
            corners.append(self.point(row["x"] + row["w"], row["y"] + row["h"]))
            found["w"], found["h"] = found["h"], found["w"]
        x, y = (min(values) for values in zip(*corners, strict=True))
        return {"x": x, "y": y, **found}

    def geometry(self, type_: str, geometry: Any) -> Any:
        """A geometry as its type has it.

        A mask stays: it says itself of how many pixels it is. None for a turned box that would be none any more, as the
        one side is scaled otherwise than the other.
        """
        if type_ == "polygon":
            return [self._points(ring) for ring in geometry]
        if type_ == "polyline":
            return self._points(geometry)
        if type_ == "keypoints":
            points = [[*self.point(x, y), *more] for x, y, *more in geometry["points"]]
            outline = geometry.get("segmentation")
            rings = {"segmentation": self.geometry("polygon", outline)} if isinstance(outline, list) else {}
            return {**geometry, "points": points, **rings}
        return self._rotated(geometry) if type_ == "rotated" else geometry

    def _points(self, flat: Sequence[float]) -> list[float]:
        found: list[float] = []
        for x, y in zip(flat[::2], flat[1::2], strict=True):
            found += self.point(x, y)
        return found

    def _rotated(self, geometry: dict[str, Any]) -> dict[str, Any] | None:
        across, down = self.by
        if abs(across - down) > 0.01 * across:
            return None
        degrees = geometry["degrees"]
        # 5 and 7 mirror the picture, so that what turned clockwise turns the other way.
        angles = {5: 90 - degrees, 6: degrees + 90, 7: 270 - degrees, 8: degrees - 90}
        turned = degrees if self.turn is None else (angles[self.turn] + 180) % 360 - 180
        size = [geometry["size"][0] * across, geometry["size"][1] * down]
        return {**geometry, "center": list(self.point(*geometry["center"])), "size": size, "degrees": turned}


def is_of_stored(stated: Size, *, shown: Size, orientation: int | None) -> bool:
    """Whether a size is that of a picture before its EXIF turns it by a quarter, or of a copy of that.

    Args:
        stated: by a label file.
        shown: the picture's, as it is shown.
        orientation: of its EXIF.
    """
    if orientation not in QUARTER_TURNS:
        return False
    return (stated[0] > stated[1] and shown[0] < shown[1]) or (stated[0] < stated[1] and shown[0] > shown[1])


def way_of(
    stated: Size | None, *, shown: tuple[int | None, int | None], orientation: int | None, is_relative: bool
) -> Way | None:
    """How an annotation comes to its picture; None where it stays as it was drawn.

    That is on the picture itself, or on one of which only the sides are swapped, and no EXIF says why.

    Args:
        stated: the size that its label file states; None where that is the picture's, or there is none.
        shown: the picture's, as it is shown.
        orientation: of its EXIF.
        is_relative: the annotation is in fractions.
    """
    width, height = shown
    if stated is None or width is None or height is None or stated == (width, height):
        return None
    if is_of_stored(stated, shown=(width, height), orientation=orientation):
        by = (1.0, 1.0) if is_relative else (height / stated[0], width / stated[1])
        return Way(by, orientation, (1.0, 1.0) if is_relative else (float(width), float(height)))
    if is_relative or stated == (height, width):
        return None
    return Way((width / stated[0], height / stated[1]))
