"""Each bucket of a facet names the query that finds what it counts."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from datacat.query.facets import Bucket, Facet
from datacat.query.hits import Hits
from datacat.query.search import search
from datacat.query.words import is_bare_words
from datacat.testing.corpus import Corpus
from datacat.testing.strategies import corpora, queries
from tests.query.cases import corpus

_QUERIES = (
    "",
    "roof",
    "roof OR person",
    "car person",
    "[material=slate]",
    "media:image",
    "class:rooftop",
    "team:driving",
    "car team:driving",
    "roof AND material=slate",
    "car track_length>=1",
    "count(person)>=2",
    "count(annotator)>=1 car",
    "car count(bicycle)<3",
    "NOT car",
    "NOT count(roof)>2",
    "car OR count(person)>=2",
    "(car AND person) OR roof",
    "roof OR media:text",
    "(roof OR NOT person) car",
)
_OF_EACH_COMMIT = ("roof", "[material=slate]", "NOT car", "NOT count(roof)>2", "(car AND person) OR roof")
_EXACT = ("class", "team", "label_set", "kind", "geometry", "annotator", "media")


def _facet(name: str, *values: Bucket, bins: tuple[Bucket, ...] = ()) -> Facet:
    return Facet(name, values, bins, len(values), 0, 0)


def _lake() -> Corpus:
    made = Corpus()
    label_set = made.add_label_set("mapping/roofs")
    asset = made.add_asset("s3://lake/a.png")
    for name in ("roof", "car", "person", "traffic light"):
        made.add_annotation(asset, name, label_set=label_set, attributes={"material": "slate", "solar": True})
    return made


def _narrowed(query: str, facet: Facet) -> str:
    hits = search(_lake().cursor(), query, state=1, nearest=lambda *_: pa.table({}))
    return hits.narrowing.by(facet, facet.buckets[0])


@pytest.mark.parametrize(
    ("query", "name", "value", "expected"),
    [
        ("roof", "attributes.material", "slate", "roof[material=slate]"),
        ("roof", "attributes.status", "dry rot", 'roof[attributes.status="dry rot"]'),
        ("roof", "attributes.code", "5", 'roof[code="5"]'),
        ("roof", "attributes.note", "a*", 'roof[note="a*"]'),
        (
            "roof[solar=true OR material=tile]",
            "team",
            "claims",
            "roof[(solar=true OR material=tile) AND team=claims]",
        ),
        ("roof[material=slate]", "attributes.material", "slate", "roof[material=slate]"),
        ("roof AND NOT car", "created", "2026-03", "roof[created=2026-03] AND NOT car"),
        ("traffic light", "annotator", "ann", "traffic-light[annotator=ann]"),
        ("car AND person", "annotator", "ann", "car AND person AND [(car OR person) AND annotator=ann]"),
        ("car OR person", "media", "image", "(car OR person) AND media=image"),
        ("car OR person", "annotator", "ann", "[(car OR person) AND annotator=ann]"),
        ("material=slate", "status", "done", "[material=slate AND status=done]"),
        ("car", "attributes.about", "x", "car[attributes.about=x]"),
        ("car", "attributes.near", "tree", "car[attributes.near=tree]"),
        ("car", "attributes.track_length", "x", "car[attributes.track_length=x]"),
        ("car", "attributes.Status", "done", "car[attributes.Status=done]"),
        ("car", "attributes.status.by", "ann", "car[attributes.status.by=ann]"),
        (
            "roof AND material=slate",
            "class",
            "car",
            "roof AND material=slate AND [(roof OR material=slate) AND class=car]",
        ),
        ("count(roof)>=3", "geometry", "box", "count(roof)>=3 AND roof[geometry=box]"),
        (
            "roof AND team:mapping",
            "class",
            "car",
            "roof AND team=mapping AND [(roof OR team=mapping) AND class=car]",
        ),
        (
            "car OR count(person)>=3",
            "status",
            "done",
            "(car OR count(person)>=3) AND (car[status=done] OR (count(person)>=3 AND person[status=done]))",
        ),
        ('roof AND "a pool"', "split", "train", 'roof AND "a pool" AND split=train'),
        ("", "class", "Traffic light", 'class="Traffic light"'),
    ],
)
def test_what_narrows_stands_where_it_holds_for_the_same_annotation(
    query: str, name: str, value: str, expected: str
) -> None:
    assert _narrowed(query, _facet(name, Bucket(value, 1, 1))) == expected


def test_a_condition_on_assets_is_not_put_in_brackets() -> None:
    facet = _facet("attributes.material", Bucket("slate", 1, 1))
    assert _narrowed("width>3", facet) == "width>3 AND [material=slate]"
    facet = _facet("concept", Bucket("traffic light", 1, 1))
    assert _narrowed("width>3", facet) == "width>3 AND traffic-light"


def test_only_the_last_bin_holds_its_upper_edge() -> None:
    bins = (Bucket("0 to 0.5", 1, 1, 0, 0.5), Bucket("0.5 to 1", 1, 1, 0.5, 1.0))
    facet = _facet("attributes.score", bins=bins)
    narrowing = search(_lake().cursor(), "roof", state=1).narrowing
    assert narrowing.by(facet, bins[0]) == "roof[score>=0 AND score<0.5]"
    assert narrowing.by(facet, bins[1]) == "roof[score>=0.5 AND score<=1]"


def test_one_element_of_a_list_is_between_both_edges() -> None:
    facet = _facet("attributes.doors[].angle", bins=(Bucket("0 to 9", 1, 1, 0.0, 9.0),))
    assert _narrowed("car", facet) == "car[doors[].{angle>=0 AND angle<=9}]"


@pytest.mark.parametrize(
    "query",
    [pytest.param(query, marks=() if query in _OF_EACH_COMMIT else pytest.mark.slow) for query in _QUERIES],
)
def test_the_narrowed_query_finds_as_many_assets_as_its_bucket_counts(query: str) -> None:
    cursor = corpus().cursor()

    def asked(text: str) -> Hits:
        return search(cursor, text, state=1)

    hits = asked(query)
    facets = hits.facets(limit=100)
    narrowing = hits.narrowing
    told = {
        (facet.name, bucket.value): (bucket.assets, asked(narrowing.by(facet, bucket)).count())
        for facet in facets.facets
        for bucket in facet.buckets
    }
    often = Counter((name, value.casefold()) for name, value in told)  # a query forgives case
    assert told
    assert {
        key: pair
        for key, pair in told.items()
        if pair[0] != pair[1] and often[key[0], key[1].casefold()] == 1 and key[0] != "source"
    } == {}
    assert all(counted <= found for counted, found in told.values())


@pytest.mark.parametrize(
    "name",
    [
        "traffic light",
        "2-wheeler",
        "Straßenbahn",
        "part of a body of water at sea",
        "left of",
        "or_bit",
        "R+D",
    ],
)
def test_a_concept_of_any_name_that_can_be_given_is_found_by_its_link(name: str) -> None:
    made = _lake()
    assert is_bare_words(name)
    made.add_concept(name, "roof")
    cursor = made.cursor()
    hits = search(cursor, "media:image", state=1)
    (facet,) = hits.facets(["concept"]).facets
    assert [bucket.value for bucket in facet.values] == [name]
    narrowed = search(cursor, hits.narrowing.by(facet, facet.values[0]), state=1)
    assert narrowed.concepts_used or narrowed.classes_used
    assert narrowed.count() == 1


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_bar_of_any_query_leads_to_what_it_counts(data: st.DataObject) -> None:
    made = data.draw(corpora())
    cursor = made.cursor()
    hits = search(cursor, data.draw(queries(made)), state=1)
    narrowing = hits.narrowing
    for facet in hits.facets(_EXACT, limit=100).facets:
        often = Counter(bucket.value.casefold() for bucket in facet.values)
        for bucket in facet.values:
            query = narrowing.by(facet, bucket)
            note(f"{hits.interpretation} + {facet.name}: {bucket.value} -> {query}")
            if often[bucket.value.casefold()] == 1:
                assert search(cursor, query, state=1).count() == bucket.assets
