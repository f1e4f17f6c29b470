"""Question -> strict form -> rows, as the files in tests/cases/query say; adding a case is no code."""

from __future__ import annotations

import re

import pytest

from datacat.errors import QueryError
from datacat.model.schemas import KINDS
from datacat.query.plan import plan
from datacat.query.search import search
from datacat.testing.oracle import Oracle
from tests.query.cases import Case, cases, corpus

_CORPUS = corpus()
_CASES = list(cases())
_ANSWERED = [case for case in _CASES if not case.error]
_REFUSED = [case for case in _CASES if case.error]


def _name(case: Case) -> str:
    return f"{case.place}: {case.question}"


@pytest.mark.parametrize("case", _ANSWERED, ids=_name)
def test_answer(case: Case) -> None:
    cursor = _CORPUS.cursor()
    hits = search(cursor, case.question, state=1)
    found = [hit.uri.rsplit("/", 1)[1] for hit in hits]
    assert hits.interpretation == case.values["means"]
    assert found == case.values["finds"].split()
    assert hits.count() == len(found)
    bound = plan(cursor, case.question)
    assert Oracle(_CORPUS).assets(bound.meaning) == [hit.asset for hit in hits]
    if "why" in case.values:
        assert " | ".join(next(iter(hits)).why) == case.values["why"]
    if "reads" in case.values:
        read = set(re.findall(r"FROM (\w+?)(?:_at)?\b", bound.assets().text)) & set(KINDS)
        assert sorted(read) == case.values["reads"].split()


@pytest.mark.parametrize("case", _REFUSED, ids=_name)
def test_refusal(case: Case) -> None:
    with pytest.raises(QueryError) as refused:
        search(_CORPUS.cursor(), case.question, state=1)
    assert str(refused.value).splitlines() == case.error


@pytest.mark.parametrize(
    "query",
    ["[class:?]", "class!=?", "roof[NOT class:?]", "count([class:?])>1", "?[class:?]", "[has:status]"],
)
def test_the_strict_form_parses(query: str) -> None:
    shown = search(corpus().cursor(), query, state=1).interpretation
    assert search(corpus().cursor(), shown, state=1).interpretation == shown
