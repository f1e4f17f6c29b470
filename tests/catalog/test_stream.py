"""Large answers leave piece by piece, in every format, whole and unshaken by what others write."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.catalog import Catalog
from datacat.errors import UsageError
from datacat.query import hits as hits_module
from datacat.query import stream, whole
from datacat.query.hit import HITS, MATCH, as_row
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw

NAMES = [f"{number:02}.png" for number in range(12)]


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    draw(tmp_path / "lake", NAMES)
    said = [box(name, "car", attributes={"n": number}) for number, name in enumerate(NAMES)]
    coco(tmp_path / "lake/labels.json", [*said, box("03.png", "car"), box("05.png", "roof")])
    made = Catalog.init(str(catalog_root))
    made.ingest(str(tmp_path / "lake"), team="street", name="cars")
    return made


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five assets a part, two a chunk."""
    monkeypatch.setattr(stream, "_BLOCK", 1)
    monkeypatch.setattr(stream, "PART_ROWS", 5)
    monkeypatch.setattr(whole, "EXPLAINED_ROWS", 4)
    monkeypatch.setattr(whole, "PART_BYTES", 1)
    monkeypatch.setattr(hits_module, "_CHUNK", 2)


@pytest.mark.usefixtures("small_parts")
def test_parts_together_are_the_whole(catalog: Catalog) -> None:
    hits = catalog.search("car")
    batches = list(hits.batches())
    assert len(batches) == 7  # an asset and its match are two rows
    assert [Path(hit.uri).name for hit in hits] == NAMES
    table = pa.Table.from_batches(batches)
    assert table.schema == HITS
    assert table["asset"].to_pylist() == list(range(1, 13)) == hits.assets().read_all()["asset"].to_pylist()
    numbers = [match["annotation"] for matches in table["matches"].to_pylist() for match in matches]
    assert sorted(numbers) == sorted(hits.annotations().read_all()["annotation"].to_pylist())
    assert len(numbers) == 13


@pytest.mark.usefixtures("small_parts")
def test_a_stream_goes_on_while_others_ask_and_write(catalog: Catalog, tmp_path: Path) -> None:
    hits = catalog.search("car")
    batches, assets, lean = hits.batches(), hits.assets(), hits.batches(["uri"])
    found = [next(batches)]
    next(assets)
    next(lean)
    coco(tmp_path / "lake/labels.json", [box("05.png", "roof")])
    catalog.ingest(str(tmp_path / "lake"), team="street", name="cars")
    assert hits.count() == 12
    assert catalog.search("car").count() == 0
    found += batches
    assert sum(map(len, found)) == 12
    assert sum(map(len, lean)) == sum(map(len, assets)) == 7


@pytest.mark.usefixtures("small_parts")
def test_a_stream_goes_on_behind_a_page(catalog: Catalog) -> None:
    first = catalog.search("car", limit=3)
    rest = catalog.search("car", after=first.next)
    assert [hit.asset for hit in rest] == list(range(4, 13))
    assert pa.Table.from_batches(rest.batches(["asset"]))["asset"].to_pylist() == list(range(4, 13))
    assert len(rest.assets().read_all()) == 12  # of the whole answer, as ever


@pytest.mark.parametrize("limit", [None, 5])
def test_few_columns_are_what_all_columns_say(catalog: Catalog, limit: int | None) -> None:
    columns = ["uri", "asset", "score", "width"]
    hits = catalog.search("car[n>1]", limit=limit)
    lean = pa.Table.from_batches(hits.batches(columns))
    assert lean.equals(hits.to_arrow().select(columns))
    assert lean.num_rows == (limit or 10)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "car",
        "car[n>3]",
        "car[n>3] AND roof",
        "(car AND roof) OR car[n=1]",
        "roof OR width>10",
        "count(car)>=2 OR roof",
        "NOT roof",
        "media:image",
        "team:street",
        "car[n>1 n<9] AND NOT car[n=4]",
    ],
)
@pytest.mark.parametrize("limit", [None, 5])
def test_what_duckdb_puts_together_is_what_a_hit_says(
    catalog: Catalog, query: str, limit: int | None
) -> None:
    hits = catalog.search(query, limit=limit)
    said = [as_row(hit) for hit in hits]
    assert said
    assert hits.to_arrow().to_pylist() == said
    for columns in (["matches", "asset"], ["why"]):
        found = pa.Table.from_batches(hits.batches(columns)).to_pylist()
        assert found == [{name: row[name] for name in columns} for row in said]


@pytest.mark.parametrize("columns", [None, ["asset", "uri"]])
def test_the_formats_hold_the_same(catalog: Catalog, columns: list[str] | None) -> None:
    hits = catalog.search("car")
    table = pa.Table.from_batches(hits.batches(columns))
    with pa.ipc.open_stream(b"".join(hits.stream("arrow", columns=columns))) as arrow:
        assert arrow.read_all().equals(table)
    lines = b"".join(hits.stream("ndjson", columns=columns)).decode().splitlines()
    expected = table.to_pylist()
    for match in (match for row in expected for match in row.get("matches", ())):  # an object in NDJSON
        match["attributes"] = match["attributes"] and json.loads(match["attributes"])
    assert [json.loads(line) for line in lines] == expected
    rows = list(csv.DictReader(io.StringIO(b"".join(hits.stream("csv", columns=columns)).decode())))
    assert [row["uri"] for row in rows] == table["uri"].to_pylist()
    assert list(rows[0]) == [name for name in table.column_names if name != "matches"]


def test_an_empty_answer_is_a_whole_file(catalog: Catalog) -> None:
    hits = catalog.search("roof[area<1]")
    with pa.ipc.open_stream(b"".join(hits.stream("arrow"))) as arrow:
        assert arrow.read_all().equals(HITS.empty_table())
    assert b"".join(hits.stream("csv", columns=["asset", "uri"])) == b"asset,uri\n"
    assert b"".join(hits.stream("ndjson")) == b""
    assert hits.annotations().read_all().num_rows == hits.assets().read_all().num_rows == 0


@pytest.mark.parametrize(
    ("to", "columns", "said"),
    [
        ("xml", None, "there is no format 'xml'"),
        ("csv", ["matches"], "CSV cannot hold matches"),
        ("arrow", ["url"], "there is no column 'url'"),
        ("arrow", [], "columns must be named"),
        ("arrow", ["uri", "uri"], "each once"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(
    catalog: Catalog, to: str, columns: list[str] | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        catalog.search("car").stream(to, columns=columns)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (-0.0, -0.0),
        (5e-324, 5e-324),
    ],
)
def test_numbers_that_json_cannot_hold_are_text(number: float, said: object) -> None:
    schema = pa.schema([("asset", pa.int64()), ("score", pa.float64())])
    batch = pa.RecordBatch.from_pylist([{"asset": 1, "score": number}], schema=schema)
    (line,) = stream.encoded([batch], to="ndjson", schema=schema, cursor=duckdb.connect(), ids_as_text=True)
    assert line == json.dumps({"asset": "1", "score": said}, separators=(",", ":")).encode() + b"\n"


_NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
_TEXTS = st.none() | st.text(st.characters(codec="utf-8"))
_OBJECTS = _TEXTS.map(lambda text: {"a": text})
_MATCHES = st.lists(
    st.fixed_dictionaries(
        {
            "annotation": st.integers(-(2**63), 2**63 - 1),
            "class": _TEXTS,
            "x": _NUMBERS,
            "attributes": st.none() | _OBJECTS.map(json.dumps),
        }
    )
)
_ROWS = st.lists(
    st.fixed_dictionaries({"uri": _TEXTS, "score": _NUMBERS, "matches": _MATCHES, "why": st.lists(_TEXTS)}),
    min_size=1,
)


@settings(deadline=None)
@given(_ROWS)
def test_ndjson_holds_every_value(rows: list[dict[str, Any]]) -> None:
    fields = [field for field in HITS if field.name in rows[0]]
    inner = [field for field in MATCH if field.name in ("annotation", "class", "x", "attributes")]
    fields[2] = pa.field("matches", pa.list_(pa.struct(inner)))
    schema = pa.schema(fields)
    whole = pa.RecordBatch.from_pylist([*rows[:1], *rows], schema=schema).slice(1)
    (lines,) = stream.encoded([whole], to="ndjson", schema=schema, cursor=duckdb.connect())
    for match in (match for row in rows for match in row["matches"]):  # an object, not its text
        match["attributes"] = match["attributes"] and json.loads(match["attributes"])
    assert [json.loads(line) for line in lines.decode().split("\n")[:-1]] == rows
