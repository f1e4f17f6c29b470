"""How far two label sets agree on an asset, as SQL. docs/explanation/agreement.md says what is computed and why.

For an asset that two label sets A and B both list, each in a label file that somebody completed, over the classes that
both have in common:

    agreement        2 (matched boxes of equal class + equal classes of the whole asset) / (what A says + what B says)
    class_agreement  of the matched boxes, the share of equal class; null where none matched
    box_iou          the mean intersection over union of the matched boxes; null where none matched

Boxes are matched by the assignment with the greatest sum of intersections over union; see `assignment`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datacat.model.names import folded
from datacat.model.shapes import placed_in_things
from datacat.query.assignment import IOU, matched
from datacat.query.compare import TRUE, Sql, one_of
from datacat.query.geometry import EDGES, SCALES, sized
from datacat.query.looked import LABELLED
from datacat.query.plurals import comparable
from datacat.query.stated import EVERY_STATED
from datacat.query.vocabulary import ClassName, Vocabulary

PLACE = ("x", "y", "w", "h", "is_relative", "track", "starts", "ends")
"""Columns that say where a thing is, or which of a film's; equal ones of one class and label set are one thing, unless
their shapes differ (`model.shapes`)."""
_NAMES = (
    "SELECT unnest(?::BIGINT[]) AS label_set, unnest(?::VARCHAR[]) AS class, unnest(?::VARCHAR[]) AS name, "
    "unnest(?::BOOLEAN[]) AS is_covered"
)
# Boxes in pixels where the size of the asset is known, else in fractions (`frame`); no box: of the whole asset.
_DRAWN = f"""
    SELECT *, x + y + w + h IS NOT NULL AS is_box, true AS is_sure
    FROM (SELECT asset, label_set, class, annotation, geometry_type, {", ".join(PLACE)}, frame, {SCALES}
          FROM {{}} WHERE kind = 'annotation' AND is_crowd IS NOT TRUE AND {{}} AND asset IN (FROM shared_assets))
    JOIN names USING (label_set, class)
"""  # noqa: S608 - our own words
_GROUP = "asset, label_set, name, CASE WHEN NOT is_box THEN annotation END, " + ", ".join(PLACE).replace(
    "is_relative", "is_relative IS TRUE"
)
_ONCE = f"FROM ({placed_in_things(_DRAWN, group=_GROUP)}) WHERE place = 1"
_SAID = f"SELECT asset, label_set, annotation, name, is_box, frame, {EDGES} FROM ({{}})"  # noqa: S608 - our own words
_TOUCHING = f"""
    SELECT asset, left_set, right_set, l.annotation AS left_annotation, r.annotation AS right_annotation,
        l.name AS left_name, r.name AS right_name, {IOU} AS iou
    FROM lefts l JOIN rights r USING (asset, left_set, right_set, frame) WHERE l.is_box AND r.is_box
"""  # noqa: S608 - our own words
# Who says what of which shared asset, and which boxes match.
_MATCHED = f"""
    WITH names AS MATERIALIZED ({{}}),
    listed AS (SELECT DISTINCT asset, label_set FROM {LABELLED} WHERE {{}}),
    pairs AS MATERIALIZED (
        SELECT asset, l.label_set AS left_set, r.label_set AS right_set
        FROM listed l JOIN listed r USING (asset) WHERE {{}}),
    shared_assets AS (SELECT DISTINCT asset FROM pairs),
    common AS MATERIALIZED (
        SELECT left_set, right_set, l.name, bool_or(l.is_covered) AS left_covers, bool_or(r.is_covered) AS right_covers
        FROM (SELECT DISTINCT left_set, right_set FROM pairs)
        JOIN names l ON l.label_set = left_set JOIN names r ON r.label_set = right_set AND r.name = l.name
        GROUP BY ALL),
    said AS MATERIALIZED ({{}}),
    spoken AS MATERIALIZED (SELECT DISTINCT asset, label_set, name FROM said),
    -- What counts: of a class that the other side has too, and has looked for or says something of here.
    lefts AS MATERIALIZED (
        SELECT s.*, p.left_set, p.right_set FROM pairs p JOIN said s ON s.asset = p.asset AND s.label_set = p.left_set
        JOIN common c ON c.left_set = p.left_set AND c.right_set = p.right_set AND c.name = s.name
        LEFT JOIN spoken o ON o.asset = p.asset AND o.label_set = p.right_set AND o.name = s.name
        WHERE c.right_covers OR o.asset IS NOT NULL),
    rights AS MATERIALIZED (
        SELECT s.*, p.left_set, p.right_set FROM pairs p JOIN said s ON s.asset = p.asset AND s.label_set = p.right_set
        JOIN common c ON c.left_set = p.left_set AND c.right_set = p.right_set AND c.name = s.name
        LEFT JOIN spoken o ON o.asset = p.asset AND o.label_set = p.left_set AND o.name = s.name
        WHERE c.left_covers OR o.asset IS NOT NULL),
    {matched(_TOUCHING)}
"""  # noqa: S608 - our own words
_PAIRS = f"""
    {_MATCHED},
    matched AS (
        SELECT asset, left_set, right_set, count(*) AS matched, count(*) FILTER (left_name = right_name) AS same,
            avg(iou) AS box_iou
        FROM boxes GROUP BY ALL),
    whole AS (
        SELECT asset, left_set, right_set, count(DISTINCT l.name) AS same
        FROM lefts l JOIN rights r USING (asset, left_set, right_set, name) WHERE NOT l.is_box AND NOT r.is_box
        GROUP BY ALL),
    left_said AS (
        SELECT asset, left_set, right_set, count(*) FILTER (is_box) AS boxes,
            min(frame) FILTER (is_box) AS least_frame, max(frame) FILTER (is_box) AS most_frame,
            count(DISTINCT name) FILTER (NOT is_box) AS names FROM lefts GROUP BY ALL),
    right_said AS (
        SELECT asset, left_set, right_set, count(*) FILTER (is_box) AS boxes,
            min(frame) FILTER (is_box) AS least_frame, max(frame) FILTER (is_box) AS most_frame,
            count(DISTINCT name) FILTER (NOT is_box) AS names FROM rights GROUP BY ALL)
    SELECT p.asset, p.left_set, p.right_set,
        coalesce(l.boxes + l.names, 0) AS left_count, coalesce(r.boxes + r.names, 0) AS right_count,
        (l.least_frame <> r.most_frame OR l.most_frame <> r.least_frame) IS NOT TRUE AS is_compared,
        CASE WHEN is_compared THEN
            coalesce(2 * (coalesce(m.same, 0) + coalesce(w.same, 0)) / nullif(left_count + right_count, 0), 1)
            END AS agreement,
        CASE WHEN is_compared THEN m.same / m.matched END AS class_agreement,
        CASE WHEN is_compared THEN m.box_iou END AS box_iou,
        CASE WHEN is_compared THEN coalesce(m.matched, 0) ELSE 0 END AS matched
    FROM pairs p
    JOIN (SELECT left_set, right_set, bool_or(left_covers AND right_covers) AS both_look FROM common GROUP BY ALL)
        USING (left_set, right_set)
    LEFT JOIN left_said l USING (asset, left_set, right_set) LEFT JOIN right_said r USING (asset, left_set, right_set)
    LEFT JOIN matched m USING (asset, left_set, right_set) LEFT JOIN whole w USING (asset, left_set, right_set)
    -- Two that say nothing agree where both have looked; else there is nothing to compare.
    WHERE both_look OR coalesce(l.boxes, r.boxes) IS NOT NULL
"""  # noqa: S608 - our own words

# What the left says beside what the right says of it; null where the other has nothing there. Of boxes that cannot be
# compared, nothing.
_CELLS = f"""
    {_MATCHED},
    mixed AS (
        SELECT DISTINCT asset, left_set, right_set
        FROM (SELECT DISTINCT asset, left_set, right_set, frame FROM lefts WHERE is_box) AS l
        JOIN (SELECT DISTINCT asset, left_set, right_set, frame FROM rights WHERE is_box) AS r
            USING (asset, left_set, right_set)
        WHERE l.frame <> r.frame),
    cells AS (
        SELECT asset, left_set, right_set, left_name, right_name, iou FROM boxes
        UNION ALL SELECT asset, left_set, right_set, name, NULL, NULL FROM lefts
            ANTI JOIN (SELECT left_set, right_set, left_annotation AS annotation FROM boxes)
                USING (left_set, right_set, annotation) WHERE is_box
        UNION ALL SELECT asset, left_set, right_set, NULL, name, NULL FROM rights
            ANTI JOIN (SELECT left_set, right_set, right_annotation AS annotation FROM boxes)
                USING (left_set, right_set, annotation) WHERE is_box
        UNION ALL SELECT asset, left_set, right_set, l.name, r.name, NULL
        FROM (SELECT DISTINCT asset, left_set, right_set, name FROM lefts WHERE NOT is_box) AS l
        FULL JOIN (SELECT DISTINCT asset, left_set, right_set, name FROM rights WHERE NOT is_box) AS r
            USING (asset, left_set, right_set, name))
    SELECT left_name, right_name, count(*) AS annotations, avg(iou) AS box_iou
    FROM cells ANTI JOIN mixed USING (asset, left_set, right_set) GROUP BY ALL
"""  # noqa: S608 - our own words


def agreement_pairs(
    vocabulary: Vocabulary,
    *,
    within: Sql = TRUE,
    sets: tuple[Sequence[int], Sequence[int]] | None = None,
    may_repeat: bool = True,
    stated: Sql | None = EVERY_STATED,
) -> Sql:
    """A SELECT of asset, left_set, right_set and the measures of the module, with what each side says.

    Args:
        vocabulary: of the state that is asked.
        within: a condition on `asset`.
        sets: only pairs of one of the first with one of the second; None: all pairs, each once.
        may_repeat: whether a label set may say one thing twice, which is one thing (`once.may_repeat`).
        stated: as `geometry.sized` asks.

    Only assets that both list have rows, and of those only where both have looked for a class in common, or one of
    them has said something that counts. Where not `is_compared`, boxes of the two cannot be compared (one drew on the
    picture as its EXIF turns it, or gives fractions of an unknown size), and the measures are null.
    """
    return Sql(_PAIRS).filled(
        common_names(vocabulary), within, _of_pair(sets), _said(sets, may_repeat=may_repeat, stated=stated)
    )


def agreement_cells(
    vocabulary: Vocabulary,
    *,
    sets: tuple[Sequence[int], Sequence[int]],
    may_repeat: bool = True,
    stated: Sql | None = EVERY_STATED,
) -> Sql:
    """A SELECT of left_name, right_name, annotations and their mean box_iou: who calls what how.

    A name is null where the other side has nothing that matches. Arguments as in `agreement_pairs`.
    """
    return Sql(_CELLS).filled(
        common_names(vocabulary), TRUE, _of_pair(sets), _said(sets, may_repeat=may_repeat, stated=stated)
    )


def _said(sets: tuple[Sequence[int], Sequence[int]] | None, *, may_repeat: bool, stated: Sql | None) -> Sql:
    """What is said of which shared asset, each thing once."""
    drawn = Sql(_ONCE if may_repeat else _DRAWN).filled(
        sized(Sql("annotations"), stated=stated), _speakers(sets)
    )
    return Sql(_SAID).filled(drawn)


def _of_pair(sets: tuple[Sequence[int], Sequence[int]] | None) -> Sql:
    if sets is None:
        return Sql("l.label_set < r.label_set")
    return Sql(
        "l.label_set <> r.label_set AND l.label_set IN (SELECT unnest(?::BIGINT[])) "
        "AND r.label_set IN (SELECT unnest(?::BIGINT[]))",
        (list(sets[0]), list(sets[1])),
    )


def _speakers(sets: tuple[Sequence[int], Sequence[int]] | None) -> Sql:
    return TRUE if sets is None else one_of("label_set", sorted({*sets[0], *sets[1]}))


def common_names(vocabulary: Vocabulary) -> Sql:
    """A SELECT of label_set, class, the class's common name, and whether the label set covers it."""
    columns = [list(column) for column in zip(*_names(vocabulary), strict=True)] or [[], [], [], []]
    return Sql(_NAMES, tuple(columns))


def asset_agreement(
    vocabulary: Vocabulary,
    *,
    within: Sql = TRUE,
    may_repeat: bool = True,
    stated: Sql | None = EVERY_STATED,
) -> Sql:
    """A SELECT of asset, of each measure of the module the least over all pairs of label sets, and `is_whole`.

    Where not `is_whole`, some pair could not be compared: the least may be less.
    """
    least = ", ".join(f"min({name}) AS {name}" for name in ("agreement", "class_agreement", "box_iou"))
    template = f"SELECT asset, {least}, bool_and(is_compared) AS is_whole FROM ({{}}) GROUP BY asset"  # noqa: S608
    pairs = agreement_pairs(vocabulary, within=within, may_repeat=may_repeat, stated=stated)
    return Sql(template).filled(pairs)


def common_name(item: ClassName, label_set: int, *, vocabulary: Vocabulary) -> str:
    """What a label set's class is called in common: its concept where it has one, else its comparable name."""
    name, team = comparable(item.name), vocabulary.label_sets[label_set].team
    if name in vocabulary.concepts:
        return name
    members = vocabulary.concepts_of.get(name, ())
    concepts = sorted(folded(member.concept) for member in members if member.team in (None, team))
    return comparable(concepts[0]) if concepts else name


def _names(vocabulary: Vocabulary) -> Iterator[tuple[int, str, str, bool]]:
    """Label set, class, common name, and whether the label set covers the class."""
    for item in vocabulary.classes:
        for number in sorted(item.counts):
            name = common_name(item, number, vocabulary=vocabulary)
            yield number, item.name, name, vocabulary.covers(item, number)
