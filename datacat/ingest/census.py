"""What only shows when all rows are there: keys without an asset or used twice, boxes outside the image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import duckdb
import pyarrow as pa

from datacat.config import Settings
from datacat.errors import NothingUnderstood
from datacat.ingest.batches import parquet_writer, table
from datacat.ingest.bounds import note_bounds
from datacat.ingest.claims import Claims
from datacat.ingest.format import INLINE, FileFacts, Format
from datacat.ingest.fractions import count_fractions
from datacat.ingest.limits import UNNAMED
from datacat.ingest.metadata import Metadata
from datacat.ingest.oddities import note_oddities, note_shared
from datacat.ingest.pieces import Pieces
from datacat.ingest.unlooked import cover_unlooked
from datacat.ingest.untold import FIRST, reject_untold
from datacat.model.positions import IN_ORDER, first
from datacat.model.report import Tally
from datacat.model.schemas import NO_LABEL_FILE, STAGED
from datacat.sources.listing import Entry
from datacat.sources.location import as_pattern
from datacat.sources.media import MediaFacts, named_kind

_MEDIA_FIELDS = tuple(item.name for item in fields(MediaFacts))
_EXTERNAL = """
    SELECT count(*), coalesce(sum(n - 1), 0) FROM (
        SELECT count(*) AS n FROM annotations WHERE external_id IS NOT NULL
        GROUP BY file, external_id HAVING n > 1)
"""
_ODD_BOXES = """
    SELECT
        count(*) FILTER (WHERE a.w <= 0 OR a.h <= 0),
        count(*) FILTER (WHERE NOT (a.w <= 0 OR a.h <= 0) AND (
            a.x < -e OR a.y < -e OR a.x + a.w > coalesce(l.width, 'inf'::DOUBLE) + e
            OR a.y + a.h > coalesce(l.height, 'inf'::DOUBLE) + e))
    FROM (SELECT file, key, x, y, w, h, is_relative, 0.5 AS e FROM annotations
          WHERE geometry_type = 'box' AND NOT is_relative) a
    LEFT JOIN listed l ON a.file = l.file AND a.key = l.key
"""
_ODD_RELATIVE = """
    SELECT count(*) FILTER (WHERE w <= 0 OR h <= 0),
        count(*) FILTER (WHERE w > 0 AND h > 0
            AND (x < -1e-5 OR y < -1e-5 OR x + w > 1.00001 OR y + h > 1.00001))
    FROM annotations WHERE geometry_type = 'box' AND is_relative
"""
_BY_NAME = f"key IS NOT NULL AND starts_with(reason, '{UNNAMED}')"
_OF_UNNAMED = f"""
    SELECT row, file, key, position, "class" FROM annotations a
    SEMI JOIN (FROM rejects WHERE {_BY_NAME}) r ON a.file = r.file AND a.key = r.key
    ANTI JOIN listed l ON a.file = l.file AND a.key = l.key
"""  # noqa: S608 - our own words
_ORPHANS = """
    SELECT DISTINCT a.file, a.key FROM annotations a
    WHERE NOT EXISTS (FROM listed l WHERE l.file = a.file AND l.key = a.key) ORDER BY ALL
"""
_ORPHAN_REJECTS = f"""
    SELECT file, position,
        'its file does not list this image, so what it does not say of it is not known' AS reason,
        coalesce('id ' || id, '') AS excerpt, key, NULL::VARCHAR AS "class"
    FROM (SELECT file, key, {FIRST} FROM annotations a
        WHERE NOT EXISTS (FROM listed l WHERE l.file = a.file AND l.key = a.key) GROUP BY file, key)
    ORDER BY file, {IN_ORDER}, key
"""  # noqa: S608 - our own words
_REPEATS = """
    SELECT (SELECT count(*) - count(DISTINCT digest) FROM marks),
        (SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(DISTINCT digest) AS n FROM marks GROUP BY name))
"""
_REPEATED_ROWS = """
    SELECT unnest(range("first", "last" + 1)) FROM marks
    QUALIFY row_number() OVER (PARTITION BY digest ORDER BY file, "first") > 1
"""

_UNDERSTOOD = f"""
    SELECT (SELECT count(*) FROM rejects), (SELECT count(*) FROM annotations) + (
        SELECT count(*) FROM listed l WHERE position <> '{NO_LABEL_FILE}' AND NOT EXISTS (
            FROM rejects r WHERE r.file = l.file AND r.key = l.key))
"""  # noqa: S608 - our own words
_REASONS = f"""
    SELECT reason, count(*) AS n, min(file), {first("position", after="file, ")}
    FROM rejects GROUP BY reason ORDER BY n DESC, reason LIMIT $most
"""  # noqa: S608 - our own words
_REASONS_TOLD = 5
# Sizes that label files state and their pictures do not have as they are stored: both, whether the label file has the
# sides of the picture as it is shown, or swaps them, whether EXIF turns it by a quarter, how many assets.
_SIZES = """
    SELECT l.width, l.height, m.width, m.height, l.width = m.width AND l.height = m.height AS is_shown,
        l.width = m.height AND l.height = m.width AS is_swapped,
        coalesce(m.orientation BETWEEN 5 AND 8, false) AS is_turned,
        count(DISTINCT uri) AS n, min(uri) AS least
    FROM listed l JOIN media m USING (uri)
    WHERE NOT m.is_missing AND m.fault IS NULL AND l.width > 0 AND l.height > 0 AND (NOT is_shown OR is_turned)
    GROUP BY ALL ORDER BY n DESC, least
"""
_SWAPPED = (
    "a label file swaps width and height of a picture that no EXIF turns (its boxes are measured as in the label file, "
    "and are wrong where it only confuses the two)"
)
_SHOWN = "a label file gives the size of a picture as its EXIF turns it"
_STORED = "a label file gives the size of a picture before its EXIF turns it, so its boxes are turned with it"
_SIZES_TOLD = 5


class Census:
    """Looks over the staged rows with DuckDB, which spills to disk."""

    def __init__(self, folder: Path, files: Sequence[FileFacts], *, settings: Settings) -> None:
        self._folder = folder
        self._files = files
        self._rewritten = 0
        self._has_claims = False
        self._states_sizes = True
        self._db = duckdb.connect(
            config={
                "threads": settings.thread_count,
                "memory_limit": settings.memory_limit,
                "temp_directory": str(folder / "spill"),
                "autoinstall_known_extensions": False,
            }
        )
        self._view("annotations")
        self._view("listed")

    def check(self, format_: Format, *, tally: Tally) -> None:
        """Completes what was read by what is true of its format; see `Format`."""
        self._states_sizes = getattr(format_, "states_sizes", True)
        self.complete(
            tally,
            unique_ids=getattr(format_, "unique_ids", False),
            refers_by_id=getattr(format_, "refers_by_id", False),
            is_file_each=getattr(format_, "is_file_each", False),
            in_pieces=getattr(format_, "lists_in_pieces", False),
            has_bounds=getattr(format_, "states_bounds", False),
        )
        if not getattr(format_, "says_who_looked", False):
            cover_unlooked(self._db, folder=self._folder)

    def complete(
        self,
        tally: Tally,
        *,
        unique_ids: bool,
        refers_by_id: bool = False,
        is_file_each: bool = False,
        in_pieces: bool = False,
        has_bounds: bool = False,
    ) -> None:
        """Gives every annotation an asset, every key one row in `listed`, and notes what is odd.

        Args:
            tally: where the notes go.
            unique_ids: external ids are unique within a file.
            refers_by_id: annotations name their asset by a key that is not its name; one that several assets
                claim is nobody's.
            is_file_each: each asset has one label file of its own.
            in_pieces: several records of a file may say something of one asset, each a part of it.
            has_bounds: annotations may state a box and an area beside a shape that has them, too.
        """
        self._write_files()
        self._drop_repeats(tally)
        self._drop_unnamed()
        self._list_orphans(tally)
        if in_pieces:
            self._join_pieces(tally)
        if refers_by_id:
            self._part_claims(tally)
        if is_file_each:
            note_shared(self._db, tally)
        self._drop_double_keys(tally)
        self._view("annotations")
        reject_untold(self._db, folder=self._folder)
        for query in (_ODD_BOXES, _ODD_RELATIVE):
            flat, outside = self._row(query)
            if flat:
                tally.note("a box of no size", flat)
            if outside:
                tally.note("a box that reaches outside the image", outside)
        self._view("coverage")
        note_oddities(self._db, tally)
        if has_bounds:
            self._view("disputes")
            note_bounds(self._db, tally, names=[facts.uri for facts in self._files])
        if unique_ids:
            _, again = self._row(_EXTERNAL)
            if again:
                tally.note("an annotation id that was used before in the same file", int(again))

    def _join_pieces(self, tally: Tally) -> None:
        pieces = Pieces(self._db)
        if pieces.double:
            for note, count in pieces.notes():
                tally.note(note, count)
            self._rewrite("listed", pieces.joined())
            self._take_apart_again(pieces.double, tally)

    def refuse_if_nothing_was_understood(self, where: str, *, is_all: bool) -> None:
        """Raises NothingUnderstood where there are rejects, no annotation, and no asset without a reject.

        Pictures that claim one id have rejects and are kept, each of them: they were understood.
        Not where some label files stay as they were read before (`is_all` is false).
        """
        self._view("rejects")
        if not is_all:
            return
        rejected, understood = self._row(_UNDERSTOOD)
        if not rejected or understood or self._has_claims:
            return
        reasons = self._db.execute(_REASONS, {"most": _REASONS_TOLD}).fetchall()
        told = [
            f"{count:,} × {reason} ({self._files[file].uri.rsplit('/', 1)[-1]}, {position})"
            for reason, count, file, position in reasons
        ]
        more = rejected - sum(count for _, count, _, _ in reasons)
        raise NothingUnderstood(
            f"every record was rejected: {'; '.join(told)}{f'; and {more:,} more' if more else ''}",
            where=where,
            hint="Nothing was committed. Is it another format, or a file that was damaged?",
        )

    def class_lists(self, format_: Format) -> dict[int, tuple[str, ...]]:
        """The classes that each file declares, of a format whose files leave no object of theirs out.

        Not of files that speak of coverage themselves.
        """
        if not getattr(format_, "is_exhaustive", False):
            return {}
        for kind in ("classes", "coverage"):
            self._view(kind)
        found = self._db.execute(
            'SELECT file, list(DISTINCT "class" ORDER BY "class") FROM classes '
            'WHERE "class" IS NOT NULL AND file NOT IN (SELECT file FROM coverage) GROUP BY file'
        )
        return {file: tuple(classes) for file, classes in found.fetchall()}

    def present(self, media: Mapping[str, Entry]) -> list[Entry]:
        """The assets that are in the lake; rows for those that are not are written now."""
        # Of what cannot be read, the size is what the first label file says.
        uris = self._db.execute(
            "SELECT uri, arg_min({'width': width, 'height': height}, file) "
            "FILTER (width IS NOT NULL AND height IS NOT NULL) FROM listed GROUP BY uri ORDER BY uri"
        )
        found: list[Entry] = []
        with parquet_writer(self._folder / "media-000000.parquet", "media") as writer:
            for batch in uris.to_arrow_reader(100_000):
                sizes = dict(zip(*(column.to_pylist() for column in batch.columns), strict=True))
                found.extend(media[uri] for uri in sizes if uri in media)
                missing = [uri for uri in sizes if uri not in media]
                columns = {
                    "media": [_kind(uri) for uri in missing],
                    "is_missing": [INLINE not in uri for uri in missing],
                    "width": [sizes[uri] and sizes[uri]["width"] for uri in missing],
                    "height": [sizes[uri] and sizes[uri]["height"] for uri in missing],
                }
                writer.write_table(table("media", len(missing), uri=missing, **columns))
        return found

    def write_media(self, facts: Iterable[MediaFacts], *, number: int) -> None:
        """Writes media that were looked at."""
        rows = list(facts)
        if rows:
            columns = {name: [getattr(row, name) for row in rows] for name in _MEDIA_FIELDS}
            with parquet_writer(self._folder / f"media-{number:06}.parquet", "media") as writer:
                writer.write_table(table("media", len(rows), **columns))

    def compare_sizes(self, tally: Tally) -> None:
        """Notes where label files state another size than the picture has, or mean one, once media were looked at."""
        self._view("media")
        told, others, shown, stored = 0, 0, 0, 0
        for width, height, *real, is_shown, is_swapped, is_turned, count, _ in self._db.execute(
            _SIZES
        ).fetchall():
            if is_turned and (is_shown or is_swapped):
                shown, stored = (shown + count, stored) if is_shown else (shown, stored + count)
                continue
            if is_swapped:
                tally.note(_SWAPPED, count)
            if told < _SIZES_TOLD:
                told += 1
                tally.note(f"label file says {width}x{height}, the picture is {real[0]}x{real[1]}: {count:,}")
            else:
                others += count
        for count, note in ((shown if self._states_sizes else 0, _SHOWN), (stored, _STORED)):
            if count:
                tally.note(f"{note}: {count:,}")
        if others:
            tally.note(f"label file says another size than the picture has: {others:,}")
        self._view("annotations")
        count_fractions(self._db, tally=tally)

    def _view(self, kind: str) -> None:
        paths = [str(path) for path in sorted(self._folder.glob(f"{kind}-*.parquet"))]
        if paths:
            self._db.read_parquet([as_pattern(path) for path in paths]).create_view(kind, replace=True)
        else:
            self._db.from_arrow(table(kind, 0)).create_view(kind, replace=True)

    def _row(self, query: str) -> tuple[int, ...]:
        (row,) = self._db.execute(query).fetchall()
        return tuple(int(value) for value in row)

    def _write_files(self) -> None:
        with parquet_writer(self._folder / "files-000000.parquet", "files") as writer:
            columns = {
                name: [getattr(facts, name) for facts in self._files]
                for name in STAGED["files"].names
                if name != "file"
            }
            count = len(self._files)
            writer.write_table(table("files", count, file=pa.array(range(count), pa.int32()), **columns))

    def _drop_repeats(self, tally: Tally) -> None:
        """Of annotations that are there twice, by the tool's own name and word for word, keeps the first."""
        paths = [str(path) for path in sorted(self._folder.glob("marks-*.parquet"))]
        if not paths:
            return
        self._db.read_parquet(paths).create_view("marks", replace=True)
        again, other = self._row(_REPEATS)
        if other:
            tally.note("an annotation id with other content than before: both were kept", other)
        if again:
            tally.note(
                "an annotation that was read before, with the same id and content: counted once", again
            )
            self._view("leaves")
            for kind in ("leaves", "annotations"):
                self._rewrite(kind, f"FROM {kind} WHERE row NOT IN ({_REPEATED_ROWS})")

    def _drop_unnamed(self) -> None:
        """Rejects annotations of an asset that was rejected for its name."""
        self._view("rejects")
        (count,) = self._row(f"SELECT count(*) FROM rejects WHERE {_BY_NAME}")  # noqa: S608 - our own words
        if not count:
            return
        self._db.execute(f"CREATE TABLE unnamed AS {_OF_UNNAMED}")
        rejected = self._db.execute(
            "SELECT file, position, 'its asset was rejected' AS reason, '' AS excerpt, key, "
            '"class" FROM unnamed ORDER BY ALL'
        ).to_arrow_table()
        with parquet_writer(self._folder / "rejects-999997.parquet", "rejects") as writer:
            writer.write_table(rejected.cast(STAGED["rejects"]))
        self._view("leaves")
        for kind in ("leaves", "annotations"):
            self._rewrite(kind, f"FROM {kind} ANTI JOIN unnamed USING (row)")

    def _list_orphans(self, tally: Tally) -> None:
        """An annotation of an image that is not listed keeps an asset of its own, which is missing.

        What the file says of its images does not hold there, so a reject makes it unknown for every other class.
        """
        count = 0
        reader = self._db.execute(_ORPHANS).to_arrow_reader(100_000)
        path = self._folder / "listed-000001.parquet"
        writer = None
        for batch in reader:
            if not batch.num_rows:
                continue
            writer = writer or parquet_writer(path, "listed")
            files, keys = batch.column(0).to_pylist(), batch.column(1).to_pylist()
            uris = [f"{self._files[file].uri}#{key}" for file, key in zip(files, keys, strict=True)]
            writer.write_table(
                table("listed", len(keys), file=files, key=keys, uri=uris, position="not listed")
            )
            count += len(keys)
        if writer:
            writer.close()
            self._reject_orphans()
            tally.note("annotations speak of an image that their file does not list", count)
            self._view("listed")

    def _reject_orphans(self) -> None:
        """A reject for each asset that only annotations speak of."""
        rejected = self._db.execute(_ORPHAN_REJECTS).to_arrow_table()
        with parquet_writer(self._folder / "rejects-999995.parquet", "rejects") as writer:
            writer.write_table(rejected.cast(STAGED["rejects"]))

    def _drop_double_keys(self, tally: Tally) -> None:
        """Of several rows with one key the first is kept; those that say something else are rejected."""
        double = self._db.execute(
            "SELECT file, key FROM listed GROUP BY file, key HAVING count(*) > 1 ORDER BY ALL"
        ).fetchall()
        if not double:
            return
        columns = ", ".join(STAGED["listed"].names)
        said = ", ".join(name for name in STAGED["listed"].names if name != "position")
        placed = (
            f"SELECT *, row_number() OVER (PARTITION BY file, key ORDER BY {IN_ORDER}) AS place FROM listed"  # noqa: S608 - our own words
        )
        numbered = f"SELECT *, row_number() OVER (PARTITION BY {said} ORDER BY place) AS copy FROM ({placed})"  # noqa: S608 - our own words
        rejected = self._db.execute(
            f"SELECT file, position, 'the image id ' || key || ' was used before' AS reason, "  # noqa: S608 - our own words
            f'uri AS excerpt, key, NULL::VARCHAR AS "class" '
            f"FROM ({numbered}) WHERE place > 1 AND copy = 1"
        ).to_arrow_table()
        if rejected.num_rows:
            tally.note("an image id that was used before in the same file", rejected.num_rows)
        with parquet_writer(self._folder / "rejects-999999.parquet", "rejects") as writer:
            writer.write_table(rejected.cast(STAGED["rejects"]))
        self._rewrite("listed", f"SELECT {columns} FROM ({numbered}) WHERE place = 1")  # noqa: S608 - our own words
        self._take_apart_again(double, tally)

    def _part_claims(self, tally: Tally) -> None:
        """Gives pictures that claim one key keys of their own; annotations under it are rejected."""
        for kind in ("annotations", "leaves", "coverage"):
            self._view(kind)
        claims = Claims(self._db)
        if not claims.count:
            return
        self._has_claims = True
        tally.note("an image id that several pictures claim", claims.count)
        with parquet_writer(self._folder / "rejects-999998.parquet", "rejects") as writer:
            writer.write_table(claims.rejects().cast(STAGED["rejects"]))
        for kind, query in claims.rewritten():
            self._rewrite(kind, query)
        self._take_apart_again(claims.keys(), tally)

    def _take_apart_again(self, double: Sequence[tuple[int, str]], tally: Tally) -> None:
        """Of several metadata with one key, keeps the leaves of those alone that were kept."""
        files, keys = [file for file, _ in double], [key for _, key in double]
        self._db.register("double", table("coverage", len(double), file=files, key=keys))
        said = "SELECT file, key, metadata FROM listed SEMI JOIN double USING (file, key)"
        metadata = Metadata()
        for file, key, document in self._db.execute(said).fetchall():
            metadata.add(file, key, document=document, tally=tally)
        again = table("listed_leaves", len(metadata), **metadata.columns())
        self._db.register("again", again)
        self._view("listed_leaves")
        others = "FROM listed_leaves ANTI JOIN double USING (file, key)"
        self._rewrite("listed_leaves", f"{others} UNION ALL FROM again")

    def _rewrite(self, kind: str, query: str) -> None:
        """Puts what a query gives in the place of all rows of a kind."""
        before = list(self._folder.glob(f"{kind}-*.parquet"))
        self._rewritten += 1  # a kind may be rewritten twice, and what is read must not be what is written
        with parquet_writer(self._folder / f"{kind}-{900_000 + self._rewritten}.parquet", kind) as writer:
            for batch in self._db.execute(query).to_arrow_reader(100_000):
                writer.write_table(pa.table(batch).cast(STAGED[kind]))
        for path in before:
            path.unlink()
        self._view(kind)


def _kind(uri: str) -> str:
    return "text" if INLINE in uri else named_kind(uri)
