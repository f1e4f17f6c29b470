"""How alike a model finds the names of classes, and pictures cut from their boxes.

Cosines of a model lie close together, so they are measured from the median of all pairs:
(cosine - median) / (1 - median).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

import duckdb
import numpy as np
from PIL import Image

from datacat.concepts.case import Case, Pair
from datacat.concepts.evidence import Evidence, Kind
from datacat.config import Settings
from datacat.embeddings.decoding import NoPicture, quiet, read_picture
from datacat.embeddings.encoder import Encoder, Vectors
from datacat.model.names import folded
from datacat.query.compare import Sql
from datacat.query.geometry import WITH_SIZE
from datacat.query.run import rows

_FEWEST = 4  # names or classes; the median of fewer pairs says nothing
_MOST_NAMES = 5_000  # all pairs of them are 100 MB
_TEXTS_AT_ONCE = 256
_LEAST = 0.3  # weaker likeness is not worth a line
_NEAREST = 5  # of each name, those that are compared though nothing else speaks for them
_SMALLEST = 8  # pixels a side; less shows nothing

# Of each class some boxes, chosen by the hash of their number: a sample that takes no memory and is always the same.
# In the order of their pictures, so that each is opened once.
_SAMPLE = f"""
    SELECT chosen.uri, chosen.digest, node, chosen.x, chosen.y, chosen.w, chosen.h FROM (
        SELECT node, unnest(min_by({{'uri': uri, 'digest': digest, 'x': x, 'y': y, 'w': w, 'h': h}},
            hash(annotation), ?)) AS chosen
        FROM (SELECT c.node, a.annotation, s.uri, s.digest, a.asset_width AS width, a.asset_height AS height,
                  CASE WHEN a.is_relative THEN asset_width ELSE 1 END AS sx,
                  CASE WHEN a.is_relative THEN asset_height ELSE 1 END AS sy,
                  a.x * sx AS x, a.y * sy AS y, a.w * sx AS w, a.h * sy AS h
              FROM {WITH_SIZE} a JOIN crop_classes c USING (label_set, class) JOIN assets s USING (asset)
              WHERE s.media = 'image' AND NOT s.is_missing AND a.is_crowd IS NOT TRUE)
        WHERE least(x + w, width) - greatest(x, 0) >= {_SMALLEST}
          AND least(y + h, height) - greatest(y, 0) >= {_SMALLEST}
        GROUP BY node)
    ORDER BY ALL
"""  # noqa: S608 - our own number


def add_texts(case: Case, encoder: Encoder) -> None:
    """Compares the names of all classes; adds pairs of names that the model finds near."""
    first: dict[str, int] = {}
    for position, known in enumerate(case.classes):
        first.setdefault(known.name, position)
    if not _FEWEST <= len(first) <= _MOST_NAMES:
        few = "few" if len(first) < _FEWEST else "many"
        case.notes.append(f"Names were not compared by CLIP: {len(first):,} are too {few}.")
        return
    shown = [folded(case.classes[position].shown.name) for position in first.values()]
    parts = [shown[start : start + _TEXTS_AT_ONCE] for start in range(0, len(shown), _TEXTS_AT_ONCE)]
    likeness = _likeness(np.concatenate([encoder.encode_texts(part) for part in parts]))
    number = {name: index for index, name in enumerate(first)}
    for pair in {*case.evidence, *_near(likeness, list(first.values()))}:
        one, two = (number[case.classes[position].name] for position in pair)
        if one != two:
            _add(
                case,
                pair,
                "text",
                float(likeness[one, two]),
                text=f'names by CLIP: "{shown[one]}", "{shown[two]}"',
            )


def add_crops(
    case: Case, encoder: Encoder, *, cursor: duckdb.DuckDBPyConnection, settings: Settings, count: int
) -> None:
    """Cuts `count` boxes of each class that evidence speaks of out of their pictures, and compares the mean vectors."""
    cursor.register("crop_classes", case.table({position for pair in case.evidence for position in pair}))
    vectors = _crop_vectors(encoder, rows(cursor, Sql(_SAMPLE, (count,))), settings=settings)
    if len(vectors) < _FEWEST:
        case.notes.append(f"Crops were not compared: {len(vectors)} classes have some, too few.")
        return
    nodes = sorted(vectors)
    means = np.stack([vectors[node].mean(axis=0) for node in nodes])
    likeness = _likeness(means / np.linalg.norm(means, axis=1, keepdims=True))
    row = {node: index for index, node in enumerate(nodes)}
    for pair in list(case.evidence):
        if pair[0] in row and pair[1] in row:
            (one, two), cut = case.labels(pair), [len(vectors[position]) for position in pair]
            _add(
                case,
                pair,
                "crops",
                float(likeness[row[pair[0]], row[pair[1]]]),
                text=f"crops by CLIP: {cut[0]} of {one}, {cut[1]} of {two}",
            )


def _add(case: Case, pair: Pair, kind: Kind, value: float, *, text: str) -> None:
    if value >= _LEAST:
        shown = f"{text}, likeness {value:.2f}"
        case.add(pair, Evidence(kind, case.labels(pair), min(1.0, value), False, shown, {"likeness": value}))


def _likeness(vectors: Vectors) -> Vectors:
    """(n, dimension), rows of unit length -> (n, n): 0 is the median of all pairs, 1 the same."""
    cosines = vectors @ vectors.T
    median = float(np.median(cosines[np.triu_indices(len(vectors), k=1)]))
    measured: Vectors = (cosines - median) / max(1e-6, 1 - median)
    return measured


def _near(likeness: Vectors, positions: Sequence[int]) -> Iterator[Pair]:
    """Of each name the nearest others, as pairs of the most used classes so called."""
    for row, values in enumerate(likeness):
        for other in np.argsort(-values)[: _NEAREST + 1]:
            if other != row and values[other] >= _LEAST:
                one, two = sorted((positions[row], positions[int(other)]))
                yield one, two


def _crop_vectors(
    encoder: Encoder, boxes: Sequence[tuple[str, str, int, float, float, float, float]], *, settings: Settings
) -> dict[int, Vectors]:
    """Class -> vectors of its crops (n, dimension), of boxes by picture. Pictures that cannot be read are left out."""
    found: dict[int, list[Vectors]] = defaultdict(list)
    with quiet():
        for (uri, digest), shown in groupby(boxes, key=lambda box: box[:2]):
            try:
                picture, _ = read_picture(uri, settings, digest=digest)
            except NoPicture:
                continue
            for _, _, node, *box in shown:
                crop = _cut(picture, *box)
                if crop is not None:
                    found[node].append(encoder.prepare(crop))
    return {node: encoder.encode_pictures(prepared) for node, prepared in found.items()}


def _cut(picture: Image.Image, x: float, y: float, w: float, h: float) -> Image.Image | None:
    left, top = max(0, round(x)), max(0, round(y))
    right, bottom = min(picture.width, round(x + w)), min(picture.height, round(y + h))
    is_shown = right - left >= _SMALLEST and bottom - top >= _SMALLEST
    return picture.crop((left, top, right, bottom)) if is_shown else None
