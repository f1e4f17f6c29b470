"""How a search was answered, over HTTP."""

from __future__ import annotations

from starlette.testclient import TestClient


def test_an_explanation_says_what_each_step_read(client: TestClient) -> None:
    shown = client.get("/v1/explain", params={"q": "all data with roofs", "limit": 2}).json()
    assert (shown["interpretation"], shown["count"], shown["shown"]) == ("roof", 5, 2)
    assert shown["conditions"] == [{"text": "roof", "tables": ["annotations"]}]
    assert shown["terms"] == {"roof": ["Roof"]}
    assert [step["name"] for step in shown["steps"]] == ["understand", "find the page", "say why", "count"]
    (reading,) = [item for item in shown["steps"][3]["readings"] if item["table"] == "annotations"]
    assert (reading["rows"], reading["all_rows"], reading["scans"][0]["rows"]) == (6, 6, 6)
    assert [part["name"] for part in shown["steps"][0]["parts"]] == ["open the tables"]


def test_a_query_that_cannot_be_understood_is_refused(client: TestClient) -> None:
    assert client.get("/v1/explain", params={"q": "rof"}).status_code == 400
    assert client.get("/v1/explain", params={"q": "roof", "columns": "uri"}).status_code == 400
