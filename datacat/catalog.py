"""`Catalog`: opens the parts and wires the stages. Every face calls this and nothing behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from datacat.config import Settings, read_settings
from datacat.doctor import examined
from datacat.errors import CatalogNotFound, UsageError
from datacat.likeness import LazyNearest
from datacat.media import Media, media_of, thumbnail_of
from datacat.model.finding import Finding
from datacat.model.joining import JoiningChoice
from datacat.model.names import LabelSetName
from datacat.model.report import IngestReport
from datacat.model.rights import RightsClaim
from datacat.outside import CatalogOutside
from datacat.places import author_of, chosen_place
from datacat.query import listing
from datacat.query.ask import Answer, ask
from datacat.query.document import document_of, text_of, text_of_json
from datacat.query.ending import Ending
from datacat.query.explain import explained
from datacat.query.hits import By, Hits
from datacat.query.html import escaped
from datacat.query.overlap import Overlap, overlap
from datacat.query.overview import Overview, overview
from datacat.query.page import read_page
from datacat.query.ranking import Nearest
from datacat.query.search import READS, search
from datacat.query.show import AssetView, show
from datacat.query.vocabulary import vocabulary
from datacat.sandbox import VIEWS, SqlResult, run_sql
from datacat.saved import Searches
from datacat.selection import selected
from datacat.sources.inside import limited_to_sources
from datacat.sources.location import Location
from datacat.steps import step
from datacat.tables import CompactReport, GcReport, LogEntry, State, Tables
from datacat.tables.faults import mark_unreadable
from datacat.tables.salvage import salvaged

if TYPE_CHECKING:  # what a search does not need is imported where it is used: 0.1 s
    from datacat.concepts import Concepts
    from datacat.embeddings import Embeddings, EmbedReport
    from datacat.ingest.format import Format
    from datacat.versions.snapshots import Snapshot, Snapshots

_Place = str | PathLike[str] | None


class Catalog:
    """A catalog at one state. Open one with `datacat.open`."""

    def __init__(self, tables: Tables, *, at: int | None = None, state: State | None = None) -> None:
        self._tables = tables
        self._state = state or tables.state(at)
        self.root = tables.root
        self.settings = tables.store.settings

    @classmethod
    def init(cls, place: str | PathLike[str] = ".") -> Catalog:
        """See `datacat.init`."""
        root = Location.parse(place)
        settings = read_settings(root.uri)
        return cls(Tables.create(root, settings, author=author_of(settings)))

    @classmethod
    def open(cls, place: _Place = None, *, at: int | None = None, own: Settings | None = None) -> Catalog:
        """See `datacat.open`; with `own` settings in place of those that are found."""
        root, found = chosen_place(place)
        return cls(Tables.open(root, own or found, at=at), at=at)

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
        location: str | PathLike[str],
        *,
        team: str,
        name: str,
        format: str = "auto",  # noqa: A002 - the word that people know
        media_root: str | PathLike[str] | None = None,
        covers: str | Sequence[str] | None = None,
        covers_attributes: str | Sequence[str] | None = None,
        ontology: str | None = None,
        licence: str | None = None,
        owner: str | None = None,
        look_again: bool = False,
        author: str = "",
        message: str = "",
    ) -> IngestReport:
        """Indexes the label files at `location` as label set `team/name`; reads only what changed since.

        Args:
            location: a file, a folder or an s3:// prefix.
            team: whose labels these are.
            name: of the label set within the team.
            format: see `datacat formats`; "auto" recognises them.
            media_root: where the media lie, if not beside the labels.
            covers: the classes that were labelled exhaustively, or "all", "none", or "auto": as the files say.
                What is said of coverage stays until something else is said.
            covers_attributes: the attribute paths that were, or "none".
            ontology: the version of the ontology that was labelled by; the empty text takes it back.
            licence: under which the labels may be used, else as the files say; stays, and is taken back, likewise.
            owner: whom to ask about them; the same.
            look_again: reads the bytes of label files and media also where size and time are as before.
            author: who commits; by default git's user.
            message: what the log should say.

        Raises:
            UsageError: a class or path that the label set does not have is said to be covered.
            LocationError: the place is not there.
            FormatError: no label format was recognised, or several were.
            CommitConflict, CommitUnknown, StorageUnsafe: nothing was changed, or nobody knows.
        """
        from datacat.indexing import coverage_claim, ingest

        report = ingest(
            self._tables,
            Location.parse(location),
            label_set=LabelSetName(team, name),
            media_root=Location.parse(media_root) if media_root else None,
            format=format,
            author=author or author_of(self.settings),
            message=message,
            claim=coverage_claim(covers=covers, attributes=covers_attributes, ontology=ontology),
            rights=RightsClaim(licence, owner),
            looks_again=look_again,
        )
        self.refresh()
        return report

    def search(
        self,
        query: str | Mapping[str, Any],
        *,
        limit: int | None = None,
        after: str | None = None,
        by: By = "content",
        space: str | None = None,
        files: bool = True,
    ) -> Hits:
        """Finds assets; see docs/reference/query.md. A page is of the state that the page before it was of.

        Args:
            query: the question, as text or as the JSON of docs/reference/query-json.md; `@name` in front of a
                text is a saved search.
            limit: hits a page; None: all.
            after: the token of the page before.
            by: "content": a picture with equal bytes at several addresses is one hit; "uri": each address is.
            space: the embedding space of a similarity search.
            files: whether `like:` may name a file that is no asset.

        Raises:
            QueryError: the query cannot be understood.
            UsageError: a limit below 1, a page token of another query, or `by` is neither.
            StateNotFound: the state of the page token is gone.
            NotFound: there is no saved search of that name.
        """
        state = self._state if after is None else self._tables.state(read_page(after).state)
        if by not in ("content", "uri"):
            raise UsageError(f"hits are by content or by uri, not by {by}")
        with step("open the tables"):
            cursor = self._tables.cursor(state, kinds=READS, is_merged=by == "content")
        hits = search(
            cursor,
            self.searches.expanded(query, state=state) if isinstance(query, str) else text_of(query),
            state=state.number,
            limit=limit,
            after=after,
            by=by,
            addresses=self._addresses(state) if by == "content" else None,
            nearest=self._nearest(cursor, space),
            files=files,
            identity=state.identity if by == "content" else f"{state.identity} by uri",
            outside=self._outside(state),
        )
        hits.thumbnail = lambda uri: thumbnail_of(uri, self._limited())
        return hits

    def _repr_html_(self) -> str:
        return f"<p><b>{escaped(self.root)}</b></p>{self.overview()._repr_html_()}"

    def ask(self, question: str, *, limit: int = 5, space: str | None = None) -> Answer:
        """Answers a question in plain words, in three tiers; see docs/howto/ask.md. Refuses one that names nothing.

        Args:
            question: as one would ask a colleague.
            limit: hits in a tier.
            space: the embedding space that ranks what is not labelled.
        """
        cursor = self._tables.cursor(self._state, kinds=READS)
        nearest = self._nearest(cursor, space) if len(self._embeddings.spaces()) else None
        identity = self._state.identity
        return ask(cursor, question, state=self.state, limit=limit, nearest=nearest, identity=identity)

    def embed(
        self,
        *,
        model: str | None = None,
        pretrained: str | None = None,
        checkpoint: str | None = None,
        batch_size: int = 32,
        device: str | None = None,
    ) -> EmbedReport:
        """Embeds the pictures that have no vector yet; see `Embeddings.embed`."""
        return self._embeddings.embed(
            self._tables.cursor(self._state, is_merged=False),  # a copy that is left alone has its vector
            model=model,
            pretrained=pretrained,
            checkpoint=checkpoint,
            batch_size=batch_size,
            device=device,
            mark=self._mark_unreadable,
            reading=self._limited(),
        )

    def _mark_unreadable(self, faults: Mapping[int, tuple[str | None, str]]) -> None:
        number = mark_unreadable(
            self._tables.store, faults, author=author_of(self.settings), message="mark unreadable pictures"
        )
        if number is not None:
            self._look_at(self._tables.state(number))

    def spaces(self) -> pa.Table:
        """The embedding spaces: model, checkpoint, preprocessing, how many vectors."""
        return self._embeddings.spaces()

    def sql(
        self,
        query: str,
        *,
        timeout_s: float | None = None,
        memory: str | None = None,
        is_sandboxed: bool = True,
    ) -> SqlResult:
        """Runs one SELECT over the views of docs/reference/sql.md, in a process of its own; see `run_sql`."""
        return run_sql(
            self._tables,
            query,
            state=self._state,
            timeout_s=timeout_s,
            memory=memory,
            is_sandboxed=is_sandboxed,
        )

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
        return listing.values(self.cursor(), path, limit=limit)

    def label_sets(self) -> pa.Table:
        """The label sets: label_set, team, name, format, created."""
        return listing.label_sets(self.cursor())

    def overview(self) -> Overview:
        """Each team and label set in numbers, and with whom it shares assets."""
        cursor = self.cursor()
        words = vocabulary(cursor, identity=self._state.identity)
        return overview(cursor, vocabulary=words, state=self.state)

    def overlap(self, left: str, right: str, *, limit: int = 10) -> Overlap:
        """Which assets two teams or label sets share, and how far they agree; see `query.overlap.overlap`."""
        cursor = self.cursor()
        words = vocabulary(cursor, identity=self._state.identity)
        return overlap(cursor, left, right=right, vocabulary=words, limit=limit)

    def rejects(self, label_set: str | None = None) -> pa.Table:
        """Records that could not be understood: label_set, file, position, reason, excerpt."""
        return listing.rejects(self.cursor(), LabelSetName.parse(label_set) if label_set else None)

    def asset(self, which: int | str) -> AssetView:
        """One asset, by number, URI, or an end of its URI that no other has.

        Raises:
            NotFound: there is none, or several.
        """
        return show(self.cursor(), str(which))

    def media(self, asset: int | str) -> Media:
        """The bytes of an asset of this catalog; see `datacat.media.media_of`."""
        return media_of(self.cursor(), asset, settings=self.settings)

    def log(self, *, limit: int | None = None) -> tuple[LogEntry, ...]:
        """The history, newest first."""
        return self._tables.log(limit=limit)

    @classmethod
    def salvage(cls, place: _Place = None, *, at: int | None = None) -> tuple[Catalog, list[Finding]]:
        """The catalog at the newest state that can be told, also where its log is damaged; and what is wrong."""
        tables, state, found = salvaged(*chosen_place(place), at=at)
        return cls(tables, state=state), found

    @classmethod
    def examine(cls, place: _Place = None, *, at: int | None = None, deep: bool = False) -> list[Finding]:
        """As `doctor`, also where the log is so damaged that the catalog cannot be opened."""
        catalog, found = cls.salvage(place, at=at)
        return [*found, *catalog.doctor(deep=deep)]

    def doctor(self, *, deep: bool = False) -> list[Finding]:
        """Checks log, files, index, vectors and snapshots against each other.

        Args:
            deep: reads every data file and manifest whole and compares its bytes with the digest that was kept.
        """
        tables, vectors = self._tables, self._embeddings
        return list(examined(tables, self._state, embeddings=vectors, snapshots=self.snapshots, deep=deep))

    def gc(
        self, *, dry_run: bool = False, grace_s: float = 3600, forget_before: int | None = None
    ) -> GcReport:
        """Removes what no state and no snapshot needs; see `Tables.gc`."""
        pinned = self.snapshots.pinned_states
        return self._tables.gc(dry_run=dry_run, grace_s=grace_s, pinned=pinned, forget_before=forget_before)

    def compact(self) -> CompactReport:
        """Merges small files; every answer stays the same."""
        report = self._tables.compact(author=author_of(self.settings))
        self.refresh()
        return report

    @cached_property
    def concepts(self) -> Concepts:
        """Which class names mean the same."""
        from datacat.concepts import Concepts

        return Concepts(self._tables, look_at=self._look_at, shown=lambda: self._state)

    @cached_property
    def searches(self) -> Searches:
        """Queries under a name."""
        return Searches(self._tables, look_at=self._look_at, shown=lambda: self._state, outside=self._outside)

    def _outside(self, state: State) -> CatalogOutside:
        return CatalogOutside(self._tables, state, lambda: self.snapshots)

    @cached_property
    def _embeddings(self) -> Embeddings:
        from datacat.embeddings import Embeddings

        return Embeddings(self.root, self.settings)

    @cached_property
    def snapshots(self) -> Snapshots:
        """Frozen training sets."""
        from datacat.versions.snapshots import Snapshots

        tables = self._tables
        return Snapshots(self.root, self.settings, sources=tables.source_places, copies=tables.copies_of)

    def _limited(self) -> Settings:
        """Settings with which nothing is read but what lies where the sources of the newest state say."""
        return limited_to_sources(self._tables.cursor(self._tables.state(), kinds=["sources"]), self.settings)

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
        space: str | None = None,
        author: str = "",
        classes: Sequence[str] = (),
        joining: JoiningChoice | None = None,
    ) -> Snapshot:
        """Freezes the answer to `query` as the next version of `name`; see `Snapshots.create`.

        Args:
            name: the snapshot's.
            query: what belongs in it.
            limit: the best so many; of a query that does not rank, the first.
            space: the embedding space of a similarity search.
            split, seed, annotations, author, classes, joining: see there.

        Raises:
            QueryError: the query cannot be understood.
            UsageError: nothing matches, or likeness ranks everything and there is no limit.
            CatalogError: `gc` has forgotten that state, or is about to.
        """
        with self._tables.kept(self._state):
            hits = self.search(query, limit=limit, space=space)
            selection = selected(hits, query=query, limit=limit, space=lambda: self._embeddings.chosen(space))
            return self.snapshots.create(
                name,
                cursor=self.cursor(),
                selection=selection,
                state=self.state,
                split=split,
                seed=seed,
                annotations=annotations,
                author=author or author_of(self.settings),
                classes=classes,
                joining=joining,
            )

    def _nearest(self, cursor: duckdb.DuckDBPyConnection, space: str | None) -> Nearest:
        return LazyNearest(lambda: self._embeddings.nearest(cursor, space))

    def _addresses(self, state: State) -> duckdb.DuckDBPyConnection | None:
        """A cursor that shows each address by itself; None where there is one of each asset."""
        return self._tables.cursor(state, kinds=READS, is_merged=False) if state.of("copies") else None

    def _look_at(self, state: State) -> None:
        self._state = state


def label_formats() -> Sequence[Format]:
    """The label formats that are read."""
    from datacat.ingest.registry import formats

    return tuple(formats().values())


__all__ = [
    "VIEWS", "Catalog", "CatalogNotFound", "Ending", "LogEntry", "Media", "SqlResult", "document_of",
    "explained", "label_formats", "read_page", "text_of", "text_of_json",
]  # fmt: skip
