"""A model that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from datacat.config import Settings
from datacat.embeddings import Embeddings
from datacat.sources.location import Location
from tests.embeddings.lakes import write_model


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The weights of an untrained model; its configuration lies beside them."""
    return str(write_model(tmp_path_factory.mktemp("model") / "blank"))


@pytest.fixture
def embeddings(catalog_root: Location) -> Embeddings:
    """Of an empty catalog on disk."""
    return Embeddings(catalog_root, Settings())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test keeps its pictures."""
    return tmp_path / "lake"
