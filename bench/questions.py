"""What bench/search.py asks: datacat's query, and SQL of the same question for both rivals.

In SQL, `{…}` names a leaf of the document; each rival writes it in its own way. An annotation's row has asset, annotation,
label_set, class and attributes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One question, as a query and as a SELECT of assets. `is_nested`: attributes decide, so JSON must be parsed."""

    name: str
    query: str
    assets: str
    is_nested: bool = True


_ROWS = "SELECT DISTINCT asset FROM annotations WHERE "
QUESTIONS = (
    Question("one class", "class_003", _ROWS + "class = 'class_003'", is_nested=False),
    Question(
        "three or more of one class, none of another",
        "count(class_001)>=3 -class_002",
        "SELECT asset FROM annotations WHERE class IN ('class_001', 'class_002') GROUP BY asset "
        "HAVING sum(CASE WHEN class = 'class_001' THEN 1 ELSE 0 END) >= 3 "
        "AND sum(CASE WHEN class = 'class_002' THEN 1 ELSE 0 END) = 0",
        is_nested=False,
    ),
    Question(
        "class and two nested keys",
        "class_000[material=slate condition.score>0.8]",
        _ROWS + "class = 'class_000' AND {material} = 'slate' AND {condition.score:number} > 0.8",
    ),
    Question(
        "two nested keys, any class",
        "[condition.score>0.9 condition.inspector.name=insp7]",
        _ROWS + "{condition.score:number} > 0.9 AND {condition.inspector.name} = 'insp7'",
    ),
    Question("a rare key", "has:survey_flag", _ROWS + "{survey_flag:exists}"),
    Question("a numeric range", "[condition.score>=0.5 condition.score<0.501]",
             _ROWS + "{condition.score:number} >= 0.5 AND {condition.score:number} < 0.501"),
    Question(
        "labelled by two, a class by one alone",
        "count(label_set)>=2 class_005 count(label_set of class_005)=1",
        "SELECT asset FROM annotations GROUP BY asset HAVING count(DISTINCT label_set) >= 2 "
        "AND count(DISTINCT CASE WHEN class = 'class_005' THEN label_set END) = 1",
        is_nested=False,
    ),
)  # fmt: skip
DEEP = 500_000  # the row at which a page begins
PAGE = 50
_LEAF = re.compile(r"\{([\w.]+)(?::(\w+))?\}")


def for_duckdb(sql: str) -> str:
    """Leaves by DuckDB's JSON functions."""

    def leaf(match: re.Match[str]) -> str:
        path = f"'$.{match[1]}'"
        if match[2] == "exists":
            return f"json_exists(attributes, {path})"
        return f"(attributes->>{path})::DOUBLE" if match[2] == "number" else f"(attributes->>{path})"

    return _LEAF.sub(leaf, sql)


def for_chdb(sql: str) -> str:
    """Leaves as ClickHouse's JSON type has them: subcolumns."""

    def leaf(match: re.Match[str]) -> str:
        column = f"attributes.{match[1]}"
        if match[2] == "exists":
            return f"isNotNull({column})"
        return f"{column}.:Float64" if match[2] == "number" else f"{column}.:String"

    return _LEAF.sub(leaf, sql)


def counted(assets: str) -> str:
    """How many assets."""
    return f"SELECT count(*) FROM ({assets}) AS found"


def page(assets: str, *, offset: int = 0) -> str:
    """The numbers of one page."""
    return f"SELECT asset FROM ({assets}) AS found ORDER BY asset LIMIT {PAGE} OFFSET {offset}"
