"""Media: the bytes of assets and of nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat.errors import MediaRefused
from datacat.media import media_of as media_of_asset
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
    for name in ("a.png", "plan.wav"):  # pages that call themselves something else
        answer = client.get(media_of(catalog, name))
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert b"<svg" not in answer.content
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_a_browser_does_not_show_is_a_download_that_runs_nothing(
    client: TestClient, catalog: Catalog, lake: Path
) -> None:
    (lake / "plan.wav").write_bytes(b"RIFF\x04\0\0\0WAVE<script>")
    answer = client.get(media_of(catalog, "plan.wav"))
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def test_the_type_is_that_of_the_bytes(client: TestClient, catalog: Catalog, lake: Path) -> None:
    (lake / "a.png").write_bytes(b"GIF89a" + bytes(20))
    assert client.get(media_of(catalog, "a.png")).headers["content-type"] == "image/gif"


def test_a_picture_that_became_a_link_out_of_the_lake_is_refused(
    client: TestClient, catalog: Catalog, lake: Path
) -> None:
    secret = lake.parent / "secret.png"
    (lake / "a.png").rename(secret)
    (lake / "a.png").symlink_to(secret)
    assert client.get(media_of(catalog, "a.png")).status_code == 403
    (lake / "a.png").unlink()
    (lake / "a.png").symlink_to(lake / "b.png")
    assert client.get(media_of(catalog, "a.png")).content == (lake / "b.png").read_bytes()


def test_a_pipe_in_the_place_of_a_picture_does_not_hold_the_service(
    client: TestClient, catalog: Catalog, lake: Path
) -> None:
    (lake / "a.png").unlink()
    os.mkfifo(lake / "a.png")
    assert client.get(media_of(catalog, "a.png")).status_code == 403


def test_the_head_of_media_is_that_of_a_get(client: TestClient, catalog: Catalog) -> None:
    path = media_of(catalog, "b.png")
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"] == str(len(whole.content))


def test_a_foreign_catalog_cannot_name_a_file_of_this_machine(catalog: Catalog, lake: Path) -> None:
    # Whoever made a catalog may have written any URI into it, and any place as its source.
    (lake.parent / "passwd").write_text("root:x:0:0\n" * 99)
    number, settings = catalog.asset("a.png").asset, catalog.settings
    cursor = catalog.cursor()
    for place, uri, kind in (
        (str(lake), lake.parent / "passwd", "leads outside"),
        (str(lake.parent), lake.parent / "passwd", "by its content"),
        ("/proc", "/proc/self/environ", "leads outside"),
    ):
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE sources AS SELECT ? AS location, '{}' AS options", [place]
        )
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE assets AS SELECT ? AS asset, ? AS uri, false AS is_missing",
            [number, str(uri)],
        )
        with pytest.raises(MediaRefused, match=kind):
            media_of_asset(cursor, number, settings=settings)


def test_the_operator_may_say_where_media_lie(catalog: Catalog, lake: Path) -> None:
    number, cursor = catalog.asset("a.png").asset, catalog.cursor()
    elsewhere = replace(catalog.settings, media_roots=f"{lake.parent / 'none'}:s3://bucket/x")
    with pytest.raises(MediaRefused, match="leads outside"):
        media_of_asset(cursor, number, settings=elsewhere)
    here = replace(catalog.settings, media_roots=f"s3://bucket/x:{lake}")
    assert media_of_asset(cursor, number, settings=here).read() == (lake / "a.png").read_bytes()


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
