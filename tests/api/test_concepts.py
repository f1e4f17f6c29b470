"""What the service says of concepts."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from datacat.catalog import Catalog


@pytest.fixture
def made(catalog: Catalog) -> Catalog:
    catalog.concepts.add("roof", ["mapping:Roof"], author="ada")
    catalog.concepts.add("building", author="bob")
    catalog.concepts.describe("roof", synonyms=["Dach"], parents=["building"], author="bob", message="words")
    return catalog


def test_concepts_are_listed_in_pages(client: TestClient, made: Catalog) -> None:
    first = client.get("/v1/concepts", params={"limit": 1}).json()
    second = client.get("/v1/concepts", params={"limit": 1, "after": first["next"]}).json()
    assert [*first["items"], *second["items"]] == made.concepts.list().to_pylist()
    assert second["items"][0]["classes"] == ["mapping:Roof"]
    assert (second["next"], second["state"]) == (None, made.state)


@pytest.mark.usefixtures("made")
def test_a_search_says_which_concepts_it_used(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "Dach material=slate"}).json()
    assert found["concepts"] == {"dach": ["roof"]}


def test_a_concept_is_shown_with_its_history(client: TestClient, made: Catalog) -> None:
    shown = client.get("/v1/concepts/roof").json()
    assert (shown["name"], shown["owner"], shown["synonyms"], shown["parents"]) == (
        "roof",
        "ada",
        ["Dach"],
        ["building"],
    )
    assert shown["members"] == [
        {"member": "mapping:Roof", "classes": ["Roof"], "label_sets": ["mapping/roofs"], "annotations": 6}
    ]
    assert [change["what"] for change in shown["history"]] == [
        ["added synonym Dach", "added parent building"],
        ["made", "added mapping:Roof", "owner: ada"],
    ]
    assert client.get("/v1/concepts/roof", params={"changes": 1}).json()["history"][0]["message"] == "words"
    assert client.get("/v1/concepts/roof", params={"at": 2}).json()["parents"] == []


def test_an_unknown_concept_is_not_found(client: TestClient, made: Catalog) -> None:
    answer = client.get("/v1/concepts/rof")
    assert (answer.status_code, answer.json()["hint"]) == (404, "Did you mean roof?")


def test_suggestions_are_those_of_the_catalog_and_change_nothing(
    client: TestClient, catalog: Catalog, lake: Path
) -> None:
    catalog.ingest(str(lake), team="claims", name="damage", author="bob")
    state = catalog.state
    answer = client.get("/v1/concepts/suggestions", params={"min_score": 0.6, "classes": ["roof"]}).json()
    (told,) = answer["items"]
    (found,) = catalog.concepts.suggest(["roof"], min_score=0.6)
    assert told["commands"] == list(found.commands) == ["datacat concepts add roof claims:Roof mapping:Roof"]
    assert [reason["text"] for reason in told["evidence"]] == [item.text for item in found.evidence]
    (boxes,) = [reason for reason in told["evidence"] if reason["kind"] == "boxes"]
    assert (boxes["numbers"]["boxes"], boxes["numbers"]["mean_iou"]) == (6, 1)
    assert (answer["all"], answer["state"], catalog.refresh().state) == (1, state, state)
    assert client.get("/v1/concepts/suggestions", params={"classes": "rof"}).status_code == 404
    assert client.get("/v1/concepts/suggestions", params={"min_score": 2}).status_code == 400
