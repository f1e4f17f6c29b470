"""`--json` and the service name the same things in the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from datacat.catalog import Catalog
from datacat.cli.main import main
from datacat_api import create_app
from tests.api.conftest import write_lake

# A command and the path that answers the same. Lists stand in `items` there, and the state is always said.
_SAME = [
    ("log", "/v1/log"),
    ("classes", "/v1/classes"),
    ("attributes", "/v1/attributes"),
    ("concepts list", "/v1/concepts"),
    ("searches list", "/v1/searches"),
    ("snapshot list", "/v1/snapshots"),
    ("snapshot show roofs", "/v1/snapshots/roofs"),
    ("overview", "/v1/overview"),
    ("overlap mapping claims", "/v1/overlap?left=mapping&right=claims"),
    ("show 1", "/v1/assets/1"),
    ("ask roofs?", "/v1/ask?q=roofs?"),
    ("search roof[material=slate]", "/v1/search?q=roof[material=slate]&count=true"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A catalog with something of each kind; two teams say the same."""
    folder = tmp_path_factory.mktemp("used")
    lake = str(write_lake(folder / "lake"))
    made = Catalog.init(str(folder / "catalog"))
    for team in ("mapping", "claims"):
        made.ingest(lake, team=team, name="roofs")
    made.concepts.add("roof", ["mapping:Roof"])
    made.searches.save("slates", "roof[material=slate]")
    made.freeze("roofs", query="roof")
    return str(made.root)


def _shape(value: Any, *, path: str = "") -> set[str]:
    """The paths of all keys; attributes and metadata are the label files' own."""
    if isinstance(value, list):
        return {found for item in value for found in _shape(item, path=f"{path}[]")}
    if not isinstance(value, Mapping):
        return set()
    own = {f"{path}.{key}" for key in value}
    if path.endswith((".attributes", ".metadata", ".splits", ".concepts")):
        return set()
    return own.union(*(_shape(item, path=f"{path}.{key}") for key, item in value.items()))


@pytest.mark.parametrize(("command", "path"), _SAME)
def test_a_command_and_the_service_say_the_same(
    root: str, capsys: pytest.CaptureFixture[str], command: str, path: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "-C", root, "--json"])
    assert not ended.value.code
    with TestClient(create_app(root), base_url="http://localhost") as client:
        answer = client.get(path).json()
    served = _shape(answer.get("items", answer)) - {".state"}
    told = _shape(json.loads(capsys.readouterr().out)) - {".state"}
    assert told
    assert told == served
