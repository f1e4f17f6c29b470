"""What the service answers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import datacat
from datacat.catalog import Catalog
from tests.api.conftest import PICTURES


def test_search_answers_as_the_catalog_does(client: TestClient, catalog: Catalog) -> None:
    answer = client.get("/v1/search", params={"q": "roof[material=slate]", "count": "true"}).json()
    hits = list(catalog.search("roof[material=slate]"))
    assert [hit["uri"] for hit in answer["hits"]] == [hit.uri for hit in hits]
    assert [hit["asset"] for hit in answer["hits"]] == [hit.asset for hit in hits]
    assert answer["hits"][0]["why"] == list(hits[0].why)
    assert answer["hits"][0]["matches"][0]["class"] == "Roof"
    assert (answer["total"], answer["state"], answer["next"]) == (3, catalog.state, None)
    assert answer["interpretation"] == catalog.search("roof[material=slate]").interpretation
    assert answer["concepts"] == {}


def test_pages_join_to_the_whole(client: TestClient) -> None:
    seen, after = [], None
    while True:
        parameters = {"q": "roof", "limit": 2} | ({"after": after} if after else {})
        answer = client.get("/v1/search", params=parameters).json()
        seen += [Path(hit["uri"]).name for hit in answer["hits"]]
        after = answer["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(PICTURES)


def test_an_ingest_is_seen_at_once_and_pages_keep_their_state(
    client: TestClient, catalog: Catalog, lake: Path
) -> None:
    first = client.get("/v1/search", params={"q": "roof", "limit": 1}).json()
    document = json.loads((lake / "labels.json").read_text())
    document["annotations"] = document["annotations"][:1]
    (lake / "labels.json").write_text(json.dumps(document))
    catalog.ingest(str(lake), team="mapping", name="roofs")
    newest = client.get("/v1/search", params={"q": "roof", "count": True}).json()
    assert (newest["state"], newest["total"]) == (catalog.state, 1)
    second = client.get("/v1/search", params={"q": "roof", "limit": 9, "after": first["next"]}).json()
    assert (second["state"], len(second["hits"])) == (first["state"], len(PICTURES) - 1)
    past = client.get("/v1/search", params={"q": "roof", "count": True, "at": first["state"]}).json()
    assert (past["state"], past["total"]) == (first["state"], len(PICTURES))


def test_an_asset_shows_everything_and_keeps_json_untouched(client: TestClient, catalog: Catalog) -> None:
    number = next(iter(catalog.search("roof"))).asset
    answer = client.get(f"/v1/assets/{number}").json()
    view = catalog.asset(number)
    assert (answer["asset"], answer["uri"], answer["digest"]) == (number, view.uri, view.digest)
    assert [one["class"] for one in answer["annotations"]] == ["Roof", "Roof"]
    assert [one["attributes"] for one in answer["annotations"]] == [
        one.attributes for one in view.annotations
    ]
    assert answer["annotations"][0]["attributes"] == {"material": "slate", "nested": {"huge": 2**70}}
    assert answer["annotations"][0]["geometry"] == [[1, 2, 31, 2, 31, 22]]
    assert answer["label_sets"][0]["label_set"] == "mapping/roofs"


def test_the_vocabulary_is_listed(client: TestClient) -> None:
    (roof,) = client.get("/v1/classes").json()["items"]
    assert (roof["class"], roof["teams"], roof["annotations"], roof["assets"]) == ("Roof", ["mapping"], 6, 5)
    paths = {item["path"]: item for item in client.get("/v1/attributes").json()["items"]}
    assert set(paths) == {"material", "nested.huge"}
    assert sorted(paths["material"]["examples"]) == ["slate", "tile"]
    (label_set,) = client.get("/v1/label-sets").json()["items"]
    assert (label_set["label_set"], label_set["format"]) == ("mapping/roofs", "coco")


def test_lists_are_paged(client: TestClient) -> None:
    first = client.get("/v1/attributes", params={"limit": 1}).json()
    second = client.get("/v1/attributes", params={"limit": 1, "after": first["next"]}).json()
    assert [page["items"][0]["path"] for page in (first, second)] == ["material", "nested.huge"]
    assert second["next"] is None


def test_the_log_is_paged_newest_first(client: TestClient, catalog: Catalog) -> None:
    first = client.get("/v1/log", params={"limit": 1}).json()
    assert first["items"][0]["state"] == catalog.state
    assert (first["items"][0]["author"], first["items"][0]["message"]) == ("ada", "first roofs")
    assert first["items"][0]["changes"]["annotations"] == {"added": 6, "removed": 0}
    second = client.get("/v1/log", params={"after": first["next"]}).json()
    assert [entry["state"] for entry in second["items"]] == list(range(catalog.state - 1, -1, -1))


def test_snapshots_are_listed_and_shown(client: TestClient, catalog: Catalog) -> None:
    assert client.get("/v1/snapshots").json() == {"items": [], "next": None, "state": catalog.state}
    frozen = catalog.freeze("roofs", query="roof", split="train=0.5,val=0.5")
    (listed,) = client.get("/v1/snapshots").json()["items"]
    shown = client.get("/v1/snapshots/roofs@1").json()
    assert shown == listed == client.get("/v1/snapshots/roofs").json()
    assert (shown["joining"]["overlap"], shown["joined"]) == ("keep", {})
    assert client.get("/v1/snapshots/barns").status_code == 404
    assert (shown["snapshot"], shown["digest"], shown["assets"]) == ("roofs@1", frozen.definition.digest, 5)
    assert sum(shown["splits"].values()) == 5


def test_health_tells_state_and_version(client: TestClient, catalog: Catalog) -> None:
    expected = {
        "status": "ok",
        "state": catalog.state,
        "version": datacat.__version__,
        "running": 0,
        "waiting": 0,
    }
    assert client.get("/v1/health").json() == expected


def test_many_requests_at_once_agree(client: TestClient) -> None:
    def count(query: str) -> int:
        return int(client.get("/v1/search", params={"q": query, "count": True}).json()["total"])

    queries = ["roof", "roof[material=slate]", "roof[material=tile]"] * 12
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, queries)) == [5, 3, 3] * 12


def test_the_catalog_may_come_from_the_environment(catalog: Catalog, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from datacat_api import create_app

    monkeypatch.setenv("DATACAT_CATALOG", str(catalog.root))
    with TestClient(create_app(), base_url="http://127.0.0.1:8000") as client:
        assert client.get("/v1/health").json()["state"] == catalog.state


def test_a_query_may_come_as_json(client: TestClient) -> None:
    document = {"version": 1, "query": {"words": ["roof"]}}
    found = client.get("/v1/search", params={"document": json.dumps(document), "limit": 1}).json()
    assert found["interpretation"] == "roof"
    assert found["hits"] == client.get("/v1/search", params={"q": "roof", "limit": 1}).json()["hits"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"document": "{"},
        {"document": '{"version": 1, "query": {"word": ["roof"]}}'},
        {},
        {"q": "", "document": "{}"},
    ],
)
def test_a_document_that_is_no_query_is_refused(client: TestClient, parameters: dict[str, str]) -> None:
    assert client.get("/v1/search", params=parameters).status_code == 400


def test_an_absence_says_what_nobody_looked_for(client: TestClient) -> None:
    counted = client.get("/v1/search", params={"q": "NOT roof", "count": True}).json()
    answers = counted["answers"]
    everything = client.get("/v1/search", params={"q": "", "count": True}).json()["total"]
    assert answers["yes"] == counted["total"]
    assert sum(answers.values()) == everything


def test_every_query_can_be_asked_for_its_three_answers(client: TestClient) -> None:
    asked = {"q": "roof[material=slate]", "limit": 1, "answers": True}
    assert client.get("/v1/search", params=asked).json()["answers"] == {"yes": 3, "no": 2, "unknown": 0}
    assert client.get("/v1/search", params=asked | {"answers": False}).json()["answers"] is None


def test_a_ranking_is_not_counted(client: TestClient, catalog: Catalog) -> None:
    """It would mean to rank every asset a second time, to say how many have a vector."""
    catalog.embed(model="tiny")
    answer = client.get("/v1/search", params={"q": '"a roof"', "limit": 2, "count": True}).json()
    assert (len(answer["hits"]), answer["total"]) == (2, None)


def test_a_plain_question_is_answered(client: TestClient) -> None:
    answer = client.get("/v1/ask", params={"q": "do we have any roofs?", "limit": 1}).json()
    assert answer["understood"]["query"] == "roof"
    assert answer["concepts"] == client.get("/v1/search", params={"q": "roof"}).json()["concepts"]
    assert len(answer["labelled"]) == 1
    assert (
        answer["answers"]["yes"]
        == client.get("/v1/search", params={"q": "roof", "count": True}).json()["total"]
    )


def test_a_search_that_finds_nothing_names_the_value_that_nobody_has(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "material=slat"}).json()
    assert (found["hits"], found["hint"]) == ([], "no `material` is `slat`; did you mean `slate`?")
    assert client.get("/v1/search", params={"q": "material=slate"}).json()["hint"] is None


def test_a_query_is_converted_to_its_other_form(client: TestClient) -> None:
    said = {"words": ["roof"], "where": {"field": "material", "operator": "=", "value": "slate"}}
    both = {"text": "roof[material=slate]", "document": {"version": 1, "query": said}}
    assert client.get("/v1/query", params={"q": "roof[ material = slate ]"}).json() == both
    document = json.dumps(both["document"])
    assert client.get("/v1/query", params={"document": document}).json() == both


def test_a_query_that_is_none_is_refused_in_either_form(client: TestClient) -> None:
    deep = '{"group":' * 1_500 + '{"words":["a"]}' + "}" * 1_500
    for asked in (
        {},
        {"q": "roof["},
        {"q": "(" * 4_000 + "roof" + ")" * 4_000},
        {"document": "{}"},
        {"document": f'{{"version": 1, "query": {deep}}}'},
    ):
        assert client.get("/v1/query", params=asked).status_code == 400
    assert client.get("/v1/query", params={"q": "roof", "at": "0"}).status_code == 400
