"""So much at once: what waits, what is refused, and what is answered while all is taken."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat_api import create_app
from tests.api.test_serve import served

Asking = Callable[[str], Coroutine[Any, Any, httpx.Response]]


@pytest.fixture
def app(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """A service that runs one query, lets two wait, and has a path that ends when it is told to."""
    for name, value in {"CONCURRENCY": "1", "QUEUE": "2", "PER_CLIENT": "3"}.items():
        monkeypatch.setenv(f"DATACAT_SERVE_{name}", value)
    made = create_app(str(catalog.root))
    made.state.may_end = asyncio.Event()

    @made.get("/v1/blocked")
    async def blocked() -> dict[str, str]:
        await made.state.may_end.wait()
        return {"is": "done"}

    return made


@asynccontextmanager
async def asking(app: FastAPI, *, client: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as made:
        yield made


async def taken(app: FastAPI, *, running: int, waiting: int) -> None:
    """Waits until so many run and so many wait."""
    lane = app.state.load.queries
    while (lane.running, lane.waiting) != (running, waiting):
        await asyncio.sleep(0)


def test_one_more_than_may_wait_is_told_when_to_come_again(app: FastAPI) -> None:
    async def checked() -> None:
        async with asking(app) as one, asking(app, client="10.0.0.2") as other:
            held = [asyncio.create_task(one.get("/v1/blocked")) for _ in range(3)]
            await taken(app, running=1, waiting=2)
            refused = await other.get("/v1/search", params={"q": "roof"})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            assert refused.headers["content-type"] == "application/problem+json"
            app.state.may_end.set()
            assert [answer.status_code for answer in await asyncio.gather(*held)] == [200, 200, 200]
            assert (await other.get("/v1/search", params={"q": "roof"})).status_code == 200

    asyncio.run(checked())


def test_one_client_does_not_take_all_the_places(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    app.state.load.queries.most_waiting = 9

    async def checked() -> None:
        async with asking(app) as greedy, asking(app, client="10.0.0.2") as other:
            held = [asyncio.create_task(greedy.get("/v1/blocked")) for _ in range(3)]
            await taken(app, running=1, waiting=2)
            refused = await greedy.get("/v1/classes")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
            held.append(asyncio.create_task(other.get("/v1/classes")))
            await taken(app, running=1, waiting=3)
            app.state.may_end.set()
            assert {answer.status_code for answer in await asyncio.gather(*held)} == {200}
            assert not app.state.load.of_client

    asyncio.run(checked())


def test_health_and_pages_are_answered_while_all_is_taken(app: FastAPI) -> None:
    async def checked() -> None:
        async with asking(app) as client:
            held = [asyncio.create_task(client.get("/v1/blocked")) for _ in range(3)]
            await taken(app, running=1, waiting=2)
            health = await client.get("/v1/health")
            said = health.json()
            assert (said["status"], said["running"], said["waiting"]) == ("busy", 1, 2)
            assert (await client.get("/")).status_code == 200
            app.state.may_end.set()
            await asyncio.gather(*held)
            assert (await client.get("/v1/health")).json()["status"] == "ok"

    asyncio.run(checked())


def test_who_hangs_up_while_waiting_leaves_the_queue(app: FastAPI) -> None:
    async def checked() -> None:
        async with asking(app) as client:
            held = asyncio.create_task(client.get("/v1/blocked"))
            await taken(app, running=1, waiting=0)
            gone, sent = asyncio.Event(), []

            async def receive() -> dict[str, Any]:
                await gone.wait()
                return {"type": "http.disconnect"}

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)

            scope = {
                "type": "http",
                "method": "GET",
                "path": "/v1/classes",
                "headers": [(b"host", b"localhost")],
            }
            waiting = asyncio.create_task(app({**scope, "query_string": b""}, receive, send))  # type: ignore[arg-type]
            await taken(app, running=1, waiting=1)
            gone.set()
            await waiting
            await taken(app, running=1, waiting=0)
            app.state.may_end.set()
            assert ((await held).status_code, sent) == (200, [])

    asyncio.run(checked())


def test_a_query_whose_time_is_over_is_ended(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(str(catalog.root))
    monkeypatch.setattr("datacat_api.hangup.Watch.end_after", _at_once)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        answer = client.get("/v1/search", params={"q": "roof"})
    assert (answer.status_code, answer.json()["title"]) == (504, "A query that takes too long")
    assert "serve_timeout_s" in answer.json()["hint"]


async def _at_once(watch: Any, time_s: float) -> None:
    assert time_s == 120
    watch.is_late = True
    await watch.end()


def test_no_path_reads_a_body(app: FastAPI) -> None:
    with TestClient(app, base_url="http://localhost") as client:
        answer = client.request("GET", "/v1/health", content=b"x" * 100_000)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert client.request("GET", "/v1/health", content=b"x").status_code == 200


@pytest.mark.parametrize("sent", [b"", b"GET /v1/heal", b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_connection_that_is_half_open_is_ended(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setenv("DATACAT_SERVE_IDLE_S", "1")
    with served(catalog) as address:
        port = int(address.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
            raw.sendall(sent)
            assert _rest(raw) == b""


def test_an_idle_connection_and_one_too_many_are_ended(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATACAT_SERVE_IDLE_S", "1")
    monkeypatch.setenv("DATACAT_SERVE_CONNECTIONS", "1")
    with served(catalog) as address:
        port = int(address.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
            raw.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            first = raw.recv(4096)
            assert first.startswith(b"HTTP/1.1 200")
            with socket.create_connection(("127.0.0.1", port), timeout=30) as second:
                assert _rest(second).startswith(b"HTTP/1.1 503")
            assert b"HTTP/1.1" not in _rest(raw)


def _rest(raw: socket.socket) -> bytes:
    """What comes until the other side closes."""
    try:
        return b"".join(iter(lambda: raw.recv(4096), b""))
    except ConnectionResetError:
        return b""


def test_text_is_compressed_and_media_and_streams_are_not(catalog: Catalog, lake: Path) -> None:
    number = catalog.asset("a.png").asset
    with TestClient(create_app(str(catalog.root)), base_url="http://localhost") as client:
        assert client.get("/openapi.json").headers["content-encoding"] == "gzip"
        for path in (f"/v1/assets/{number}/media", "/v1/search.ndjson?q=roof", "/v1/search.arrow?q=roof"):
            assert "content-encoding" not in client.get(path).headers
