"""The pages name what there is: every public method with its arguments, every package, every layer."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator

import pytest

import datacat
from datacat.catalog import Catalog
from datacat.concepts import Concepts
from datacat.query.ask import Answer
from datacat.query.facets import Facet, Facets
from datacat.query.hits import Hits
from datacat.sandbox import SqlResult
from datacat.saved import Searches
from datacat.versions.snapshots import Snapshot, Snapshots
from tests.house.test_sizes import ROOT

_PYTHON = (ROOT / "docs/reference/python.md").read_text("utf-8")
_FACETS = (ROOT / "docs/reference/facets.md").read_text("utf-8")
# Public among datacat's own modules, and no part of what a program is offered.
_INNER = {
    "Catalog": {"init", "open", "root", "settings"},  # datacat.init and datacat.open are the doors
    "Concepts": {"look_at", "shown"},
    "Searches": {"look_at", "shown", "outside", "expanded"},
    "Snapshots": {"create", "check", "pinned_states"},  # cat.freeze, cat.doctor and cat.gc call them
    "SqlResult": {"read_next_batch"},
}
# Those of every method that changes something are named once, at the head of the page.
_EVERYWHERE = {"self", "author", "message"}


def _public(kind: type) -> Iterator[str]:
    yield from (name for name in vars(kind) if not name.startswith("_"))


def _missing(kind: type, page: str) -> list[str]:
    inner = _INNER.get(kind.__name__, set())
    return [name for name in _public(kind) if name not in inner and not re.search(rf"\b{name}\b", page)]


@pytest.mark.parametrize(
    "kind",
    [Catalog, Hits, Answer, Concepts, Searches, Snapshots, Snapshot, SqlResult],
    ids=lambda kind: kind.__name__,
)
def test_every_public_member_is_in_the_reference(kind: type) -> None:
    code = " ".join(re.findall(r"`[^`\n]+`", _PYTHON))
    assert _missing(kind, code) == []


@pytest.mark.parametrize("kind", [Facets, Facet], ids=lambda kind: kind.__name__)
def test_every_public_member_of_facets_is_on_their_page(kind: type) -> None:
    assert _missing(kind, _FACETS + _PYTHON) == []


def test_every_argument_is_in_the_reference() -> None:
    """In the calls of that name on the page: `cat.search(query, limit=None, …)`."""
    wrong = []
    for kind in (Catalog, Hits, Concepts, Searches, Snapshots, Snapshot):
        for name in set(_public(kind)) - _INNER.get(kind.__name__, set()):
            method = inspect.getattr_static(kind, name)
            if inspect.isfunction(method):
                told = " ".join(re.findall(rf"\b{name}\(([^`]*)\)`", _PYTHON))
                arguments = set(inspect.signature(method).parameters) - _EVERYWHERE
                wrong += [
                    f"{kind.__name__}.{name}: {each}"
                    for each in arguments
                    if not re.search(rf"\b{each}\b", told)
                ]
    assert sorted(wrong) == []


def _layers() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = (each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    listed: list[str] = contract["layers"]
    return listed


def test_contributing_has_the_layers_of_the_contract() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (told,) = re.findall(r"From the top:\n(.*?)\. Siblings", page, re.DOTALL)
    assert re.findall(r"`([^`]+)`", told) == _layers()


def test_every_module_has_a_layer_and_is_named_in_the_architecture() -> None:
    folder = ROOT / "datacat"
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    modules = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
    layered = {name for layer in _layers() for name in re.findall(r"datacat\.(\w+)", layer)}
    assert layered == packages | modules
    architecture = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")
    assert sorted(name for name in packages | modules if not re.search(rf"\b{name}\b", architecture)) == []


def test_what_the_front_door_offers() -> None:
    doors = ["init", "open", "query_from_json", "query_to_json"]
    assert sorted(datacat.__all__) == ["Catalog", "DatacatError", "__version__", *doors]
    assert [name for name in datacat.__all__ if not hasattr(datacat, name)] == []
