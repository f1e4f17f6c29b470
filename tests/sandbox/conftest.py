"""A catalog of three label sets to ask in SQL, and ways to ask."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from datacat.config import Settings
from datacat.sandbox import SqlResult, run_sql
from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.testing.staging import LabelFile, box, corpus, ingest

SETTINGS = Settings(threads=2, memory_limit="500MB", sql_memory="256MiB", sql_timeout_s=30)

Ask = Callable[..., SqlResult]


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The corpus of `datacat.testing.staging` with a record that was rejected and a concept."""
    folder = tmp_path_factory.mktemp("sql")
    made = Tables.create(Location(str(folder / "catalog")), SETTINGS, author="ada")
    corpus(made, folder=folder)
    said = [box("/lake/a.png", "Fancy Roofs", attributes={"doors": [{"side": "left"}]})]
    bad = [{"position": "line 3", "reason": "no box", "excerpt": "…"}]
    ingest(made, "extra/odd", files=[LabelFile("/l/odd", ["/lake/a.png"], said, rejects=bad)], folder=folder)
    members = {"concept": ["roof", "roof"], "team": [None, "extra"], "class": ["rooftops", "fancy roof"]}
    made.replace("concepts", lambda old: pa.table(members), author="ada", message="")
    return made


@pytest.fixture(scope="session")
def ask(tables: Tables) -> Ask:
    """Runs SQL over that catalog."""

    def asked(sql: str, **options: Any) -> SqlResult:
        return run_sql(tables, sql, state=tables.state(), **options)

    return asked


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that no query may read."""
    path = tmp_path / "secret.csv"
    path.write_text("word\nabracadabra\n")
    return path


@pytest.fixture
def open_port() -> Iterator[int]:
    """A port of this machine where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
