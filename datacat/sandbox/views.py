"""The tables that SQL sees: friendly views over one state of the catalog.

docs/reference/sql.md lists the same columns; a test compares the three: this, the page and what DuckDB says.
"""

from __future__ import annotations

from dataclasses import dataclass

_SET = "s.team || '/' || s.name AS label_set"
_BY_SET = "JOIN stored.label_sets s USING (label_set)"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view: what DuckDB calls its type, and what it means."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class View:
    """A view: what one row is, its columns, and the SELECT over `stored.<kind>`, the tables as they are stored."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    select: str
    reads: tuple[str, ...]


def _columns(*lines: str) -> tuple[Column, ...]:
    return tuple(Column(*(part.strip() for part in line.split("|", 2))) for line in lines)


_LABEL_SET = "label_set | VARCHAR | the label set, as `team/name`"
_TEAM = "team | VARCHAR | whose it is"
_ASSET = "asset | BIGINT | the asset, as in `assets`"
_FILE = "file | BIGINT | the label file, as in `files`"
_CLASS = "class | VARCHAR | as its team writes it; null where the tool gave none"

_PLACE_AND_TIME = (
    "captured | TIMESTAMP WITH TIME ZONE | when it was taken",
    "latitude | DOUBLE | where it was taken, degrees, WGS 84",
    "longitude | DOUBLE | the same",
)

_ASSETS = View(
    "assets",
    "An image, a text, a recording: whatever is labelled.",
    _columns(
        "asset | BIGINT | its number in this catalog",
        "uri | VARCHAR | where it lies: a path or s3://…",
        "media | VARCHAR | image, text, audio, video, series, cloud, other",
        "width | INTEGER | pixels, as it is shown; of a missing file, as the first label file that says so",
        "height | INTEGER | pixels",
        "duration_s | DOUBLE | seconds",
        "size | BIGINT | bytes",
        "modified | TIMESTAMP WITH TIME ZONE | when the file was changed last",
        "digest | VARCHAR | SHA-256 of its bytes; null where they were not read",
        "is_missing | BOOLEAN | a label file speaks of it, and it is not there",
        "fault | VARCHAR | why its header could not be read; null where it could",
        *(line + ", as EXIF says" if "taken" in line else line for line in _PLACE_AND_TIME),
        "orientation | INTEGER | how EXIF turns the stored picture to show it, 2 to 8; null where it does not",
        "first_seen | TIMESTAMP WITH TIME ZONE | when this catalog met it",
    ),
    """SELECT asset, uri, media, width, height, duration_s, size, modified, digest, is_missing, fault, captured,
       latitude, longitude, orientation, first_seen FROM stored.assets""",
    ("assets",),
)

_ANNOTATIONS = View(
    "annotations",
    "One statement about an asset: a box, a polygon, a class of the whole, a caption, a prediction.",
    _columns(
        "annotation | BIGINT | its number in this catalog",
        _ASSET,
        _LABEL_SET,
        _TEAM,
        _FILE,
        _CLASS,
        "kind | VARCHAR | annotation, prediction",
        "geometry_type | VARCHAR | none, box, polygon, polyline, keypoints, mask, rotated, span, range, other",
        "x | DOUBLE | left edge of the box as drawn, pixels (a fraction of the width where is_relative)",
        "y | DOUBLE | its upper edge",
        "w | DOUBLE | its width",
        "h | DOUBLE | its height",
        "is_relative | BOOLEAN | the box is in fractions of the asset's size, which is not known",
        "area | DOUBLE | px², as the file gives it, else of the geometry",
        "geometry | VARCHAR | JSON: the shape, where it is more than its box",
        "is_crowd | BOOLEAN | many things in one shape",
        "confidence | DOUBLE | from 0 to 1, mostly of predictions",
        "annotator | VARCHAR | who made it",
        "created | TIMESTAMP WITH TIME ZONE | when it was made",
        "status | VARCHAR | as the tool says: approved, …",
        "text | VARCHAR | a caption, a transcript",
        "model | VARCHAR | which model made a prediction",
        "track | VARCHAR | one name for one thing over several frames, within its label set",
        "starts | DOUBLE | of a range in seconds, of a span in characters",
        "ends | DOUBLE | the end of the same, exclusive",
        "external_id | VARCHAR | as the tool numbers it",
        "attributes | VARCHAR | JSON: the nested attributes as the tool wrote them; `attributes->>'$.color'`",
    ),
    f"""SELECT annotation, asset, {_SET}, s.team, source_file AS file, class, kind, geometry_type, x, y, w, h,
       is_relative, area, geometry, is_crowd, confidence, annotator, a.created, status, text, model, track, starts,
       ends, external_id, attributes FROM stored.annotations a {_BY_SET}""",
    ("annotations", "label_sets"),
)

_ATTRIBUTE_VALUES = View(
    "attribute_values",
    "One scalar of the nested attributes of an annotation; sorted by path, so one path is found at once.",
    _columns(
        "annotation | BIGINT | as in `annotations`",
        _ASSET,
        _LABEL_SET,
        _TEAM,
        "class | VARCHAR | of the annotation",
        "path | VARCHAR | `door.state`; an element of a list has `[]`: `doors[].side`",
        "text | VARCHAR | the value as text; `true` and `false` of booleans; null of null",
        "number | DOUBLE | the value of a number",
    ),
    f"""SELECT annotation, asset, {_SET}, s.team, class, path, text, number
       FROM stored.attribute_values {_BY_SET}""",
    ("attribute_values", "label_sets"),
)

_LABEL_SETS = View(
    "label_sets",
    "One team's labels from one source.",
    _columns(
        _LABEL_SET,
        _TEAM,
        "name | VARCHAR | the part behind the slash",
        "format | VARCHAR | coco, yolo, …",
        "licence | VARCHAR | of the labels: as a person said, else as the label files name it",
        "visibility | VARCHAR | who may see them",
        "owner | VARCHAR | whom to ask",
        "created | TIMESTAMP WITH TIME ZONE | when it was ingested first",
        "classes | VARCHAR | JSON: the classes that its files declare, used or not",
        "coverage | VARCHAR | JSON: what was labelled exhaustively, and how that is known",
    ),
    f"""SELECT {_SET}, team, name, format,
       coalesce(licence->>'$.said', array_to_string(licence->>'$.named[*]', ', ')) AS licence,
       visibility, owner, created, classes, coverage FROM stored.label_sets s""",
    ("label_sets",),
)

_LABEL_SET_ASSETS = View(
    "label_set_assets",
    "A label set speaks of an asset, labelled or not.",
    _columns(
        _LABEL_SET,
        _TEAM,
        _ASSET,
        _FILE,
        "key | VARCHAR | what the label file calls the asset",
        "width | INTEGER | pixels, as the label file says",
        "height | INTEGER | the same",
        "split | VARCHAR | train, val, … where the label files say so",
        "metadata | VARCHAR | JSON: what else they say of the asset",
        *(line + ", as the metadata say" if "taken" in line else line for line in _PLACE_AND_TIME),
    ),
    f"""SELECT {_SET}, s.team, asset, source_file AS file, key, width, height, split, metadata, captured,
       latitude, longitude FROM stored.label_set_assets {_BY_SET}""",
    ("label_set_assets", "label_sets"),
)

_METADATA_VALUES = View(
    "metadata_values",
    "One scalar of the metadata that a label set has of an asset.",
    _columns(
        _ASSET,
        _LABEL_SET,
        _TEAM,
        "path | VARCHAR | as in `attribute_values`",
        "text | VARCHAR | as in `attribute_values`",
        "number | DOUBLE | as in `attribute_values`",
    ),
    f"SELECT asset, {_SET}, s.team, path, text, number FROM stored.metadata_values {_BY_SET}",
    ("metadata_values", "label_sets"),
)

_CLASSES = View(
    "classes",
    "A class that a label set uses, counted already.",
    _columns(
        _LABEL_SET,
        _TEAM,
        _CLASS,
        "annotations | BIGINT | how many have it",
        "assets | BIGINT | on how many assets",
    ),
    f"SELECT {_SET}, s.team, class, annotations, assets FROM stored.class_counts {_BY_SET}",
    ("class_counts", "label_sets"),
)

_PATHS = View(
    "paths",
    "An attribute path that a class of a label set uses, counted already.",
    _columns(
        _LABEL_SET,
        _TEAM,
        "class | VARCHAR | of the annotations",
        "path | VARCHAR | as in `attribute_values`",
        "leaves | BIGINT | how many values",
        "annotations | BIGINT | of how many annotations",
    ),
    f"SELECT {_SET}, s.team, class, path, leaves, annotations FROM stored.path_counts {_BY_SET}",
    ("path_counts", "label_sets"),
)

_COVERAGE = View(
    "coverage",
    "What a label set says of one class on one asset, where that differs from `label_sets.coverage`.",
    _columns(
        _LABEL_SET,
        _TEAM,
        _ASSET,
        "class | VARCHAR | which; null: no label file speaks of the asset, so that no class is covered there",
        "answer | VARCHAR | exhaustive, absent, not_exhaustive",
        "origin | VARCHAR | how that is known: declared, format, derived",
    ),
    f"SELECT {_SET}, s.team, asset, class, answer, origin FROM stored.coverage c {_BY_SET}",
    ("coverage", "label_sets"),
)

_FILES = View(
    "files",
    "A label file.",
    _columns(
        "file | BIGINT | its number in this catalog",
        _LABEL_SET,
        _TEAM,
        "uri | VARCHAR | where it lies",
        "format | VARCHAR | coco, yolo, …",
        "size | BIGINT | bytes",
        "modified | TIMESTAMP WITH TIME ZONE | when it was changed last",
        "digest | VARCHAR | of its bytes",
        "annotation_count | BIGINT | how many it has",
        "asset_count | BIGINT | of how many assets it speaks",
        "reject_count | BIGINT | how many of its records could not be understood",
    ),
    f"""SELECT source_file AS file, {_SET}, s.team, uri, f.format, size, modified, digest, annotation_count,
       asset_count, reject_count FROM stored.source_files f {_BY_SET}""",
    ("source_files", "label_sets"),
)

_REJECTS = View(
    "rejects",
    "A record that could not be understood.",
    _columns(
        _LABEL_SET,
        _TEAM,
        _FILE,
        "position | VARCHAR | where in it",
        "reason | VARCHAR | why",
        "excerpt | VARCHAR | what stands there",
    ),
    f"SELECT {_SET}, s.team, source_file AS file, position, reason, excerpt FROM stored.rejects {_BY_SET}",
    ("rejects", "label_sets"),
)

_CONCEPTS = View(
    "concepts",
    "Class names of several teams that mean the same.",
    _columns(
        "concept | VARCHAR | its name",
        "definition | VARCHAR | what it means",
        "owner | VARCHAR | whom to ask",
        "synonyms | VARCHAR | JSON: a list of names",
        "parents | VARCHAR | JSON: a list of concepts that it is a kind of",
    ),
    """SELECT concept, definition, owner, synonyms, parents
       FROM (SELECT DISTINCT concept FROM stored.concepts) FULL JOIN stored.concept_details USING (concept)""",
    ("concepts", "concept_details"),
)

_CONCEPT_CLASSES = View(
    "concept_classes",
    "A class that belongs to a concept, in each label set that uses it; case and plural are forgiven.",
    _columns(
        "concept | VARCHAR | as in `concepts`",
        _LABEL_SET,
        _TEAM,
        "class | VARCHAR | as its team writes it",
    ),
    f"SELECT concept, {_SET}, s.team, class FROM stored.concept_classes {_BY_SET}",
    ("label_sets",),
)

_COPIES = View(
    "copies",
    "An asset whose bytes another one has too. Here every address is an asset of its own; a search shows them as one.",
    _columns(
        "asset | BIGINT | the asset, as in `assets`",
        "content | BIGINT | the asset that stands for it and its other copies, which has no row here",
    ),
    "SELECT asset, content FROM stored.copies",
    ("copies",),
)

_SAVED_SEARCHES = View(
    "saved_searches",
    "A query that somebody gave a name.",
    _columns(
        "name | VARCHAR | its name",
        "owner | VARCHAR | whose it is",
        "query | VARCHAR | as `datacat search` takes it",
        "description | VARCHAR | what it is for",
        "created | TIMESTAMP WITH TIME ZONE | when it was saved",
        "author | VARCHAR | who saved it",
    ),
    "SELECT name, owner, query, description, created, author FROM stored.saved_searches",
    ("saved_searches",),
)

VIEWS: tuple[View, ...] = (
    _ASSETS,
    _ANNOTATIONS,
    _ATTRIBUTE_VALUES,
    _LABEL_SETS,
    _LABEL_SET_ASSETS,
    _COPIES,
    _METADATA_VALUES,
    _CLASSES,
    _PATHS,
    _COVERAGE,
    _FILES,
    _REJECTS,
    _CONCEPTS,
    _CONCEPT_CLASSES,
    _SAVED_SEARCHES,
)
KINDS = tuple(dict.fromkeys(kind for view in VIEWS for kind in view.reads))
