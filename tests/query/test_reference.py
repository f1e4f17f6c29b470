"""docs/reference/query.md: every example runs, and nothing of the language is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from datacat.query.fields import ANNOTATION_COLUMNS, ASSET_COLUMNS, ASSET_STATES
from datacat.query.meaning import Question
from datacat.query.search import search
from datacat.query.tree import Operator
from tests.query.cases import corpus

_PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "query.md").read_text("utf-8")
_ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in _PAGE.splitlines()
    if line.startswith("| ")
]
_EXAMPLES = [row[2].strip("`").replace(r"\|", "|") for row in _ROWS if row[2].startswith("`")]


def _no_ranking(question: Question, k: int, allowed: pa.Array | None) -> pa.Table:
    return pa.table({"asset": pa.array([], pa.int64()), "score": pa.array([], pa.float64())})


@pytest.mark.parametrize("example", _EXAMPLES)
def test_example_runs(example: str) -> None:
    hits = search(corpus().cursor(), example, state=1, nearest=_no_ranking)
    assert hits.count() == hits.assets().read_all().num_rows or '"' in example or "like:" in example


def test_every_operator_and_field_has_a_row() -> None:
    firsts = " ".join(row[0] for row in _ROWS)
    named = [*Operator, *ASSET_COLUMNS, *ANNOTATION_COLUMNS, *(f"is:{state}" for state in ASSET_STATES)]
    named += ["team:", "label_set:", "split:", "like:", "has:", "class:", "count(…)", "AND", "OR", "NOT"]
    assert [name for name in named if f"`{name}" not in firsts] == []


def test_there_are_examples() -> None:
    assert len(_EXAMPLES) > 40
