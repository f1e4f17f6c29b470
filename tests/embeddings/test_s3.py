"""Vectors, spaces and the lease on S3."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.config import Settings
from datacat.embeddings import Embeddings, lease
from datacat.embeddings.lease import sole_writer
from datacat.errors import EmbeddingError
from datacat.sources.location import Location, filesystem
from tests.embeddings.lakes import lake, picture, shown
from tests.embeddings.test_nearest import Question


def test_pictures_and_vectors_on_s3(s3: Location, folder: Path, weights: str) -> None:
    embeddings = Embeddings(s3.child("catalog"), Settings())
    rows = lake(folder, map(picture, range(6)))
    for row in rows:
        place = s3.child(f"lake/{row['asset']}.png")
        filesystem(place, Settings()).pipe_file(place.path, Path(str(row["uri"])).read_bytes())
        row["uri"] = place.uri
    rows.append(rows[0] | {"asset": 6, "uri": s3.child("lake/gone.png").uri, "digest": None})
    report = embeddings.embed(shown(rows), checkpoint=weights, batch_size=4)
    assert (report.embedded, report.skipped) == (6, (("cannot be read", 1),))
    again = Embeddings(s3.child("catalog"), Settings())
    assert again.embed(shown(rows), checkpoint=weights).embedded == 0
    nearest = again.nearest(shown(rows))
    assert nearest(Question(file=str(rows[3]["uri"])), 2, None)["asset"][0].as_py() == 3
    assert len(nearest(Question(asset=3), 10, None)) == 6
    assert [finding.severity for finding in again.check(shown(rows))] == ["note"]  # gone.png waits


def test_the_endpoint_may_be_a_setting(
    s3: Location, s3_address: str, folder: Path, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_REGION")
    settings = Settings(s3_endpoint=s3_address, s3_region="eu-central-1")
    embeddings = Embeddings(s3.child("catalog"), settings)
    assert embeddings.embed(shown(lake(folder, [picture(0)])), checkpoint=weights).embedded == 1
    assert embeddings.spaces()["vectors"].to_pylist() == [1]


def test_one_writer_a_space_on_s3(s3: Location, weights: str) -> None:
    embeddings = Embeddings(s3.child("catalog"), Settings())
    space = embeddings.embed(shown([]), checkpoint=weights).space
    folder = s3.child("catalog/vectors")
    with sole_writer(folder, space, settings=Settings()):
        with pytest.raises(EmbeddingError, match=f"another process is embedding into {space} .*process"):
            embeddings.embed(shown([]), checkpoint=weights)
        with sole_writer(folder, "another-space", settings=Settings()):
            pass
    assert embeddings.embed(shown([]), checkpoint=weights).space == space
    assert not [
        name for name in filesystem(folder, Settings()).ls(folder.path) if str(name).endswith(".lease")
    ]


def test_a_lease_that_nobody_renews_is_taken_over(s3: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = s3.child("vectors")
    abandoned = lease._Lease(folder.child("s.lease"), Settings())
    abandoned.take()
    with (
        pytest.raises(EmbeddingError, match="another process"),
        sole_writer(folder, "s", settings=Settings()),
    ):
        pass
    monkeypatch.setattr(lease, "LEASE_S", 0.0)
    follower = lease._Lease(folder.child("s.lease"), Settings())
    follower.take()
    assert not abandoned._put(IfMatch=abandoned._etag)
    abandoned.give_back()  # not its own any more
    assert follower._put(IfMatch=follower._etag)


def test_a_writer_that_was_overtaken_stops(s3: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LEASE_S", 0.2)
    folder = s3.child("vectors")
    with sole_writer(folder, "s", settings=Settings()) as confirm:
        confirm()
        place = folder.child("s.lease")
        filesystem(place, Settings()).pipe_file(place.path, b"somebody else")
        with pytest.raises(EmbeddingError, match="another process took it over"):
            _confirm_for_a_while(confirm)


def _confirm_for_a_while(confirm: Callable[[], None]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        confirm()
        time.sleep(0.01)
