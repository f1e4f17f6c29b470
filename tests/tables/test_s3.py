"""A catalog under s3://, on a server that answers, one that ignores conditions, and one that fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from datacat.config import Settings
from datacat.errors import CatalogError, CatalogExists, CatalogNotFound, CommitUnknown, StorageUnsafe
from datacat.model.schemas import TABLES
from datacat.sources.location import Location, filesystem
from datacat.tables import Tables, newest
from datacat.testing.servers import Answer, Fault, Request, careless, faulty
from datacat.testing.staging import corpus
from tests.tables.places import SETTINGS, add_concepts, errors, rows

CONCEPT = pa.Table.from_pylist([{"concept": "roof", "class": "Roof"}], schema=TABLES["concepts"])


def test_a_catalog_on_s3_is_like_one_on_disk(s3: Location, catalog_root: Location, tmp_path: Path) -> None:
    remote = Tables.create(s3.child("deep/catalog"), SETTINGS, author="ada")
    local = Tables.create(catalog_root, SETTINGS, author="ada")
    assert list(corpus(remote, folder=tmp_path).values()) == list(corpus(local, folder=tmp_path).values())
    again = Tables.open(remote.root, SETTINGS)
    for kind in ("annotations", "assets", "attribute_values", "label_set_assets"):
        query = f"SELECT COLUMNS(c -> c <> 'first_seen') FROM {kind} ORDER BY ALL"
        assert rows(again, query) == rows(local, query)
    assert len(rows(again, "FROM annotations", at=1)) == 3
    assert [entry.message for entry in again.log()] == [entry.message for entry in local.log()]
    assert list(again.check(again.state())) == []


def test_s3_places_are_refused_like_folders(s3: Location) -> None:
    with pytest.raises(CatalogNotFound):
        Tables.open(s3, SETTINGS)
    Tables.create(s3, SETTINGS, author="ada")
    with pytest.raises(CatalogExists):
        Tables.create(s3, SETTINGS, author="ada")


def test_files_are_read_from_a_cache(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    cache = tables.store.files.cache
    assert cache
    shutil.rmtree(cache.folder)
    assert len(rows(tables, "FROM annotations")) == 7
    copies = set(cache.folder.rglob("*.parquet"))
    assert len(copies) == len(tables.state().files)
    assert list(cache.folder.rglob("*.tmp")) == []
    (copy, *_) = copies
    copy.write_bytes(b"cut")  # another size: not trusted
    assert len(rows(tables, "FROM annotations")) == 7
    assert copy.stat().st_size > 3


def test_a_file_that_is_gone_from_the_store_is_said(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    (file, *_) = tables.state().of("annotations")
    assert tables.store.files.cache
    shutil.rmtree(tables.store.files.cache.folder)
    filesystem(s3, SETTINGS).rm_file(s3.child(f"log/{file.path}").path)
    with pytest.raises(CatalogError, match="is gone"):
        tables.cursor(tables.state())
    assert errors(tables) == [f"{file.path} is gone"]


def test_a_server_that_ignores_conditions_is_refused(s3: Location, s3_address: str) -> None:
    tables = Tables.create(s3.child("good"), SETTINGS, author="ada")
    with faulty(s3_address, careless) as address:
        through = Settings(threads=1, s3_endpoint=address)
        with pytest.raises(StorageUnsafe, match="If-None-Match"):
            Tables.create(s3.child("bad"), through, author="ada")
        reader = Tables.open(tables.root, through)
        assert rows(reader, "FROM concepts") == []
        with pytest.raises(StorageUnsafe):
            add_concepts(reader, CONCEPT)
    assert tables.state().number == 0
    assert filesystem(s3, SETTINGS).find(s3.child("bad").path) == []


def test_a_server_that_answered_late_is_not_accused(s3: Location, s3_address: str) -> None:
    """The first PUT is carried out and its answer lost; the client asks again, and is told that there is one."""
    lost: list[str] = []

    def fault(request: Request) -> Answer | None:
        answer = request.forward(request.headers)
        if request.method == "PUT" and "/ids/probe-" in request.path and not lost:
            lost.append(request.path)
            return None
        return answer

    with faulty(s3_address, fault) as address:
        Tables.create(s3, Settings(threads=1, s3_endpoint=address), author="ada")
    assert len(lost) == 1
    assert Tables.open(s3, SETTINGS).state().number == 0


def commits(request: Request) -> bool:
    return request.method == "PUT" and "/_delta_log/" in request.path


def through(s3_address: str, fault: Fault, root: Location) -> int | None:
    with faulty(s3_address, fault) as address:
        settings = Settings(threads=1, s3_endpoint=address)
        return add_concepts(Tables.open(root, settings), CONCEPT)


def test_an_answer_that_got_lost_is_found_to_be_a_commit(s3: Location, s3_address: str) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    lost: list[int] = []

    def fault(request: Request) -> Answer | None:
        answer = request.forward(request.headers)
        if commits(request) and not lost:
            lost.append(answer[0])
            return None
        return answer

    assert through(s3_address, fault, s3) == 1
    assert lost == [200]
    assert rows(tables, "SELECT concept FROM concepts") == [("roof",)]


def test_a_store_that_never_says_is_unknown(s3: Location, s3_address: str) -> None:
    """Commits are refused with an error that says nothing of whether they happened."""
    tables = Tables.create(s3, SETTINGS, author="ada")

    def fault(request: Request) -> Answer:
        return (400, {}, b"") if commits(request) else request.forward(request.headers)

    with pytest.raises(CommitUnknown, match="neither yes nor no"):
        through(s3_address, fault, s3)
    assert add_concepts(tables, CONCEPT) == 1


def test_a_torn_entry_on_s3_is_replaced_by_one_that_changes_nothing(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    filesystem(s3, SETTINGS).pipe_file(s3.child(f"log/_delta_log/{3:020}.json").path, b"")
    filesystem(s3, SETTINGS).rm_file(newest.place(s3).path)  # as if it had never been whole
    opened = Tables.open(s3, SETTINGS)
    assert opened.state().number == 2
    assert corpus(opened, folder=tmp_path)["driving/street"].state == 4
    assert len(rows(opened, "FROM annotations")) == 7
    assert errors(opened) == []
