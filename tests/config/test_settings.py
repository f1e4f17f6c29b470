"""Where settings come from, and whose word they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import datacat
from datacat.catalog import Catalog
from datacat.config import Settings, confirm, distrust, read_settings, size_bytes, trusted, user_file
from datacat.errors import CatalogNotFound, ConfigError
from datacat.tables.connection import connected

_DIRECTING = {
    "author": "Eve <eve@example.org>",
    "cache_dir": "/tmp/eve",
    "catalog": "/tmp/eve",
    "dvc_remote": "s3://eve/x",
    "s3_endpoint": "http://192.0.2.1",
    "s3_region": "eve-1",
}


@pytest.fixture(autouse=True)
def _of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "here").mkdir()
    (tmp_path / "catalog").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def _written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "datacat.toml").write_text(text)
    return folder


@pytest.mark.parametrize("place", ["here", "catalog"])
@pytest.mark.parametrize("name", _DIRECTING)
def test_what_directs_is_not_taken_from_a_file_in_a_folder(name: str, place: str, tmp_path: Path) -> None:
    folder = _written(tmp_path / place, f'{name} = "{_DIRECTING[name]}"\n')
    found = read_settings(tmp_path / "catalog")
    assert getattr(found, name) == ""
    (unheard,) = found.unheard
    assert str(unheard).startswith(f"{folder}/datacat.toml: {name} is not followed.")
    assert str(unheard).endswith(f"datacat trust {folder}/datacat.toml")


def test_a_confirmed_file_is_followed_until_it_changes(tmp_path: Path) -> None:
    folder = _written(tmp_path / "catalog", '[s3]\nendpoint = "http://minio.example"\n')
    record, said = confirm(folder)
    assert said == {"s3_endpoint": "http://minio.example"}
    assert read_settings(folder).s3_endpoint == "http://minio.example"
    assert [item.is_current for item in trusted()] == [True]
    _written(folder, '[s3]\nendpoint = "http://192.0.2.1"\n')
    assert (read_settings(folder).s3_endpoint, record.is_current) == ("", False)
    confirm(folder)
    assert distrust(folder / "datacat.toml")
    assert read_settings(folder).s3_endpoint == ""
    assert trusted() == ()


def test_a_copy_of_a_confirmed_file_elsewhere_is_another_file(tmp_path: Path) -> None:
    text = 'dvc_remote = "/shared"\n'
    confirm(_written(tmp_path / "catalog", text))
    assert read_settings(_written(tmp_path / "other", text)).dvc_remote == ""


def test_the_users_own_file_environment_and_named_file_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _written(user_file().parent, 'author = "Jo"\ndvc_remote = "/shared"\nthreads = 2\n')
    _written(tmp_path / "catalog", 'author = "Eve"\nthreads = 1\n')
    found = read_settings(tmp_path / "catalog")
    assert (found.author, found.dvc_remote, found.threads) == ("Jo", "/shared", 1)
    monkeypatch.setenv("DATACAT_AUTHOR", "Ann")
    assert read_settings(tmp_path / "catalog").author == "Ann"
    monkeypatch.setenv(
        "DATACAT_CONFIG", str(_written(tmp_path / "named", 'cache_dir = "/c"\n') / "datacat.toml")
    )
    found = read_settings(tmp_path / "catalog")
    assert (found.author, found.cache_dir, found.dvc_remote) == ("Ann", "/c", "")


@pytest.mark.parametrize(
    "text",
    [
        "threads = 100000",
        'memory_limit = "90%"',
        'memory_limit = "900TiB"',
        'sql_memory = "5000GB"',
        'ingest_memory = "99TB"',
        "sql_timeout_s = 99999999",
    ],
)
def test_a_foreign_file_may_not_ask_for_the_whole_machine(text: str, tmp_path: Path) -> None:
    found = read_settings(_written(tmp_path / "catalog", f"{text}\n"))
    assert [item.names for item in found.unheard] == [(text.partition(" ")[0],)]
    assert found == read_settings()


def test_harmless_settings_of_a_foreign_file_are_followed(tmp_path: Path) -> None:
    folder = _written(tmp_path / "catalog", 'threads = 1\nmemory_limit = "64MiB"\nspace = "clip"\n')
    found = read_settings(folder)
    assert (found.threads, found.memory_limit, found.space, found.unheard) == (1, "64MiB", "clip", ())


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "x" * 70_000, "no toml", 'memory_limit = "900%"'])
def test_a_file_that_is_none_is_one_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"datacat\.toml"):
        confirm(_written(tmp_path / "catalog", f"{text}\n"))


def test_a_catalog_that_a_file_here_names_is_not_opened(tmp_path: Path) -> None:
    Catalog.init(str(tmp_path / "elsewhere"))
    _written(tmp_path / "here", f'catalog = "{tmp_path}/elsewhere"\n')
    with pytest.raises(CatalogNotFound, match="catalog is not followed"):
        datacat.open()
    confirm(tmp_path / "here")
    assert datacat.open().root.name == "elsewhere"


def test_the_identity_of_a_repository_that_we_stand_in_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "here")], check=True)
    subprocess.run(["git", "-C", str(tmp_path / "here"), "config", "user.name", "Eve"], check=True)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    Catalog.init(str(tmp_path / "new"))
    assert datacat.open(str(tmp_path / "new")).log()[0].author != "Eve"


def test_memory_may_be_a_part_of_what_there_is_and_disk_may_not() -> None:
    whole = size_bytes("100%")
    assert (size_bytes("50%"), size_bytes("1.5KiB"), size_bytes("2MB")) == (whole // 2, 1536, 2_000_000)
    assert Settings(memory_limit="50%").slotted(1, of=2).memory_limit == f"{whole // 4 // 1000}KB"
    with pytest.raises(ConfigError, match="spill_limit"):
        Settings(spill_limit="50%")


def test_duckdb_takes_a_part_of_the_memory() -> None:
    found = (
        connected(Settings(memory_limit="1%")).execute("SELECT current_setting('memory_limit')").fetchone()
    )
    assert found is not None
    assert found[0].endswith("iB")
