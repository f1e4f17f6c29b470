"""Which boxes of two label sets are the same thing: the assignment with the greatest sum of intersections over union.

Boxes of an asset that overlap by `MATCHED_IOU` or more are candidates, and each box is matched once at most. Nearly
all candidates concern nobody else, and are taken in SQL. Where several contest for one box, those of an asset go to a
function of Python, which takes connected ones apart and solves them exactly (by scipy, where the best of each does
not do).

Of assignments with the same sum (to a ten-millionth) the one with more pairs is taken, then that with more equal names.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import duckdb
import pyarrow as pa

from datacat.query.compare import TRUE, Sql
from datacat.query.geometry import EDGES, SCALES, WITH_SIZE

MATCHED_IOU = 0.5
ASSIGNED = "datacat_assigned"
"""The function of Python, as SQL calls it: lefts, rights and weights of an asset's candidates -> which are matched."""
MERGED = "datacat_merged"
"""The same of an asset's matched pairs: lefts, rights and whose these are -> how many boxes become part of another."""
_Edge = tuple[int, int, float]
_PAIR, _SAME = 1e-7, 1e-9  # so much a further pair counts, and a further equal name

# Candidates with asset, left_set, right_set, left_annotation, right_annotation, left_name, right_name, iou -> the
# matched ones. `{0}` is a SELECT; the parts are common table expressions, the last of them `boxes`.
_MATCHED = f"""
    candidates AS MATERIALIZED (
        SELECT *, count(*) OVER (PARTITION BY asset, left_set, right_set, left_annotation) = 1
            AND count(*) OVER (PARTITION BY asset, left_set, right_set, right_annotation) = 1 AS is_alone
        FROM ({{}}) WHERE iou >= {MATCHED_IOU}),
    contested AS (
        SELECT asset, left_set, right_set, list(left_annotation ORDER BY left_annotation, right_annotation) AS lefts,
            list(right_annotation ORDER BY left_annotation, right_annotation) AS rights,
            list(iou + {_PAIR} + CASE WHEN left_name = right_name THEN {_SAME} ELSE 0 END
                 ORDER BY left_annotation, right_annotation) AS weights
        FROM candidates WHERE NOT is_alone GROUP BY ALL),
    assigned AS (
        SELECT asset, left_set, right_set, unnest(lefts) AS left_annotation, unnest(rights) AS right_annotation,
            unnest({ASSIGNED}(lefts, rights, weights)) AS is_matched
        FROM contested),
    boxes AS (
        SELECT * EXCLUDE (is_alone) FROM candidates WHERE is_alone
        UNION ALL
        SELECT * EXCLUDE (is_alone) FROM candidates SEMI JOIN (FROM assigned WHERE is_matched)
            USING (asset, left_set, right_set, left_annotation, right_annotation)
        WHERE NOT is_alone)
"""  # noqa: S608 - our own words
_EDGES = f"""
    SELECT asset, label_set, annotation, frame, {EDGES} FROM (SELECT *, {SCALES} FROM {WITH_SIZE}
        WHERE {{}} AND x + y + w + h IS NOT NULL)
    SEMI JOIN ({{}}) USING (annotation)
"""  # noqa: S608 - our own words
_COMMON = (
    "greatest(0, least(l.right_, r.right_) - greatest(l.left_, r.left_)) * "
    "greatest(0, least(l.bottom_, r.bottom_) - greatest(l.top_, r.top_))"
)
_AREA = "({0}.right_ - {0}.left_) * ({0}.bottom_ - {0}.top_)"
IOU = f"{_COMMON} / nullif({_AREA.format('l')} + {_AREA.format('r')} - {_COMMON}, 0)"
"""The intersection over union of `l` and `r`, with left_, top_, right_ and bottom_; null where both have no area."""
_ACROSS = f"""
    WITH sides AS MATERIALIZED ({_EDGES}),
    {
    _MATCHED.format(
        f"SELECT asset, l.label_set AS left_set, r.label_set AS right_set, l.annotation AS left_annotation, "
        f"r.annotation AS right_annotation, true AS left_name, true AS right_name, {IOU} AS iou "
        f"FROM sides l JOIN sides r USING (asset, frame) WHERE l.label_set < r.label_set"
    )
}
    SELECT asset, left_set, right_set, left_annotation, right_annotation, iou FROM boxes
"""  # noqa: S608 - our own words


def matched(touching: str) -> str:
    """Common table expressions of which the last, `boxes`, are those of some candidates that are matched.

    Args:
        touching: a SELECT of asset, left_set, right_set, left_annotation, right_annotation, left_name, right_name, iou.
    """
    return _MATCHED.format(touching)


def matched_boxes(annotations: Sql, *, within: Sql = TRUE) -> Sql:
    """A SELECT of asset, left_set, right_set (the lesser first), left_annotation, right_annotation and iou.

    Args:
        annotations: a SELECT with the column annotation; boxes of these are matched across label sets, whatever their
            classes. What has no box is matched with nothing.
        within: a condition on `asset`.
    """
    return Sql(_ACROSS).filled(within, annotations)


def register(cursor: duckdb.DuckDBPyConnection) -> None:
    """Lets a cursor's database call `ASSIGNED`."""
    boxes, numbers, names = "BIGINT[]", "DOUBLE[]", "VARCHAR[]"
    functions = (
        (ASSIGNED, _assigned, [boxes, boxes, numbers], "BOOLEAN[]"),
        (MERGED, _merged, [boxes, boxes, names, names], "BIGINT"),
    )
    for name, function, types, returned in functions:
        # Where it is there: it belongs to the database, and the cursor that made it says so otherwise than another.
        with contextlib.suppress(duckdb.CatalogException, duckdb.NotImplementedException):
            cursor.create_function(name, function, types, returned, type="arrow")  # type: ignore[call-overload]


def _assigned(lefts: pa.Array, rights: pa.Array, weights: pa.Array) -> pa.Array:
    columns = (lefts.to_pylist(), rights.to_pylist(), weights.to_pylist())
    rows = zip(*columns, strict=True)
    found = [assigned(left, rights=right, weights=weight) for left, right, weight in rows]
    return pa.array(found, pa.list_(pa.bool_()))


def _merged(lefts: pa.Array, rights: pa.Array, left_sets: pa.Array, right_sets: pa.Array) -> pa.Array:
    columns = (lefts.to_pylist(), rights.to_pylist(), left_sets.to_pylist(), right_sets.to_pylist())
    return pa.array([merged(zip(*row, strict=True)) for row in zip(*columns, strict=True)], pa.int64())


def merged(pairs: Iterable[tuple[int, int, str, str]]) -> int:
    """How many boxes become part of another object where pairs are joined one after the other.

    Args:
        pairs: boxes that match and whose they are, the best first. A pair is left apart where joining it would put two
            boxes of one side into one object: who drew two says that they are two.
    """
    objects: dict[int, tuple[set[int], set[str]]] = {}
    count = 0
    for left, right, left_set, right_set in pairs:
        one = objects.setdefault(left, ({left}, {left_set}))
        other = objects.setdefault(right, ({right}, {right_set}))
        if one is other or one[1] & other[1]:
            continue
        both = (one[0] | other[0], one[1] | other[1])
        objects.update(dict.fromkeys(both[0], both))
        count += 1
    return count


def assigned(lefts: Sequence[int], *, rights: Sequence[int], weights: Sequence[float]) -> list[bool]:
    """Which of some candidates make the assignment with the greatest sum of weights."""
    edges = list(zip(lefts, rights, weights, strict=True))
    chosen: set[int] = set()
    for numbers in _connected(edges):
        chosen.update(_best({number: edges[number] for number in numbers}))
    return [number in chosen for number in range(len(edges))]


def _connected(edges: Sequence[_Edge]) -> Iterable[list[int]]:
    """The numbers of candidates that share boxes, directly or by others."""
    parent: dict[tuple[str, int], tuple[str, int]] = {}

    def root(node: tuple[str, int]) -> tuple[str, int]:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = parent[above]
            node = above
        return node

    for left, right, _ in edges:
        parent[root(("l", left))] = root(("r", right))
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, (left, _, _) in enumerate(edges):
        found[root(("l", left))].append(number)
    return found.values()


def _best(edges: dict[int, _Edge]) -> Iterator[int]:
    """The numbers of the candidates that are taken of connected ones."""
    for side, other in ((0, 1), (1, 0)):
        of_box: dict[float, int] = {}
        for number, edge in edges.items():
            known = of_box.get(edge[side])
            if known is None or edge[2] > edges[known][2]:
                of_box[edge[side]] = number
        if len({edges[number][other] for number in of_box.values()}) == len(of_box):
            yield from of_box.values()  # each has its best, and there is nothing better than that
            return
    yield from _solved(edges)


def _solved(edges: dict[int, _Edge]) -> Iterator[int]:
    """Each left may stay alone, which is a partner of its own that adds nothing."""
    import numpy as np  # these take 0.5 s, which few queries need
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    numbers = {
        "left": {left: place for place, left in enumerate(dict.fromkeys(edge[0] for edge in edges.values()))},
        "right": {
            right: place for place, right in enumerate(dict.fromkeys(edge[1] for edge in edges.values()))
        },
    }
    lefts, rights = len(numbers["left"]), len(numbers["right"])
    rows = [numbers["left"][left] for left, _, _ in edges.values()]
    columns = [numbers["right"][right] for _, right, _ in edges.values()]
    costs = [2 - weight for _, _, weight in edges.values()]  # above 0: a 0 would be no edge
    alone = range(lefts)
    graph = csr_array(
        (
            np.array([*costs, *[2.0] * lefts]),
            ([*rows, *alone], [*columns, *(rights + place for place in alone)]),
        ),
        shape=(lefts, rights + lefts),
    )
    taken = set(zip(*(side.tolist() for side in min_weight_full_bipartite_matching(graph)), strict=True))
    yield from (
        number for number, pair in zip(edges, zip(rows, columns, strict=True), strict=True) if pair in taken
    )
