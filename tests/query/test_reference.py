"""docs/reference/query.md: every example runs, and nothing of the language is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacat.query.compare import Sql
from datacat.query.conditions import FIELD_NAMES
from datacat.query.fields import ASSET_STATES
from datacat.query.ranking import Weighted
from datacat.query.search import search
from datacat.query.tree import Operator, Quantifier, RelationKind
from tests.query.cases import corpus

_PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "query.md").read_text("utf-8")
_ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in _PAGE.splitlines()
    if line.startswith("| ")
]
_EXAMPLES = [
    row[2].strip("`").replace(r"\|", "|") for row in _ROWS if len(row) > 2 and row[2].startswith("`")
]


def _no_ranking(questions: Weighted, k: int, allowed: pa.Array | None) -> pa.Table:
    return pa.table({"asset": pa.array([], pa.int64()), "score": pa.array([], pa.float64())})


@dataclass
class _Outside:
    """A catalog with one snapshot, of c.png, and one past state, since which a.png has changed."""

    folder: Path

    def snapshot_files(self, reference: str) -> tuple[str, ...]:
        assert reference == "roofs@2"
        file = self.folder / "assets.parquet"
        pq.write_table(pa.table({"uri": ["s3://lake/street/c.png"]}), file)
        return (str(file),)

    def changed_since(self, state: int) -> Sql:
        assert state == 41
        return Sql("SELECT asset FROM assets WHERE uri LIKE '%a.png'")


@pytest.mark.parametrize("example", _EXAMPLES)
def test_example_runs(example: str, tmp_path: Path) -> None:
    outside = _Outside(tmp_path)
    hits = search(corpus().cursor(), example, state=1, nearest=_no_ranking, outside=outside)
    assert len(list(hits)) == hits.count() or hits.is_ranked
    assert hits.count() == hits.assets().read_all().num_rows or '"' in example or "like:" in example


def test_every_operator_and_field_has_a_row() -> None:
    firsts = " ".join(row[0] for row in _ROWS)
    named = [*Operator, *(f"is:{state}" for state in ASSET_STATES)]
    named += [f"{kind}(" for kind in RelationKind] + [f"{kind}(" for kind in Quantifier]
    named += [name.replace("track_length", "track length") for name in FIELD_NAMES if name != "is"]
    named += ["count(…)", "AND", "OR", "NOT", "?", '"…"', "class:?"]
    assert [name for name in named if f"`{name}" not in firsts] == []


def test_there_are_examples() -> None:
    assert len(_EXAMPLES) > 100
