"""What an explanation says was read is what lies in the files; nothing of the measuring stays behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datacat.catalog import Catalog, explained
from datacat.errors import QueryError
from datacat.query.explanation import Explanation, Reading, Step
from datacat.sources.location import Location
from datacat.tables import files
from tests.catalog.lakes import box, coco, draw

ROOFS = ["a.png", "b.png", "c.png"]
CARS = ["c.png", "d.png"]


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    """Four roofs on three pictures by mapping; six cars on two by driving, who share one of them."""
    draw(tmp_path / "lake", {*ROOFS, *CARS})
    slate = {"material": "slate"}
    roofs = [
        box(name, "roof", attributes=slate if name == "a.png" else {"material": "tile"}) for name in ROOFS
    ]
    coco(tmp_path / "lake/roofs.json", [*roofs, box("a.png", "roof")])
    coco(
        tmp_path / "lake/cars.json", [box(name, "car", bbox=[n, 1, 9, 9]) for name in CARS for n in range(3)]
    )
    made = Catalog.init(str(catalog_root))
    for team, name in (("mapping", "roofs"), ("driving", "cars")):
        made.ingest(str(tmp_path / f"lake/{name}.json"), team=team, name=name)
    return made


def _step(found: Explanation, name: str) -> Step:
    (step,) = [step for step in found.steps if step.name == name]
    return step


def _reading(step: Step, table: str) -> Reading:
    (reading,) = [reading for reading in step.readings if reading.table == table]
    return reading


def test_a_class_reads_the_file_of_its_label_set_alone(catalog: Catalog) -> None:
    found = catalog.search("roof", limit=20).explain()
    assert (found.count, found.shown, found.interpretation) == (3, 3, "roof")
    assert found.terms == {"roof": ("roof",)}
    assert [(condition.text, condition.tables) for condition in found.conditions] == [
        ("roof", ("annotations",))
    ]
    for name in ("find the page", "count"):
        reading = _reading(_step(found, name), "annotations")
        assert (reading.files, reading.all_files) == (1, 2)
        assert (reading.row_groups, reading.all_row_groups) == (1, 2)
        assert (reading.rows, reading.all_rows) == (4, 10)
        assert reading.scans[-1].rows == 4
        assert "roof" in reading.scans[-1].conditions


def test_a_class_is_counted_by_bits(catalog: Catalog) -> None:
    count = _step(catalog.search("roof", limit=20).explain(), "count")
    assert count.statements == 1
    assert [reading.table for reading in count.readings] == ["annotations"]
    assert [note.partition(",")[0] for note in count.notes] == ["a bit for each asset"]


def test_attributes_are_found_by_their_index(catalog: Catalog) -> None:
    found = catalog.search("roof[material=slate]", limit=20).explain()
    assert found.count == 1
    (condition,) = found.conditions
    assert condition.tables == ("attribute_values",)
    page = _step(found, "find the page")
    assert "annotations" not in [reading.table for reading in page.readings]
    index = _reading(page, "attribute_values")
    assert index.role == "index of attribute values"
    assert (index.rows, index.all_rows, index.files) == (3, 3, 1)
    assert index.scans[-1].rows == 1
    assert "material" in index.scans[-1].conditions


def test_a_condition_on_a_team_reads_its_list(catalog: Catalog) -> None:
    found = catalog.search("team:driving", limit=20).explain()
    assert found.count == 2
    reading = _reading(_step(found, "find the page"), "label_set_assets")
    assert (reading.files, reading.all_files, reading.rows, reading.all_rows) == (1, 2, 2, 5)


def test_the_row_groups_are_those_whose_statistics_have_the_class(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_ANNOTATIONS_ROW_GROUP", 2048)
    draw(tmp_path / "many", ["x.png"])
    said = [box("x.png", f"class-{n % 5}", bbox=[1, 2, 3 + n / 100, 4]) for n in range(9000)]
    coco(tmp_path / "many/labels.json", said)
    catalog.ingest(str(tmp_path / "many"), team="many", name="classes")
    (path,) = [
        path for path in Path(catalog.root.path).rglob("*=annotations/*.parquet") if _rows(path) == 9000
    ]
    rows = _rows_with(path, "class-3")
    assert 0 < sum(rows) < 9000
    reading = _reading(_step(catalog.search("class:class-3", limit=5).explain(), "count"), "annotations")
    assert (reading.rows, reading.row_groups, reading.files) == (sum(rows), len(rows), 1)
    assert (reading.all_rows, reading.all_files) == (9010, 3)
    assert reading.scans[0].rows == 1800
    assert 0 < reading.bytes < path.stat().st_size


def _rows(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def _rows_with(path: Path, name: str) -> list[int]:
    """The rows of each row group that has a class, by reading it."""
    file = pq.ParquetFile(path)
    groups = [file.read_row_group(number, columns=["class"]) for number in range(file.num_row_groups)]
    return [group.num_rows for group in groups if name in group["class"].to_pylist()]


def test_every_match_of_a_search_without_limit_is_found(catalog: Catalog) -> None:
    found = catalog.search("roof OR car").explain()
    assert [step.name for step in found.steps] == ["understand", "find all", "count"]
    assert (found.shown, found.count) == (4, 4)


def test_times_add_up(catalog: Catalog) -> None:
    found = explained(lambda: catalog.search("roof AND NOT car", limit=2))
    assert found.time_s == pytest.approx(sum(step.time_s for step in found.steps))
    assert found.memory_bytes > 0
    for step in found.steps:
        assert step.plan_s + step.run_s + sum(part.time_s for part in step.parts) <= step.time_s
    assert [part.name for part in _step(found, "understand").parts] == ["open the tables"]


def test_names_are_read_once(catalog: Catalog) -> None:
    first = explained(lambda: catalog.search("roof", limit=2))
    assert _reading(_step(first, "understand"), "class_counts").rows == 2
    again = explained(lambda: catalog.search("roof", limit=2))
    assert _step(again, "understand").readings == ()


def test_likeness_tells_the_model_from_the_vectors(catalog: Catalog) -> None:
    catalog.embed()
    found = catalog.search('roof "a red roof"', limit=2).explain()
    assert (found.count, found.shown) == (None, 2)
    assert found.conditions[-1].tables == ("vectors",)
    page = _step(found, "find the page")
    assert [part.name for part in page.parts] == ["open the vectors", "embed the question", "compare vectors"]
    assert "3 vectors ranked" in page.parts[2].notes
    assert _reading(page, "annotations").rows == 4


def test_what_others_read_meanwhile_is_not_counted(catalog: Catalog) -> None:
    def ask() -> object:
        catalog.cursor().execute("SELECT sum(w) FROM annotations").fetchall()
        return catalog.search("is:missing", limit=2)

    found = explained(ask)  # type: ignore[arg-type]  # it is `Hits`
    assert "annotations" not in {reading.table for step in found.steps for reading in step.readings}


def test_nothing_of_the_measuring_stays(catalog: Catalog) -> None:
    hits = catalog.search("roof", limit=2)
    hits.explain()
    with pytest.raises(QueryError):
        explained(lambda: catalog.search("rof", limit=2))
    (settings,) = (
        hits._cursor.execute(
            "SELECT current_setting('enable_logging'), (SELECT count(*) FROM duckdb_logs), "
            "(SELECT count(*) FROM duckdb_tables() WHERE table_name = 'row_groups')"
        )
    ).fetchall()
    assert [str(setting) for setting in settings] == ["0", "0", "0"]
    assert [hit.asset for hit in hits] == [hit.asset for hit in catalog.search("roof", limit=2)]


def test_threads_explain_side_by_side(catalog: Catalog) -> None:
    def rows(query: str) -> int:
        own = Catalog.open(str(catalog.root.path))
        return _reading(_step(own.search(query, limit=9).explain(), "count"), "annotations").rows

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(rows, ["roof", "car"] * 4)) == [4, 6] * 4


def test_files_are_found_below_any_name(tmp_path: Path) -> None:
    draw(tmp_path / "lake", ROOFS)
    coco(tmp_path / "lake/roofs.json", [box(name, "roof") for name in ROOFS])
    made = Catalog.init(str(tmp_path / "it's a [place], 'quoted'"))
    made.ingest(str(tmp_path / "lake"), team="mapping", name="roofs")
    reading = _reading(_step(made.search("roof", limit=2).explain(), "count"), "annotations")
    assert (reading.files, reading.all_files, reading.rows) == (1, 1, 3)


def test_each_tier_of_a_plain_question_explains_itself(catalog: Catalog) -> None:
    labelled = catalog.ask("do we have any roofs?").labelled
    assert labelled is not None
    found = labelled.explain()
    assert (found.interpretation, found.count) == ("roof", 3)
