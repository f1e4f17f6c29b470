"""Streams over HTTP: whole, in the shape of /v1/search, and ended when nobody listens."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat.query import hits as hits_module
from datacat.query import stream, whole
from datacat_api import create_app
from tests.catalog.slow import SLOW_QUESTION, place_of_slow_questions


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
    "parameters",
    [
        {"q": "rooof"},
        {"q": "roof", "columns": "url"},
        {"q": "roof", "x": "1"},
        {"q": "roof", "limit": str(2**70)},
    ],
)
def test_what_is_wrong_is_said_before_the_first_byte(client: TestClient, parameters: dict[str, str]) -> None:
    response = client.get("/v1/search.ndjson", params=parameters)
    assert (response.status_code, response.json()["status"]) == (400, 400)


def test_a_client_that_goes_away_ends_the_work(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_BLOCK", 1)
    monkeypatch.setattr(whole, "EXPLAINED_ROWS", 1)
    monkeypatch.setattr(whole, "PART_BYTES", 1)
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


@pytest.fixture
def served(tmp_path: Path) -> Iterator[int]:
    """The port of a real server over a catalog of slow questions."""
    app = create_app(place_of_slow_questions(tmp_path))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.mark.parametrize("path", ["search.ndjson", "search.arrow", "search", "facets"])
def test_a_statement_is_ended_when_its_client_goes_away(
    served: int, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    query = urllib.parse.quote(SLOW_QUESTION)
    with socket.create_connection(("127.0.0.1", served)) as client:
        client.sendall(f"GET /v1/{path}?q={query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert _starts_to_work(within_s=60)
    assert _falls_idle(within_s=5)
    with urllib.request.urlopen(f"http://127.0.0.1:{served}/v1/search?q=car&count=true") as answer:
        assert json.load(answer)["total"] == 1  # the next one is answered
    assert "Traceback" not in capfd.readouterr().err


def _starts_to_work(*, within_s: float) -> bool:
    """Whether this process takes half a second of processor time; on a busy machine that may take a while."""
    began, ends = time.process_time(), time.monotonic() + within_s
    while time.monotonic() < ends:
        if time.process_time() - began > 0.5:
            return True
        time.sleep(0.1)
    return False


def _work_s() -> float:
    """Seconds of processor time that this process takes within one."""
    before = time.process_time()
    time.sleep(1)
    return time.process_time() - before


def _falls_idle(*, within_s: float) -> bool:
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        if _work_s() < 0.1:
            return True
    return False
