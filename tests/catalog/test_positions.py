"""Places in a file are told in the order in which they stand there: line 2 before line 10."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from datacat.catalog import Catalog
from datacat.errors import NothingUnderstood
from datacat.model.positions import IN_ORDER, first
from datacat.sources.location import Location
from tests.catalog.lakes import draw

_WRONG = '{"asset":"a.png","class":"car","confidence":"high"}'


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    draw(tmp_path / "lake", ["a.png", "b.png"])
    return Catalog.init(str(catalog_root))


def test_positions_are_ordered_by_all_their_numbers() -> None:
    wanted = ["the whole file", "line 2", "line 5, annotations[2]", "line 5, annotations[10]", "line 10"]
    db = duckdb.connect()
    db.execute("CREATE TABLE places AS SELECT unnest(?) AS position", [sorted(wanted)])
    assert [place for (place,) in db.execute(f"FROM places ORDER BY {IN_ORDER}").fetchall()] == wanted
    told = f"SELECT {first('position')} FROM places WHERE position LIKE 'line%'"
    assert db.execute(told).fetchall() == [("line 2",)]


def test_the_example_of_a_reason_is_where_it_stands_first(catalog: Catalog, tmp_path: Path) -> None:
    lines = ['{"asset":"a.png","class":"car"}', *[_WRONG] * 11]
    (tmp_path / "lake/a.ndjson").write_text("\n".join(lines) + "\n")
    report = catalog.ingest(str(tmp_path / "lake"), team="t", name="n")
    assert [reject.example.rpartition(", ")[2] for reject in report.rejects] == ["line 2"]
    assert catalog.rejects()["position"].to_pylist() == [f"line {number}" for number in range(2, 13)]


def test_where_nothing_is_understood_the_first_place_is_told(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "lake/a.ndjson").write_text("\n" + f"{_WRONG}\n" * 11)
    with pytest.raises(NothingUnderstood, match=r"11 × .*\(a\.ndjson, line 2\)"):
        catalog.ingest(str(tmp_path / "lake"), team="t", name="n")


def test_of_pictures_that_claim_an_id_the_first_keeps_it(catalog: Catalog, tmp_path: Path) -> None:
    draw(tmp_path / "lake", [f"{number}.png" for number in range(12)])
    ids = [1 if number in (2, 10) else 100 + number for number in range(12)]
    images = [{"id": key, "file_name": f"{number}.png"} for number, key in enumerate(ids)]
    document = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "car"}]}
    (tmp_path / "lake/a.json").write_text(json.dumps(document))
    catalog.ingest(str(tmp_path / "lake"), team="t", name="n")
    said = "SELECT parse_filename(uri) FROM label_set_assets JOIN assets USING (asset) WHERE key = '1'"
    assert catalog.cursor().execute(said).fetchall() == [("2.png",)]
