"""`about:` ranks by words and by likeness together."""

from __future__ import annotations

import pyarrow as pa
import pytest

from datacat.errors import QueryError
from datacat.query.hits import Hits
from datacat.query.hybrid import said
from datacat.query.ranking import Weighted
from datacat.query.search import search
from datacat.query.values import quoted
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus
from tests.query.cases import corpus


def _nearest(questions: Weighted, k: int, allowed: pa.Array | None) -> pa.Table:
    """e.png looks most like it, then d.png, then c.png; nothing else was embedded."""
    scores = {4: 0.9, 3: 0.5, 2: 0.1}
    chosen = [asset for asset in scores if allowed is None or asset in allowed.to_pylist()][:k]
    return pa.table({"asset": chosen, "score": [scores[asset] for asset in chosen]})


def _search(query: str, *, limit: int | None = None, after: str | None = None) -> Hits:
    return search(corpus().cursor(), query, state=1, nearest=_nearest, limit=limit, after=after)


def _names(hits: Hits) -> list[str]:
    return [hit.uri.rsplit("/", 1)[1] for hit in hits]


def test_words_are_found_in_classes_values_metadata_and_captions() -> None:
    cursor = corpus().cursor()
    words = vocabulary(cursor, identity=None)
    found = {
        text: [
            (asset, labels) for _, asset, labels in said(text, cursor=cursor, vocabulary=words, allowed=None)
        ]
        for text in ("cars", "slate", "night", "leaking", "leaks", "vehicle")
    }
    assert found == {
        "cars": [(1, ["car"]), (2, ["car"])],
        "slate": [(0, ["material=slate"]), (1, ["material=Slate"])],
        "night": [(4, ["timeofday=night"])],
        "leaking": [],
        "leaks": [(5, ["a text"])],
        "vehicle": [(1, ["car"]), (2, ["car"])],
    }


@pytest.mark.parametrize(
    "text", ["a roof – red", "roof 🚗", "हिन्दी", "".join(map(chr, range(33, 127))), "a\x00b"]
)
def test_any_characters_are_looked_for(text: str) -> None:
    assert "e.png" in _names(_search(f"about:{quoted(text)}"))


@pytest.mark.parametrize("word", ["हिन्दी", "Übung", "übung", "🚗", "leak"])
def test_a_word_of_a_text_is_found_from_its_beginning(word: str) -> None:
    made = corpus()
    made.add_annotation(3, None, label_set=2, text="a leak: हिन्दी, Übung 🚗")
    made.add_annotation(4, None, label_set=2, text="oleak xहिन्दी xÜbung")
    cursor = made.cursor()
    words = vocabulary(cursor, identity=None)
    found = said(word, cursor=cursor, vocabulary=words, allowed=None)
    assert 3 in [asset for _, asset, _ in found]
    assert 4 not in [asset for _, asset, _ in found]


def test_the_text_of_a_text_is_searched() -> None:
    made = Corpus()
    team = made.add_label_set("a/x")
    for uri, media in (("t.json#1", "text"), ("t.json#2", "text"), ("p.png", "image")):
        words = "A leaking pipe in the attic" if uri != "t.json#2" else "All is well"
        made.list_asset(made.add_asset(uri, media=media), label_set=team, metadata={"data": {"text": words}})
    cursor = made.cursor()
    known = vocabulary(cursor, identity=None)
    found = said("leaking attics", cursor=cursor, vocabulary=known, allowed=None)
    assert found == [(1, 0, ["its text"])]


def test_a_filler_that_names_a_class_is_looked_for() -> None:
    made = corpus()
    made.add_annotation(3, "Us", label_set=2)
    cursor = made.cursor()
    words = vocabulary(cursor, identity=None)
    assert said("show us", cursor=cursor, vocabulary=words, allowed=None) == [(1, 3, ["Us"])]


def test_more_words_go_first_and_equals_share_a_place() -> None:
    cursor = corpus().cursor()
    words = vocabulary(cursor, identity=None)
    found = said("a slate roof with hail", cursor=cursor, vocabulary=words, allowed=None)
    assert [(place, asset) for place, asset, _ in found] == [(1, 1), (2, 0), (3, 5)]


def test_both_rankings_are_fused() -> None:
    hits = list(_search('about:"a red car at night"'))
    scores = {hit.uri.rsplit("/", 1)[1]: hit.score for hit in hits}
    # c.png: two words (place 1) and third in looks; e.png: one word, shared with b.png, and first in looks.
    assert scores == pytest.approx(
        {
            "c.png": 1 / 61 + 1 / 63,
            "e.png": 1 / 62 + 1 / 61,
            "b.png": 1 / 62,
            "d.png": 1 / 62,
        }
    )
    assert _names(_search('about:"a red car at night"'))[0] == "e.png"
    assert hits[0].why == ("labels say timeofday=night (place 2); looks like it 0.90 (place 1)",)


def test_a_filter_leaves_the_rest_out() -> None:
    hits = _search('about:"a red car" car')
    assert _names(hits) == ["c.png", "b.png"]
    assert hits.count() == 2
    assert (
        next(iter(hits))
        .why[-1]
        .startswith("labels say car, colour=red, state=red (place 1); looks like it 0.10")
    )
    assert _names(_search('about:"a red car" class:Boat')) == []


def test_pages_join_to_the_whole() -> None:
    whole = _names(_search('about:"a red car at night"'))
    pieces: list[str] = []
    after = None
    while True:
        page = _search('about:"a red car at night"', limit=1, after=after)
        pieces += _names(page)
        after = page.next
        if after is None:
            break
    assert pieces == whole


@pytest.mark.parametrize(
    "query", ['about:"a" "b"', 'about:"a" like:c.png', 'NOT about:"a"', "about!=a", 'about:" "']
)
def test_about_ranks_by_itself(query: str) -> None:
    with pytest.raises(QueryError):
        _search(query)
