"""Places for catalogs: a folder, and an S3 server of our own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from datacat.config import Settings
from datacat.sources.location import Location, filesystem
from datacat.testing.servers import CREDENTIALS, REGION, s3_server

# Other tests run beside each: how long an example takes says nothing.
settings.register_profile("datacat", deadline=None)
settings.load_profile("datacat")


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Neither the settings of who runs the tests nor what he has confirmed have a say."""
    own = tmp_path_factory.getbasetemp() / "user"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(own / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(own / "state"))


@pytest.fixture
def catalog_root(tmp_path: Path) -> Location:
    """A place for a catalog on the local disk."""
    return Location(str(tmp_path / "catalog"))


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """The address of an S3 server in a process of its own."""
    with s3_server() as address:
        yield address


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Location:
    """An empty bucket; `AWS_*` lead to it and the cache is a folder of this test."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_address)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bucket = Location(f"s3://lake-{uuid.uuid4().hex[:12]}")
    configuration = {"LocationConstraint": REGION}
    filesystem(bucket, Settings()).call_s3(
        "create_bucket", Bucket=bucket.path, CreateBucketConfiguration=configuration
    )
    return bucket
