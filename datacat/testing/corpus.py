"""A small catalog as plain Python rows, and a DuckDB cursor that shows it as `tables.cursor()` would."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from datacat.model.schemas import LOOKED_UP, SET_ASIDE, TABLES
from datacat.model.spelling import one_form
from datacat.tables.addresses import VIEWS, addresses, other_addresses, shown

Row = dict[str, Any]


@dataclass(slots=True)
class Corpus:
    """Rows of each logical table; what a row leaves out is null. Identifiers follow the order of adding."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in TABLES}, repr=False)

    def add_label_set(
        self,
        name: str,
        *,
        classes: list[str] | None = None,
        parents: Mapping[str, str] | None = None,
        covers: str | list[str] = "declared",
    ) -> int:
        """Adds `team/name` and returns its number; `covers` as in `label_sets.coverage`."""
        team, _, short = name.partition("/")
        known = parents or {}
        listed = [{"class": item, "source_id": None, "parent": known.get(item)} for item in classes or ()]
        declared = json.dumps(listed) if classes is not None else None
        said = {"classes": covers, "attributes": "none", "origin": "declared", "ontology": None}
        coverage = json.dumps(said)
        return self._add(
            "label_sets", "label_set", team=team, name=short, classes=declared, coverage=coverage
        )

    def add_asset(self, uri: str, *, media: str = "image", is_missing: bool = False, **facts: Any) -> int:
        """Adds an asset and returns its number."""
        return self._add("assets", "asset", uri=uri, media=media, is_missing=is_missing, **facts)

    def list_asset(
        self, asset: int, *, label_set: int, metadata: Mapping[str, Any] | None = None, **facts: Any
    ) -> None:
        """Says that a label set speaks of an asset."""
        row = {"asset": asset, "label_set": label_set, "source_file": label_set, **facts}
        row["metadata"] = None if metadata is None else json.dumps(metadata)
        self.tables["label_set_assets"].append(row)
        for path, text, value in leaves(metadata or {}):
            keys = {"label_set": label_set, "source_file": label_set, "asset": asset}
            self.tables["metadata_values"].append({"path": path, "text": text, "number": value, **keys})

    def add_source_file(self, uri: str, *, label_set: int) -> None:
        """Says where a label set's labels lie; it has one file, in the folder that is its source."""
        keys = {"label_set": label_set, "uri": uri}
        self.tables["source_files"].append({"source_file": label_set, **keys})
        place = uri.rpartition("/")[0]
        self.tables["sources"].append({"source": label_set, "label_set": label_set, "location": place})

    def cover(self, asset: int, class_name: str | None, *, label_set: int, answer: str) -> None:
        """Says of one asset what a label set found of a class; None, not_exhaustive: it has no label file there."""
        keys = {"label_set": label_set, "source_file": label_set, "asset": asset, "origin": "format"}
        self.tables["coverage"].append({"class": class_name, "answer": answer, **keys})

    def labelling_sets(self, asset: Row) -> set[int]:
        """Label sets that list an asset in a label file, and not only as a picture without one."""
        of_asset = {
            kind: [row for row in self.tables[kind] if row["asset"] == asset["asset"]]
            for kind in ("label_set_assets", "coverage")
        }
        alone = {(r["label_set"], r["source_file"]) for r in of_asset["coverage"] if r["class"] is None}
        listings = {(r["label_set"], r["source_file"]) for r in of_asset["label_set_assets"]}
        return {label_set for label_set, _ in listings - alone}

    def reject(
        self, *, label_set: int, asset: int | None = None, class_name: str | None = None, reason: str = "odd"
    ) -> None:
        """Says that a record of a label set could not be read; None: which asset or class cannot be told."""
        keys = {"label_set": label_set, "source_file": label_set, "asset": asset, "class": class_name}
        self.tables["rejects"].append({**keys, "position": "record 1", "reason": reason})

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
            "source_file": label_set,
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

    def value(self, row: Row, column: str) -> Any:
        """What an annotation has in a column, or of which team it is."""
        return self.tables["label_sets"][row["label_set"]]["team"] if column == "team" else row.get(column)

    def add_concept(self, concept: str, *members: str) -> None:
        """Declares classes, each `team:class` or `class`, to be the same."""
        for member in members:
            team, colon, name = member.rpartition(":")
            self.tables["concepts"].append(
                {"concept": concept, "team": team if colon else None, "class": name}
            )

    def describe(self, concept: str, *, synonyms: Sequence[str] = (), parents: Sequence[str] = ()) -> None:
        """Says more of a concept."""
        row = {"concept": concept, "synonyms": json.dumps(synonyms), "parents": json.dumps(parents)}
        self.tables["concept_details"].append(row)

    def copy(self, asset: int, *, of: int) -> None:
        """Says that an asset is the same picture as another one, which stands for both."""
        self.tables["copies"].append({"asset": asset, "content": of})

    def cursor(self, *, is_merged: bool = True) -> duckdb.DuckDBPyConnection:
        """A cursor in which every logical table is a view by its name; copies are one asset, or each is its own."""
        connection = duckdb.connect(config={"threads": 1})
        self._count()
        connection.execute("CREATE SCHEMA stored")
        copied = "FROM stored.copies" if self.tables["copies"] and is_merged else None
        for kind, schema in TABLES.items():
            rows = pa.Table.from_pylist(self.tables[kind], schema=schema)
            connection.register("rows", rows)
            connection.execute(f"CREATE TABLE stored.{kind} AS SELECT * FROM rows")
            connection.unregister("rows")
        for kind in TABLES:
            select = shown(kind, f"FROM stored.{kind}", copied=copied)
            connection.execute(f"CREATE VIEW {kind} AS {select}")
        for name, made in zip(VIEWS, (addresses, other_addresses), strict=True):
            connection.execute(f"CREATE VIEW {name} AS {made('FROM stored.assets', copied=copied)}")
        for kind in LOOKED_UP:
            connection.execute(f"CREATE MACRO {kind}_at(wanted) AS TABLE SELECT * FROM {kind}")
        return connection

    def _count(self) -> None:
        """Fills the tables of counts."""
        of_class: dict[tuple[int, str | None], list[Row]] = defaultdict(list)
        of_path: dict[tuple[int, str, str | None], list[Row]] = defaultdict(list)
        for row in self.tables["annotations"]:
            of_class[row["label_set"], row["class"]].append(row)
        for row in self.tables["attribute_values"]:
            of_path[row["label_set"], row["path"], row["class"]].append(row)
        self.tables["class_counts"] = [
            {"label_set": number, "class": name, "annotations": len(found)}
            | {"assets": len({row["asset"] for row in found}), "things": sum(map(_is_thing, found))}
            | {"predictions": sum(row["kind"] == "prediction" for row in found)}
            | {"set_aside": sum(row.get("status") in SET_ASIDE for row in found)}
            | {"shares": sum(bool(row.get("is_relative")) for row in found)}
            | {"wide_texts": sum(map(_says_wide, found)), "repeats": _repeats(found)}
            for (number, name), found in of_class.items()
        ]
        self.tables["path_counts"] = [
            {"label_set": number, "path": path, "class": name}
            | {"leaves": len(found), "annotations": len({row["annotation"] for row in found})}
            | {"numbers": sum(row["number"] is not None for row in found)}
            | {"odd_texts": sum(row["number"] is None and _is_odd(row["text"]) for row in found)}
            | {"wide_texts": sum(_is_wide(row["text"]) for row in found)}
            for (number, path, name), found in of_path.items()
        ]

    def _add(self, table: str, key: str, **row: Any) -> int:
        number = len(self.tables[table])
        self.tables[table].append({key: number, **row})
        return number


def has_bytes(asset: Row) -> bool:
    """Whether an asset can be a copy of another one."""
    is_there = asset.get("digest") is not None and not asset["is_missing"] and asset.get("size") != 0
    return is_there and "#task-" not in asset["uri"]


def _is_thing(row: Row) -> bool:
    return row["kind"] == "annotation" and row["geometry_type"] != "none" and not row.get("is_crowd")


def _repeats(rows: list[Row]) -> int:
    """How many have the box of another one of their asset."""
    columns = ("asset", "kind", "model", "x", "y", "w", "h", "track", "starts", "ends")
    boxes = [(*(row.get(name) for name in columns), bool(row.get("is_relative"))) for row in rows]
    boxes = [box for box in boxes if None not in box[3:7]]
    return len(boxes) - len(set(boxes))


def _is_odd(text: str | None) -> bool:
    """Whether a text is neither all lower nor all upper case nor with a capital in front."""
    if text is None:
        return False
    lower = text.lower()
    return text not in (lower, lower.upper(), lower[:1].upper() + lower[1:]) or one_form(text) != lower


def _is_wide(text: str | None) -> bool:
    return text is not None and not text.isascii()


def _says_wide(row: Row) -> bool:
    return any(
        _is_wide(row.get(name)) for name in ("annotator", "status", "text", "model", "track", "external_id")
    )


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
