"""Text, tree and JSON of a query are three forms of one thing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from datacat.errors import DatacatError, QueryError, UsageError
from datacat.query.document import from_document, text_of_json, to_document
from datacat.query.syntax import parse
from datacat.query.wording import worded
from datacat.testing.texts import texts

_MANY = settings(max_examples=400, deadline=None)


@_MANY
@given(texts())
def test_the_text_of_a_tree_is_read_to_the_same_tree(text: str) -> None:
    tree = parse(text)
    assert parse(worded(tree)) == tree


@_MANY
@given(texts())
def test_json_is_read_to_the_same_tree(text: str) -> None:
    tree = parse(text)
    document = json.dumps(to_document(tree))
    assert from_document(document) == tree
    assert to_document(from_document(document)) == json.loads(document)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("", None),
        ("traffic light", {"words": ["traffic", "light"]}),
        (
            "roof[color=red]",
            {"words": ["roof"], "where": {"field": "color", "operator": "=", "value": "red"}},
        ),
        ('color="5"', {"field": "color", "operator": "=", "value": {"exactly": "5"}}),
        ("color in (a, b)", {"field": "color", "operator": "in", "value": ["a", "b"]}),
        ("all(doors[].state)=open", {"all": "doors[].state", "operator": "=", "value": "open"}),
        ("none(tags) in (new, old)", {"none": "tags", "operator": "in", "value": ["new", "old"]}),
        ("any(tags) contains ax", {"any": "tags", "operator": "contains", "value": "ax"}),
        ("has:doors[].side", {"field": "has", "operator": "=", "value": "doors[].side"}),
        ("near(car)<50px", {"relation": "near", "of": {"words": ["car"]}, "operator": "<", "value": "50px"}),
        ("?car", {"unknown": {"words": ["car"]}}),
        ('"red tiles"^2', {"text": "red tiles", "weight": 2}),
        ("a (b OR c)", {"and": [{"words": ["a"]}, {"or": [{"words": ["b"]}, {"words": ["c"]}]}]}),
        ("count(car)>=3", {"count": {"words": ["car"]}, "operator": ">=", "value": 3}),
        (
            "count(car across teams)>=3",
            {"count": {"words": ["car"]}, "across": "teams", "operator": ">=", "value": 3},
        ),
    ],
)
def test_a_form_is_as_documented(text: str, document: Any) -> None:
    assert to_document(parse(text)) == {"version": 1, "query": document}


@pytest.mark.parametrize(
    ("text", "strict"),
    [
        ("person near:bicycle<50px", "person[near(bicycle)<50px]"),
        ("car[inside:parking-lot color=red]", "car[inside(parking-lot) AND color=red]"),
        ("[color exists door missing]", "[has=color AND missing=door]"),
        ('[tags contains rust "roof type" missing]', '[tags contains rust AND missing="roof type"]'),
        ("track length>30", "track_length>30"),
        ("NOT traffic light", "NOT traffic light"),
        ("(a) (b)", "(a) AND (b)"),
        ("(color=red) AND (a OR b)", "color=red AND (a OR b)"),
    ],
)
def test_phrases_have_a_strict_form(text: str, strict: str) -> None:
    assert worded(parse(text)) == strict


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], ""),
        ({"version": 2, "query": None}, "version"),
        ({"version": 1, "query": {"and": [{"word": ["a"]}]}}, "query.and[0]"),
        ({"version": 1, "query": {"words": ["or"]}}, "query.words[0]"),
        ({"version": 1, "query": {"field": "a", "operator": "is", "value": 1}}, "query.operator"),
        ({"version": 1, "query": {"words": ["a"], "were": {}}}, "query"),
        (
            {"version": 1, "query": {"count": {"words": ["a"]}, "operator": ">", "value": "many"}},
            "query.value",
        ),
    ],
)
def test_a_document_that_is_none_is_refused_with_its_place(document: Any, place: str) -> None:
    with pytest.raises(UsageError) as refused:
        from_document(document)
    assert (refused.value.where or "") == place


@pytest.mark.parametrize("value", [True, 5, 0.5])
def test_values_may_be_json_numbers_and_booleans(value: Any) -> None:
    query = {"version": 1, "query": {"field": "a", "operator": "=", "value": value}}
    assert worded(from_document(query)) == f"a={json.dumps(value)}"


@pytest.mark.parametrize(
    "text", ["near(car)", "inside(car)<5", "length(a)=b", 'a="b"<c', "[", "a{", 'count("x")~2']
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(DatacatError):
        parse(text)


def test_half_of_a_character_is_refused_with_its_place() -> None:
    """JSON can escape a surrogate, a shell can pass one; no name is made of them, and no answer could repeat it."""
    for query in ("roof \ud800", '{"version": 1, "query": {"words": ["roof", "\\ud800"]}}'):
        with pytest.raises(QueryError) as refused:
            parse(text_of_json(query) if query.startswith("{") else query)
        assert (refused.value.text, refused.value.start) == ("roof ?", 5)
