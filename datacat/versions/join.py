"""The annotations of several label sets become those of a snapshot: classes renamed, duplicates and objects merged.

What goes in stands in the temporary table `snapshot_rows` afterwards, a row an annotation: `annotation`, `name` (its
class in the snapshot) and `drawn`.

Label sets have an order: that of `Joining.prefer`, all others behind by name; what people finished goes before what
models said, and that before what was skipped or is a draft. One after the other, boxes of a label set are matched with
those that stay of the ones before it, as `datacat overlap` matches them: one to one, by class. So who stays hangs on
names and on what is said alone, and never on the order of ingesting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from datacat.model.joining import Item, Joined, Joining
from datacat.model.schemas import SET_ASIDE, TABLES
from datacat.query.assignment import IOU, matched
from datacat.query.compare import TRUE, Sql
from datacat.query.geometry import AS_STORED, EDGES, SCALES, sized
from datacat.query.run import rows
from datacat.query.stated import stated_within
from datacat.versions.class_names import Asked, Names

_SHOWN_PAIRS = 100  # of classes whose boxes coincide
_STATED = Sql("CREATE OR REPLACE TEMP TABLE snapshot_stated AS {}").filled(
    stated_within(Sql("asset IN (SELECT asset FROM snapshot_assets)"))
)
_STANDING = f"""
    CASE WHEN n.status IN ({", ".join(f"'{status}'" for status in SET_ASIDE)}) THEN 2 WHEN n.kind = 'prediction' THEN 1
        ELSE 0 END
"""
_CHOSEN = f"""
    CREATE OR REPLACE TEMP TABLE snapshot_chosen AS
    SELECT n.annotation, n.asset, n.label_set, n.class, {_STANDING} AS standing,
        CASE WHEN n.geometry_type NOT IN ('none', 'span', 'range') AND (NOT n.is_relative OR {
    AS_STORED.format(stated="s.stated", shown="a")
}) THEN s.stated.across || 'x' || s.stated.down END AS drawn
    FROM annotations AS n SEMI JOIN {{}} SEMI JOIN snapshot_assets USING (asset)
    JOIN assets AS a USING (asset) SEMI JOIN label_sets USING (label_set)
    LEFT JOIN snapshot_stated AS s USING (label_set, source_file, address)
"""  # noqa: S608 - our own words
_CLASSES = """
    SELECT c.label_set, s.team, s.name, c.class, c.standing, count(*)
    FROM snapshot_chosen AS c JOIN label_sets AS s USING (label_set) GROUP BY ALL ORDER BY ALL
"""
_NAMES = """
    CREATE OR REPLACE TEMP TABLE snapshot_names AS
    SELECT unnest(?::BIGINT[]) AS label_set, unnest(?::VARCHAR[]) AS class, unnest(?::VARCHAR[]) AS name
"""
_UNITS = """
    CREATE OR REPLACE TEMP TABLE snapshot_units AS
    SELECT unnest(?::BIGINT[]) AS label_set, unnest(?::BIGINT[]) AS standing, unnest(?::BIGINT[]) AS unit
"""
# A class that a map leaves out has the name ''; one that is '' as its team says it has no row in `snapshot_names`.
_ROWS = """
    CREATE OR REPLACE TEMP TABLE snapshot_rows AS
    SELECT c.annotation, c.asset, c.label_set, CASE WHEN m.class IS NULL THEN c.class ELSE m.name END AS name, u.unit,
        c.drawn
    FROM snapshot_chosen AS c JOIN snapshot_units AS u USING (label_set, standing)
    LEFT JOIN snapshot_names AS m USING (label_set, class)
    WHERE m.name IS DISTINCT FROM ''
"""
_ORDER = ", ".join(
    f'n."{column.name}"'
    for column in TABLES["annotations"]
    if column.name not in ("annotation", "asset", "label_set", "source_file")
)
# Of what says the same, the surest stays, and of equally sure ones the last; then whatever order there is.
_BEST = f"nullif(n.confidence, 'nan'::DOUBLE) DESC NULLS LAST, n.created DESC NULLS LAST, {_ORDER}"
# Who says it, and how surely: what differs in it is two statements, though of one box.
_VOICE = "n.kind, n.status, n.annotator, n.model, n.confidence"
# What may be the same as something else: cheap columns alone, so that the wide ones are read of few.
_ALIKE = """
    CREATE OR REPLACE TEMP TABLE snapshot_alike AS
    WITH placed AS (
        SELECT annotation, r.asset, r.name, n.geometry_type, n.x, n.y, n.w, n.h, n.starts, n.ends
        FROM annotations AS n JOIN snapshot_rows AS r USING (annotation) WHERE {})
    SELECT annotation FROM placed
    SEMI JOIN (SELECT asset, name, geometry_type, x, y, w, h, starts, ends FROM placed
               GROUP BY ALL HAVING count(*) > 1) AS t
        ON placed.asset = t.asset AND placed.geometry_type = t.geometry_type
        AND placed.name IS NOT DISTINCT FROM t.name AND placed.x IS NOT DISTINCT FROM t.x
        AND placed.y IS NOT DISTINCT FROM t.y AND placed.w IS NOT DISTINCT FROM t.w
        AND placed.h IS NOT DISTINCT FROM t.h AND placed.starts IS NOT DISTINCT FROM t.starts
        AND placed.ends IS NOT DISTINCT FROM t.ends
"""
# What is matched with what other label sets drew.
_MATCHED = "n.is_crowd IS NOT TRUE AND r.name IS NOT NULL AND n.x + n.y + n.w + n.h IS NOT NULL"
# `is_across`: of its label set it is the one that stays, but for an equal one of another. What shares an object is told
# with it, though it goes.
_TWINS = f"""
    CREATE OR REPLACE TEMP TABLE snapshot_gone AS
    SELECT annotation, 'duplicates' AS why, unit <> unit_before AS is_across FROM (
        SELECT annotation, r.unit, lag(r.unit) OVER equal_ones AS unit_before
        FROM annotations AS n JOIN snapshot_rows AS r USING (annotation) SEMI JOIN snapshot_alike USING (annotation)
        WINDOW equal_ones AS (
            PARTITION BY r.asset, r.name, r.drawn, n.geometry_type, n.x, n.y, n.w, n.h, n.is_relative, n.geometry,
                n.is_crowd IS TRUE, n.text, n.track, {{}}
            ORDER BY r.unit, {_BEST}))
    WHERE unit_before IS NOT NULL
"""  # noqa: S608 - our own words
_SHARED_ASSETS = """
    CREATE OR REPLACE TEMP TABLE snapshot_shared AS
    SELECT asset FROM snapshot_rows ANTI JOIN snapshot_gone USING (annotation)
    GROUP BY asset HAVING min(unit) < max(unit)
"""
# What tells apart annotations with the same box. To sort all of them by wide columns took most of the time.
_WIDE = _ORDER.replace('n."created"', 'epoch_us(n."created")')  # whatever the time zone of the session
_TIE = f"CASE WHEN n.has_twin THEN md5(row({_WIDE})::VARCHAR) END"
# Where the size of the picture is known, boxes are in its pixels, whatever size they were drawn on (`geometry.sized`);
# `frame` tells apart what cannot be compared.
_BOXES = Sql(
    f"""
    CREATE OR REPLACE TEMP TABLE snapshot_boxes AS
    SELECT row_number() OVER (ORDER BY n.asset, n.unit, n.name, n.geometry_type, n.x, n.y, n.w, n.h, {_TIE}) AS number,
        annotation, asset, unit, name, frame, {EDGES}
    FROM (
        SELECT n.*, r.name, r.unit, k.annotation IS NOT NULL AS has_twin, {SCALES}
        FROM {{}} AS n JOIN snapshot_rows AS r USING (annotation) LEFT JOIN snapshot_alike AS k USING (annotation)
        SEMI JOIN snapshot_shared ON snapshot_shared.asset = r.asset
        ANTI JOIN (FROM snapshot_gone WHERE NOT is_across) AS g ON g.annotation = r.annotation
        WHERE {_MATCHED}) AS n
"""  # noqa: S608 - our own words
).filled(sized(Sql("annotations"), stated=Sql("FROM snapshot_stated")))
# Boxes of a label set that are the same thing as one that stays of those before it.
_SAME = f"""
    INSERT INTO snapshot_same
    WITH {
    matched(
        "SELECT l.asset, 0 AS left_set, 1 AS right_set, l.number AS left_annotation, r.number AS right_annotation, "
        "true AS left_name, true AS right_name, "
        + IOU
        + " AS iou FROM (FROM snapshot_boxes ANTI JOIN snapshot_gone USING (annotation) "
        "WHERE unit < {0} AND number NOT IN (SELECT number FROM snapshot_same)) "
        "AS l JOIN (FROM snapshot_boxes WHERE unit = {0}) AS r USING (asset, frame, name)"
    )
}
    SELECT right_annotation AS number, left_annotation AS kept FROM boxes
"""  # noqa: S608 - our own words
# Of boxes that stay, those that coincide with one of another class.
_COINCIDING = f"""
    WITH rest AS MATERIALIZED (
        FROM snapshot_boxes ANTI JOIN snapshot_gone USING (annotation)
        WHERE number NOT IN (SELECT number FROM snapshot_same)),
    {
    matched(
        "SELECT asset, l.unit AS left_set, r.unit AS right_set, l.number AS left_annotation, "
        "r.number AS right_annotation, l.name AS left_name, r.name AS right_name, "
        + IOU
        + " AS iou FROM rest AS l JOIN rest AS r USING (asset, frame) WHERE l.unit < r.unit AND l.name <> r.name"
    )
}
    SELECT least(left_name, right_name), greatest(left_name, right_name), count(*) FROM boxes
    GROUP BY ALL ORDER BY 3 DESC, 1, 2 LIMIT {_SHOWN_PAIRS}
"""  # noqa: S608 - our own words
# Labels of whole pictures: one a class, of who goes first.
_WHOLE = f"""
    CREATE OR REPLACE TEMP TABLE snapshot_whole AS
    SELECT annotation, asset, name, unit,
        first(annotation) OVER first_one AS kept, first(unit) OVER first_one AS kept_unit
    FROM annotations AS n JOIN snapshot_rows AS r USING (annotation, asset) ANTI JOIN snapshot_gone USING (annotation)
    WHERE n.geometry_type = 'none' AND n.is_crowd IS NOT TRUE AND r.name IS NOT NULL
    WINDOW first_one AS (PARTITION BY asset, r.name, n.text ORDER BY r.unit, {_BEST})
"""  # noqa: S608 - our own words
# What is the same object as something that stays, whoever said it: boxes, then labels of whole pictures.
_SHARED = """
    SELECT name, count(DISTINCT kept) AS objects, count(DISTINCT kept) + count(*) AS annotations FROM (
        SELECT name, kept FROM snapshot_same JOIN snapshot_boxes USING (number)
        ANTI JOIN snapshot_gone USING (annotation)
        UNION ALL SELECT name, -1 - kept FROM snapshot_whole WHERE unit <> kept_unit)
    GROUP BY ALL ORDER BY ALL
"""
_GO = """
    INSERT INTO snapshot_gone
    SELECT annotation, 'same', false
    FROM snapshot_same JOIN snapshot_boxes USING (number) ANTI JOIN snapshot_gone USING (annotation)
    UNION ALL
    SELECT annotation, CASE WHEN unit = kept_unit THEN 'duplicates' ELSE 'same' END, false
    FROM snapshot_whole WHERE annotation <> kept
"""
_GONE = """
    SELECT why, s.team, coalesce(r.name, ''), count(*)
    FROM snapshot_gone JOIN snapshot_rows AS r USING (annotation) JOIN label_sets AS s USING (label_set)
    GROUP BY ALL ORDER BY ALL
"""


def join(cursor: duckdb.DuckDBPyConnection, *, asked: Asked, chosen: str) -> tuple[Joining, Joined, Names]:
    """Makes the table `snapshot_rows` of what goes into a snapshot.

    Args:
        cursor: the catalog at one state, with the table `snapshot_assets`.
        asked: by which rule.
        chosen: a table and what joins it with `annotations`, as in `chosen USING (annotation)`.

    Returns:
        The rule, what it did, and how classes are called by it.

    Raises:
        UsageError: a choice that makes no sense, or a class that belongs to several concepts.
        FormatError: the file of a map is none.
        LocationError: it cannot be read.
    """
    rows(cursor, _STATED)
    rows(cursor, Sql(_CHOSEN.format(chosen)))
    classes = rows(cursor, Sql(_CLASSES))
    found = sorted({(team, said) for _, team, _, said, _, _ in classes if said is not None})
    rule = asked.rule(cursor, found)
    names = Names(cursor, rule)
    others = names.others(found)
    _make_rows(cursor, classes, rule=rule, names=others)
    is_one = rule.overlap == "one"
    _find_duplicates(cursor, is_one=is_one)
    shared, coinciding = _find_same(cursor)
    if is_one:
        rows(cursor, Sql(_GO))
    gone = _gone(cursor)
    rows(cursor, Sql("DELETE FROM snapshot_rows WHERE annotation IN (SELECT annotation FROM snapshot_gone)"))
    mapped: Counter[tuple[str, str]] = Counter()
    for _, team, _, said, _, count in classes:
        mapped[team, said] += count
    done = Joined(
        mapped=tuple(
            {"team": team, "class": said, "name": name, "annotations": mapped[team, said]}
            for (team, said), name in sorted(others.items())
            if name
        ),
        left_out=tuple(
            {"team": team, "class": said, "annotations": mapped[team, said]}
            for (team, said), name in sorted(others.items())
            if not name
        ),
        duplicates=gone["duplicates"],
        same=gone["same"],
        shared=() if is_one else shared,
        coinciding=coinciding,
    )
    return rule, done, names


def _make_rows(
    cursor: duckdb.DuckDBPyConnection,
    classes: Sequence[tuple[Any, ...]],
    *,
    rule: Joining,
    names: Mapping[tuple[str, str], str],
) -> None:
    renamed = sorted(
        {
            (number, said, names[team, said])
            for number, team, _, said, _, _ in classes
            if (team, said) in names
        }
    )
    rows(cursor, Sql(_NAMES, _columns(renamed, 3)))
    speakers = {(number, team, name, standing) for number, team, name, _, standing, _ in classes}
    ranked = sorted(speakers, key=lambda one: (one[3], _place(rule, one[1], one[2]), one[1], one[2]))
    units = [(number, standing, unit) for unit, (number, _, _, standing) in enumerate(ranked)]
    rows(cursor, Sql(_UNITS, _columns(units, 3)))
    rows(cursor, Sql(_ROWS))


def _place(rule: Joining, team: str, name: str) -> int:
    """Where a label set stands among those that are preferred; a label set goes before its team."""
    for wanted in (f"{team}/{name}", team):
        if wanted in rule.prefer:
            return rule.prefer.index(wanted)
    return len(rule.prefer)


def _find_duplicates(cursor: duckdb.DuckDBPyConnection, *, is_one: bool) -> None:
    """Makes `snapshot_gone` of annotations that say the same as another one.

    That is the same class and geometry; where all objects keep all their labels, the same attributes in the same voice
    (`_VOICE`) as well. What is said of whole pictures is nobody's duplicate there: it may be a vote. Where an object
    keeps one label, equal boxes of two label sets are left to matching: that is one to one, and without the one of them
    the other would be free to take a second object along.
    """
    rows(cursor, Sql(_ALIKE).filled(TRUE if is_one else Sql("n.geometry_type <> 'none'")))
    ((count,),) = rows(cursor, Sql("SELECT count(*) FROM snapshot_alike"))
    alike = Sql(f"CASE WHEN {_MATCHED} THEN r.unit END" if is_one else f"n.attributes, {_VOICE}")
    limited = _TWINS if count else f"{_TWINS} LIMIT 0"
    rows(cursor, Sql(limited).filled(alike))


def _find_same(cursor: duckdb.DuckDBPyConnection) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Makes `snapshot_same` and `snapshot_whole`; returns the items of `Joined.shared` and `Joined.coinciding`."""
    rows(cursor, Sql(_SHARED_ASSETS))
    rows(cursor, Sql("CREATE OR REPLACE TEMP TABLE snapshot_same (number BIGINT, kept BIGINT)"))
    rows(cursor, Sql(_WHOLE))
    rows(cursor, _BOXES)
    units = [unit for (unit,) in rows(cursor, Sql("SELECT DISTINCT unit FROM snapshot_boxes ORDER BY ALL"))]
    for unit in units[1:]:
        rows(cursor, Sql(_SAME.format(int(unit))))
    shared = tuple(
        {"class": name, "objects": objects, "annotations": count}
        for name, objects, count in rows(cursor, Sql(_SHARED))
    )
    coinciding = rows(cursor, Sql(_COINCIDING)) if len(units) > 1 else []
    return shared, tuple({"class": one, "other": other, "pairs": count} for one, other, count in coinciding)


def _gone(cursor: duckdb.DuckDBPyConnection) -> dict[str, tuple[Item, ...]]:
    found: dict[str, list[Item]] = {"duplicates": [], "same": []}
    for why, team, name, count in rows(cursor, Sql(_GONE)):
        found[why].append({"team": team, "class": name, "annotations": count})
    return {why: tuple(items) for why, items in found.items()}


def _columns(found: Sequence[tuple[Any, ...]], count: int) -> tuple[list[Any], ...]:
    return tuple([row[column] for row in found] for column in range(count))
