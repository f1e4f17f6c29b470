"""One picture at many addresses: what a query says of it, whoever said it under whichever address."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datacat.query.likeness import assets_named
from datacat.query.overlap import overlap
from datacat.query.overview import overview
from datacat.query.plan import plan
from datacat.query.search import search
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus, Row
from datacat.testing.oracle import Oracle
from datacat.testing.strategies import corpora, queries

BOX = {"x": 0, "y": 0, "w": 10, "h": 10}


def _two_buckets() -> Corpus:
    """Pictures 0 and 1 of re; med has copies of both, 2 and 3, and one of its own; nobody else has 5."""
    made = Corpus()
    made.add_label_set("re/x", classes=["roof"])
    made.add_label_set("med/y", classes=["roof", "car"])
    for uri in ("re/0.png", "re/1.png", "med/a.png", "med/b.png", "med/c.png", "re/9.png"):
        made.add_asset(f"s3://{uri}", width=100, height=100)
    made.copy(2, of=0)
    made.copy(3, of=1)
    made.add_annotation(0, "roof", label_set=0, attributes={"color": "red"}, **BOX)
    made.add_annotation(2, "car", label_set=1, **BOX)
    made.add_annotation(2, "roof", label_set=1, **BOX)
    for asset, label_set in ((1, 0), (5, 0), (3, 1), (4, 1)):
        made.list_asset(asset, label_set=label_set, split="train" if label_set else "val")
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("team:re team:med", [0, 1]),
        ("roof[color=red] AND car", [0]),
        ("NOT car", [1, 4]),
        ("roof AND NOT car", []),
        ("split:val split:train", [1]),
        ("uri:b.png", [1]),
        ("uri!=b.png", [0, 4, 5]),
        ("NOT uri:9.png", [0, 1, 4]),
        ("uri in (b.png, 0.png)", [0, 1]),
        ("is:duplicate", [0, 1]),
        ("roof OR car", [0]),
        ("count(roof)>=1", [0]),
        ("count(roof)>=2", []),  # one by each label set
        ("count(roof)>=2 car", []),
        ("count(roof)=1 car", [0]),
        ("NOT count(roof)>=2", [0, 1, 4, 5]),
        ("is:unlabelled", [1, 4, 5]),
        ("agreement=1", [0, 1]),
        ("", [0, 1, 4, 5]),
    ],
)  # fmt: skip
def test_what_is_said_under_any_address_is_said_of_the_picture(query: str, expected: list[int]) -> None:
    made = _two_buckets()
    hits = search(made.cursor(), query, state=1, addresses=made.cursor(is_merged=False))
    assert hits.numbers == expected
    assert hits.count() == len(expected)
    assert hits.address_count == len(expected) + len({0, 1} & set(expected))


def test_a_label_set_counts_what_it_says_under_all_addresses() -> None:
    made = _two_buckets()
    made.add_annotation(0, "car", label_set=1, **BOX | {"x": 50})
    for query in ("count(car)>=2", "count(car)>=2 roof", "count(car)=2"):
        hits = search(made.cursor(), query, state=1, addresses=made.cursor(is_merged=False))
        assert hits.numbers == [0], query
    assert search(made.cursor(is_merged=False), "count(car)>=2", state=1, by="uri").numbers == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("count(car)>=2", []),
        ("count(car)>=2 roof", []),
        ("count(car)=1", [0]),
        ("count(car)=1 roof", [0]),
        ("count(car across teams)=1", [0]),
        ("count(car across teams)>=2", []),
        ("car", [0]),
    ],
)
def test_the_same_box_under_two_addresses_of_a_label_set_is_one_thing(
    query: str, expected: list[int]
) -> None:
    made = _two_buckets()
    made.add_annotation(0, "car", label_set=1, **BOX)
    hits = search(made.cursor(), query, state=1, addresses=made.cursor(is_merged=False))
    assert hits.numbers == expected
    if query == "car":  # each stays, and is found
        assert hits.annotations().read_all().num_rows == 2


def test_a_box_is_measured_by_the_size_of_the_picture() -> None:
    made = Corpus()
    made.add_label_set("re/x", classes=["roof"])
    made.add_asset("s3://re/0.png", width=100, height=100)
    made.add_asset("s3://med/0.png")  # nobody read its size
    made.copy(1, of=0)
    for y in (0, 50):
        made.add_annotation(1, "roof", label_set=0, **BOX | {"y": y})
    for query in ("roof[width>9%]", "count(roof[width>9%])>=2", "roof[width<11%] OR team:re"):
        hits = search(made.cursor(), query, state=1, addresses=made.cursor(is_merged=False))
        assert hits.numbers == [0], query


def test_a_hit_names_its_addresses() -> None:
    hits = search(_two_buckets().cursor(), "roof", state=1)
    (hit,) = hits
    assert hit.addresses == ("s3://re/0.png", "s3://med/a.png")
    assert [match.label_set for match in hit.matches] == ["re/x", "med/y"]
    for columns in (None, ["asset", "addresses"]):
        (batch,) = hits.batches(columns)
        assert batch["addresses"].to_pylist() == [list(hit.addresses)]
    (whole,) = search(_two_buckets().cursor(), "roof", state=1, limit=None).batches()
    assert whole.to_pylist()[0]["addresses"] == list(hit.addresses)
    assert b"s3://re/0.png; s3://med/a.png" in b"".join(hits.stream("csv"))


def test_any_address_names_the_picture() -> None:
    cursor = _two_buckets().cursor()
    for name in ("2", "s3://med/a.png", "a.png", "0"):
        assert [asset for asset, _ in assets_named(cursor, name)] == [0]


def test_overlap_and_overview_compare_pictures_and_not_addresses() -> None:
    cursor = _two_buckets().cursor()
    words = vocabulary(cursor, identity=None)
    found = overlap(cursor, "re", right="med", vocabulary=words)
    assert (found.left_assets, found.right_assets, found.shared, found.equal_bytes) == (3, 3, 2, 2)
    assert (found.compared, found.matched) == (2, 1)
    seen = overview(cursor, vocabulary=words, state=1)
    assert (seen.assets, [team.shared for team in seen.teams]) == (4, [2, 2])


def _merged(made: Corpus) -> Corpus:
    """The same with every row under the asset that stands for its address."""
    content = {row["asset"]: row["content"] for row in made.tables["copies"]}

    def under(row: Row) -> Row:
        return row | {"asset": content.get(row["asset"], row["asset"])} if "asset" in row else row

    tables = {kind: [under(row) for row in rows] for kind, rows in made.tables.items()}
    tables["assets"] = [row for row in made.tables["assets"] if row["asset"] not in content]
    return Corpus(tables | {"copies": []})


@st.composite
def _copied(draw: st.DrawFn) -> Corpus:
    made: Corpus = draw(corpora())
    for place, row in enumerate(made.tables["assets"]):
        content = draw(st.integers(0, place))
        if content < place and content not in {copy["asset"] for copy in made.tables["copies"]}:
            made.copy(row["asset"], of=content)
    return made


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_answers_are_those_of_a_catalog_without_copies(data: st.DataObject) -> None:
    made = data.draw(_copied())
    merged, cursor, addresses = _merged(made), made.cursor(), made.cursor(is_merged=False)
    oracle = Oracle(merged)
    for text in data.draw(st.lists(queries(made), min_size=5, max_size=5)):
        if any(word in text for word in ("uri", "modified", "seen", "duplicate")):
            continue  # told by any address: tested above
        meaning = plan(cursor, text).meaning
        hits = search(cursor, text, state=1, limit=None, addresses=addresses)
        assert hits.numbers == oracle.assets(meaning), text
        assert search(cursor, text, state=1, limit=2, addresses=addresses).numbers == hits.numbers[:2], text
        found = [(hit.asset, match.annotation) for hit in hits for match in hit.matches]
        assert found == oracle.annotations(meaning), text
        assert hits.answers.no == len(oracle.refuted(meaning)), text
