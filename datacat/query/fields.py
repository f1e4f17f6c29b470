"""The names that datacat gives a meaning itself, as opposed to attributes: one table row each.

Outside brackets a name in `ASSET_COLUMNS` is about the asset; inside, one in `ANNOTATION_COLUMNS` or `MEASURES` is
about the annotation. So `width>4000` speaks of the picture and `[width>40]` of a box. An attribute of the same name
is reached as `attributes.width`.
"""

from __future__ import annotations

from dataclasses import dataclass

from datacat.model.schemas import ANNOTATION_KINDS, GEOMETRY_TYPES, MEDIA


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `annotations` or `assets` that conditions may use."""

    column: str
    is_number: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of an annotation's geometry as SQL over its row; `percent` and `sized` need the size of the asset too.

    These are for rows of `geometry.sized`, where `asset_width` and `asset_height` stand for that size. `plain` is the
    measure of what has no place in a picture; `sized` is in pixels of the picture.
    """

    plain: str
    percent: str | None = None
    sized: str | None = None


ANNOTATION_COLUMNS = {
    "confidence": Column("confidence", is_number=True),
    "annotator": Column("annotator"),
    "status": Column("status"),
    "model": Column("model"),
    "track": Column("track"),
    "text": Column("text"),
    "external_id": Column("external_id"),
    "kind": Column("kind", choices=ANNOTATION_KINDS),
    "geometry": Column("geometry_type", choices=GEOMETRY_TYPES),
}
ANNOTATION_TIMES = {"created": "created"}


def _side(pixels: str, share: str, of: str) -> Measure:
    plain = f"CASE WHEN is_relative THEN NULL ELSE {pixels} END"
    sized = f"CASE WHEN is_relative THEN ({share}) * {of} ELSE {pixels} END"
    return Measure(plain, f"100 * CASE WHEN is_relative THEN {share} ELSE ({pixels}) / {of} END", sized)


MEASURES = {
    "width": _side("w", "w", "asset_width"),
    "height": _side("h", "h", "asset_height"),
    "x": _side("x", "x", "asset_width"),
    "y": _side("y", "y", "asset_height"),
    "center_x": _side("x + w / 2", "x + w / 2", "asset_width"),
    "center_y": _side("y + h / 2", "y + h / 2", "asset_height"),
    "area": _side("area", "w * h", "(asset_width::DOUBLE * asset_height)"),
    "aspect": Measure(
        "CASE WHEN is_relative THEN NULL ELSE w / nullif(h, 0) END",
        sized="CASE WHEN is_relative THEN w * asset_width / nullif(h * asset_height, 0) ELSE w / nullif(h, 0) END",
    ),
    "start": Measure("starts"),
    "end": Measure("ends"),
    "duration": Measure("ends - starts"),
}
ASSET_COLUMNS = {
    "uri": Column("uri"),
    "media": Column("media", choices=MEDIA),
    "width": Column("width", is_number=True),
    "height": Column("height", is_number=True),
    "aspect": Column("aspect", is_number=True),
    "duration": Column("duration_s", is_number=True),
    "size": Column("size", is_number=True),
    "digest": Column("digest"),
}
ASSET_TIMES = {"captured": "captured", "first_seen": "first_seen", "modified": "modified"}
# `is:` and what must be true of the asset.
ASSET_STATES = {
    "missing": "the media file was not there",
    "unreadable": "the media file could not be read",
    "labelled": "there is an annotation",
    "unlabelled": "there is no annotation",
    "duplicate": "another asset has the same bytes",
}
AGREEMENTS = {
    "agreement": "agreement",
    "agreement.class": "class_agreement",
    "agreement.iou": "box_iou",
}
# What `count(…)` counts the distinct values of.
COUNTABLE = {
    "annotator": "annotator",
    "team": "team",
    "label_set": "label_set",
    "class": "class",
    "model": "model",
    "track": "track",
    "status": "status",
}
ATTRIBUTE_PREFIX = "attributes."
METADATA_PREFIX = "metadata."
