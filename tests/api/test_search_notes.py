"""What a search over HTTP says beside its hits: contradicted counts, texts beside numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat_api import create_app
from tests.catalog.lakes import box, coco, draw


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """Two teams look at a picture of which one has two roofs and the other one."""
    draw(tmp_path / "lake", ["a.png"])
    catalog = Catalog.init(str(tmp_path / "cat"))
    for team, count in (("a", 2), ("b", 1)):
        place = tmp_path / f"lake/{team}.json"
        coco(place, [box("a.png", "roof", bbox=[10 * number, 1, 5, 5]) for number in range(count)])
        catalog.ingest(str(place), team=team, name="roofs", media_root=str(tmp_path / "lake"))
    return TestClient(create_app(str(catalog.root)), base_url="http://localhost")


@pytest.mark.parametrize(
    ("query", "is_contradicted"),
    [("count(roof)>=2", True), ("count(roof across teams)>=2", False), ("roof", False)],
)
def test_a_hit_says_whether_another_label_set_denies_its_count(
    client: TestClient, query: str, is_contradicted: bool
) -> None:
    (hit,) = client.get("/v1/search", params={"q": query}).json()["hits"]
    assert hit["is_contradicted"] is is_contradicted


def test_a_question_says_that_it_counts_within_each_label_set(client: TestClient) -> None:
    asked = {
        question: client.get("/v1/ask", params={"q": question}).json() for question in ("two roofs", "roofs")
    }
    assert asked["two roofs"]["understood"]["is_counted"]
    assert not asked["roofs"]["understood"]["is_counted"]


def test_texts_beside_a_number_are_named_beside_hits(tmp_path: Path) -> None:
    draw(tmp_path / "lake", ["a.png"])
    scores = [{"score": 0.95}, {"score": "0.9"}]
    coco(tmp_path / "lake/labels.json", [box("a.png", "roof", attributes=score) for score in scores])
    catalog = Catalog.init(str(tmp_path / "cat"))
    catalog.ingest(str(tmp_path / "lake"), team="a", name="roofs")
    client = TestClient(create_app(str(catalog.root)), base_url="http://localhost")
    answer = client.get("/v1/search", params={"q": "roof[score>0.8]"}).json()
    assert len(answer["hits"]) == 1
    assert answer["hint"] == '1 value of `score` is text ("0.9"), which is not compared with a number'
