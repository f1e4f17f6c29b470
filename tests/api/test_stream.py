"""Streams over HTTP: whole, in the shape of /v1/search, and ended when nobody listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat.query import hits as hits_module
from datacat.query import stream, whole
from datacat_api import create_app


def test_ndjson_has_the_hits_of_a_search(catalog: Catalog, client: TestClient) -> None:
    response = client.get("/v1/search.ndjson", params={"q": "roof"})
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["datacat-state"] == str(catalog.state)
    hits = client.get("/v1/search", params={"q": "roof", "limit": 100}).json()["hits"]
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["asset"] for line in lines] == [hit["asset"] for hit in hits]
    assert lines[0]["why"] == hits[0]["why"]
    assert lines[0]["matches"][0].items() >= {("annotation", hits[0]["matches"][0]["annotation"])}


def test_arrow_has_the_columns_that_were_asked_for(client: TestClient) -> None:
    response = client.get("/v1/search.arrow", params={"q": "roof", "columns": "uri,width", "limit": 2})
    table = pa.ipc.open_stream(response.content).read_all()
    assert (table.column_names, table.num_rows) == (["uri", "width"], 2)


@pytest.mark.parametrize(
    "parameters", [{"q": "rooof"}, {"q": "roof", "columns": "url"}, {"q": "roof", "x": "1"}]
)
def test_what_is_wrong_is_said_before_the_first_byte(client: TestClient, parameters: dict[str, str]) -> None:
    response = client.get("/v1/search.ndjson", params=parameters)
    assert (response.status_code, response.json()["status"]) == (400, 400)


def test_a_client_that_goes_away_ends_the_work(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_BLOCK", 1)
    monkeypatch.setattr(whole, "EXPLAINED_ROWS", 1)
    explained = []
    explain = hits_module.Hits._reasons

    def counted(self: hits_module.Hits, assets: Sequence[int]) -> Any:
        explained.extend(assets)
        return explain(self, assets)

    monkeypatch.setattr(hits_module.Hits, "_reasons", counted)
    asyncio.run(_leave_after_first_piece(create_app(str(catalog.root))))
    assert 1 <= len(explained) < 5 == catalog.search("roof").count()


async def _leave_after_first_piece(app: Any) -> None:
    path = "/v1/search.ndjson"
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET", "path": path, "raw_path": path}
    scope |= {"query_string": b"q=roof", "headers": [(b"host", b"localhost")], "scheme": "http"}
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            left.set()
            raise OSError("nobody listens")

    with pytest.raises(ClientDisconnect):
        await app(scope, receive, send)
