"""Requests that ask for too much or lead elsewhere are refused, or answered as though they had not."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from datacat.catalog import Catalog


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (
            "bytes=" + ",".join(f"{at}-{at}" for at in range(5_000)),
            200,
        ),  # all of it, as RFC 9110 allows of odd ranges
        ("bytes=0-" + "9" * 5_000, 200),
        ("bytes=" + "9" * 5_000 + "-", 200),
        ("bytes=-" + "9" * 5_000, 200),
        ("bytes=0-0,-1", 200),
        ("bytes=5-2", 416),
        ("bytes=\u0663-", 200),
        ("bytes=0x0-", 200),
        ("items=0-5", 200),
    ],
)
def test_ranges_that_ask_for_too_much(
    client: TestClient, catalog: Catalog, *, asked: str, status: int
) -> None:
    (hit, *_) = catalog.search("roof")
    answer = client.get(f"/v1/assets/{hit.asset}/media", headers={"Range": asked.encode()})
    assert answer.status_code == status
    assert len(answer.content) <= len(client.get(f"/v1/assets/{hit.asset}/media").content)


@pytest.mark.parametrize(
    "asked",
    [
        "q=" + "x" * 20_000,
        "q=" + "(" * 9_000,
        "q=" + "NOT%20" * 1_500 + "roof",
        "document=" + "[" * 50_000,
        "q=roof&limit=" + "9" * 5_000,
        "q=roof&at=" + "9" * 5_000,
        "q=roof&after=" + "9" * 399,
        "q=roof&" + "&".join(f"p{at}=1" for at in range(2_000)),
        "q=roof&limit=1001",
        "q=%00",
    ],
)
def test_queries_that_are_too_large_or_too_deep_are_refused(client: TestClient, asked: str) -> None:
    answer = client.get(f"/v1/search?{asked}")
    assert (answer.status_code // 100, answer.headers["content-type"]) == (4, "application/problem+json")
    assert len(answer.content) < 60_000
