"""A small lake, the catalog's tables over it in DuckDB, and an answer to freeze."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from PIL import Image

from datacat.config import Settings
from datacat.model.schemas import TABLES
from datacat.model.snapshot import Question
from datacat.sources.location import Location
from datacat.tables.addresses import other_addresses, shown
from datacat.versions.facts import check_facts
from datacat.versions.snapshots import Snapshots


@dataclass
class Lake:
    """Rows of a catalog's tables, as ingest would leave them; annotation i is of asset `i % assets`."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {kind: [] for kind in TABLES})

    def __post_init__(self) -> None:
        teams = (("mapping", "roofs"), ("claims", "houses"))
        self.rows["label_sets"] = [
            {"label_set": number, "team": team, "name": name} for number, (team, name) in enumerate(teams)
        ]

    def add_asset(self, uri: str, content: bytes | None, **facts: Any) -> int:
        number = len(self.rows["assets"])
        known = content is not None
        self.rows["assets"].append(
            {
                "asset": number,
                "uri": uri,
                "media": "image",
                "size": len(content) if content is not None else None,
                "digest": hashlib.sha256(content).hexdigest() if content is not None else None,
                "is_missing": not known,
            }
            | facts
        )
        spoken = {"asset": number, "label_set": number % 2, "width": 64, "height": 48}
        self.rows["label_set_assets"].append(spoken)
        return number

    def add_annotation(self, asset: int, **statement: Any) -> int:
        number = len(self.rows["annotations"])
        row = {"annotation": number, "asset": asset, "label_set": asset % 2, "source_file": 0}
        self.rows["annotations"].append(row | {"kind": "annotation", "geometry_type": "none"} | statement)
        return number

    def cursor(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        for kind, rows in self.rows.items():
            connection.register(f"{kind}_rows", pa.Table.from_pylist(rows, schema=TABLES[kind]))
            connection.execute(f"CREATE VIEW {kind} AS {shown(kind, f'FROM {kind}_rows', copied=None)}")
        connection.execute(f"CREATE VIEW other_addresses AS {other_addresses('FROM assets', copied=None)}")
        return connection


_QUESTION = Question("roof", "class:roof", {"roof": ("mapping:Roof", "claims:rooftop")})


@dataclass(frozen=True)
class Answer:
    """What a search found: all assets, unless told otherwise."""

    asset_ids: Sequence[int]
    annotation_ids: Sequence[int] | None = None
    question: Question = _QUESTION

    def assets(self) -> pa.RecordBatchReader:
        return _reader("asset", self.asset_ids)

    def annotations(self) -> pa.RecordBatchReader | None:
        return None if self.annotation_ids is None else _reader("annotation", self.annotation_ids)


def _reader(name: str, ids: Iterable[int]) -> pa.RecordBatchReader:
    return pa.table({name: pa.array(ids, pa.int64())}).to_reader()


def drawn_lake(folder: Path, *, count: int = 6) -> Lake:
    """`count` pictures of 64 × 48, each with a Roof and a car."""
    lake = Lake()
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:04}.png"
        if not path.exists():  # another process may be reading it
            Image.new("RGB", (64, 48), (number * 7 % 256, 20, 30)).save(path)
        asset = lake.add_asset(str(path), path.read_bytes(), width=64, height=48)
        box = {"geometry_type": "box", "x": 4.0, "y": 2.0, "w": 10.0, "h": 20.0}
        said = {"class": "Roof", "attributes": '{"b": 1, "a": 1e400}', "is_relative": False}
        lake.add_annotation(asset, **said, **box)
        lake.add_annotation(asset, **{"class": "car"}, confidence=0.5)
    return lake


def frozen(snapshots: Snapshots, lake: Lake, *, name: str = "roofs", **options: Any) -> Any:
    """The snapshot of all of `lake`'s assets."""
    answer = options.pop("answer", None) or Answer(range(len(lake.rows["assets"])))
    given = {"state": 7, "split": "train=0.5,test=0.5"} | options
    made = snapshots.create(name, cursor=lake.cursor(), selection=answer, **given)
    check_facts(made.file("assets").parent, made.definition)
    return made


def opened(root: Path | str, **settings: Any) -> Snapshots:
    return Snapshots(Location.parse(str(root)), Settings(author="Jo Doe <jo@example.org>", **settings))
