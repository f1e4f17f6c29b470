"""A small catalog as plain Python rows, and a DuckDB cursor that shows it as `tables.cursor()` would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from datacat.model.schemas import TABLES

Row = dict[str, Any]


@dataclass(slots=True)
class Corpus:
    """Rows of each logical table; what a row leaves out is null. Identifiers follow the order of adding."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in TABLES}, repr=False)

    def add_label_set(self, name: str, *, classes: list[str] | None = None) -> int:
        """Adds `team/name` and returns its number."""
        team, _, short = name.partition("/")
        declared = json.dumps(classes) if classes is not None else None
        return self._add("label_sets", "label_set", team=team, name=short, classes=declared)

    def add_asset(self, uri: str, *, media: str = "image", is_missing: bool = False, **facts: Any) -> int:
        """Adds an asset and returns its number."""
        return self._add("assets", "asset", uri=uri, media=media, is_missing=is_missing, **facts)

    def list_asset(self, asset: int, *, label_set: int, split: str | None = None) -> None:
        """Says that a label set speaks of an asset."""
        self.tables["label_set_assets"].append({"asset": asset, "label_set": label_set, "split": split})

    def add_annotation(
        self,
        asset: int,
        class_name: str | None,
        *,
        label_set: int,
        attributes: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> int:
        """Adds an annotation with the leaves of its attributes and returns its number."""
        row = {"kind": "annotation", "geometry_type": "box", "class": class_name, **columns}
        row |= {
            "asset": asset,
            "label_set": label_set,
            "attributes": None if attributes is None else json.dumps(attributes),
        }
        number = self._add("annotations", "annotation", **row)
        for path, text, value in leaves(attributes or {}):
            keys = {"class": class_name, "label_set": label_set, "asset": asset, "annotation": number}
            self.tables["attribute_values"].append({"path": path, "text": text, "number": value, **keys})
        if not any(
            (item["asset"], item["label_set"]) == (asset, label_set)
            for item in self.tables["label_set_assets"]
        ):
            self.list_asset(asset, label_set=label_set)
        return number

    def add_concept(self, concept: str, *members: str) -> None:
        """Declares classes, each `team:class` or `class`, to be the same."""
        for member in members:
            team, colon, name = member.rpartition(":")
            self.tables["concepts"].append(
                {"concept": concept, "team": team if colon else None, "class": name}
            )

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor in which every logical table is a table by its name."""
        connection = duckdb.connect(config={"threads": 1})
        for kind, schema in TABLES.items():
            rows = pa.Table.from_pylist(self.tables[kind], schema=schema)
            connection.register("rows", rows)
            connection.execute(f"CREATE TABLE {kind} AS SELECT * FROM rows")
            connection.unregister("rows")
        return connection

    def _add(self, table: str, key: str, **row: Any) -> int:
        number = len(self.tables[table])
        self.tables[table].append({key: number, **row})
        return number


def leaves(document: Any, path: str = "") -> Iterator[tuple[str, str | None, float | None]]:
    """The scalar leaves of a nested document as (path, text, number), by the rules of `model.schemas`."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(document, list):
        for value in document:
            yield from leaves(value, f"{path}[]")
    elif document is None:
        yield path, None, None
    elif isinstance(document, bool):
        yield path, "true" if document else "false", None
    elif isinstance(document, str):
        yield path, document, None
    else:
        yield path, json.dumps(document), float(document)
