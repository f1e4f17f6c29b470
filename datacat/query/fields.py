"""The names that datacat gives a meaning itself, as opposed to attributes: one table row each.

Outside brackets a name in `ASSET_COLUMNS` is about the asset; inside, one in `ANNOTATION_COLUMNS` is about
the annotation. So `width>4000` speaks of the picture and `[width>40]` of a box. An attribute of the same name
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


ANNOTATION_COLUMNS = {
    "area": Column("area", is_number=True),
    "width": Column("w", is_number=True),
    "height": Column("h", is_number=True),
    "x": Column("x", is_number=True),
    "y": Column("y", is_number=True),
    "confidence": Column("confidence", is_number=True),
    "annotator": Column("annotator"),
    "status": Column("status"),
    "text": Column("text"),
    "external_id": Column("external_id"),
    "kind": Column("kind", choices=ANNOTATION_KINDS),
    "geometry": Column("geometry_type", choices=GEOMETRY_TYPES),
}
ASSET_COLUMNS = {
    "uri": Column("uri"),
    "media": Column("media", choices=MEDIA),
    "width": Column("width", is_number=True),
    "height": Column("height", is_number=True),
    "duration": Column("duration_s", is_number=True),
    "size": Column("size", is_number=True),
    "digest": Column("digest"),
}
# `is:` and what must be true of the asset.
ASSET_STATES = {
    "missing": "the media file was not there",
    "unreadable": "the media file could not be read",
    "labelled": "there is an annotation",
    "unlabelled": "there is no annotation",
}
ATTRIBUTE_PREFIX = "attributes."
