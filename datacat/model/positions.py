r"""The order of places in a label file, which are texts: "line 2" stands before "line 10"."""

from __future__ import annotations

# By all numbers in it, so that "line 5, annotations[2]" stands before "line 5, annotations[10]"; then by its words.
# "the whole file" has none and comes first.
IN_ORDER = r"TRY_CAST(regexp_extract_all(coalesce(position, ''), '\d+') AS BIGINT[]), position"


def first(value: str, *, after: str = "") -> str:
    """SQL for the `value` of the row whose `position` comes first.

    Args:
        value: an expression in SQL; of rows in which it is null, none counts.
        after: expressions by which rows are ordered before their position, each with a comma behind it.
    """
    return f"arg_min({value}, ({after}{IN_ORDER}))"
