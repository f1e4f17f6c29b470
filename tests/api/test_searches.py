"""Saved searches over HTTP."""

from __future__ import annotations

from starlette.testclient import TestClient

from datacat.catalog import Catalog


def test_saved_searches_are_listed_and_run_by_name(catalog: Catalog, client: TestClient) -> None:
    catalog.searches.save("slates", "roof[material=slate]", author="ada", description="for the audit")
    listed = client.get("/v1/searches").json()
    (item,) = listed["items"]
    assert (item["name"], item["query"], item["owner"]) == ("slates", "roof[material=slate]", "ada")
    assert (item["description"], listed["next"], listed["state"]) == ("for the audit", None, catalog.state)
    by_name = client.get("/v1/search", params={"q": "@slates"}).json()
    assert by_name == client.get("/v1/search", params={"q": item["query"]}).json()
    assert by_name["hits"]


def test_an_unknown_name_is_not_found(catalog: Catalog, client: TestClient) -> None:
    catalog.searches.save("slates", "roof[material=slate]")
    response = client.get("/v1/search", params={"q": "@slate"})
    assert (response.status_code, response.json()["hint"]) == (404, "Did you mean @slates?")
