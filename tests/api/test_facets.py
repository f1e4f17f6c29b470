"""Facets, overview and overlaps over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_each_value_names_the_query_that_finds_it(client: TestClient) -> None:
    shown = client.get("/v1/facets", params={"q": "all data with roofs", "facet": "material"}).json()
    (slate, _) = shown["facets"][0]["values"]
    assert slate["query"] == "roof[material=slate]"
    found = client.get("/v1/search", params={"q": slate["query"], "count": True}).json()
    assert found["total"] == slate["assets"]


def test_a_facet_that_is_not_there_is_refused(client: TestClient) -> None:
    answer = client.get("/v1/facets", params={"q": "roof", "facet": "materail"})
    assert answer.status_code == 400
    assert "Did you mean material" in answer.json()["hint"]


def test_the_overview_lists_teams_and_label_sets(client: TestClient, catalog: Catalog) -> None:
    shown = client.get("/v1/overview").json()
    (label_set,) = shown["label_sets"]
    assert (label_set["label_set"], label_set["annotations"], label_set["classes"]) == ("mapping/roofs", 6, 1)
    assert shown["teams"][0]["assets"] == label_set["assets"] == catalog.overview().assets == 5


def test_an_overlap_names_the_disputed_assets(client: TestClient, catalog: Catalog, lake: Path) -> None:
    labels = json.loads((lake / "labels.json").read_text())
    del labels["annotations"][1]  # the only one of its picture
    (lake / "other").mkdir()
    (lake / "other/labels.json").write_text(json.dumps(labels))
    catalog.ingest(str(lake / "other"), team="claims", name="roofs", media_root=str(lake))
    shown = client.get("/v1/overlap", params={"left": "mapping", "right": "claims"}).json()
    assert (shown["shared"], shown["compared"], shown["agreed"]) == (5, 5, 4)
    (worst,) = shown["lowest"]
    assert worst["agreement"] < 1
    found = client.get("/v1/search", params={"q": shown["query"], "count": True}).json()
    assert [hit["asset"] for hit in found["hits"]] == [worst["asset"]]
    assert client.get("/v1/overlap", params={"left": "mapping", "right": "claim"}).status_code == 404
