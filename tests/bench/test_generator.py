"""The benchmark's corpus: whole, the same for each seed, and answered alike by the catalog and by a JSON column."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Imports a module of bench/, where scripts stand that are no package."""
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module


def test_the_catalog_and_a_json_column_give_the_same_answers(bench: Any, tmp_path: Path) -> None:
    generator, search, systems = bench("generate_catalog"), bench("search"), bench("systems")
    folder = tmp_path / "corpus"
    catalog = generator.generate(folder, generator.Size(2_000, 3))
    assert "finds nothing" in bench("prove").prove(catalog)
    assert catalog.search("label_set:team00/set0000").count() == 95 + 95 // 4
    found = 0
    ours, theirs = systems.Datacat(folder), systems.DuckDb(folder)
    for question in bench("questions").QUESTIONS:
        after = search._afters(catalog, question)
        answer = ours.ask(question.name, after.get("datacat"))()
        assert answer == theirs.ask(question.name, after.get("duckdb"))(), question.name
        found += bool(answer[0] if isinstance(answer, list) else answer)
    assert found >= 9


def test_another_seed_makes_other_rows(bench: Any, tmp_path: Path) -> None:
    generator = bench("generate_catalog")
    rows = []
    for place, seed in (("one", 1), ("again", 1), ("other", 2)):
        catalog = generator.generate(tmp_path / place, generator.Size(200, 2, seed))
        listed = catalog.cursor().execute(
            "SELECT asset, class, attributes FROM annotations ORDER BY annotation"
        )
        rows.append(listed.fetchall())
    assert rows[0] == rows[1] != rows[2]


def test_a_disk_that_is_too_small_is_refused(bench: Any, tmp_path: Path) -> None:
    generator = bench("generate_catalog")
    with pytest.raises(SystemExit, match="not enough room"):
        generator.generate(tmp_path / "corpus", generator.Size(10**12, 12))
    assert not (tmp_path / "corpus").exists()
