"""Facets, overview and overlaps over HTTP."""

from __future__ import annotations

from starlette.testclient import TestClient

from datacat.catalog import Catalog


def test_facets_are_those_of_the_catalog(client: TestClient, catalog: Catalog) -> None:
    shown = client.get("/v1/facets", params={"q": "roof", "facet": ["material", "team"]}).json()
    found = catalog.search("roof").facets(["material", "team"])
    assert (shown["assets"], shown["annotations"]) == (found.assets, found.annotations) == (5, 6)
    values = {
        facet["name"]: [(b["value"], b["annotations"]) for b in facet["values"]] for facet in shown["facets"]
    }
    assert values == {"team": [("mapping", 6)], "attributes.material": [("slate", 3), ("tile", 3)]}
    assert shown["are_matching"] is True


def test_a_facet_that_is_not_there_is_refused(client: TestClient) -> None:
    answer = client.get("/v1/facets", params={"q": "roof", "facet": "materail"})
    assert answer.status_code == 400
    assert "Did you mean material" in answer.json()["hint"]
