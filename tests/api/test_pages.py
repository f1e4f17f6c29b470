"""The pages for people load nothing from elsewhere; the description of the API is whole."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from starlette.testclient import TestClient

_WEB = files("datacat_api") / "web"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_and_all_that_it_names_is_there(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert named
    assert [name for name in named if client.get(name).status_code != 200] == []


def test_every_file_of_the_pages_is_served_and_none_reaches_out(client: TestClient) -> None:
    for file in _WEB.iterdir():
        text = file.read_text("utf-8")
        assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {"http://www.w3.org/2000/svg"}
        if not file.name.endswith(".html"):
            assert client.get(f"/web/{file.name}").text == text


def test_pages_set_text_and_never_markup() -> None:
    script = "".join(file.read_text("utf-8") for file in _WEB.iterdir() if file.name.endswith(".js"))
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


def test_browsers_are_told_to_load_nothing_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/docs", "/v1/health", "/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_description_names_every_path_and_the_form_of_errors(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert {"/v1/search", "/v1/assets/{id}/media", "/v1/snapshots/{name}@{version}"} <= set(document["paths"])
    for methods in document["paths"].values():
        assert list(methods) == ["get"]
        assert "application/problem+json" in methods["get"]["responses"]["4XX"]["content"]
        assert "422" not in methods["get"]["responses"]
