"""Staged rows become the catalog's: identifiers, what changed, what is rejected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacat.config import Settings
from datacat.model.names import LabelSetName
from datacat.model.report import IngestReport
from datacat.model.schemas import TABLES
from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.tables.connection import connected
from datacat.testing.staging import LabelFile, box, corpus, ingest, staged_from
from tests.tables.places import errors

SETTINGS = Settings(threads=1, memory_limit="500MB")
A, B, C = "/lake/a.png", "/lake/b.png", "/lake/c.png"


@pytest.fixture
def tables(catalog_root: Location) -> Tables:
    return Tables.create(catalog_root, SETTINGS, author="ada")


def rows(tables: Tables, query: str, at: int | None = None) -> list[tuple[Any, ...]]:
    return tables.cursor(tables.state(at)).execute(query).fetchall()


def test_every_kind_is_a_view_of_its_schema(tables: Tables) -> None:
    cursor = tables.cursor(tables.state())
    for kind, schema in TABLES.items():
        shown = cursor.execute(f"FROM {kind}").to_arrow_table()
        assert shown.select(schema.names).cast(schema).num_rows == 0
        assert set(shown.column_names) - set(schema.names) <= {"address"}


def test_every_file_has_the_types_of_its_kind(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    files = sorted(Path(f"{tables.root}/log").rglob("*.parquet"))
    for file in files:
        kind = file.parent.name.partition("=")[2]
        assert pq.read_schema(file).types == TABLES[kind].types, file
    assert len(files) > len(TABLES)


def test_three_label_sets_are_linked(tables: Tables, tmp_path: Path) -> None:
    reports = corpus(tables, folder=tmp_path)
    first = reports["mapping/roofs"]
    assert (first.state, first.assets_new, first.annotations, first.leaves) == (1, 3, 3, 7)
    assert first.classes == (("Roof", 2), ("tree", 1))
    assert reports["claims/damage"].assets_new == 1
    assert reports["claims/damage"].assets_missing == 1
    assert reports["driving/street"].assets_new == 0
    assert rows(tables, "SELECT asset, uri FROM assets ORDER BY asset") == [
        (number, f"/lake/{name}.png") for number, name in enumerate("abcd", 1)
    ]
    slate = "SELECT class FROM attribute_values WHERE path = 'material' AND text = 'slate' ORDER BY ALL"
    assert rows(tables, slate) == [("Roof",), ("rooftop",)]
    unlinked = "SELECT annotation FROM annotations ANTI JOIN assets USING (asset)"
    assert rows(tables, unlinked) == []


def test_the_same_again_commits_nothing(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    before = tables.state()
    reports = corpus(tables, folder=tmp_path)
    assert [report.changed for report in reports.values()] == [False, False, False]
    assert tables.state() == before
    assert reports["mapping/roofs"].kept == 3


def test_everything_read_again_commits_nothing(tables: Tables, tmp_path: Path) -> None:
    """As when two ingests of the same place run at once: the second finds all done."""
    corpus(tables, folder=tmp_path)
    file = LabelFile("/labels/x.json", [A], [box(A, "Roof")], ["Roof"])
    name = LabelSetName("mapping", "again")
    for changed in (True, False):
        staged = staged_from([file], folder=tmp_path)
        report = tables.link(staged, label_set=name, location="lake", author="ada")
        assert report.changed is changed
    assert (report.kept, report.added, report.removed) == (1, 0, 0)


def test_a_changed_file_replaces_what_changed_and_keeps_the_rest(tables: Tables, tmp_path: Path) -> None:
    old = LabelFile(
        "/l/1.json", [A, B], [box(A, "Roof"), box(B, "Roof", attributes={"m": "slate"}), box(B, "car")]
    )
    other = LabelFile("/l/2.json", [C], [box(C, "tree")])
    ingest(tables, "mapping/roofs", files=[old, other], folder=tmp_path)
    before = rows(tables, "SELECT annotation, class FROM annotations ORDER BY ALL")
    new = LabelFile(
        "/l/1.json", [A, B], [box(A, "Roof"), box(B, "Roof", attributes={"m": "tile"}), box(B, "car")]
    )
    report = ingest(tables, "mapping/roofs", files=[new, other], folder=tmp_path)
    assert (report.added, report.removed, report.kept) == (1, 1, 3)
    assert (report.files_new, report.files_changed, report.files_gone) == (0, 1, 0)
    after = rows(tables, "SELECT annotation, class FROM annotations ORDER BY ALL")
    assert set(before) - set(after) == {(2, "Roof")}
    assert [text for (text,) in rows(tables, "SELECT text FROM attribute_values")] == ["tile"]
    assert tables.log(limit=1)[0].changes == (
        ("annotations", 1, 1),
        ("attribute_values", 1, 1),
        ("source_files", 1, 1),
    )
    assert rows(tables, "SELECT text FROM attribute_values", at=1) == [("slate",)]


def test_equal_annotations_are_counted_not_merged(tables: Tables, tmp_path: Path) -> None:
    twice = LabelFile("/l/1.json", [A], [box(A, "Roof"), box(A, "Roof")])
    assert ingest(tables, "a/b", files=[twice], folder=tmp_path).annotations == 2
    thrice = LabelFile("/l/1.json", [A], [box(A, "Roof")] * 3)
    report = ingest(tables, "a/b", files=[thrice], folder=tmp_path)
    assert (report.added, report.removed, report.annotations) == (1, 0, 3)
    assert rows(tables, "SELECT count(DISTINCT annotation) FROM annotations") == [(3,)]
    once = LabelFile("/l/1.json", [A], [box(A, "Roof")])
    report = ingest(tables, "a/b", files=[once], folder=tmp_path)
    assert (report.added, report.removed, report.annotations) == (0, 2, 1)


def test_null_and_empty_are_different_statements(tables: Tables, tmp_path: Path) -> None:
    ingest(
        tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "x", status="", text=None)])], folder=tmp_path
    )
    report = ingest(
        tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "x", status=None, text="")])], folder=tmp_path
    )
    assert (report.added, report.removed) == (1, 1)


def test_a_file_that_is_gone_takes_its_rows_along(tables: Tables, tmp_path: Path) -> None:
    one = LabelFile(
        "/l/1", [A], [box(A, "Roof", attributes={"m": 1})], rejects=[{"position": "9", "reason": "odd"}]
    )
    two = LabelFile("/l/2", [B], [box(B, "car")])
    ingest(tables, "a/b", files=[one, two], folder=tmp_path)
    report = ingest(tables, "a/b", files=[two], folder=tmp_path)
    assert (report.files, report.files_gone, report.annotations, report.removed) == (1, 1, 1, 1)
    for kind in ("attribute_values", "rejects"):
        assert rows(tables, f"FROM {kind}") == []
    assert rows(tables, "SELECT asset FROM label_set_assets") == rows(tables, "SELECT asset FROM annotations")
    assert rows(tables, "SELECT count(*) FROM assets") == [(2,)]  # an asset stays known


def test_only_files_of_the_label_set_with_removed_rows_are_rewritten(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    before = tables.state()
    ingest(
        tables,
        "claims/damage",
        files=[LabelFile("/labels/damage.json", [B], [box(B, "rooftop")])],
        folder=tmp_path,
    )
    gone = set(before.files) - set(tables.state().files)
    (damage,) = rows(tables, "SELECT label_set FROM label_sets WHERE name = 'damage'")[0]
    assert gone
    assert {(file.low, file.high) for file in gone} == {(damage, damage)}


def test_media_that_changed_are_updated(tables: Tables, tmp_path: Path) -> None:
    file = LabelFile("/l/1", [A, B], [box(A, "Roof")])
    ingest(tables, "a/b", files=[file], folder=tmp_path)
    facts = {"uri": A, "media": "image", "width": 9, "etag": "new", "digest": "d" * 64, "is_missing": False}
    report = ingest(tables, "a/b", files=[file], folder=tmp_path, media={A: facts})
    assert report.changed
    query = "SELECT asset, width, digest[:1] FROM assets ORDER BY asset"
    assert rows(tables, query)[0] == (1, 9, "d")
    assert rows(tables, query)[1][1] == 640
    assert not ingest(tables, "a/b", files=[file], folder=tmp_path, media={A: facts}).changed


def say(tables: Tables, folder: Path, label_set: str, *sizes: tuple[int, int] | None) -> IngestReport:
    """Ingests a label file a size, each of which speaks of A, whose media are nowhere."""
    named = [{"uri": A} | ({"width": s[0], "height": s[1]} if s else {}) for s in sizes]
    first = next((row for row in named if "width" in row), {"uri": A})
    missing = {A: {**first, "media": "image", "is_missing": True}}
    files = [LabelFile(f"/{label_set}/{n}", [row]) for n, row in enumerate(named)]
    return ingest(tables, label_set, files=files, folder=folder, media=missing)


def test_the_size_of_a_missing_asset_is_what_the_first_that_says_one_says(
    tables: Tables, tmp_path: Path
) -> None:
    say(tables, tmp_path, "silent/set", None)
    say(tables, tmp_path, "first/set", (640, 480))
    say(tables, tmp_path, "second/set", (7, 5))
    assert rows(tables, "SELECT width, height, is_missing FROM assets") == [(640, 480, True)]
    assert rows(tables, "SELECT width FROM assets", at=1) == [(None,)]
    assert errors(tables) == []


def test_the_size_of_a_missing_asset_follows_its_label_files(tables: Tables, tmp_path: Path) -> None:
    sizes = "SELECT width, height FROM assets"
    say(tables, tmp_path, "first/set", (640, 480), (9, 9))
    say(tables, tmp_path, "second/set", (7, 5))
    say(tables, tmp_path, "first/set", (800, 600), (9, 9))
    assert rows(tables, sizes) == [(800, 600)]
    say(tables, tmp_path, "first/set", None, (9, 9))
    assert rows(tables, sizes) == [(9, 9)]
    say(tables, tmp_path, "first/set", None)
    assert rows(tables, sizes) == [(7, 5)]
    say(tables, tmp_path, "second/set", None)
    assert rows(tables, sizes) == [(None, None)]
    assert errors(tables) == []


def test_what_was_measured_stays_when_the_media_are_gone(tables: Tables, tmp_path: Path) -> None:
    ingest(tables, "a/b", files=[LabelFile("/l/1", [A], [box(A, "Roof")])], folder=tmp_path)
    say(tables, tmp_path, "a/b", (7, 5))
    assert rows(tables, "SELECT width, is_missing FROM assets") == [(640, True)]


def test_missing_is_believed_where_nobody_else_sees_the_asset(tables: Tables, tmp_path: Path) -> None:
    file, other = LabelFile("/l/1", [A, B], [box(A, "Roof")]), LabelFile("/l/2", [B])
    ingest(tables, "a/b", files=[file], folder=tmp_path)
    ingest(tables, "c/d", files=[other], folder=tmp_path)
    missing = {uri: {"uri": uri, "media": "image", "is_missing": True} for uri in (A, B)}
    assert ingest(tables, "a/b", files=[file], folder=tmp_path, media=missing).assets_missing == 1
    found = rows(tables, "SELECT uri, is_missing, width, digest IS NULL FROM assets ORDER BY asset")
    assert found == [(A, True, 640, False), (B, False, 640, False)]


def test_unlisted_assets_and_double_keys_are_rejected(tables: Tables, tmp_path: Path) -> None:
    listed = [{"uri": A, "key": "1"}, {"uri": B, "key": "1"}, {"uri": C, "key": "2"}]
    said = [box("1", "Roof"), box("2", "car"), box("5", "car"), {"class": "car"}]
    report = ingest(tables, "a/b", files=[LabelFile("/l/1", listed, said)], folder=tmp_path)
    assert (report.annotations, report.assets) == (2, 2)
    assert [(reject.reason, reject.count) for reject in report.rejects] == [
        ("the asset of this annotation is not listed in its file", 2),
        ("an asset was listed before under this key", 1),
    ]
    assert rows(tables, "SELECT excerpt FROM rejects ORDER BY ALL") == [("(none)",), ("1",), ("5",)]
    roof = "SELECT uri FROM assets JOIN annotations USING (asset) WHERE class = 'Roof'"
    assert rows(tables, roof) == [(A,)]
    assert rows(tables, "SELECT annotation_count, asset_count, reject_count FROM source_files") == [(2, 2, 3)]


def test_staged_rejects_are_kept_with_their_file(tables: Tables, tmp_path: Path) -> None:
    bad = [{"position": f"line {n}", "reason": "no box", "excerpt": "{}"} for n in range(3)]
    report = ingest(tables, "a/b", files=[LabelFile("/l/1", rejects=bad)], folder=tmp_path)
    assert report.rejects[0].count == 3
    assert report.rejects[0].example == "/l/1, line 0"


def test_declared_classes_are_kept_used_or_not(tables: Tables, tmp_path: Path) -> None:
    ingest(tables, "a/b", files=[LabelFile("/l/1", [A], classes=["pool", "Roof"])], folder=tmp_path)
    ingest(tables, "a/b", files=[LabelFile("/l/1", [A], classes=["Roof", "tree"])], folder=tmp_path)
    ingest(tables, "c/d", files=[LabelFile("/l/3", [A], classes=["car"])], folder=tmp_path)
    names = "SELECT team, json_extract_string(classes, '$[*].class') FROM label_sets ORDER BY ALL"
    assert rows(tables, names) == [("a", ["Roof", "pool", "tree"]), ("c", ["car"])]


def test_identifiers_are_dense_and_follow_the_uris(tables: Tables, tmp_path: Path) -> None:
    uris = [f"/lake/{number:04}.png" for number in range(500)]
    said = [box(uri, "x") for uri in reversed(uris)]
    ingest(tables, "a/b", files=[LabelFile("/l/1", list(reversed(uris)), said)], folder=tmp_path)
    assert rows(tables, "SELECT asset, uri FROM assets ORDER BY asset") == list(enumerate(uris, 1))
    assert rows(tables, "SELECT min(annotation), max(annotation) FROM annotations") == [(1, 500)]


def test_files_are_sorted_and_described(tables: Tables, tmp_path: Path) -> None:
    corpus(tables, folder=tmp_path)
    (file,) = (f for f in tables.state(1).of("attribute_values"))
    table = pq.read_table(f"{tables.root}/log/{file.path}", partitioning=None)
    key = ("path", "class", "number", "text")
    order = [tuple((row[name] is None, row[name]) for name in key) for row in table.to_pylist()]
    assert order == sorted(order)
    assert (file.row_count, file.low, file.high) == (7, 1, 1)
    metadata = pq.ParquetFile(f"{tables.root}/log/{file.path}").metadata
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_known_files_are_what_was_staged(tables: Tables, tmp_path: Path) -> None:
    file = LabelFile("/l/1", [A])
    staged = staged_from([file], folder=tmp_path)
    name = LabelSetName("a", "b")
    tables.link(staged, label_set=name, location="lake", author="ada")
    assert tables.known_files(tables.state(), name) == {"/l/1": staged.files[0]}
    assert tables.known_files(tables.state(), LabelSetName("a", "other")) == {}


def test_known_media_answers_for_any_uri(tables: Tables, tmp_path: Path) -> None:
    uris = [f"/lake/{number}.png" for number in range(25_000)]
    ingest(tables, "a/b", files=[LabelFile("/l/1", uris)], folder=tmp_path)
    known = tables.known_media(tables.state())
    assert len(known) == 25_000
    assert set(known) == set(uris)
    assert all(known[uri].uri == uri for uri in uris[::997])
    assert known.of([*uris[:2], "/lake/x.png"]) == {uri: known[uri] for uri in uris[:2]}
    assert dict(known.items()) == {uri: known[uri] for uri in known}
    assert len(tables.known_media(tables.state(), below=[Location("/lake/1")])) == 11_111
    assert len(tables.known_media(tables.state(0))) == 0
    assert "/lake/0.png" not in tables.known_media(tables.state(0))


def test_concepts_are_replaced(tables: Tables) -> None:
    row = {"concept": "roof", "team": "claims", "class": "rooftop"}
    table = pa.Table.from_pylist([row], schema=TABLES["concepts"])
    assert tables.replace("concepts", lambda old: table, author="ada", message="roofs") == 1
    assert rows(tables, "FROM concepts") == [("roof", "claims", "rooftop")]
    assert tables.replace("concepts", lambda old: old, author="ada", message="nothing") is None
    assert tables.replace("concepts", lambda old: old.slice(0, 0), author="ada", message="none") == 2
    assert rows(tables, "FROM concepts") == []
    entry = tables.log(limit=1)[0]
    assert (entry.state, entry.author, entry.message) == (2, "ada", "none")
    assert entry.changes == (("concepts", 0, 1),)


def test_several_kinds_are_replaced_in_one_commit(tables: Tables) -> None:
    def edited(definition: str) -> dict[str, pa.Table]:
        member = {"concept": "roof", "team": "claims", "class": "rooftop"}
        details = {"concept": "roof", "definition": definition}
        return {
            "concepts": pa.Table.from_pylist([member], schema=TABLES["concepts"]),
            "concept_details": pa.Table.from_pylist([details], schema=TABLES["concept_details"]),
        }

    kinds = ["concepts", "concept_details"]
    assert tables.replace_all(kinds, lambda old: edited("a"), author="ada", message="m") == 1
    assert tables.replace_all(kinds, lambda old: edited("a"), author="ada", message="m") is None
    assert tables.replace_all(kinds, lambda old: edited("b"), author="ada", message="m") == 2
    assert rows(tables, "SELECT class, definition FROM concepts JOIN concept_details USING (concept)") == [
        ("rooftop", "b")
    ]
    first, second = tables.log(limit=2)[::-1]
    assert first.changes == (("concept_details", 1, 0), ("concepts", 1, 0))
    assert second.changes == (("concept_details", 1, 1),)


def test_what_does_not_fit_into_ingest_memory_gets_all_there_is(
    catalog_root: Location, tmp_path: Path
) -> None:
    settings = Settings(threads=1, memory_limit="500MB", ingest_memory="1MB")
    with pytest.raises(duckdb.OutOfMemoryException):
        connected(replace(settings, memory_limit="1MB")).execute(
            "FROM range(1000000) ORDER BY hash(range)"
        ).fetchall()
    reports = corpus(Tables.create(catalog_root, settings, author="ada"), folder=tmp_path)
    assert reports["mapping/roofs"].annotations == 3


def test_metadata_are_those_of_each_label_file(tables: Tables, tmp_path: Path) -> None:
    taken = datetime(2026, 1, 2, tzinfo=UTC)
    said = {"camera": {"lens": ["a", "b"]}, "iso": 100}
    first = LabelFile(
        "/l/1", [{"uri": A, "metadata": said, "captured": taken, "latitude": 1.5, "longitude": 2.5}, B]
    )
    second = LabelFile("/l/2", [{"uri": A, "metadata": {"iso": 200}}])
    ingest(tables, "team/set", files=[first, second], folder=tmp_path)
    query = "SELECT path, text, number, uri FROM metadata_values JOIN assets USING (asset) ORDER BY ALL"
    lens = [("camera.lens[]", "a", None, A), ("camera.lens[]", "b", None, A)]
    assert rows(tables, query) == [*lens, ("iso", "100", 100.0, A), ("iso", "200", 200.0, A)]
    query = "SELECT uri, epoch(l.captured), l.latitude, l.longitude FROM label_set_assets l JOIN assets USING (asset)"
    assert (A, taken.timestamp(), 1.5, 2.5) in rows(tables, query)
    changed = LabelFile("/l/1", [{"uri": A, "metadata": {"iso": 300}}, B])
    ingest(tables, "team/set", files=[changed, second], folder=tmp_path)
    assert rows(tables, "SELECT text FROM metadata_values ORDER BY ALL") == [("200",), ("300",)]
    before = tables.state().of("metadata_values")
    ingest(
        tables, "team/set", files=[LabelFile("/l/1", changed.assets, [box(B, "x")]), second], folder=tmp_path
    )
    assert tables.state().of("metadata_values") == before
    ingest(tables, "team/set", files=[], folder=tmp_path)
    assert rows(tables, "FROM metadata_values") == []
    assert errors(tables) == []
