"""`Catalog`: opens the parts and wires the stages. Every face calls this and nothing behind it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa

from datacat.concepts import Concepts
from datacat.config import read_settings
from datacat.errors import CatalogNotFound, NotFound, UsageError
from datacat.ingest.format import FileFacts, Format
from datacat.ingest.pipeline import IngestRequest, stage
from datacat.ingest.registry import formats as _formats
from datacat.model.finding import Finding
from datacat.model.names import LabelSetName
from datacat.model.report import IngestReport
from datacat.model.snapshot import Question
from datacat.places import author_of, chosen_place
from datacat.query import listing
from datacat.query.hits import Hits
from datacat.query.page import read_page
from datacat.query.search import search
from datacat.query.show import AssetView, show
from datacat.sources.location import Location, filesystem
from datacat.sources.reading import read_bytes
from datacat.tables import CompactReport, GcReport, LogEntry, State, Tables
from datacat.versions.snapshots import Snapshot, Snapshots


@dataclass(frozen=True, slots=True)
class Media:
    """The bytes of an asset: `path` where they lie on this machine, else `content`."""

    type: str
    path: Path | None
    content: bytes | None


class Catalog:
    """A catalog at one state. Open one with `datacat.open`."""

    def __init__(self, tables: Tables, *, at: int | None = None) -> None:
        self._tables = tables
        self._state = tables.state(at)
        self.root = tables.root
        self.settings = tables.store.settings

    @classmethod
    def init(cls, place: str = ".") -> Catalog:
        """See `datacat.init`."""
        root = Location.parse(place)
        settings = read_settings(root.uri)
        return cls(Tables.create(root, settings, author=author_of(settings)))

    @classmethod
    def open(cls, place: str | None = None, *, at: int | None = None) -> Catalog:
        """See `datacat.open`."""
        root, settings = chosen_place(place)
        return cls(Tables.open(root, settings), at=at)

    @property
    def state(self) -> int:
        """The number of the state that this looks at."""
        return self._state.number

    def refresh(self) -> Catalog:
        """Looks at the newest state from now on; returns itself."""
        self._look_at(self._tables.state())
        return self

    def ingest(
        self,
        location: str,
        *,
        team: str,
        name: str,
        format: str = "auto",  # noqa: A002 - the word that people know
        media_root: str | None = None,
        author: str = "",
        message: str = "",
    ) -> IngestReport:
        """Indexes the label files at `location` as label set `team/name`; reads only what changed since.

        Raises:
            LocationError: the place is not there.
            FormatError: no label format was recognised, or several were.
            CommitConflict, CommitUnknown, StorageUnsafe: nothing was changed, or nobody knows.
        """
        label_set = LabelSetName(team, name)
        place = Location.parse(location)
        root = Location.parse(media_root) if media_root else None
        newest = self._tables.state()
        known = self._known_files(newest, label_set, place=place)
        request = IngestRequest(place, root, format)
        with tempfile.TemporaryDirectory(prefix="datacat-ingest-") as folder:
            staged = stage(
                request,
                into=Path(folder),
                known_files=known,
                known_media=self._tables.known_media(newest),
                settings=self.settings,
            )
            report = self._tables.link(
                staged,
                label_set=label_set,
                location=place.uri,
                options={"media_root": root.uri} if root else {},
                author=author or author_of(self.settings),
                message=message,
            )
        self.refresh()
        return report

    def search(
        self,
        query: str,
        *,
        limit: int | None = 20,
        after: str | None = None,
        space: str | None = None,
        files: bool = True,
    ) -> Hits:
        """Finds assets; see docs/reference/query.md. A page is of the state that the page before it was of.

        Args:
            query: the question.
            limit: hits a page; None: all.
            after: the token of the page before.
            space: the embedding space of a similarity search.
            files: whether `like:` may name a file that is no asset.

        Raises:
            QueryError: the query cannot be understood.
            UsageError: a limit below 1, or a page token of another query.
            StateNotFound: the state of the page token is gone.
        """
        state = self._state if after is None else self._tables.state(read_page(after).state)
        cursor = self._tables.cursor(state)
        return search(cursor, query, state=state.number, limit=limit, after=after, files=files)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB cursor in which each logical table of this state is a view by its name."""
        return self._tables.cursor(self._state)

    def classes(self) -> pa.Table:
        """The classes of all teams, with how often each is used."""
        return listing.classes(self.cursor())

    def attributes(self) -> pa.Table:
        """The attribute paths, with types, counts and example values."""
        return listing.attributes(self.cursor())

    def values(self, path: str, *, limit: int = 20) -> pa.Table:
        """The commonest values of an attribute path: value, annotations."""
        sql = (
            "SELECT text AS value, count(*) AS annotations FROM attribute_values WHERE path = ? AND text IS NOT NULL "
            "GROUP BY ALL ORDER BY annotations DESC, value LIMIT ?"
        )
        return self.cursor().execute(sql, [path, limit]).to_arrow_table()

    def label_sets(self) -> pa.Table:
        """The label sets."""
        sql = (
            "SELECT team || '/' || name AS label_set, team, name, format, created FROM label_sets ORDER BY 1"
        )
        return self.cursor().execute(sql).to_arrow_table()

    def rejects(self, label_set: str | None = None) -> pa.Table:
        """Records that could not be understood: label_set, file, position, reason, excerpt."""
        wanted = str(LabelSetName.parse(label_set)) if label_set else None
        sql = """
            SELECT l.team || '/' || l.name AS label_set, s.uri AS file, r.position, r.reason, r.excerpt
            FROM rejects r JOIN label_sets l USING (label_set) JOIN source_files s USING (source_file)
            WHERE ?::VARCHAR IS NULL OR l.team || '/' || l.name = ? ORDER BY ALL
        """
        return self.cursor().execute(sql, [wanted, wanted]).to_arrow_table()

    def asset(self, which: str) -> AssetView:
        """One asset, by number, URI, or an end of its URI that no other has.

        Raises:
            NotFound: there is none, or several.
        """
        return show(self.cursor(), which)

    def media(self, asset: str) -> Media:
        """The bytes of an asset of this catalog.

        Raises:
            NotFound: no such asset, or its media is missing.
            LocationError: S3 does not give it.
        """
        import mimetypes

        sql = "SELECT uri, is_missing FROM assets WHERE asset = TRY_CAST(? AS BIGINT)"
        row = self.cursor().execute(sql, [asset]).fetchone()
        if row is None or row[1]:
            raise NotFound(f"no media of asset {asset}")
        place = Location.parse(row[0])
        kind = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
        system = filesystem(place, self.settings)
        if not system.isfile(place.path):
            raise NotFound(f"the media of asset {asset} is gone", where=place.uri)
        if not place.is_s3:
            return Media(kind, Path(place.path), None)
        return Media(kind, None, read_bytes(place.uri, self.settings))

    def log(self, *, limit: int | None = None) -> tuple[LogEntry, ...]:
        """The history, newest first."""
        return self._tables.log(limit=limit)

    def doctor(self) -> list[Finding]:
        """Checks log, files and index against each other."""
        return list(self._tables.check(self._state))

    def gc(
        self, *, dry_run: bool = False, grace_s: float = 3600, forget_before: int | None = None
    ) -> GcReport:
        """Removes what no state and no snapshot needs; see `Tables.gc`."""
        pinned = self.snapshots.pinned_states()
        return self._tables.gc(dry_run=dry_run, grace_s=grace_s, pinned=pinned, forget_before=forget_before)

    def compact(self) -> CompactReport:
        """Merges small files; every answer stays the same."""
        report = self._tables.compact(author=author_of(self.settings))
        self.refresh()
        return report

    @cached_property
    def concepts(self) -> Concepts:
        """Which class names mean the same."""
        return Concepts(self._tables, look_at=self._look_at, shown=lambda: self._state)

    @cached_property
    def snapshots(self) -> Snapshots:
        """Frozen training sets."""
        return Snapshots(self.root, self.settings)

    def snapshot(self, name: str) -> Snapshot:
        """The snapshot `name@version`; of `name` alone the latest."""
        return self.snapshots.read(name)

    def freeze(
        self,
        name: str,
        *,
        query: str,
        split: str = "",
        seed: str = "0",
        annotations: str = "matching",
        limit: int | None = None,
        author: str = "",
    ) -> Snapshot:
        """Freezes the answer to `query` as the next version of `name`; see `Snapshots.create`.

        Args:
            name: the snapshot's.
            query: what belongs in it.
            split: as in train=0.8,val=0.2.
            seed: another seed, another split.
            annotations: "matching" or "all".
            limit: the best so many; of a query that does not rank, the first.
            author: by default git's user.

        Raises:
            QueryError: the query cannot be understood.
            UsageError: nothing matches, or likeness ranks everything and there is no limit.
        """
        hits = self.search(query, limit=limit)
        if hits.is_ranked and limit is None:
            raise UsageError(
                f"likeness ranks every asset, so all of them would match {query!r}", hint="Give a limit."
            )
        selection = _Selection(Question(query, hits.interpretation, {}, None, limit), hits)
        return self.snapshots.create(
            name,
            cursor=self.cursor(),
            selection=selection,
            state=self.state,
            split=split,
            seed=seed,
            annotations=annotations,
            author=author or author_of(self.settings),
        )

    def _known_files(self, state: State, label_set: LabelSetName, *, place: Location) -> dict[str, FileFacts]:
        """The label files that were read from `place` before, in the words of `ingest`."""
        below = place.uri.rstrip("/") + "/"
        return {
            uri: FileFacts(f.uri, f.size, f.etag, f.modified, f.digest, f.format)
            for uri, f in self._tables.known_files(state, label_set).items()
            if uri == place.uri or uri.startswith(below)
        }

    def _look_at(self, state: State) -> None:
        self._state = state


@dataclass(frozen=True, slots=True)
class _Selection:
    question: Question
    _hits: Hits

    def assets(self) -> pa.RecordBatchReader:
        found = self._hits.assets().read_all()
        return found.slice(0, self.question.limit).to_reader()

    def annotations(self) -> pa.RecordBatchReader | None:
        return self._hits.annotations() if self._hits.asks_for_annotations else None


def label_formats() -> Sequence[Format]:
    """The label formats that are read."""
    return tuple(_formats().values())


__all__ = ["Catalog", "CatalogNotFound", "Media", "label_formats"]
