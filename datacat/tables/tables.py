"""`Tables`: what the rest of datacat sees of the storage stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager

import duckdb
import pyarrow as pa

from datacat.config import Settings
from datacat.errors import CatalogError
from datacat.model.coverage import CoverageClaim
from datacat.model.finding import Finding
from datacat.model.names import LabelSetName
from datacat.model.report import IngestReport
from datacat.model.rights import RightsClaim
from datacat.model.schemas import KINDS, TABLES
from datacat.sources.inside import source_places
from datacat.sources.location import Location
from datacat.tables import identifiers, recovery, upkeep
from datacat.tables.change import Change, Written
from datacat.tables.check import SAMPLE, check
from datacat.tables.check_bytes import byte_findings
from datacat.tables.difference import changed_assets
from datacat.tables.known import KnownMedia, annotation_counts, incomplete_files, known_files
from datacat.tables.link import link
from datacat.tables.place import check_place
from datacat.tables.staged import FileFacts, Source, Staged
from datacat.tables.state import LogEntry, State
from datacat.tables.store import Store
from datacat.tables.tree import refuse_links, refuse_remains
from datacat.tables.upkeep import CompactReport, GcReport

_OTHER_ADDRESSES = """
    SELECT w.uri, a.uri FROM assets AS a JOIN wanted_pictures AS w USING (digest)
    WHERE NOT a.is_missing AND a.uri <> w.uri
    ORDER BY ALL
"""


class Tables:
    """The logical tables of one catalog. Threads may share it; each takes its own cursor."""

    def __init__(self, store: Store, *, newest: State | None = None) -> None:
        """With `newest`, that is taken for the newest state, as the log is damaged; nothing can be committed then."""
        self.store = store
        self.root = store.root
        self._newest = newest

    @classmethod
    def create(cls, root: Location, settings: Settings, *, author: str) -> Tables:
        """Makes an empty catalog, state 0.

        Raises:
            CatalogExists: there is one.
            CatalogError: a link lies where a part of it would be, or one lost its log there.
            StorageUnsafe: the S3 server ignores conditional PUT.
            LocationError: nothing can be written there, or its path would be read as another one.
        """
        check_place(root)
        refuse_links(root)
        store = Store(root, settings)
        if recovery.committed_end(store.files.log, settings) is None:
            refuse_remains(root, settings)
        recovery.probe(root, settings)
        store.probed()
        identifiers.start(root, settings)
        store.log.create(author=author)
        return cls(store)

    @classmethod
    def open(cls, root: Location, settings: Settings, *, at: int | None = None) -> Tables:
        """Opens a catalog; needs no permission to write.

        Args:
            root: where it lies.
            settings: the user's.
            at: the state that will be looked at; what only later ones rest on is not asked for. None: the newest.

        Raises:
            CatalogNotFound: there is none.
            SchemaMismatch: another version of datacat wrote it.
            StateNotFound: it never had that state.
            CatalogError: its log is damaged, or a part of it is a link to elsewhere.
            LocationError: its path would be read as another one.
        """
        check_place(root)
        refuse_links(root)
        store = Store(root, settings)
        store.log.check_schema(at)
        return cls(store)

    def state(self, at: int | None = None) -> State:
        """A state, the newest by default.

        Raises:
            StateNotFound: the catalog never had it.
        """
        return self._newest if at is None and self._newest is not None else self.store.state(at)

    def cursor(
        self, state: State, *, kinds: Iterable[str] = KINDS, is_merged: bool = True
    ) -> duckdb.DuckDBPyConnection:
        """A DuckDB cursor of its own in which each logical table of that state is a view by its name.

        One picture under several addresses is one asset in them; `other_addresses` has the others.

        Args:
            state: which.
            kinds: the tables that are needed; each takes half a millisecond.
            is_merged: else every address is an asset of its own.

        Raises:
            CatalogError: a file of that state is gone.
        """
        return self.store.cursor(state, kinds=kinds, is_stored=False, is_merged=is_merged)

    def changed_assets(self, state: State, *, since: int) -> str:
        """A SELECT, for a cursor of `state`, of the assets that changed; see `difference.changed_assets`."""
        return changed_assets(self.store, state, since=since)

    def link(
        self,
        staged: Staged,
        *,
        label_set: LabelSetName,
        location: str,
        options: Mapping[str, str] | None = None,
        claim: CoverageClaim | None = None,
        rights: RightsClaim | None = None,
        author: str,
        message: str = "",
    ) -> IngestReport:
        """Makes what was staged the content of a label set, in one commit; none where nothing changed.

        Where tiny files have gathered, a commit of its own then merges them.

        Args:
            staged: what an ingest read.
            label_set: whose content it is; made where it is new.
            location: where the label files lie, kept in `sources`.
            options: how they were read (media root, format options), kept in `sources`.
            claim: what a person says of its coverage; it stays until another is made.
            rights: what a person says of its licence and owner; the same.
            author: who commits.
            message: why; by default "ingest team/name".

        Raises:
            CommitConflict: others changed the same label set again and again.
            CommitUnknown: the store does not say whether it happened; repeating the command is safe.
            StorageUnsafe: the S3 server ignores conditional PUT.
            UsageError: the claim names a class or an attribute path that the label set does not have.
        """
        source = Source(label_set, location, options or {}, claim or CoverageClaim(), rights or RightsClaim())
        report = link(self.store, staged, source=source, author=author, message=message)
        if report.changed:
            upkeep.tidy(self.store, author=author)
        return report

    def replace(
        self, kind: str, edit: Callable[[pa.Table], pa.Table], *, author: str, message: str
    ) -> int | None:
        """Replaces all rows of a small kind by what `edit` makes of them.

        Args:
            kind: of `TABLES`, as in "concepts".
            edit: called with the rows of the newest state; again where somebody else changed them meanwhile.
            author: who commits.
            message: why.

        Returns:
            The new state; None where `edit` changed nothing.
        """
        return self.replace_all([kind], lambda old: {kind: edit(old[kind])}, author=author, message=message)

    def replace_all(
        self,
        kinds: Sequence[str],
        edit: Callable[[Mapping[str, pa.Table]], Mapping[str, pa.Table]],
        *,
        author: str,
        message: str,
    ) -> int | None:
        """Replaces all rows of several small kinds in one commit, by what `edit` makes of them; see `replace`.

        Args:
            kinds: what `edit` is given; a change of any of them by somebody else makes it run again.
            edit: kind -> rows, to kind -> rows; kinds that it leaves out stay as they are.
            author: who commits.
            message: why.
        """

        def plan(state: State) -> Change | None:
            cursor = self.store.cursor(state, kinds=kinds)
            old = {k: cursor.execute(f'FROM "{k}"').to_arrow_table().cast(TABLES[k]) for k in kinds}
            new = {k: rows.cast(TABLES[k]) for k, rows in edit(old).items()}
            changed = [k for k in new if not new[k].equals(old[k])]
            if not changed:
                return None
            adds: list[Written] = []
            for k in changed:
                cursor.register("edited", new[k])
                adds += self.store.files.write(cursor, k, rows="FROM edited")
            removes = tuple(file for k in changed for file in state.of(k))
            kept = {k: _equal_rows(old[k], new[k]) for k in changed}
            return Change(tuple(adds), removes, lambda a, b: all(a.of(k) == b.of(k) for k in kinds), kept)

        return self.store.commit(plan, author=author, message=message)

    def log(self, *, limit: int | None = None) -> tuple[LogEntry, ...]:
        """The history, newest first."""
        return self.store.log.entries(limit=limit)

    def known_files(self, state: State, label_set: LabelSetName) -> dict[str, FileFacts]:
        """The label files of a label set by URI, as they were when they were read last."""
        return known_files(self.store, state, label_set=label_set)

    def incomplete_files(self, state: State, label_set: LabelSetName) -> frozenset[str]:
        """URIs of the label files that speak of an asset whose media was not found."""
        return incomplete_files(self.store, state, label_set=label_set)

    def annotation_counts(self, state: State, label_set: LabelSetName) -> dict[str, int]:
        """How many annotations each label file of a label set gave, by URI."""
        return annotation_counts(self.store, state, label_set=label_set)

    def known_media(self, state: State, *, below: Sequence[Location] = ()) -> KnownMedia:
        """A mapping from URI to media facts that takes no memory; of assets below some places, or of all."""
        return KnownMedia(self.store, state, below=below)

    def source_places(self, *, surely: bool = False) -> tuple[str, ...]:
        """Where the label files and the media of the newest state, or of the newest that can be told, lie.

        Args:
            surely: refuse that of a damaged log: there may be others.

        Raises:
            CatalogError: the log is damaged, or a file of that state is gone.
        """
        if surely and self._newest is not None:
            raise CatalogError("the log is damaged", where=str(self.root))
        return source_places(self.store.cursor(self.state(), kinds=["sources"]))

    def copies_of(self, pictures: pa.Table) -> dict[str, list[str]]:
        """URI -> the other ones at which the newest state knows pictures of the same bytes to be, if there are any.

        Args:
            pictures: `uri` and `digest` of each.
        """
        cursor = self.store.cursor(self.state(), kinds=["assets"])
        cursor.register("wanted_pictures", pictures)
        found: dict[str, list[str]] = {}
        for uri, other in cursor.execute(_OTHER_ADDRESSES).fetchall():
            found.setdefault(uri, []).append(other)
        return found

    def check(self, state: State, *, sample: int = SAMPLE, is_deep: bool = False) -> Iterator[Finding]:
        """Yields what is wrong in `state`, and notes of what a crash left behind.

        Args:
            state: which.
            sample: of how many annotations the index is compared with the attributes themselves.
            is_deep: also reads every data file of every state and compares its bytes with their digest.
        """
        yield from check(self.store, state, sample=sample)
        if is_deep:
            yield from byte_findings(self.store)

    def kept(self, state: State) -> AbstractContextManager[None]:
        """Keeps `gc` from forgetting a state meanwhile; see `upkeep.kept`."""
        return upkeep.kept(self.store, state)

    def compact(self, *, author: str) -> CompactReport:
        """Merges small files and writes a checkpoint; the rows stay the same."""
        return upkeep.compact(self.store, author=author)

    def gc(
        self,
        *,
        dry_run: bool = False,
        grace_s: float = 3600,
        pinned: Callable[[], Set[int]] = frozenset,
        forget_before: int | None = None,
    ) -> GcReport:
        """Removes data files that no state has, and what crashes left behind; see `upkeep.gc`.

        Args:
            dry_run: only say what would go.
            grace_s: spare what is younger, seconds.
            pinned: tells which states snapshots need.
            forget_before: also remove what only states before this one need, pinned ones apart.
        """
        return upkeep.gc(
            self.store, dry_run=dry_run, grace_s=grace_s, pinned=pinned, forget_before=forget_before
        )


def _equal_rows(old: pa.Table, new: pa.Table) -> int:
    """How many rows both have, so that the log tells an edited row from one that stayed."""
    both = Counter(map(str, old.to_pylist())) & Counter(map(str, new.to_pylist()))
    return both.total()
