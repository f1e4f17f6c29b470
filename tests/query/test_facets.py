"""Facets against a plain count in Python."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from datacat.errors import UsageError
from datacat.query import count_facets, counted, facet_leaves, facet_path
from datacat.query import meaning as m
from datacat.query.bins import bins_of
from datacat.query.facets import FACETS, Facet, Facets
from datacat.query.hits import Hits
from datacat.query.search import search
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus, Row
from datacat.testing.judge import Judge
from datacat.testing.oracle import Oracle
from datacat.testing.strategies import corpora, documents, queries

_EXAMPLES = int(os.environ.get("QUERY_EXAMPLES", "40"))  # one takes 40 ms
_TIMES = st.sampled_from([None, datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)])
Pairs = list[tuple[Hashable, int, int | None]]  # value, asset, annotation


@st.composite
def _scenes(draw: st.DrawFn) -> Corpus:
    made = draw(corpora())
    for number in range(3):
        made.add_source_file(f"s3://lake/{number % 2}/labels.json", label_set=number)
    for row in made.tables["annotations"]:
        row["status"] = draw(st.sampled_from([None, "done", "open"]))
        row["created"] = draw(_TIMES)
    for asset in range(len(made.tables["assets"])):
        if draw(st.booleans()):
            about = draw(documents)
            made.list_asset(asset, label_set=draw(st.integers(0, 2)), metadata=about, captured=draw(_TIMES))
    return made


@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_facets_are_what_counting_gives(data: st.DataObject) -> None:
    made = data.draw(_scenes())
    variant = data.draw(st.sampled_from(["leaves", "documents", "no bitmaps", "path by path"]))
    note(str(made.tables))
    cursor = made.cursor()
    limit = data.draw(st.integers(1, 4))
    with pytest.MonkeyPatch.context() as patch:
        if variant == "documents":
            patch.setattr(facet_leaves, "_LEAVES_A_DOCUMENT", 0)
        if variant == "path by path":
            patch.setattr(facet_path, "_MANY", 0)
        if variant == "no bitmaps":
            patch.setattr(counted, "_BITMAPS", 0)
        hits = search(cursor, data.draw(queries(made)), state=1)
        found = hits.facets(limit=limit)
        note(f"{hits.interpretation} {found}")
        _check(found, made, hits, limit=limit)
    assert cursor.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name ^@ 'counted'"
    ).fetchone() == (0,)


def _check(found: Facets, made: Corpus, hits: Hits, *, limit: int) -> None:
    assets = hits.assets().read_all()["asset"].to_pylist()
    rows = [row for row in made.tables["annotations"] if row["asset"] in assets]
    if hits.asks_for_annotations:
        fulfilling = hits.annotations().read_all()["annotation"].to_pylist()
        rows = [row for row in rows if row["annotation"] in fulfilling]
    assert (found.assets, found.annotations) == (len(assets), len(rows))
    assert found.are_matching is hits.asks_for_annotations
    expected = {name: (pairs, len(rows)) for name, pairs in _of_annotations(made, rows).items()} | {
        name: (pairs, len(assets)) for name, pairs in _of_assets(made, assets).items()
    }
    present = {name for name, (pairs, _) in expected.items() if pairs}
    assert {facet.name for facet in found.facets} == present
    for facet in found.facets:
        _check_facet(facet, *expected[facet.name], limit=limit)
    if not hits.asks_for_annotations and "class" in present:
        _check_absence(found["class"], made, assets=assets)


def _check_facet(facet: Facet, pairs: Pairs, total: int, *, limit: int) -> None:
    is_of_assets = pairs[0][2] is None
    counts = Counter(value for value, *_ in {p if not is_of_assets else p[:2] for p in pairs})
    on = Counter(value for value, _ in {pair[:2] for pair in pairs})
    texts = sorted((value for value in counts if isinstance(value, str)), key=lambda v: (-counts[v], v))
    if facet.name in ("created", "captured"):
        texts = []
        assert [bucket.value for bucket in facet.bins] == sorted(counts, key=str)
        assert [bucket.assets for bucket in facet.bins] == [on[bucket.value] for bucket in facet.bins]
    elif facet.bins:
        numbers = [pair for pair in pairs if not isinstance(pair[0], str)]
        for place, bucket in enumerate(facet.bins):
            assert bucket.low is not None
            assert bucket.high is not None
            is_last = place == len(facet.bins) - 1
            inside = [
                p for p in numbers if bucket.low <= p[0] < bucket.high or (is_last and p[0] == bucket.high)
            ]  # type: ignore[operator]
            assert bucket.annotations == (None if is_of_assets else len({p[2] for p in inside}))
            assert bucket.assets == len({p[1] for p in inside})
        assert len({p[0] for p in numbers}) >= 1
    assert [bucket.value for bucket in facet.values] == texts[:limit]
    for bucket in facet.values:
        assert bucket.annotations == (None if is_of_assets else counts[bucket.value])
        assert bucket.assets == on[bucket.value]
    assert facet.different == len(texts)
    assert facet.other == sum(counts[text] for text in texts[limit:])
    assert facet.missing == total - len({(asset, annotation) for _, asset, annotation in pairs})


def _check_absence(facet: Facet, made: Corpus, *, assets: list[int]) -> None:
    oracle = Oracle(made)
    words = vocabulary(made.cursor(), identity=None)
    for bucket in facet.values:
        asked = m.Some(count_facets._meaning(bucket.value, is_concept=False, vocabulary=words))
        answers = Counter(oracle.answer(asked, made.tables["assets"][asset]) for asset in assets)
        assert (bucket.assets, bucket.absent, bucket.unknown) == (
            answers[True],
            answers[False],
            answers[None],
        )


def _of_annotations(made: Corpus, rows: Iterable[Row]) -> dict[str, Pairs]:
    """Facet -> (value, asset, annotation) of every annotation that has a value."""
    found: dict[str, Pairs] = {}
    judge = Judge(made)
    has_concept = bool(made.tables["concepts"])
    for row in rows:
        values: list[tuple[str, Any]] = [
            (name, row.get(name)) for name in ("class", "annotator", "status", "model", "kind")
        ]
        label_set = made.tables["label_sets"][row["label_set"]]
        values += [("geometry", row["geometry_type"]), ("team", label_set["team"])]
        values += [("label_set", f"{label_set['team']}/{label_set['name']}")]
        if has_concept and (row["class"] == "Roof" or (row["class"] == "rooftop" and row["label_set"] == 1)):
            values.append(("concept", "roof"))
        if row["created"] is not None:
            values.append(("created", f"{row['created']:%Y-%m-%d}"))
        values += [
            (f"attributes.{path}", text if number is None else number)
            for path, text, number in judge.leaves(row)
        ]
        for name, value in values:
            if value is not None:
                found.setdefault(name, []).append((value, row["asset"], row["annotation"]))
    return found


def _of_assets(made: Corpus, assets: Iterable[int]) -> dict[str, Pairs]:
    found: dict[str, Pairs] = {}
    for asset in assets:
        listings = [row for row in made.tables["label_set_assets"] if row["asset"] == asset]
        values: list[tuple[str, Any]] = [("media", made.tables["assets"][asset]["media"])]
        for row in listings:
            values += [("split", row.get("split")), ("source", f"s3://lake/{row['label_set'] % 2}")]
            values += [("captured", f"{row['captured']:%Y-%m-%d}")] if row.get("captured") else []
        about = [row for row in made.tables["metadata_values"] if row["asset"] == asset]
        for row in about:
            value = row["text"] if row["number"] is None else row["number"]
            values.append((f"metadata.{row['path']}", value))
        for name, value in values:
            if value is not None:
                found.setdefault(name, []).append((value, asset, None))
    return found


def _material() -> Corpus:
    made = Corpus()
    made.add_label_set("mapping/roofs", classes=["Roof", "Tree"])
    made.add_label_set("claims/houses", classes=["rooftop"])
    made.add_concept("roof", "mapping:Roof", "claims:rooftop")
    for number in range(4):
        made.add_asset(f"s3://lake/{number}.png")
    for asset, material, level in [
        (0, "slate", 1),
        (0, "tile", 2.5),
        (1, "slate", "high"),
        (2, "thatch", 0.3),
    ]:
        made.add_annotation(asset, "Roof", label_set=0, attributes={"material": material, "level": level})
    made.add_annotation(1, "rooftop", label_set=1, attributes={"tags": ["a", "a", "b"]})
    return made


def test_a_path_of_texts_and_numbers_has_values_and_bins() -> None:
    facet = search(_material().cursor(), "roof", state=1).facets()["attributes.level"]
    assert [(b.value, b.annotations, b.assets) for b in facet.values] == [("high", 1, 1)]
    counted_bins = [(b.low, b.high, b.annotations) for b in facet.bins if b.annotations]
    assert counted_bins == [(0.25, 0.5, 1), (1.0, 1.25, 1), (2.25, 2.5, 1)]
    assert facet.missing == 1


def test_values_beyond_the_limit_are_counted_as_other() -> None:
    facet = search(_material().cursor(), "roof", state=1).facets(limit=1)["attributes.material"]
    assert [(b.value, b.annotations, b.assets) for b in facet.values] == [("slate", 2, 2)]
    assert (facet.different, facet.other, facet.missing) == (3, 2, 1)


def test_an_annotation_that_lists_a_value_twice_counts_once() -> None:
    facet = search(_material().cursor(), "rooftop team:claims", state=1).facets()["attributes.tags[]"]
    assert [(b.value, b.annotations) for b in facet.values] == [("a", 1), ("b", 1)]


def test_only_matching_annotations_are_counted_where_the_query_asks_for_some() -> None:
    cursor = _material().cursor()
    matching = search(cursor, "roof[material=slate]", state=1).facets()
    assert (matching.assets, matching.annotations, matching.are_matching) == (2, 2, True)
    everything = search(cursor, "media:image uri:0.png", state=1).facets()
    assert (everything.assets, everything.annotations, everything.are_matching) == (1, 2, False)


def test_classes_of_assets_have_three_numbers() -> None:
    facets = search(_material().cursor(), "media:image", state=1).facets()
    known = {b.value: (b.assets, b.absent, b.unknown) for f in ("class", "concept") for b in facets[f].values}
    assert known == {"Roof": (3, 0, 1), "rooftop": (1, 0, 3), "roof": (3, 0, 1)}


def test_chosen_facets_are_counted_alone() -> None:
    hits = search(_material().cursor(), "roof", state=1)
    assert [f.name for f in hits.facets(["material", "team"]).facets] == ["team", "attributes.material"]
    with pytest.raises(UsageError, match=r"no facet 'materail'\nDid you mean material"):
        hits.facets(["materail"])
    with pytest.raises(UsageError):
        hits.facets(limit=0)


def test_facets_are_gone_through_counted_and_asked_for_by_name() -> None:
    facets = search(_material().cursor(), "roof", state=1).facets(["class", "team"])
    assert [facet.name for facet in facets] == ["class", "team"]
    assert len(facets) == 2
    assert "team" in facets
    assert "colour" not in facets
    assert 0 not in facets


def test_a_path_that_is_itself_called_attributes_is_found_and_narrowed() -> None:
    made = Corpus()
    label_set = made.add_label_set("mapping/roofs")
    for number in range(2):
        asset = made.add_asset(f"s3://lake/{number}.png")
        said = {"attributes": {"state": "new"}, "metadata": {"state": "old"}} if number else {"state": "worn"}
        made.add_annotation(asset, "roof", label_set=label_set, attributes=said)
    cursor = made.cursor()
    hits = search(cursor, "roof", state=1)
    for name, value in (("attributes.state", "new"), ("metadata.state", "old")):
        found = hits.facets([name])[f"attributes.{name}"]
        assert [(bucket.value, bucket.assets) for bucket in found.values] == [(value, 1)]
        query = hits.narrowing.by(found, found.values[0])
        assert search(cursor, query, state=1).numbers == [1], query


def test_facets_as_a_table_have_a_row_a_bucket() -> None:
    facets = search(_material().cursor(), "roof[material=slate]", state=1).facets(["material", "team"])
    table = facets.to_arrow()
    assert table.schema == FACETS
    assert table.select(["facet", "value", "annotations", "assets"]).to_pylist() == [
        {"facet": "team", "value": "mapping", "annotations": 2, "assets": 2},
        {"facet": "attributes.material", "value": "slate", "annotations": 2, "assets": 2},
    ]


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.integers(-100, 100).map(float), min_size=1
    ),
    st.integers(2, 24),
)
def test_bins_hold_every_number_between_their_edges(numbers: list[float], most: int) -> None:
    low, high = min(numbers), max(numbers)
    bins = bins_of(low, high, are_whole=all(number.is_integer() for number in numbers), most=most)
    assert 1 <= bins.count <= 3 * most
    slack = high / 1e9 - low / 1e9  # a thousandth of a millionth below an edge may be on it
    for number in numbers:
        edges = bins.edges(bins.place(number))
        assert edges[0] - slack <= number <= edges[1] + slack or bins.count <= 2
    if bins.count > 2:
        assert bins.place(low) == 0
        assert bins.place(high) == bins.count - 1


@pytest.mark.parametrize(
    ("low", "high", "are_whole", "first", "last"),
    [
        (0, 0.999, False, "0 to 0.1", "0.9 to 1"),
        (0.2, 0.83, False, "0.2 to 0.3", "0.8 to 0.9"),
        (0, 9, True, "0", "9"),
        (1021, 5873, True, "1000 to 1500", "5500 to 6000"),
        (0, 25, True, "0 to 5", "20 to 25"),
        (0.5, 0.5, False, "0 to 1", "0 to 1"),
    ],
)
def test_bins_have_round_edges(low: float, high: float, are_whole: bool, first: str, last: str) -> None:
    bins = bins_of(low, high, are_whole=are_whole, most=10)
    assert (bins.name(0), bins.name(bins.count - 1)) == (first, last)


@given(st.integers(0, 40), st.sampled_from([0.1, 0.05, 0.25, 0.3, 7.0]))
def test_a_number_on_an_edge_is_in_the_bin_above(place: int, high: float) -> None:
    bins = bins_of(0, high * 40, are_whole=False, most=10)
    edge, _ = bins.edges(min(place, bins.count - 1))
    assert bins.place(edge) == min(place, bins.count - 1)
