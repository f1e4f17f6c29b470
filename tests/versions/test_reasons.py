"""Errors say why in plain words: what Python and DVC say of it is put into words, or stands behind our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from datacat.errors import SnapshotDamaged, SnapshotError, cause_of
from datacat.model.snapshot import Definition

from .lakes import Lake, drawn_lake, frozen, opened


def _raised(act: Callable[[], Any]) -> Exception:
    with pytest.raises(Exception) as found:
        act()
    return found.value


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: Path("/nowhere/at/all").read_bytes(), "No such file or directory"),
        (lambda: Path("/").read_bytes(), "Is a directory"),
        (b"a\xff".decode, "it is no UTF-8 text (byte 1)"),
        (lambda: json.loads('{"a": }'), "it is no JSON (line 1, column 7)"),
        (lambda: {}["format"], "`format` is missing"),
        (lambda: len(3), "a value is of another kind than belongs there"),
        (lambda: float("x"), "a value is of another kind than belongs there"),
        (lambda: json.loads("[" * 100_000), "it is nested too deep"),
    ],
)
def test_what_python_says_is_put_into_words(act: Callable[[], Any], said: str) -> None:
    assert cause_of(_raised(act)) == said


class _Answer(Exception):
    """As botocore tells what a server answered."""

    response: ClassVar = {"Error": {"Code": "NoSuchBucket"}}


@pytest.mark.parametrize(
    ("text", "cause", "said"),
    [
        ("my-bucket/a.jpg", None, "No such file or directory"),
        ("lake/the bucket does not exist/a.jpg", None, "No such file or directory"),
        ("The specified key does not exist.", None, "No such file or directory"),
        ("The specified bucket does not exist", None, "The specified bucket does not exist"),
        ("The specified bucket does not exist.", None, "The specified bucket does not exist"),
        ("NoSuchBucket", _Answer(), "The specified bucket does not exist"),
    ],
)
def test_a_file_is_told_from_a_bucket_that_is_not_there(
    text: str, cause: Exception | None, said: str
) -> None:
    error = FileNotFoundError(text)
    error.__cause__ = cause
    assert cause_of(error) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{}", "definition.json cannot be read: `format` is missing"),
        (b'{"format": 1}', "definition.json cannot be read: `question` is missing"),
        (b"\xff{", "definition.json cannot be read: it is no UTF-8 text"),
        (b"{", "definition.json cannot be read: it is no JSON (line 1, column 2)"),
        (b"[1]", "definition.json cannot be read: a value is of another kind than belongs there"),
    ],
)
def test_a_definition_that_cannot_be_read(text: bytes, said: str) -> None:
    with pytest.raises(SnapshotDamaged) as raised:
        Definition.from_json(text, where="roofs@1")
    assert raised.value.what.startswith(said)


def test_nothing_damaged_is_sent_and_no_error_is_passed_through_raw(tmp_path: Path) -> None:
    lake: Lake = drawn_lake(tmp_path / "lake", count=2)
    theirs = opened(tmp_path / "theirs")
    frozen(theirs, lake)
    for path in (tmp_path / "theirs/snapshots/.dvc/cache/files").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(bytes(reversed(path.read_bytes())))  # as long as before
    theirs.push(str(tmp_path / "share"))
    mine = opened(tmp_path / "mine")
    assert mine.pull(str(tmp_path / "share")) == ("roofs@1",)
    (listing,) = (tmp_path / "share/dvc").rglob("*.dir")
    listing.chmod(0o644)
    listing.write_bytes(b"[]")
    with pytest.raises(SnapshotError, match=r"roofs@1: the list of its files in \S+ is damaged") as raised:
        opened(tmp_path / "other").pull(str(tmp_path / "share"))
    assert "Errno" not in str(raised.value)
