"""What every format must pass; for us and for authors of formats.

    class TestMine(FormatSuite):
        format_name = "mine"
        def example(self, folder): ...

`example` writes a small data set whose label files hold at least two annotations, and returns
what must be read back.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacat.config import Settings
from datacat.errors import DatacatError, FormatError
from datacat.ingest import json_stream
from datacat.ingest.pipeline import IngestRequest, Staged, stage
from datacat.ingest.registry import formats
from datacat.model.schemas import STAGED, TABLES
from datacat.model.snapshot import MANIFEST
from datacat.sources.location import Location

_STATEMENT = [field.name for field in TABLES["annotations"] if field.name in STAGED["annotations"].names]


@dataclass(frozen=True)
class Expected:
    """What an example holds: its classes (one item per annotation, sorted), and how many assets."""

    classes: list[str]
    asset_count: int
    damaged: Path  # a label file that may be cut or overwritten


def read(folder: Path, into: Path, *, format: str = "auto", **options: Any) -> Staged:  # noqa: A002  as in IngestRequest
    """Stages a local folder for the first time, in one process."""
    request = IngestRequest(Location(str(folder)), options.pop("media_root", None), format, {})
    known = {"known_files": {}, "known_media": {}, **options}
    return stage(request, into=into, settings=Settings(threads=1), **known)


def rows(staged: Staged, kind: str) -> list[dict[str, Any]]:
    """All rows of one kind."""
    tables = [pq.read_table(path) for path in staged.paths(kind)]
    for table in tables:
        assert table.schema.equals(STAGED[kind]), kind
    return [row for table in tables for row in table.to_pylist()]


def statements(staged: Staged) -> list[dict[str, Any]]:
    """Annotations with the URI of their asset, as a manifest holds them, in a fixed order."""
    uris = {(row["file"], row["key"]): row["uri"] for row in rows(staged, "listed")}
    found = [
        {"uri": uris[row["file"], row["key"]], "label_set": "a/b", **{name: row[name] for name in _STATEMENT}}
        for row in rows(staged, "annotations")
    ]
    return sorted(found, key=lambda row: (row["uri"], str(row["class"]), row["x"] or 0, str(row["geometry"])))


def manifest(staged: Staged) -> tuple[pa.Table, pa.Table]:
    """What a snapshot of everything would hand to a writer."""
    media = {row["uri"]: row for row in rows(staged, "media")}
    listed = {row["uri"]: row for row in rows(staged, "listed")}
    assets = [
        {name: media[uri].get(name) for name in MANIFEST["assets"].names}
        | {"width": row["width"] or media[uri]["width"], "height": row["height"] or media[uri]["height"]}
        | {"label_sets": ["a/b"], "split": row["split"], "metadata": _metadata(row["metadata"])}
        for uri, row in sorted(listed.items())
    ]
    annotations = pa.Table.from_pylist(statements(staged), schema=MANIFEST["annotations"])
    return pa.Table.from_pylist(assets, schema=MANIFEST["assets"]), annotations


def _metadata(said: str | None) -> str | None:
    return None if said is None else f'[{{"label_set": "a/b", "metadata": {said}}}]'


class FormatSuite(abc.ABC):
    """Subclass it in a test module and name the class `Test…`."""

    format_name: str
    kept = ("uri", "class", "geometry_type")  # columns that survive writing and reading, exactly

    @abc.abstractmethod
    def example(self, folder: Path) -> Expected:
        """Writes a small data set into `folder`."""

    def test_is_recognised_by_content(self, tmp_path: Path) -> None:
        """`auto` finds it, and no other format claims it."""
        self.example(tmp_path / "lake")
        assert read(tmp_path / "lake", tmp_path / "out").format == self.format_name

    def test_reads_what_is_there(self, tmp_path: Path) -> None:
        """All annotations with their classes and assets, and no reject."""
        expected = self.example(tmp_path / "lake")
        staged = read(tmp_path / "lake", tmp_path / "out")
        assert sorted(str(row["class"]) for row in rows(staged, "annotations")) == sorted(expected.classes)
        assert len({row["uri"] for row in rows(staged, "listed")}) == expected.asset_count
        assert rows(staged, "rejects") == []
        assert {row["uri"] for row in rows(staged, "media")} == {row["uri"] for row in rows(staged, "listed")}

    def test_every_row_has_its_file_and_asset(self, tmp_path: Path) -> None:
        """Numbers point where they should and annotation rows are unique."""
        self.example(tmp_path / "lake")
        staged = read(tmp_path / "lake", tmp_path / "out")
        annotations = rows(staged, "annotations")
        listed = {(row["file"], row["key"]) for row in rows(staged, "listed")}
        assert len({row["row"] for row in annotations}) == len(annotations)
        assert {(row["file"], row["key"]) for row in annotations} <= listed
        assert {row["row"] for row in rows(staged, "leaves")} <= {row["row"] for row in annotations}
        assert [row["uri"] for row in rows(staged, "files")] == [facts.uri for facts in staged.files]

    def test_the_same_again_reads_nothing(self, tmp_path: Path) -> None:
        """Known files are not read again."""
        self.example(tmp_path / "lake")
        first = read(tmp_path / "lake", tmp_path / "out")
        known = {facts.uri: facts for facts in first.files}
        again = read(tmp_path / "lake", tmp_path / "again", known_files=known)
        assert (again.read, again.gone) == ((), ())
        assert rows(again, "annotations") == []

    def test_damage_is_reported(self, tmp_path: Path) -> None:
        """Every cut of a label file gives rejects, notes or one clear error, never a crash."""
        expected = self.example(tmp_path / "lake")
        whole = expected.damaged.read_bytes()
        for number in range(1, 12):
            expected.damaged.write_bytes(whole[: len(whole) * number // 12])
            try:
                staged = read(tmp_path / "lake", tmp_path / f"cut{number}", format=self.format_name)
            except FormatError:
                continue
            assert len(rows(staged, "annotations")) <= len(expected.classes)

    def test_noise_is_no_label_file(self, tmp_path: Path) -> None:
        """Bytes that mean nothing are refused or rejected."""
        expected = self.example(tmp_path / "lake")
        expected.damaged.write_bytes(bytes(range(256)) * 40)
        try:
            staged = read(tmp_path / "lake", tmp_path / "out", format=self.format_name)
        except DatacatError:
            return
        assert len(rows(staged, "annotations")) < len(expected.classes)

    def test_small_blocks_change_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Records that are cut across ranges are read all the same."""
        self.example(tmp_path / "lake")
        whole = statements(read(tmp_path / "lake", tmp_path / "out"))
        monkeypatch.setattr("datacat.ingest.format.CUT", 7)
        assert json_stream.CUT > 7
        assert statements(read(tmp_path / "lake", tmp_path / "small")) == whole

    def test_reading_what_was_written_gives_the_same(self, tmp_path: Path) -> None:
        """read(write(x)) == x in the columns `kept`; boxes to a thousandth of a pixel."""
        format_: Any = formats()[self.format_name]
        if not format_.writes:
            pytest.skip("does not write")
        self.example(tmp_path / "lake")
        staged = read(tmp_path / "lake", tmp_path / "out")
        assets, annotations = manifest(staged)
        for name in ("written", "twice"):
            (tmp_path / name).mkdir()
            losses = format_.write(assets, annotations, tmp_path / name, media="reference")
        assert all(isinstance(line, str) for line in losses)
        assert _contents(tmp_path / "written") == _contents(tmp_path / "twice")
        root = Location(str(tmp_path / "lake"))
        again = read(tmp_path / "written", tmp_path / "back", format=self.format_name, media_root=root)
        before, after = statements(staged), statements(again)
        assert [[row[name] for name in self.kept] for row in after] == [
            [row[name] for name in self.kept] for row in before
        ]
        for old, new in zip(before, after, strict=True):
            for side in "xywh":
                assert old[side] == pytest.approx(new[side], abs=1e-3)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
