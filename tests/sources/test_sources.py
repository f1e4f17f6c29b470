"""Listing, reading and measuring on disk and on an S3 server."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from datacat.config import Settings
from datacat.errors import LocationError
from datacat.sources.changes import compared
from datacat.sources.listing import listed
from datacat.sources.location import Location, filesystem
from datacat.sources.media import measured, upright_size
from datacat.sources.reading import decoded, read_bytes, read_many
from datacat.testing.format_suite import rows
from tests.ingest.test_formats import coco, save


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Location, Settings]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    settings = Settings(
        s3_endpoint="http://{}:{}".format(*server.get_host_and_port()), s3_region="eu-west-1", threads=1
    )
    place = Location.parse("s3://lake/data")
    filesystem(place, settings).mkdir("lake")
    yield place, settings
    filesystem(place, settings).rm("lake", recursive=True)  # servers in one process share their buckets
    server.stop()


def test_a_folder_is_listed_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/x.txt", "a.txt", ".git/config"):
        save(tmp_path / name, "1")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    assert [Path(e.uri).name for e in listed(Location(str(tmp_path)), Settings())] == ["a.txt", "x.txt"]


def test_changes_are_new_changed_same_and_gone(tmp_path: Path) -> None:
    for name in "abc":
        save(tmp_path / name, name)
    before = {entry.uri: entry for entry in listed(Location(str(tmp_path)), Settings())}
    (tmp_path / "a").unlink()
    save(tmp_path / "b", "longer")
    save(tmp_path / "d", "d")
    found = compared(listed(Location(str(tmp_path)), Settings()), before)
    parts = (found.new, found.changed, found.same, found.gone)
    assert [[Path(uri).name for uri in part] for part in parts] == [
        ["d"], ["b"], ["c"], ["a"]
    ]  # fmt: skip


def test_text_is_decoded_and_guesses_are_told() -> None:
    assert decoded("é\r\nx".encode("utf-16")) == ("é\nx", None)
    assert decoded(b"\xef\xbb\xbfa") == ("a", None)
    text, note = decoded(b"caf\xe9")
    assert (text, note is not None) == ("café", True)


def test_media_are_measured_or_faulted(tmp_path: Path) -> None:
    Image.new("RGB", (7, 5)).save(tmp_path / "a.jpg")
    save(tmp_path / "b.png", "no picture")
    with wave.open(str(tmp_path / "c.wav"), "wb") as sound:
        sound.setparams((1, 2, 100, 0, "NONE", ""))
        sound.writeframes(bytes(300))
    a, b, c = (measured(entry, Settings()) for entry in listed(Location(str(tmp_path)), Settings()))
    assert (a.width, a.height, a.fault) == (7, 5, None)
    assert a.digest == hashlib.sha256((tmp_path / "a.jpg").read_bytes()).hexdigest()
    assert b.fault
    assert c.duration_s == 1.5
    assert upright_size(str(tmp_path / "a.jpg"), Settings()) == (7, 5)


def test_s3_is_read_like_a_disk(bucket: tuple[Location, Settings], tmp_path: Path) -> None:
    import json

    from datacat.ingest.pipeline import IngestRequest, stage

    place, settings = bucket
    with pytest.raises(LocationError):
        listed(place, settings)
    system = filesystem(place, settings)
    system.pipe("lake/data/labels/a.json", json.dumps(coco(3)).encode())
    Image.new("RGB", (100, 80)).save(tmp_path / "0.png")
    system.pipe("lake/data/images/0.png", (tmp_path / "0.png").read_bytes())
    uris = [entry.uri for entry in listed(place, settings)]
    assert uris == ["s3://lake/data/images/0.png", "s3://lake/data/labels/a.json"]
    assert read_bytes(uris[0], settings, start=1, end=4) == b"PNG"
    assert [len(content) for _, content in read_many(uris, settings) if isinstance(content, bytes)] == [
        system.size(uri) for uri in uris
    ]
    staged = stage(
        IngestRequest(place), into=tmp_path / "out", known_files={}, known_media={}, settings=settings
    )
    assert len(rows(staged, "annotations")) == 3
    media = {row["uri"]: row for row in rows(staged, "media")}
    assert media["s3://lake/data/images/0.png"]["width"] == 100
    assert sum(row["is_missing"] for row in media.values()) == 2


def test_an_empty_object_has_an_empty_beginning(bucket: tuple[Location, Settings]) -> None:
    place, settings = bucket
    system = filesystem(place, settings)
    system.pipe("lake/data/empty.txt", b"")
    system.pipe("lake/data/short.txt", b"abc")
    assert read_bytes("s3://lake/data/empty.txt", settings, start=0, end=100) == b""
    assert read_bytes("s3://lake/data/short.txt", settings, start=3, end=9) == b""
    assert read_bytes("s3://lake/data/short.txt", settings, start=1, end=9) == b"bc"
    with pytest.raises(LocationError):
        read_bytes("s3://lake/data/none.txt", settings, start=0, end=9)


def test_an_empty_label_file_on_s3_says_that_nothing_is_there(
    bucket: tuple[Location, Settings], tmp_path: Path
) -> None:
    from datacat.ingest.pipeline import IngestRequest, stage

    place, settings = bucket
    system = filesystem(place, settings)
    Image.new("RGB", (10, 8)).save(tmp_path / "0.png")
    for name in ("0", "1"):
        system.pipe(f"lake/data/images/{name}.png", (tmp_path / "0.png").read_bytes())
    system.pipe("lake/data/labels/0.txt", b"0 0.5 0.5 0.1 0.1\n")
    system.pipe("lake/data/labels/1.txt", b"")
    staged = stage(
        IngestRequest(place), into=tmp_path / "out", known_files={}, known_media={}, settings=settings
    )
    assert not staged.skipped
    assert {row["uri"].rsplit("/", 1)[1] for row in rows(staged, "listed")} == {"0.png", "1.png"}
