"""The Arrow schema of every batch that moves between stages and of every logical table.

Two families:

* `STAGED`: what `ingest` writes down and `tables` links. No catalog identifiers yet: a label file is a
  number `file` within this ingest, an asset is the `key` its label file calls it by (COCO's image id, say),
  an annotation is `row`, unique within this ingest.
* `TABLES`: what the catalog holds, per `kind`. Identifiers are dense 64-bit integers.

Boxes are x, y (top left), w, h in pixels of the asset, or in fractions of its size where `is_relative`
(the size is unknown). They are kept as they were found: outside the image, of no size. `geometry` is JSON:

    polygon   [[x, y, x, y, …], …]            several rings are parts of one shape
    polyline  [x, y, …]
    keypoints {"points": [[x, y, v], …], "names": [...]?, "edges": [...]?}
    mask      {"size": [height, width], "counts": "…" or [...]}   COCO's RLE, compressed or not
    rotated   {"center": [x, y], "size": [w, h], "degrees": d}     clockwise
    span      {"start": 3, "end": 9}          characters of a text, end exclusive
    range     {"start_s": 1.5, "end_s": 2.0}
    other     whatever the tool wrote
    box, none: null, the columns say it all
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 4

GEOMETRY_TYPES = (
    "none",
    "box",
    "polygon",
    "polyline",
    "keypoints",
    "mask",
    "rotated",
    "span",
    "range",
    "other",
)
ANNOTATION_KINDS = ("annotation", "prediction")
# What `annotations.status` is of those that answer nothing unless they are asked for.
SET_ASIDE = ("skipped", "draft", "cancelled")
NO_LABEL_FILE = "no label file"
"""The position, in the staged table `listed`, of an asset that is listed though no label file speaks of it."""
# What a label set says of one class on one asset: it was looked for and all of it labelled; it was looked for and
# is not there; it is there and not all of it is labelled.
COVERAGE_ANSWERS = ("exhaustive", "absent", "not_exhaustive")
COVERAGE_ORIGINS = ("declared", "format", "derived")
MEDIA = ("image", "text", "audio", "video", "series", "cloud", "other")

_TIME = pa.timestamp("us", tz="UTC")


def _fields(*columns: tuple[str, pa.DataType] | str) -> list[pa.Field]:
    return [pa.field(*(column if isinstance(column, tuple) else (column, pa.string()))) for column in columns]


# What one statement says, whoever stores it.
_STATEMENT = _fields(
    "class",  # as the team writes it; null where the tool gave none
    "kind",  # ANNOTATION_KINDS
    "geometry_type",  # GEOMETRY_TYPES
    ("x", pa.float64()),
    ("y", pa.float64()),
    ("w", pa.float64()),
    ("h", pa.float64()),
    ("is_relative", pa.bool_()),
    ("area", pa.float64()),  # as the file gives it, else of the geometry, px²; null where unknown
    "geometry",  # JSON, see above
    ("is_crowd", pa.bool_()),
    ("confidence", pa.float64()),
    "annotator",
    ("created", _TIME),
    "status",
    "text",  # a caption, a transcript
    "model",  # of a prediction: which model made it
    "track",  # one thing over several frames has one name here, within its label set and sequence (query/pairs.py)
    "external_id",  # as the tool numbers it; several rows share one where an annotation has several classes
    "attributes",  # the original JSON object, byte for byte; null where there is none
)

_FILE_FACTS = _fields("uri", ("size", pa.int64()), "etag", ("modified", _TIME), "digest", "format")

_MEDIA_FACTS = _fields(
    "uri",
    "media",  # MEDIA
    ("width", pa.int32()),  # pixels of the picture as it is shown, turned as its EXIF says
    ("height", pa.int32()),
    ("duration_s", pa.float64()),
    ("size", pa.int64()),
    "etag",  # local: "<mtime ns>-<size>"
    ("modified", _TIME),
    "digest",  # sha256 of the bytes, hex; null where missing or not read
    ("is_missing", pa.bool_()),
    "fault",  # why its header could not be read; null where it could
    ("captured", _TIME),  # when and where it was taken, as EXIF in the file says
    ("latitude", pa.float64()),  # degrees, WGS 84
    ("longitude", pa.float64()),
    (
        "orientation",
        pa.int32(),
    ),  # how EXIF turns the stored picture to show it, 2 to 8; null where it does not
)

STAGED: dict[str, pa.Schema] = {
    "files": pa.schema([*_fields(("file", pa.int32())), *_FILE_FACTS]),
    # Every asset that a label file speaks of, labelled or not.
    "listed": pa.schema(
        _fields(
            ("file", pa.int32()),
            "key",
            "uri",
            ("width", pa.int32()),  # as the label file says
            ("height", pa.int32()),
            "split",  # train, val, … where the format says so
            "metadata",  # the other things said of the asset, JSON
            ("captured", _TIME),  # as they say, under one of the usual names
            ("latitude", pa.float64()),  # degrees, WGS 84
            ("longitude", pa.float64()),
            "position",
        )
    ),
    "media": pa.schema(_MEDIA_FACTS),
    "annotations": pa.schema(
        [*_fields(("file", pa.int32()), ("row", pa.int64()), "key"), *_STATEMENT, *_fields("position")]
    ),
    # The scalar leaves of `attributes`. Elements of lists have the path of the list with [] behind it:
    # {"doors": [{"side": "left"}]} -> doors[].side. Booleans are text "true"/"false"; numbers have number and
    # text (as written); null has neither. ISO dates are text.
    "leaves": pa.schema(_fields(("row", pa.int64()), "path", "text", ("number", pa.float64()))),
    # `key`: the asset that the record speaks of, where that can be told (else any of the file's); `class`: likewise.
    "rejects": pa.schema(_fields(("file", pa.int32()), "position", "reason", "excerpt", "key", "class")),
    # The scalar leaves of `listed.metadata`, by the same rules.
    "listed_leaves": pa.schema(
        _fields(("file", pa.int32()), "key", "path", "text", ("number", pa.float64()))
    ),
    # Class lists that label files declare, used or not. `source_id`: category_id, line number, …
    # `details`: what else is said of the class, a JSON object: supercategory, keypoints, skeleton, isthing, …
    "classes": pa.schema(_fields(("file", pa.int32()), "class", "source_id", "parent", "details")),
    # What the format says of single assets: LVIS' neg_category_ids, Open Images' verified labels. Class null, answer
    # exhaustive: every class that this file annotates on that asset, unless another row says otherwise; class null,
    # not_exhaustive: nobody has looked at that asset, whatever else is covered. Key null: the file is damaged, so that
    # nothing follows from what it does not say.
    "coverage": pa.schema(_fields(("file", pa.int32()), "key", "class", "answer")),
    # Licences that label files list, and once more (`is_used`) those that the assets in them name.
    "licences": pa.schema(_fields(("file", pa.int32()), "licence", ("is_used", pa.bool_()))),
}

_LABEL_SET = ("label_set", pa.int64())
_ASSET = ("asset", pa.int64())
_SOURCE_FILE = ("source_file", pa.int64())
_ANNOTATION = ("annotation", pa.int64())

TABLES: dict[str, pa.Schema] = {
    "sources": pa.schema(_fields(("source", pa.int64()), _LABEL_SET, "location", "format", "options")),
    "source_files": pa.schema(
        [
            *_fields(_SOURCE_FILE, _LABEL_SET),
            *_FILE_FACTS,
            *_fields(
                ("annotation_count", pa.int64()), ("asset_count", pa.int64()), ("reject_count", pa.int64())
            ),
        ]
    ),
    # Null asset: which of the file's assets it is of cannot be told; null class: nor which class it would have had.
    "rejects": pa.schema(_fields(_LABEL_SET, _SOURCE_FILE, _ASSET, "class", "position", "reason", "excerpt")),
    "label_sets": pa.schema(
        _fields(
            _LABEL_SET,
            "team",
            "name",
            "format",
            "licence",  # JSON: {"said": by a person or null, "named": [in label files]}; see model/rights.py
            "visibility",
            "owner",  # as a person said
            # JSON: [{"class", "source_id", "parent", "details"}, …] as the label files declare them; `details` where
            # more is said of a class, an object.
            "classes",
            # JSON: {"classes": "declared" | "none" | [names], "attributes": "none" | [paths], "origin":
            # COVERAGE_ORIGINS, "ontology": version or null}. What was labelled exhaustively on each of its assets;
            # "declared" are the classes above. See model/coverage.py.
            "coverage",
            ("created", _TIME),
        )
    ),
    "assets": pa.schema([*_fields(_ASSET), *_MEDIA_FACTS, *_fields(("first_seen", _TIME))]),
    # Assets whose bytes another one has too: `content` is that of them which stands for all. It has no row itself.
    "copies": pa.schema(_fields(_ASSET, ("content", pa.int64()))),
    "label_set_assets": pa.schema(
        _fields(
            _LABEL_SET,
            _SOURCE_FILE,
            _ASSET,
            "key",
            ("width", pa.int32()),
            ("height", pa.int32()),
            "split",
            "metadata",
            ("captured", _TIME),  # as its metadata say, under one of the usual names
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
        )
    ),
    "metadata_values": pa.schema(
        _fields("path", "text", ("number", pa.float64()), _LABEL_SET, _SOURCE_FILE, _ASSET)
    ),
    # Exceptions to `label_sets.coverage` on single assets: where files of one label set list different classes, what
    # each of them covers (derived), and what the format says. Class null, not_exhaustive: no label file speaks of the
    # asset there (`source_file` is itself), or nobody has completed it, so that this listing of it covers no class.
    "coverage": pa.schema(_fields("class", "answer", "origin", _LABEL_SET, _SOURCE_FILE, _ASSET)),
    "annotations": pa.schema(
        [
            *_fields(_ANNOTATION, _ASSET, _LABEL_SET, _SOURCE_FILE),
            *_STATEMENT,
            # Of a range in seconds, of a span in characters, the end exclusive; null elsewhere.
            *_fields(("starts", pa.float64()), ("ends", pa.float64())),
        ]
    ),
    "attribute_values": pa.schema(
        _fields("path", "class", "text", ("number", pa.float64()), _LABEL_SET, _ASSET, _ANNOTATION)
    ),
    # How often a label set has a class (null: annotations without one) and a path, so that nobody need count.
    "class_counts": pa.schema(
        _fields(
            _LABEL_SET,
            "class",
            ("annotations", pa.int64()),
            ("assets", pa.int64()),
            ("things", pa.int64()),  # drawn by people, each one thing: no groups, nothing of the whole asset
            ("predictions", pa.int64()),
            ("set_aside", pa.int64()),  # skipped by who should have made them, or drafts
            ("shares", pa.int64()),  # boxes in fractions of the asset
            ("wide_texts", pa.int64()),  # annotator, text, … are not in ASCII alone
            (
                "repeats",
                pa.int64(),
            ),  # have precisely the box of another one of the asset, by the same people or model
        )
    ),
    # Of the leaves so many are numbers, so many texts are spelled oddly (`model.spelling`), so many not in ASCII.
    "path_counts": pa.schema(
        _fields(
            _LABEL_SET,
            "path",
            "class",
            ("leaves", pa.int64()),
            ("annotations", pa.int64()),
            ("numbers", pa.int64()),
            ("odd_texts", pa.int64()),
            ("wide_texts", pa.int64()),
        )
    ),
    # One row a member: `class` of `team` (null: of every team) belongs to `concept`.
    "concepts": pa.schema(_fields("concept", "team", "class")),
    # One row a concept of which more is known. `synonyms` and `parents` are JSON lists of names.
    "concept_details": pa.schema(_fields("concept", "definition", "owner", "synonyms", "parents")),
    "saved_searches": pa.schema(
        _fields("name", "owner", "query", "description", ("created", _TIME), "author")
    ),
}
KINDS = tuple(TABLES)
# Beside a table of many files, a cursor has the macro NAME_at(value): those that may have the value in this column.
LOOKED_UP = {"annotations": "class", "attribute_values": "path"}
# Beside the tables, a cursor shows the view `addresses`: each address of each asset, its own included, as a number and
# where it lies; and `other_addresses`, those of them for which another asset, `asset`, stands. In the tables that speak
# of assets `asset` is then that one, and a column `address` more says under which it was said.
ADDRESSES = {
    "asset": "BIGINT",
    "address": "BIGINT",
    "uri": "VARCHAR",
    "media": "VARCHAR",
    "modified": "TIMESTAMPTZ",
    "first_seen": "TIMESTAMPTZ",
}
