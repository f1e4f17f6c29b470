"""A flipped bit in a data file is found, in the store and on its way into the cache."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from datacat.errors import CatalogError
from datacat.sources.location import Location, filesystem
from datacat.tables import Tables
from datacat.testing.staging import corpus, ingest
from tests.tables.places import SETTINGS, rows


def flipped(content: bytes) -> bytes:
    """One bit is another, in the name of who wrote the file: every reader reads it as before."""
    place = content.rindex(b"DuckDB")
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def deep(tables: Tables) -> list[str]:
    return [finding.text for finding in tables.check(tables.state(), is_deep=True)]


@pytest.fixture
def tables(catalog_root: Location, tmp_path: Path) -> Tables:
    made = Tables.create(catalog_root, SETTINGS, author="ada")
    corpus(made, folder=tmp_path)
    return made


def test_the_name_of_a_data_file_ends_in_its_digest(tables: Tables) -> None:
    for file in tables.state().files:
        content = Path(f"{tables.root}/log/{file.path}").read_bytes()
        assert file.digest == hashlib.sha256(content).hexdigest()


def test_digests_survive_a_checkpoint(tables: Tables) -> None:
    tables.compact(author="ada")
    state = Tables.open(tables.root, SETTINGS).state()
    assert all(file.digest for file in state.files)


def test_one_flipped_bit_is_found(tables: Tables) -> None:
    assert deep(tables) == []
    (file, *_) = tables.state().of("annotations")
    path = Path(f"{tables.root}/log/{file.path}")
    path.write_bytes(flipped(path.read_bytes()))
    assert list(tables.check(tables.state())) == []
    assert deep(tables) == [f"{file.path} has other bytes than were committed"]


def test_files_of_past_states_are_read_too(tables: Tables, tmp_path: Path) -> None:
    ingest(tables, "claims/damage", files=[], folder=tmp_path)
    gone = [old for old in tables.state(3).files if old not in tables.state().files]
    path = Path(f"{tables.root}/log/{gone[0].path}")
    path.write_bytes(flipped(path.read_bytes()))
    assert deep(tables) == [f"{gone[0].path} has other bytes than were committed"]


def test_files_without_a_digest_are_not_checked_and_that_is_said(tables: Tables) -> None:
    (file, *_) = tables.state().of("annotations")
    log = Path(f"{tables.root}/log")
    plain = f"{file.path.rsplit('/', 1)[0]}/{'0' * 8}-old.parquet"
    for entry in (log / "_delta_log").glob("*.json"):
        entry.write_text(entry.read_text().replace(file.path.rsplit("/", 1)[1], plain.rsplit("/", 1)[1]))
    (log / file.path).rename(log / plain)
    assert any("no digests" in text for text in deep(tables))


def test_a_damaged_download_is_refused(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    (file, *_) = tables.state().of("annotations")
    place, fs = s3.child(f"log/{file.path}").path, filesystem(s3, SETTINGS)
    fs.pipe_file(place, flipped(fs.cat_file(place)))
    assert tables.store.files.cache
    shutil.rmtree(tables.store.files.cache.folder)
    with pytest.raises(CatalogError, match="not those that were committed"):
        tables.cursor(tables.state())
    assert any(f"{file.path} has other bytes" in text for text in deep(tables))


def test_a_damaged_copy_is_found(s3: Location, tmp_path: Path) -> None:
    tables = Tables.create(s3, SETTINGS, author="ada")
    corpus(tables, folder=tmp_path)
    assert len(rows(tables, "FROM annotations")) == 7
    (file, *_) = tables.state().of("annotations")
    cache = tables.store.files.cache
    assert cache
    copy = cache.folder / file.path
    copy.write_bytes(flipped(copy.read_bytes()))
    (text,) = deep(tables)
    assert text == f"the local copy {copy} has other bytes than were committed"
