"""The engine against the slow, obvious answer."""

from __future__ import annotations

import inspect
import os
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from datacat.query import meaning as m
from datacat.query.hit import Answers
from datacat.query.plan import plan
from datacat.query.search import search
from datacat.testing import judge as judge_module
from datacat.testing import oracle as oracle_module
from datacat.testing.oracle import Oracle
from datacat.testing.strategies import corpora, queries
from tests.query.cases import corpus

# A connection takes 20 ms, so these are few in a daily run; QUERY_EXAMPLES=2000 searches harder.
_EXAMPLES = int(os.environ.get("QUERY_EXAMPLES", "60"))
_RARELY_SLOW = settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_RARELY_SLOW
@given(st.data())
def test_engine_finds_what_the_oracle_finds(data: st.DataObject) -> None:
    corpus = data.draw(corpora())
    note(str(corpus.tables))
    oracle = Oracle(corpus)
    cursor = corpus.cursor()
    for text in data.draw(st.lists(queries(corpus), min_size=5, max_size=5)):
        bound = plan(cursor, text).meaning
        hits = search(cursor, text, state=1, limit=None)
        found = list(hits)
        expected = oracle.assets(bound)
        assert [hit.asset for hit in found] == expected, text
        assert hits.count() == len(expected), text
        assert hits.assets().read_all()["asset"].to_pylist() == expected
        refuted, every = len(oracle.refuted(bound)), len(corpus.tables["assets"])
        assert hits.answers == Answers(len(expected), refuted, every - len(expected) - refuted), text
        matched = [(hit.asset, match.annotation) for hit in found for match in hit.matches]
        everything = hits.annotations().read_all()
        assert matched == oracle.annotations(bound), text
        assert list(zip(*everything.to_pydict().values(), strict=True)) == matched, text


@pytest.mark.parametrize(
    "text",
    [
        "-car",
        "NOT roof",
        "?car",
        "NOT ?car",
        "car -roof",
        "-(car roof)",
        "-roof[material=slate]",
        "count(car)<2",
        "[roof OR (roof OR rooftop)]",
        "-[car OR (roof OR (person OR car))]",
    ],
)
def test_what_nobody_looked_for_is_not_known(text: str) -> None:
    made = corpus()
    oracle = Oracle(made)
    hits = search(made.cursor(), text, state=1)
    bound = plan(made.cursor(), text).meaning
    yes, no = len(oracle.assets(bound)), len(oracle.refuted(bound))
    assert hits.answers == Answers(yes, no, len(made.tables["assets"]) - yes - no)


@_RARELY_SLOW
@given(st.data())
def test_strict_form_means_the_same(data: st.DataObject) -> None:
    corpus = data.draw(corpora())
    note(str(corpus.tables))
    cursor = corpus.cursor()
    text = data.draw(queries(corpus))
    bound = plan(cursor, text)
    again = plan(cursor, bound.interpretation)
    assert again.meaning == bound.meaning
    assert again.interpretation == bound.interpretation


@_RARELY_SLOW
@given(st.data())
def test_pages_are_the_whole_in_pieces(data: st.DataObject) -> None:
    corpus = data.draw(corpora())
    note(str(corpus.tables))
    cursor = corpus.cursor()
    text = data.draw(queries(corpus))
    size = data.draw(st.integers(1, 3))
    whole = [hit.asset for hit in search(cursor, text, state=1, limit=None)]
    pieces: list[int] = []
    token: str | None = None
    for _ in range(len(whole) + 1):
        page = search(cursor, text, state=1, limit=size, after=token)
        pieces += [hit.asset for hit in page]
        token = page.next
        if token is None:
            break
    assert pieces == whole


_MADE_BY_RULES = {"Absent", "Denied", "LeafAnd", "Neither", "Standing"}
_NOT_OF_TABLES = {"ChangedSince", "InFiles", "Similar"}  # snapshots, other states, likeness


def test_every_kind_of_condition_stands_in_the_oracles() -> None:
    known = {kind.__name__ for kind in get_args(m.Meaning)} - _MADE_BY_RULES - _NOT_OF_TABLES
    sources = "".join(inspect.getsource(module) for module in (oracle_module, judge_module))
    assert {name for name in known if f"m.{name}" not in sources} == set()
