"""Other sites get nothing: no CORS, and no other name for this machine."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat_api import create_app


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:1", "127.0.0.9", "[::1]:8000"]
)
def test_this_machine_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/v1/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[::2]"]
)
def test_another_name_is_refused(client: TestClient, host: str) -> None:
    for path in ("/v1/health", "/", "/openapi.json"):
        answer = client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")


def test_another_site_may_not_read(client: TestClient) -> None:
    answer = client.get("/v1/health", headers={"Origin": "http://evil.example"})
    assert [name for name in answer.headers if name.startswith("access-control")] == []
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
    assert client.options("/v1/health", headers=asked).status_code == 405


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/v1/search?q=roof", "/v1/classes", "/v1/health"]
)
def test_head_has_the_headers_of_get_and_no_body(client: TestClient, path: str) -> None:
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "cache-control", "etag"):
        assert head.headers.get(name) == whole.headers.get(name)


def test_head_of_a_stream_ends_it(client: TestClient) -> None:
    answer = client.head("/v1/search.ndjson", params={"q": "roof"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["datacat-state"]


def test_a_name_can_be_allowed(catalog: Catalog) -> None:
    app = create_app(str(catalog.root), hosts=["datacat.internal"])
    with TestClient(app, base_url="http://datacat.internal") as client:
        assert client.get("/v1/health").status_code == 200
        assert client.get("/v1/health", headers={"Host": "localhost"}).status_code == 421
