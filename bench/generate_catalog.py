"""A seeded catalog of any size, made by DuckDB: rows, files and commits as ingests of label files would have left them.

    python bench/generate_catalog.py bench/out/c10m --annotations 10000000 --label-sets 12 [--prove]

200 classes by Zipf's law; label sets with nested schemas of their own (documents.py); 7 annotations an image; each
label set also labels a quarter of the next one's images; one annotation in 20,000 has the key `survey_flag`. Label set
by label set, datacat's own writer writes the files, a commit adds them, and tiny files are merged as after an ingest.
`json/` beside the catalog has the same annotations with a JSON column, sorted by class and asset, for the rivals.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from documents import CLASSES, RARE_ONE_IN, document, label_set_name, salt_of, schema, values
from prove import prove

import datacat
from datacat.catalog import Catalog
from datacat.model.coverage import Coverage
from datacat.model.schemas import TABLES
from datacat.model.spelling import IS_ODD
from datacat.tables.change import Change, Written
from datacat.tables.connection import cursor as new_cursor
from datacat.tables.connection import quoted
from datacat.tables.counts import class_counts
from datacat.tables.identifiers import reserve
from datacat.tables.store import Store
from datacat.tables.upkeep import tidy

PER_IMAGE = 7
# Bytes of disk for an annotation, measured: the catalog 68 in 12 label sets, 146 in 1,000; the JSON column 24;
# ClickHouse 16, and as much again while it merges its parts.
BYTES_EACH = 210
_MEMORY = "10GiB"  # of DuckDB: at 100 million, 60 million leaves of a label set are sorted beside its rows
_MANY_SETS = 100
_PIECES = 16  # of about equal size, in which the JSON column is sorted, so that nothing spills
_CREATED = "TIMESTAMPTZ '2026-11-01 00:00:00+00'"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is made, and from which seed."""

    annotations: int
    label_sets: int
    seed: int = 1

    @property
    def rows(self) -> int:
        """Annotations of a label set."""
        return self.annotations // self.label_sets

    @property
    def images(self) -> int:
        """That each label set has of its own."""
        return max(1, self.rows // PER_IMAGE)

    @property
    def listed(self) -> int:
        """That each label set speaks of: its own, and a quarter of the next one's."""
        return self.images + (self.images // 4 if self.label_sets > 1 else 0)

    @property
    def stamp(self) -> str:
        """What is written beside a catalog that is whole."""
        return json.dumps([self.annotations, self.label_sets, self.seed])


def generate(folder: Path, size: Size) -> Catalog:
    """Makes the catalog below `folder`, and the JSON column, unless they are there already.

    Raises:
        SystemExit: there is not enough room on the disk.
    """
    stamp = folder / "size.json"
    if stamp.exists() and stamp.read_text() == size.stamp:
        return datacat.open(str(folder / "catalog"))
    need = size.annotations * BYTES_EACH
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    needed = f"{need / 1e9:.1f} GB of disk with the rivals' copies and up to {_MEMORY} of memory"
    print(f"{size.annotations:,} annotations need {needed}; {free / 1e9:.1f} GB are free", file=sys.stderr)
    if need > free:
        raise SystemExit("not enough room on the disk")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.environ["DATACAT_MEMORY_LIMIT"] = _MEMORY
    catalog = datacat.init(str(folder / "catalog"))
    maker = _Maker(catalog, size)
    for number in range(size.label_sets):
        maker.commit(number)
    catalog.refresh()
    if size.label_sets > _MANY_SETS:
        catalog.compact()  # else some of the last, up to 63, would still have files of their own
    sort_json(catalog, folder / "json")
    stamp.write_text(size.stamp)
    return catalog


def sort_json(catalog: Catalog, folder: Path) -> None:
    """Writes the annotations with their JSON to Parquet files that follow each other by class and asset."""
    folder.mkdir()
    cursor = catalog.cursor()
    counted = "SELECT class, sum(annotations) FROM class_counts GROUP BY class ORDER BY class"
    most = sum(count for _, count in cursor.execute(counted).fetchall()) / _PIECES
    pieces: list[list[str]] = [[]]
    held = 0
    for name, count in cursor.execute(counted).fetchall():
        if pieces[-1] and held + count > most:
            pieces.append([])
            held = 0
        pieces[-1].append(name)
        held += count
    for number, names in enumerate(pieces):
        chosen = ", ".join(map(quoted, names))
        cursor.execute(
            f"COPY (SELECT asset, annotation, label_set, class, annotator, attributes FROM annotations "
            f"WHERE class IN ({chosen}) ORDER BY class, asset) "
            f"TO '{folder}/{number:02}.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )


class _Maker:
    def __init__(self, catalog: Catalog, size: Size) -> None:
        self._store: Store = catalog._tables.store  # the generator is a writer beside `Tables.link`
        self._size = size
        self._cursor = new_cursor(self._store.settings)
        self._started = time.perf_counter()
        count = size.label_sets
        wanted = {"label_set": count, "source": count, "source_file": count}
        wanted |= {"asset": count * size.images, "annotation": count * size.rows}
        reserve(self._store.root, wanted, used={}, settings=self._store.settings)

    def commit(self, number: int) -> None:
        """Writes and commits a label set."""
        self._make(number)
        adds: list[Written] = []
        for kind, rows, about in self._kinds(number):
            adds += self._write(kind, rows, about=about)
        change = Change(tuple(adds), (), lambda base, newest: True)
        name = "/".join(label_set_name(number))
        self._store.commit(lambda state: change, author="bench", message=f"ingest {name}")
        tidy(self._store, author="bench")
        passed_s = time.perf_counter() - self._started
        print(
            f"\r{(number + 1) / self._size.label_sets:5.0%} after {passed_s:,.0f} s ", end="", file=sys.stderr
        )

    def _make(self, number: int) -> None:
        """The temporary table `made`: a row an annotation, the values of its leaves in the columns v0, v1, …."""
        size, salt = self._size, salt_of(number, seed=self._size.seed)
        self._leaves = schema(number, salt=salt)
        columns = ", ".join(f"{leaf.value} AS v{place}" for place, leaf in enumerate(self._leaves))
        own, other = self._first_images(number)
        self._cursor.execute(f"""
            CREATE OR REPLACE TEMP TABLE made AS
            SELECT r, {1 + number * size.rows} + r AS annotation, {1 + number} AS label_set,
                CASE WHEN place < {size.images} THEN {own} + place ELSE {other - size.images} + place END AS asset,
                printf('class_%03d', least({CLASSES - 1}, floor(pow({CLASSES}, u) - 1)::INT)) AS class,
                hash(r, 'rare', {salt}) % {RARE_ONE_IN} = 0 AS is_rare, {columns}
            FROM (SELECT range AS r, (hash(range, 'image', {salt}) % {size.listed})::BIGINT AS place,
                         (hash(range, 'class', {salt}) % 1000000) / 1000000.0 AS u
                  FROM range({size.rows}))
        """)

    def _first_images(self, number: int) -> tuple[int, int]:
        """The first of a label set's own assets, and of the next one's, a quarter of which it labels too."""
        images = self._size.images
        return 1 + number * images, 1 + (number + 1) % self._size.label_sets * images

    def _kinds(self, number: int) -> Iterator[tuple[str, str, int]]:
        """Each kind with a SELECT of its rows, and how many they are, roughly."""
        size = self._size
        yield "annotations", self._annotations(), size.rows
        leaves = values(self._leaves)
        yield "attribute_values", leaves, size.rows * len(self._leaves)
        own, other = self._first_images(number)
        images = f"SELECT {own} + range AS asset FROM range({size.images})"
        uri = f"printf('s3://lake/%02d/%05d/%09d.jpg', {number}, asset // 1000, asset) AS uri"
        yield (
            "assets",
            f"SELECT asset, {uri}, 'image' AS media, 1920 AS width, 1080 AS height, false AS is_missing, "
            f"{_CREATED} AS first_seen FROM ({images})",
            size.images,
        )
        yield (
            "label_set_assets",
            f"SELECT {number + 1} AS label_set, {number + 1} AS source_file, asset, asset::VARCHAR AS key, "
            "1920 AS width, 1080 AS height "
            f"FROM ({images} UNION ALL SELECT {other} + range FROM range({size.listed - size.images}))",
            size.listed,
        )
        unsaid = (
            "NULL::VARCHAR AS status, NULL::VARCHAR AS text, NULL::VARCHAR AS model, NULL::VARCHAR AS track"
        )
        times = "NULL::DOUBLE AS starts, NULL::DOUBLE AS ends"
        counted = f"SELECT *, {unsaid}, {times} FROM ({self._annotations()})"
        yield "class_counts", class_counts(annotations=counted), CLASSES
        # Each annotation has each of its paths once.
        yield (
            "path_counts",
            "SELECT label_set, path, class, count(*) AS leaves, count(*) AS annotations, count(number) AS numbers, "
            f"count(*) FILTER (number IS NULL AND {IS_ODD}) AS odd_texts, 0 AS wide_texts FROM ({leaves}) GROUP BY ALL",
            CLASSES * len(self._leaves),
        )
        yield from self._facts(number)

    def _annotations(self) -> str:
        x, y, w, h = (
            f"(hash(r, {place}, 'box') % {most})" for place, most in enumerate((1500, 900, 400, 180))
        )
        return f"""
            SELECT annotation, asset, label_set, label_set AS source_file, class, 'annotation' AS kind,
                'box' AS geometry_type, ({x})::DOUBLE AS x, ({y})::DOUBLE AS y, 4 + ({w})::DOUBLE AS w,
                4 + ({h})::DOUBLE AS h, false AS is_relative, ((4 + {w}) * (4 + {h}))::DOUBLE AS area,
                false AS is_crowd, (hash(r, 'sure') % 1000) / 1000.0 AS confidence,
                'user' || hash(r, 'who') % 20 AS annotator, r::VARCHAR AS external_id,
                {document(self._leaves)} AS attributes
            FROM made
        """

    def _facts(self, number: int) -> Iterator[tuple[str, str, int]]:
        """The one row that there is of a label set, of its source and of its file."""
        team, name = label_set_name(number)
        classes = [{"class": f"class_{n:03}", "source_id": str(n), "parent": None} for n in range(CLASSES)]
        coverage = Coverage("declared", (), "derived", None).to_json()
        place = f"s3://labels/{number:04}"
        own = f"SELECT {number + 1} AS label_set, 'coco' AS format"
        yield (
            "label_sets",
            f"{own}, '{team}' AS team, '{name}' AS name, {quoted(json.dumps(classes))} AS classes, "
            f"{quoted(coverage)} AS coverage, {_CREATED} AS created",
            1,
        )
        yield "sources", f"{own}, {number + 1} AS source, '{place}' AS location, '{{}}' AS options", 1
        yield (
            "source_files",
            f"{own}, {number + 1} AS source_file, '{place}/instances.json' AS uri, 1 AS size, '1' AS etag, "
            f"{self._size.rows} AS annotation_count, {self._size.listed} AS asset_count, 0 AS reject_count",
            1,
        )

    def _write(self, kind: str, rows: str, *, about: int) -> list[Written]:
        """Columns that the rows leave out are null."""
        given = {row[0] for row in self._cursor.execute(f"DESCRIBE {rows}").fetchall()}
        columns = ", ".join(
            f'{field.name if field.name in given else "NULL"} AS "{field.name}"' for field in TABLES[kind]
        )
        return self._store.files.write(
            self._cursor, kind, rows=f"SELECT {columns} FROM ({rows})", about=about
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--label-sets", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prove", action="store_true", help="Run `datacat doctor` and compare the index.")
    chosen = parser.parse_args()
    started = time.perf_counter()
    catalog = generate(chosen.folder, Size(chosen.annotations, chosen.label_sets, chosen.seed))
    passed_s = time.perf_counter() - started
    print(f"\nstate {catalog.state}, {passed_s:,.0f} s, load {os.getloadavg()[0]:.1f}")
    if chosen.prove:
        print(prove(catalog))


if __name__ == "__main__":
    main()
