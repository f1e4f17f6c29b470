"""Media: the bytes of assets and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat_api.routes.assets import SHOWN
from tests.api.conftest import SVG


def media_of(catalog: Catalog, name: str) -> str:
    return f"/v1/assets/{catalog.asset(name).asset}/media"


def test_the_bytes_are_sent_with_type_and_digest(client: TestClient, catalog: Catalog, lake: Path) -> None:
    answer = client.get(media_of(catalog, "a.png"))
    assert answer.content == (lake / "a.png").read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["etag"] == f'"{catalog.asset("a.png").digest}"'
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("asked", "start", "end"), [("bytes=0-9", 0, 10), ("bytes=-5", -5, None)])
def test_ranges(
    client: TestClient, catalog: Catalog, lake: Path, *, asked: str, start: int, end: int | None
) -> None:
    whole = (lake / "a.png").read_bytes()
    answer = client.get(media_of(catalog, "a.png"), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, whole[start:end])
    assert answer.headers["content-range"].endswith(f"/{len(whole)}")


def test_a_range_behind_the_end_is_refused(client: TestClient, catalog: Catalog) -> None:
    answer = client.get(media_of(catalog, "a.png"), headers={"Range": "bytes=999999-"})
    assert answer.status_code == 416


def test_what_the_browser_has_is_not_sent_again(client: TestClient, catalog: Catalog) -> None:
    path = media_of(catalog, "a.png")
    tag = client.get(path).headers["etag"]
    answer = client.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_nothing_runs_as_a_page(client: TestClient, catalog: Catalog, lake: Path) -> None:
    (lake / "a.png").write_bytes(SVG)
    picture = client.get(media_of(catalog, "a.png"))
    assert (picture.content, picture.headers["content-type"]) == (SVG, "image/png")
    assert picture.headers["x-content-type-options"] == "nosniff"
    answer = client.get(media_of(catalog, "plan.wav"))
    assert answer.content == SVG
    assert answer.headers["content-type"].startswith("audio/")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def test_only_pictures_of_pixels_are_shown_by_the_browser() -> None:
    assert not any(word in kind for kind in SHOWN for word in ("svg", "html", "xml", "text"))


@pytest.mark.parametrize("name", ["gone.png", "b.png"])
def test_missing_media_is_a_404(client: TestClient, catalog: Catalog, lake: Path, *, name: str) -> None:
    (lake / "b.png").unlink()  # gone.png was never there
    answer = client.get(media_of(catalog, name))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "name",
    [
        "a.png",
        "labels.json",
        "999999",
        "99999999999999999999999",
        "-1",
        "٣",
        "%2e%2e",
        "..%2f..%2f..%2fetc%2fpasswd",
        "..%5c..%5cetc%5cpasswd",
        "%2Fetc%2Fpasswd",
        "file:%2F%2F%2Fetc%2Fpasswd",
        "s3:%2F%2Fbucket%2Fkey",
        "0%00",
        "0;x",
        "1 OR 1=1",
    ],
)
def test_nothing_but_an_assets_id_leads_to_bytes(client: TestClient, lake: Path, *, name: str) -> None:
    for path in (f"/v1/assets/{name}/media", f"/v1/assets/{lake}/{name}/media", f"/v1/assets/{name}"):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert b"root:" not in answer.content


@pytest.mark.parametrize("name", ["labels.json", "a.png", "nowhere.png"])
def test_a_search_opens_no_file_and_does_not_tell_whether_it_is_there(
    client: TestClient, lake: Path, *, name: str
) -> None:
    (lake / "secret").mkdir()
    for found in ("labels.json", "a.png"):
        (lake / found).rename(lake / "secret" / found)
    answer = client.get("/v1/search", params={"q": f'like:"{lake}/secret/{name}"'}).json()
    assert (answer["status"], answer["detail"]) == (400, f"no asset `{lake}/secret/{name}`")
