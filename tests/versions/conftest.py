"""Git without an identity, and an S3 server of our own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from datacat.config import Settings
from datacat.sources.location import Location, filesystem


@pytest.fixture(autouse=True)
def _no_git_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on a machine where nobody ever configured git, and with a configuration that would break ours."""
    hostile = tmp_path / "gitconfig"
    hostile.write_text("[commit]\ngpgsign = true\n[tag]\ngpgsign = true\n[user]\nuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(hostile))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """`s3://…` of an empty bucket on a server of our own."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    place = Location.parse(f"s3://lake-{uuid.uuid4().hex}")  # servers of one process share their buckets
    configuration = {"LocationConstraint": "eu-central-1"}
    filesystem(place, Settings()).call_s3(
        "create_bucket", Bucket=place.path, CreateBucketConfiguration=configuration
    )
    yield place.uri
    server.stop()
