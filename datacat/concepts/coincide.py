"""How far the labels of two classes of different label sets coincide on the assets that both label sets have.

Equal bytes are one asset. A box counts where the other side looked for its class: covers it there, or has labelled one.
It coincides where some box of the other class has an intersection over union of `COINCIDE_IOU` or more with it;
polygons and masks count by their boxes. What is said of a whole asset, without a box, is compared by the assets that it
is said of.

Memory is bounded: of more than `sample` shared assets only so many are read, those whose number has the least hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import duckdb
import pyarrow as pa

from datacat.query.compare import Sql
from datacat.query.geometry import EDGES, SCALES, WITH_SIZE
from datacat.query.looked import LABELLED
from datacat.query.run import rows

COINCIDE_IOU = 0.5
SAMPLE = 20_000

# Label sets that have one and the same bytes under two URIs list one thing.
_LISTED = """
    CREATE TEMP TABLE listed AS
    SELECT DISTINCT coalesce(first, asset) AS thing, asset, label_set
    FROM (SELECT DISTINCT asset, label_set FROM label_set_assets) LEFT JOIN assets USING (asset)
    LEFT JOIN (SELECT digest, min(asset) AS first FROM assets WHERE digest IS NOT NULL
               GROUP BY digest HAVING count(*) > 1) USING (digest)
"""
_SHARED = "SELECT thing FROM listed GROUP BY thing HAVING min(label_set) < max(label_set)"
_KEPT = f"CREATE TEMP TABLE shared AS SELECT l.* FROM listed l SEMI JOIN (FROM ({_SHARED}) ORDER BY hash(thing), thing LIMIT ?) USING (thing)"  # noqa: S608, E501
_SAID = f"""
    CREATE TEMP TABLE said AS
    SELECT thing, label_set, node, name, annotation, (x + y + w + h) IS NOT NULL AS is_box, frame, {EDGES}
    FROM (SELECT *, {SCALES} FROM {WITH_SIZE} WHERE is_crowd IS NOT TRUE)
    JOIN shared USING (asset, label_set) JOIN named_classes USING (label_set, class)
"""  # noqa: S608 - our own words
_LOOKED = f"""
    CREATE TEMP TABLE looked AS
    SELECT thing, label_set, node, name FROM shared JOIN named_classes USING (label_set) WHERE covers
        AND (asset, label_set) IN (SELECT (asset, label_set) FROM {LABELLED})
        AND NOT EXISTS (FROM coverage c WHERE c.label_set = shared.label_set AND c.asset = shared.asset
                        AND c.class = named_classes.class AND c.answer = 'not_exhaustive')
    UNION SELECT thing, label_set, node, name FROM coverage JOIN shared USING (asset, label_set)
        JOIN named_classes USING (label_set, class) WHERE answer IN ('exhaustive', 'absent')
    UNION SELECT thing, label_set, node, name FROM said
"""  # noqa: S608 - our own words
_WIDTH = "greatest(0, least(l.right_, r.right_) - greatest(l.left_, r.left_))"
_HEIGHT = "greatest(0, least(l.bottom_, r.bottom_) - greatest(l.top_, r.top_))"
_AREA = "({0}.right_ - {0}.left_) * ({0}.bottom_ - {0}.top_)"
_BOXES = f"""
    WITH touching AS (
        SELECT l.node AS one, r.node AS other, l.annotation AS one_box, r.annotation AS other_box,
            {_WIDTH} * {_HEIGHT} AS common,
            common / nullif({_AREA.format("l")} + {_AREA.format("r")} - common, 0) AS iou
        FROM said l JOIN said r ON l.thing = r.thing AND l.label_set < r.label_set AND l.node <> r.node
            AND l.frame = r.frame AND l.is_box AND r.is_box
        WHERE iou >= {COINCIDE_IOU}),
    best AS (SELECT own, other, box, max(iou) AS iou FROM (
        SELECT one AS own, other, one_box AS box, iou FROM touching
        UNION ALL SELECT other, one, other_box, iou FROM touching) GROUP BY ALL),
    matched AS MATERIALIZED (SELECT own, other, count(*) AS matched, sum(iou) AS ious FROM best GROUP BY ALL),
    judged AS (
        SELECT s.annotation, s.thing, s.node AS own, k.node AS other
        FROM said s JOIN matched m ON m.own = s.node JOIN looked k ON k.thing = s.thing AND k.node = m.other
            AND k.label_set <> s.label_set WHERE s.is_box
        UNION SELECT s.annotation, s.thing, s.node, k.node
        FROM said s JOIN alike_names a ON a.one = s.name JOIN looked k ON k.thing = s.thing AND k.name = a.other
            AND k.label_set <> s.label_set AND k.node <> s.node WHERE s.is_box),
    counted AS (SELECT own, other, count(*) AS boxes FROM judged GROUP BY ALL),
    things AS (SELECT least(own, other) AS one, greatest(own, other) AS two, count(DISTINCT thing) AS things
               FROM judged GROUP BY ALL)
    SELECT one, two, things, coalesce(l.boxes, 0), coalesce(r.boxes, 0),
        coalesce(lm.matched, 0), coalesce(rm.matched, 0),
        (coalesce(lm.ious, 0) + coalesce(rm.ious, 0)) / nullif(coalesce(lm.matched, 0) + coalesce(rm.matched, 0), 0)
    FROM things
    LEFT JOIN counted l ON l.own = one AND l.other = two LEFT JOIN counted r ON r.own = two AND r.other = one
    LEFT JOIN matched lm ON lm.own = one AND lm.other = two LEFT JOIN matched rm ON rm.own = two AND rm.other = one
    ORDER BY ALL
"""  # noqa: S608 - our own words
_TOGETHER = """
    WITH spoken AS MATERIALIZED (
        SELECT thing, label_set, node, bool_or(NOT is_box) AS is_whole FROM said GROUP BY ALL),
    sets AS MATERIALIZED (SELECT DISTINCT thing, label_set FROM shared),
    pairs AS (SELECT l.label_set AS one_set, r.label_set AS two_set, l.node AS one, r.node AS two, count(*) AS common
        FROM spoken l JOIN spoken r ON l.thing = r.thing AND l.label_set <> r.label_set AND l.node < r.node
            AND (l.is_whole OR r.is_whole) GROUP BY ALL),
    alone AS (SELECT s.label_set, o.label_set AS beside, node, count(*) AS things
        FROM spoken s JOIN sets o ON o.thing = s.thing AND o.label_set <> s.label_set GROUP BY ALL),
    sizes AS (SELECT l.label_set AS one_set, r.label_set AS two_set, count(*) AS things
        FROM sets l JOIN sets r USING (thing) GROUP BY ALL)
    SELECT one, two, sum(n.things)::BIGINT, sum(a.things)::BIGINT, sum(b.things)::BIGINT, sum(common)::BIGINT
    FROM pairs JOIN sizes n USING (one_set, two_set)
    JOIN alone a ON a.label_set = one_set AND a.beside = two_set AND a.node = one
    JOIN alone b ON b.label_set = two_set AND b.beside = one_set AND b.node = two
    GROUP BY one, two ORDER BY ALL
"""


@dataclass(frozen=True, slots=True)
class BoxPair:
    """Boxes of two classes on `assets` shared assets: of each side how many count, and how many of these coincide.

    `mean_iou` is that of each coinciding box with its best partner, over both sides; None where none coincides.
    """

    assets: int
    boxes: tuple[int, int]
    coinciding: tuple[int, int]
    mean_iou: float | None

    @property
    def share(self) -> float:
        """Of the boxes of both, how many coincide: 0 to 1."""
        return sum(self.coinciding) / max(1, sum(self.boxes))


@dataclass(frozen=True, slots=True)
class AssetPair:
    """What two classes say of whole assets: of `assets` shared ones, each side speaks of some, both of `both`."""

    assets: int
    spoken: tuple[int, int]
    both: int

    @property
    def correlation(self) -> float:
        """The phi coefficient, -1 to 1; 0 where a class is said of every asset, as then nothing follows."""
        (one, two), all_ = self.spoken, self.assets
        spread = one * two * (all_ - one) * (all_ - two)
        return (all_ * self.both - one * two) / sqrt(spread) if spread > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Coincidence:
    """What was found, by pairs of class numbers, the lesser first; `read` of `shared` assets were looked at."""

    boxes: Mapping[tuple[int, int], BoxPair]
    assets: Mapping[tuple[int, int], AssetPair]
    read: int
    shared: int


def coincidence(
    cursor: duckdb.DuckDBPyConnection, *, classes: pa.Table, alike: Sequence[tuple[int, int]], sample: int
) -> Coincidence:
    """Compares all classes of different label sets on their shared assets.

    Args:
        cursor: shows the tables of one state, and is used for nothing else; temporary tables are made in it.
        classes: columns label_set, class, node (number of the class), name (number of its name), covers (whether the
            label set looked for it on all its assets).
        alike: pairs of numbers of names; boxes of such classes are counted though none coincides.
        sample: shared assets that are read at most.
    """
    pairs = sorted({pair for one, other in alike for pair in ((one, other), (other, one))})
    cursor.register("named_classes", classes)
    cursor.register(
        "alike_names",
        pa.table(
            {
                "one": pa.array([p[0] for p in pairs], pa.int64()),
                "other": pa.array([p[1] for p in pairs], pa.int64()),
            }
        ),
    )
    rows(cursor, Sql(_LISTED))
    ((shared,),) = rows(cursor, Sql(f"SELECT count(*) FROM ({_SHARED})"))  # noqa: S608 - our own words
    rows(cursor, Sql(_KEPT, (sample,)))
    rows(cursor, Sql(_SAID))
    rows(cursor, Sql(_LOOKED))
    boxes = {
        (one, two): BoxPair(things, (left, right), (left_matched, right_matched), iou)
        for one, two, things, left, right, left_matched, right_matched, iou in rows(cursor, Sql(_BOXES))
    }
    assets = {
        (one, two): AssetPair(things, (left, right), both)
        for one, two, things, left, right, both in rows(cursor, Sql(_TOGETHER))
    }
    return Coincidence(boxes, assets, min(shared, sample), shared)
