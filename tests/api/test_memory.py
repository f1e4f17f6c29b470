"""No query has more of the memory than its part, and one that needs more is told so."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat_api import create_app
from datacat_api.dependencies import Catalogs

_SAID = "SELECT current_setting('memory_limit'), current_setting('max_temp_directory_size')"


def test_queries_at_once_divide_the_memory_and_the_room_to_spill(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATACAT_MEMORY_LIMIT", "512MiB")
    monkeypatch.setenv("DATACAT_SPILL_LIMIT", "2GiB")
    monkeypatch.setenv("DATACAT_SERVE_CONCURRENCY", "2")
    catalogs = Catalogs(str(catalog.root))
    with catalogs.at() as one, catalogs.at() as other, catalogs.at(1) as past:
        said = [found.cursor().execute(_SAID).fetchone() for found in (one, other, past)]
        assert said == [("255.9 MiB", "1023.9 MiB")] * 3
        assert len({found.settings.slot for found in (one, other, past)}) == 2


def test_each_query_gets_a_part_that_nobody_has(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATACAT_SERVE_CONCURRENCY", "3")
    catalogs = Catalogs(str(catalog.root))
    for _ in range(2):
        with catalogs.at(0):
            pass
    with catalogs.at() as one, catalogs.at(0) as other, catalogs.at() as third:
        assert len({found.settings.slot for found in (one, other, third)}) == 3


def test_a_query_that_needs_more_is_told_so_and_the_next_one_works(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATACAT_MEMORY_LIMIT", "8MB")
    monkeypatch.setenv("DATACAT_SPILL_LIMIT", "1KB")
    monkeypatch.setenv("DATACAT_SERVE_CONCURRENCY", "1")
    with TestClient(create_app(str(catalog.root)), base_url="http://localhost") as client:
        for _ in range(2):
            refused = client.get("/v1/facets", params={"q": "roof"})
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
            assert refused.json()["type"] == "urn:datacat:error:OutOfMemory"
            assert "memory_limit" in refused.json()["hint"]
            assert client.get("/v1/search", params={"q": "roof"}).status_code == 200


def test_an_answer_that_is_too_large_is_refused_and_a_stream_is_not(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATACAT_SERVE_ANSWER", "1KB")
    with TestClient(create_app(str(catalog.root)), base_url="http://localhost") as client:
        refused = client.get("/v1/search", params={"q": "roof", "limit": 1000})
        assert (refused.status_code, refused.json()["title"]) == (400, "An answer that is too large")
        assert len(client.get("/v1/search.ndjson", params={"q": "roof"}).content) > 1000
        assert client.head("/v1/search", params={"q": "roof"}).status_code == 400
