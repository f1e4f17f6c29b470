"""A seeded catalog of any size, made with DuckDB: rows as an ingest would have made them, files and commits too.

    python bench/generate_catalog.py bench/out/c10m --annotations 10000000 --label-sets 12

200 classes by Zipf's law; label sets with nested schemas of their own, 4 to 10 leaves up to 3 deep, `level` a number in
one and text in the next; 7 annotations an image; each label set also labels a quarter of the next one's images; one
annotation in 20,000 has the key `survey.flag`. Each label set is written by datacat's own writer and committed, as its
ingest would have left it. Beside the catalog lies `annotations.parquet`, the same rows with a JSON column, sorted by
class, for the rivals.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


import datacat
from datacat.catalog import Catalog
from datacat.model.schemas import TABLES
from datacat.tables.change import Change, Written
from datacat.tables.connection import cursor as new_cursor
from datacat.tables.files import duckdb_type
from datacat.tables.identifiers import reserve
from datacat.tables.store import Store

CLASSES = 200
PER_IMAGE = 7
RARE = 20_000
_BYTES_EACH = (
    130  # of disk for one annotation: catalog and the Parquet file with JSON; the rival database is as large
)
_WORDS = (
    "slate",
    "clay",
    "metal",
    "thatch",
    "red",
    "blue",
    "green",
    "open",
    "closed",
    "left",
    "right",
    "none",
)
_GROUPS = ("detail", "state", "survey", "origin")
_LEAVES = ("level", "note", "checked", "side")
_FLAT = ("color", "occlusion", "damage", "pitch", "age", "source", "lamp")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a schema: its path, the SQL of its text, and of its number where it is one."""

    path: str
    text: str
    number: str
    json: str


def schema(label_set: int) -> list[Leaf]:
    """The leaves of a label set's documents."""
    dice = random.Random(f"schema-{label_set}")
    paths = ["material", "condition.score", "condition.inspector.name"]
    paths += dice.sample(_FLAT, dice.randrange(1, 4))
    for group in dice.sample(_GROUPS, dice.randrange(1, 3)):
        paths += [f"{group}.{leaf}" for leaf in dice.sample(_LEAVES, dice.randrange(1, 3))]
    return [_leaf(path, number, label_set) for number, path in enumerate(dict.fromkeys(paths))]


def _leaf(path: str, number: int, label_set: int) -> Leaf:
    drawn = f"(hash(r, {number}, {label_set}) % {{}})"
    last = path.rsplit(".", 1)[-1]
    if last == "score":
        text = f"({drawn.format(1000)} / 1000.0)::DECIMAL(4,3)::VARCHAR"
        return Leaf(path, text, f"({text})::DOUBLE", f"({text})")
    if last in ("pitch", "age") or (last == "level" and label_set % 2 == 0):
        text = f"{drawn.format(100)}::VARCHAR"
        return Leaf(path, text, f"({text})::DOUBLE", text)
    if last == "name":
        return _text(path, f"'insp' || {drawn.format(500)}")
    if last == "checked":
        text = f"CASE WHEN {drawn.format(2)} = 0 THEN 'true' ELSE 'false' END"
        return Leaf(path, text, "NULL::DOUBLE", f"({text})")
    words = ", ".join(f"'{word}'" for word in _WORDS)
    return _text(path, f"[{words}][1 + {drawn.format(len(_WORDS))}::INT]")


def _text(path: str, text: str) -> Leaf:
    return Leaf(path, text, "NULL::DOUBLE", f"('\"' || {text} || '\"')")


def _document(leaves: list[Leaf]) -> str:
    """SQL of the JSON text of a row."""
    tree: dict[str, object] = {}
    for leaf in leaves:
        *steps, last = leaf.path.split(".")
        inner = tree
        for step in steps:
            inner = inner.setdefault(step, {})  # type: ignore[assignment]
        inner[last] = leaf
    return _written(tree, is_top=True)


def _written(tree: dict[str, object], *, is_top: bool = False) -> str:
    parts = []
    for number, (name, value) in enumerate(tree.items()):
        comma = ", " if number else ""
        inner = _written(value) if isinstance(value, dict) else value.json  # type: ignore[attr-defined]
        parts.append(f"'{comma}\"{name}\": ' || {inner}")
    rare = f" || CASE WHEN is_rare THEN ', \"survey_flag\": \"look again\"' ELSE '' END" if is_top else ""
    return "'{' || " + " || ".join(parts) + rare + " || '}'"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is made."""

    annotations: int
    label_sets: int

    @property
    def images(self) -> int:
        """That each label set has of its own."""
        return max(1, self.annotations // self.label_sets // PER_IMAGE)

    @property
    def listed(self) -> int:
        """That each label set speaks of: its own, and a quarter of the next one's."""
        return self.images + (self.images // 4 if self.label_sets > 1 else 0)


def generate(folder: Path, size: Size) -> Catalog:
    """Makes the catalog below `folder`, unless it is there already.

    Raises:
        SystemExit: there is not enough room on the disk.
    """
    stamp = folder / "size.json"
    wanted = [size.annotations, size.label_sets]
    if stamp.exists() and json.loads(stamp.read_text()) == wanted:
        return datacat.open(str(folder / "catalog"))
    need = size.annotations * _BYTES_EACH * 2
    free = shutil.disk_usage(folder.parent if folder.parent.exists() else ".").free
    print(
        f"{size.annotations:,} annotations need {need / 1e9:.1f} GB with the rivals' copies; {free / 1e9:.0f} GB are free"
    )
    if need * 1.2 > free:
        raise SystemExit("not enough room on the disk")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    catalog = datacat.init(str(folder / "catalog"))
    maker = _Maker(catalog, size, folder)
    for batch in _batches(size.label_sets):
        maker.commit(batch)
    maker.join()
    stamp.write_text(json.dumps(wanted))
    return catalog.refresh()


def _batches(count: int) -> Iterator[range]:
    """One label set a commit; of many, 50 in one, as nothing depends on it but the time this takes."""
    step = 1 if count <= 100 else 50
    for start in range(0, count, step):
        yield range(start, min(count, start + step))


class _Maker:
    def __init__(self, catalog: Catalog, size: Size, folder: Path) -> None:
        self._store: Store = catalog._tables.store  # the generator is a writer beside `Tables.link`
        self._size = size
        self._folder = folder
        self._cursor = new_cursor(self._store.settings)
        self._started = time.perf_counter()
        count = size.label_sets
        reserve(
            self._store.root,
            {"label_set": count, "source": count, "source_file": count,
             "asset": count * size.images, "annotation": self._rows() * count},
            settings=self._store.settings,
        )  # fmt: skip

    def _rows(self) -> int:
        return self._size.annotations // self._size.label_sets

    def commit(self, label_sets: range) -> None:
        """Writes and commits some label sets."""
        adds: list[Written] = []
        for number in label_sets:
            self._prepare(number)
            for kind, rows, about in self._kinds(number):
                adds += self._write(kind, rows, about=about)
        change = Change(tuple(adds), (), lambda base, newest: True)
        self._store.commit(lambda state: change, author="bench", message=f"label sets {label_sets}")
        done = (label_sets[-1] + 1) / self._size.label_sets
        sys.stderr.write(f"\r{done:5.0%} after {time.perf_counter() - self._started:,.0f} s ")

    def join(self) -> None:
        """One Parquet file of the rivals' parts, sorted by class."""
        target, parts = self._folder / "annotations.parquet", self._folder / "part-*.parquet"
        self._cursor.execute(
            f"COPY (SELECT * FROM read_parquet('{parts}') ORDER BY class, asset) "
            f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )
        for part in self._folder.glob("part-*.parquet"):
            part.unlink()
        sys.stderr.write("\n")

    def _prepare(self, number: int) -> None:
        """The temporary table `made`: a row an annotation, with its leaves in columns v0, v1, …."""
        size, leaves = self._size, schema(number)
        values = ", ".join(f"{leaf.text} AS v{i}" for i, leaf in enumerate(leaves))
        spread = f"(hash(r, 'image', {number}) % {size.listed})"
        own = number * size.images
        other = ((number + 1) % size.label_sets) * size.images - size.images
        self._cursor.execute(f"""
            CREATE OR REPLACE TEMP TABLE made AS
            SELECT r, {1 + number * self._rows()} + r AS annotation, {1 + number} AS label_set,
                1 + CASE WHEN place < {size.images} THEN {own} + place ELSE {other} + place END AS asset,
                printf('class_%03d', least({CLASSES - 1}, floor(pow({CLASSES}, u) - 1)::INT)) AS class,
                hash(r, 'rare', {number}) % {RARE} = 0 AS is_rare, {values}
            FROM (SELECT range AS r, {spread.replace("(r,", "(range,")} AS place,
                         (hash(range, 'class', {number}) % 1000000) / 1000000.0 AS u
                  FROM range({self._rows()}))
        """)
        self._leaves = leaves

    def _kinds(self, number: int) -> Iterator[tuple[str, str, int]]:
        rows, size = self._rows(), self._size
        document = _document(
            [Leaf(leaf.path, "", "", _json_of(leaf, i)) for i, leaf in enumerate(self._leaves)]
        )
        side = "hash(r, {0}, 'box') % {1}"
        x, y, w, h = (side.format(i, most) for i, most in enumerate((1500, 900, 400, 180)))
        yield (
            "annotations",
            f"""
            SELECT annotation, asset, label_set, label_set AS source_file, class, 'annotation' AS kind,
                'box' AS geometry_type, ({x})::DOUBLE AS x, ({y})::DOUBLE AS y, 4 + ({w})::DOUBLE AS w,
                4 + ({h})::DOUBLE AS h, false AS is_relative, ((4 + {w}) * (4 + {h}))::DOUBLE AS area, false AS is_crowd,
                (hash(r, 'sure') % 1000) / 1000.0 AS confidence, 'user' || hash(r, 'who') % 20 AS annotator,
                r::VARCHAR AS external_id, {document} AS attributes FROM made""",
            rows,
        )
        listed = [
            f"SELECT '{leaf.path}' AS path, class, v{i} AS text, "
            f"{'v' + str(i) + '::DOUBLE' if 'NULL' not in leaf.number else 'NULL::DOUBLE'} AS number, "
            "label_set, asset, annotation FROM made"
            for i, leaf in enumerate(self._leaves)
        ]
        listed.append(
            "SELECT 'survey_flag', class, 'look again', NULL::DOUBLE, label_set, asset, annotation FROM made WHERE is_rare"
        )
        leaves = " UNION ALL ".join(listed)
        yield "attribute_values", leaves, rows * len(self._leaves)
        own, other = 1 + number * size.images, 1 + ((number + 1) % size.label_sets) * size.images
        images = f"SELECT {own} + range AS asset FROM range({size.images})"
        shared = f"{images} UNION ALL SELECT {other} + range FROM range({size.listed - size.images})"
        yield (
            "assets",
            f"""
            SELECT asset, printf('s3://lake/%02d/%05d/%09d.jpg', {number}, asset // 1000, asset) AS uri, 'image' AS media,
                1920 AS width, 1080 AS height, false AS is_missing FROM ({images})""",
            size.images,
        )
        yield (
            "label_set_assets",
            f"""
            SELECT {number + 1} AS label_set, {number + 1} AS source_file, asset, asset::VARCHAR AS key, 1920 AS width,
                1080 AS height FROM ({shared})""",
            size.listed,
        )
        yield (
            "class_counts",
            """
            SELECT label_set, class, count(*) AS annotations, count(DISTINCT asset) AS assets FROM made GROUP BY ALL""",
            CLASSES,
        )
        yield (
            "path_counts",
            f"""
            SELECT label_set, path, class, count(*) AS leaves, count(DISTINCT annotation) AS annotations,
                count(number) AS numbers, 0 AS odd_texts FROM ({leaves}) GROUP BY ALL""",
            CLASSES * len(self._leaves),
        )
        yield from self._small(number)
        self._cursor.execute(
            f"COPY (SELECT asset, annotation, label_set, class, {document} AS attributes FROM made) "
            f"TO '{self._folder}/part-{number:05}.parquet' (FORMAT parquet)"
        )

    def _small(self, number: int) -> Iterator[tuple[str, str, int]]:
        classes = json.dumps(
            [{"class": f"class_{n:03}", "source_id": str(n), "parent": None} for n in range(CLASSES)]
        )
        coverage = json.dumps(
            {"classes": "declared", "attributes": "none", "origin": "derived", "ontology": None}
        )
        name = f"team{number % 12:02}', 'set{number:04}"
        yield (
            "label_sets",
            f"""
            SELECT {number + 1} AS label_set, '{name.split("', '")[0]}' AS team, '{name.split("', '")[1]}' AS name,
                'coco' AS format, '{classes}' AS classes, '{coverage}' AS coverage,
                '{datetime(2026, 11, 1, tzinfo=UTC).isoformat()}'::TIMESTAMPTZ AS created""",
            1,
        )
        place = f"s3://labels/{number:04}"
        yield (
            "sources",
            f"SELECT {number + 1} AS source, {number + 1} AS label_set, '{place}' AS location, 'coco' AS format, '{{}}' AS options",
            1,
        )
        yield (
            "source_files",
            f"""
            SELECT {number + 1} AS source_file, {number + 1} AS label_set, '{place}/instances.json' AS uri, 1 AS size, '1' AS etag,
                'coco' AS format, {self._rows()} AS annotation_count, {self._size.listed} AS asset_count, 0 AS reject_count""",
            1,
        )

    def _write(self, kind: str, rows: str, *, about: int) -> list[Written]:
        """Columns that the rows leave out are null."""
        known = {row[0] for row in self._cursor.execute(f"DESCRIBE {rows}").fetchall()}
        columns = ", ".join(
            f'"{field.name}"::{duckdb_type(field.type)} AS "{field.name}"'
            if field.name in known
            else f'NULL::{duckdb_type(field.type)} AS "{field.name}"'
            for field in TABLES[kind]
        )
        return self._store.files.write(
            self._cursor, kind, rows=f"SELECT {columns} FROM ({rows})", about=about
        )


def _json_of(leaf: Leaf, number: int) -> str:
    is_bare = leaf.json.startswith("('\"'") is False
    return f"v{number}" if is_bare else f"('\"' || v{number} || '\"')"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--label-sets", type=int, default=12)
    chosen = parser.parse_args()
    started = time.perf_counter()
    catalog = generate(chosen.folder, Size(chosen.annotations, chosen.label_sets))
    print(f"state {catalog.state}, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
