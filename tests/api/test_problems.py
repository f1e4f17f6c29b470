"""Every error is application/problem+json and says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from datacat import errors
from datacat_api.problems import STATUS, install, status_of


def problem(client: TestClient, path: str, *, status: int, **parameters: Any) -> dict[str, Any]:
    answer = client.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status
    assert said["instance"] == path
    assert {"type", "title", "detail"} <= set(said)
    return said


def test_a_query_error_points_at_the_place(client: TestClient) -> None:
    said = problem(client, "/v1/search", status=400, q="roof AND rof[material=slate]")
    assert said["type"] == "urn:datacat:error:QueryError"
    assert said["query"][said["position"] : said["end"]] == "rof"
    assert "roof" in said["hint"].lower()


@pytest.mark.parametrize(
    "path", ["/v1/search", "/v1/classes", "/v1/health", "/v1/snapshots/roofs@1", "/v1/log"]
)
def test_an_unknown_parameter_is_refused(client: TestClient, path: str) -> None:
    parameters = {"q": "roof"} if path == "/v1/search" else {}
    said = problem(client, path, status=400, colour="red", **parameters)
    assert said["detail"] == "there is no parameter 'colour'"


@pytest.mark.parametrize("path", ["/v1/search", "/v1/facets", "/v1/classes", "/v1/health", "/v1/assets/0"])
def test_an_unknown_parameter_is_unknown_however_often_it_is_given(client: TestClient, path: str) -> None:
    parameters = {"q": "roof"} if path in ("/v1/search", "/v1/facets") else {}
    said = problem(client, path, status=400, colour=["red", "blue"], **parameters)
    assert said["detail"] == "there is no parameter 'colour'"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/search", "q"), ("/v1/search.ndjson", "q"), ("/v1/ask", "q"), ("/v1/facets", "limit"),
        ("/v1/classes", "at"), ("/v1/query", "q"), ("/v1/snapshots", "limit"), ("/v1/log", "after"),
    ],
)  # fmt: skip
def test_a_parameter_of_one_value_is_given_once(client: TestClient, path: str, name: str) -> None:
    said = problem(client, path, status=400, **{name: ["1", "2"]})
    assert f"{name}: it takes one value and is given 2 times" in said["detail"]


def test_a_parameter_of_several_values_is_given_several_times(client: TestClient) -> None:
    answer = client.get("/v1/facets", params={"q": "roof", "facet": ["class", "team"]})
    assert answer.status_code == 200
    assert [facet["name"] for facet in answer.json()["facets"]] == ["class", "team"]


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({}, "q:"),
        ({"q": "roof", "limit": "0"}, "limit"),
        ({"q": "roof", "limit": "many"}, "limit"),
        ({"q": "roof", "at": "-1"}, "at"),
        ({"q": "roof", "at": str(2**70)}, "at"),
        ({"q": "roof", "count": "perhaps"}, "count"),
        ({"q": "x" * 10_001}, "q:"),
        ({"q": "roof", "after": "rubbish"}, "page token"),
        ({"q": "roof", "after": "1.rubbish"}, "page token"),
        ({"q": "roof", "after": "1.1", "at": "0"}, "page token"),
    ],
)
def test_a_senseless_parameter_is_refused(
    client: TestClient, *, parameters: dict[str, str], word: str
) -> None:
    assert word in problem(client, "/v1/search", status=400, **parameters)["detail"]


def test_what_is_not_there_is_a_404(client: TestClient) -> None:
    assert problem(client, "/v1/assets/99", status=404)["type"].endswith(":NotFound")
    assert problem(client, "/v1/snapshots/roofs@7", status=404)["type"].endswith(":SnapshotNotFound")
    assert problem(client, "/v1/search", status=404, q="roof", at=999)["type"].endswith(":StateNotFound")
    for path in ("/v2", "/v1", "/web/../app.py", "/web/search.html", "/favicon.ico"):
        assert client.get(path).status_code == 404
    assert problem(client, "/nothing", status=404)["type"] == "about:blank"


def test_a_similarity_search_without_embeddings_says_what_to_do(client: TestClient) -> None:
    assert "datacat embed" in problem(client, "/v1/search", status=409, q='"a pool"')["hint"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(client: TestClient, method: str) -> None:
    for path in ("/v1/search", "/v1/assets/0", "/v1/snapshots"):
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET"
        assert answer.json()["title"] == "Method Not Allowed"


def test_a_fault_of_ours_tells_nothing_but_a_number(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    install(app)

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("password=hunter2")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/boom")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    number = answer.json()["detail"].rstrip(".").split()[-1]
    assert number in caplog.text
    assert "hunter2" in caplog.text


def _kinds(kind: type[errors.DatacatError]) -> list[type[errors.DatacatError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]


@pytest.mark.parametrize("kind", _kinds(errors.DatacatError), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_that_fits_its_kind(kind: type[errors.DatacatError]) -> None:
    status = next(STATUS[base] for base in kind.__mro__ if base in STATUS)
    if issubclass(kind, ValueError):
        assert status == 400
    elif issubclass(kind, LookupError):
        assert status == 404
    elif kind is errors.MediaRefused:
        assert status == 403
    else:
        assert status in (409, 422, 500, 501, 502, 503, 504)


def test_the_nearest_ancestor_decides() -> None:
    assert status_of(errors.NameInvalid("x")) == STATUS[errors.UsageError]
    assert status_of(errors.SnapshotDamaged("x")) == STATUS[errors.DatacatError]


@pytest.mark.parametrize(("kind", "status"), [(errors.SqlStopped, 504), (errors.SandboxMissing, 501)])
def test_sql_that_cannot_be_run_is_no_fault_of_ours(kind: type[errors.DatacatError], status: int) -> None:
    app = FastAPI()
    install(app)

    @app.get("/sql")
    def sql() -> None:
        raise kind("the query was stopped", hint="Ask for less.")

    with TestClient(app) as client:
        said = problem(client, "/sql", status=status)
    assert said["type"] == f"urn:datacat:error:{kind.__name__}"
    assert said["hint"] == "Ask for less."


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=30), limit=st.integers(-2, 5))
def test_no_query_is_a_fault_of_ours(client: TestClient, query: str, limit: int) -> None:
    answer = client.get("/v1/search", params={"q": query, "limit": limit})
    assert answer.status_code in (200, 400, 404, 409)  # 404: @name that nobody saved
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
