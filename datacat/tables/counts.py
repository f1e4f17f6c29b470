"""How often a label set has each class and each path, counted in the commit that changes it."""

from __future__ import annotations

from datacat.model.schemas import SET_ASIDE
from datacat.model.spelling import IS_ODD, IS_WIDE

COUNTED = ("class_counts", "path_counts")

# Where a thing is and whose word it is; null without a box. What a query takes for one thing, `query.once` says.
_BOX = """
    CASE WHEN x + y + w + h IS NOT NULL
        THEN hash(kind, CASE WHEN kind <> 'annotation' THEN coalesce(model, '') END, x, y, w, h,
            is_relative IS TRUE, track, starts, ends) END
"""
_SAID = "concat(annotator, status, text, model, track, external_id)"
# In steps, as groups spill to disk and sets of distinct values do not always.
CLASSES = (
    """
    SELECT label_set, "class", sum(n)::BIGINT AS annotations, count(*) AS assets, sum(things)::BIGINT AS things,
        sum(predictions)::BIGINT AS predictions, sum(set_aside)::BIGINT AS set_aside, sum(shares)::BIGINT AS shares,
        sum(wide)::BIGINT AS wide_texts, sum(repeats)::BIGINT AS repeats
    FROM (SELECT label_set, "class", asset, sum(n) AS n, sum(things) AS things, sum(predictions) AS predictions,
            sum(set_aside) AS set_aside, sum(shares) AS shares, sum(wide) AS wide,
            coalesce(sum(n - 1) FILTER (box IS NOT NULL), 0) AS repeats
          FROM (SELECT label_set, "class", asset, BOX AS box, count(*) AS n,
            count(*) FILTER (kind = 'annotation' AND geometry_type <> 'none' AND is_crowd IS NOT TRUE) AS things,
            count(*) FILTER (kind = 'prediction') AS predictions,
            count(*) FILTER (status IN (SET_ASIDE)) AS set_aside, count(*) FILTER (is_relative) AS shares,
            count(*) FILTER (IS_WIDE) AS wide
              FROM {annotations} GROUP BY ALL) GROUP BY ALL)
    GROUP BY label_set, "class"
""".replace("SET_ASIDE", ", ".join(f"'{status}'" for status in SET_ASIDE))
    .replace("IS_WIDE", IS_WIDE.format(_SAID))
    .replace("BOX", _BOX)
)
PATHS = """
    SELECT label_set, path, "class", sum(n)::BIGINT AS leaves, count(*) AS annotations,
        sum(numbers)::BIGINT AS numbers, sum(odd)::BIGINT AS odd_texts, sum(wide)::BIGINT AS wide_texts
    FROM (SELECT label_set, path, "class", annotation, count(*) AS n, count(number) AS numbers,
            count(*) FILTER (number IS NULL AND IS_ODD) AS odd, count(*) FILTER (IS_WIDE) AS wide
          FROM {leaves} GROUP BY ALL)
    GROUP BY label_set, path, "class"
""".replace("IS_ODD", IS_ODD).replace("IS_WIDE", IS_WIDE.format("text"))
# What was counted before, and what the files that come and go make of it: all leaves that an annotation has in
# a file come or go with it, so the sums stay exact, and a small change need not count everything again.
_PATHS_NOW = """
    SELECT label_set, path, "class", sum(leaves)::BIGINT AS leaves, sum(annotations)::BIGINT AS annotations,
        sum(numbers)::BIGINT AS numbers, sum(odd_texts)::BIGINT AS odd_texts, sum(wide_texts)::BIGINT AS wide_texts
    FROM (
        SELECT * FROM path_counts WHERE label_set = {label_set}
        UNION ALL BY NAME {come}
        UNION ALL BY NAME SELECT label_set, path, "class", -leaves AS leaves, -annotations AS annotations,
            -numbers AS numbers, -odd_texts AS odd_texts, -wide_texts AS wide_texts FROM ({go})
    ) GROUP BY label_set, path, "class" HAVING sum(leaves) > 0
"""


def class_counts(*, annotations: str) -> str:
    """A SELECT of `class_counts` over all annotations of label sets, themselves given as a SELECT."""
    return CLASSES.format(annotations=f"({annotations})")


def path_counts(label_set: int, *, come: str, go: str) -> str:
    """A SELECT of a label set's `path_counts` after a change.

    Args:
        label_set: whose; of which the view `path_counts` holds what was counted before.
        come: a SELECT of `attribute_values`: whole files that come.
        go: whole files that go.
    """
    counted = [PATHS.format(leaves=f"({leaves})") for leaves in (come, go)]
    return _PATHS_NOW.format(label_set=label_set, come=counted[0], go=counted[1])
