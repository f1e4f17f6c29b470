"""The catalog's states, cursors that show them, and commits."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace

import duckdb

from datacat.config import Settings
from datacat.errors import CatalogError, CommitConflict, CommitUnknown, LocationError, shortage
from datacat.model.schemas import KINDS, LOOKED_UP
from datacat.sources.location import Location
from datacat.tables import leases, recovery
from datacat.tables.addresses import VIEWS, addresses, other_addresses, shown
from datacat.tables.chain import CHECKPOINT_EVERY
from datacat.tables.change import Change, Conflict
from datacat.tables.connection import cursor as new_cursor
from datacat.tables.connection import database_of
from datacat.tables.files import Files, described
from datacat.tables.log import Log
from datacat.tables.state import State
from datacat.tables.tree import refuse_links
from datacat.tables.views import look_at

_ATTEMPTS = 200
_UNDOINGS = 20
_STATES_KEPT = 16


class Store:
    """The log and the data files of the catalog at `root`."""

    def __init__(self, root: Location, settings: Settings) -> None:
        self.root = root
        self.settings = settings
        self.log = Log(root, settings)
        self.files = Files(root, settings)
        self._states: OrderedDict[int, State] = OrderedDict()
        self._lock = threading.Lock()
        self._is_probed = not root.is_s3

    def state(self, at: int | None = None) -> State:
        """A state, the newest by default.

        Raises:
            StateNotFound: the catalog never had it.
        """
        number = self.log.newest() if at is None else at
        with self._lock:
            if number in self._states:
                return self._states[number]
        state = self.log.state(number)
        with self._lock:
            self._states[number] = state
            while len(self._states) > _STATES_KEPT:
                self._states.popitem(last=False)
        return state

    def cursor(
        self,
        state: State,
        *,
        kinds: Iterable[str] = KINDS,
        label_set: int | None = None,
        is_ingest: bool = False,
        is_stored: bool = True,
        is_merged: bool = True,
    ) -> duckdb.DuckDBPyConnection:
        """A DuckDB cursor of its own in which logical tables of that state are views by their names.

        Args:
            state: which.
            kinds: which tables.
            label_set: leaves out what is of other label sets.
            is_ingest: keeps to `ingest_memory`, not `memory_limit`, and may spill beyond `spill_limit`.
            is_stored: whether they are shown as they are stored; else as `copies.shown` does.
            is_merged: whether copies are then one asset.
        """
        settings, kinds = self.settings, tuple(kinds)
        if is_ingest:
            settings = replace(settings, memory_limit=settings.ingest_memory)
        cursor = new_cursor(settings, is_bounded=not is_ingest)
        if label_set is not None or is_ingest:
            self.show(cursor, state, kinds=kinds, label_set=label_set)
            return cursor
        if self.files.cache is not None:  # whoever emptied the cache meanwhile gets it filled again
            self.files.cache.fetch([file for kind in kinds for file in state.of(kind)])
        views = _Views(self.files, state, is_stored=is_stored, is_merged=is_merged)
        try:
            look_at(
                cursor,
                f"{self.files.folder}\n{state.identity}\n{views.name}",
                database=database_of(settings),
                kinds=kinds if is_stored else (*kinds, *VIEWS),
                select=views.select,
                select_at=views.select_at,
            )
        except duckdb.OutOfMemoryException as error:
            raise shortage() from error
        except duckdb.Error as error:
            raise self._unreadable(state, error) from error
        return cursor

    def show(
        self,
        cursor: duckdb.DuckDBPyConnection,
        state: State,
        *,
        kinds: Iterable[str],
        label_set: int | None = None,
    ) -> None:
        """Makes the views of `cursor`. They are temporary: no other cursor sees them.

        Raises:
            CatalogError: a file of that state is gone.
        """
        for kind in kinds:
            rows = self.files.select(kind, state.of(kind, label_set=label_set), label_set=label_set)
            try:
                cursor.execute(f'CREATE OR REPLACE TEMP VIEW "{kind}" AS {rows}')
            except duckdb.OutOfMemoryException as error:
                raise shortage() from error
            except duckdb.Error as error:
                raise self._unreadable(state, error) from error

    def _unreadable(self, state: State, error: duckdb.Error) -> CatalogError:
        hint = "It may be of a state that `datacat gc` was told to forget; else see `datacat doctor`."
        why = str(error).splitlines()[0]
        what = f"a data file of state {state.number} is gone or damaged: {why}"
        return CatalogError(what, where=str(self.root), hint=hint)

    def commit(self, plan: Callable[[State], Change | None], *, author: str, message: str) -> int | None:
        """Commits what `plan` makes of the newest state; it is asked again where others touched the same.

        Returns:
            The new state; None where there is nothing to do.

        Raises:
            CommitConflict: others were always faster.
            CommitUnknown: the store does not say whether it happened.
            CatalogError: files that were written for it are gone again, or a part of the catalog is a link to
                elsewhere; nothing was changed.
            StorageUnsafe: the S3 server ignores conditional PUT.
        """
        refuse_links(self.root)
        with leases.held(self.root, self.settings) as lease:
            self._probe_once()
            try:
                return self._committed(plan, lease=lease, author=author, message=message)
            except CommitUnknown:
                lease.keep()
                raise

    def _committed(
        self, plan: Callable[[State], Change | None], *, lease: leases.Lease, author: str, message: str
    ) -> int | None:
        base = self.state()
        change = plan(base)
        for _ in range(_ATTEMPTS):
            if change is None:
                return None
            try:
                self._make(base, change, lease=lease, author=author, message=message)
                self._checkpoint_at_times(base.number + 1)
                return base.number + 1
            except Conflict:
                newest = self.state()
            if not change.still_holds(base, newest):
                self.files.discard(change.adds)
                change = plan(newest)
            base = newest
        raise CommitConflict(
            f"others changed the catalog {_ATTEMPTS} times in a row while this wanted to commit",
            where=str(self.root),
            hint="Run the command again.",
        )

    def _make(self, base: State, change: Change, *, lease: leases.Lease, author: str, message: str) -> None:
        """Makes the next state; its files are there before, and were still ours to have afterwards.

        Raises:
            Conflict: the state after `base` is somebody else's.
            CatalogError: files are gone, or may go: gc took this writer for dead. Nothing has changed.
        """
        self._look_after(change, lease)
        self.log.commit(base.number, change=change, author=author, message=message)
        try:
            self._look_after(change, lease)
        except LocationError:
            return  # the store does not answer: what it had a moment ago it has still
        except CatalogError:
            self._undo(base.number + 1, change, author=author)
            raise

    def _look_after(self, change: Change, lease: leases.Lease) -> None:
        lease.confirm()
        amiss = self.files.amiss(change.adds)
        if amiss:
            raise CatalogError(
                f"{len(amiss)} data files that were just written are gone or cut; nothing was committed",
                where=str(self.files.log.child(amiss[0])),
                hint="Does something else remove files there? Run the command again.",
            )

    def _undo(self, number: int, change: Change, *, author: str) -> None:
        """Makes a state without what state `number` brought, and with what it took away."""
        added = {file.path for file, _ in change.adds}
        for _ in range(_UNDOINGS):
            newest = self.state()
            there = {file.path for file in newest.files}
            back = tuple((file, described(file)) for file in change.removes if file.path not in there)
            gone = tuple(file for file in newest.files if file.path in added)
            undoing = Change(back, gone, lambda *_: False)
            try:
                message = f"undo state {number}, whose files were removed while it was committed"
                self.log.commit(newest.number, change=undoing, author=author, message=message)
                return
            except Conflict:
                continue

    def _checkpoint_at_times(self, number: int) -> None:
        """Who makes every hundredth state checkpoints it: so there is one checkpointer at a time."""
        if number % CHECKPOINT_EVERY == 0:
            with contextlib.suppress(CatalogError):  # the commit has happened; opening is slower without
                self.log.checkpoint(number)

    def probed(self) -> None:
        """Notes that the store was found to be safe."""
        self._is_probed = True

    def _probe_once(self) -> None:
        if not self._is_probed:
            recovery.probe(self.root, self.settings)
            self._is_probed = True


class _Views:
    """The SELECTs of the views of a state."""

    def __init__(self, files: Files, state: State, *, is_stored: bool, is_merged: bool) -> None:
        copied = state.of("copies")
        self._files, self._state, self._is_stored = files, state, is_stored
        self._copied = files.select("copies", copied) if copied and is_merged and not is_stored else None
        self.name = "as stored" if is_stored else "merged" if self._copied else "by address"

    def select(self, kind: str) -> str:
        """That of a kind, or of one of `VIEWS`."""
        if kind in VIEWS:
            assets = self._files.select("assets", self._state.of("assets"))
            made = addresses if kind == "addresses" else other_addresses
            return made(assets, copied=self._copied)
        rows = self._files.select(kind, self._state.of(kind))
        return rows if self._is_stored else shown(kind, rows, copied=self._copied)

    def select_at(self, kind: str) -> str | None:
        """That with the parameter `wanted`; None where there is none."""
        if kind not in LOOKED_UP:
            return None
        rows = self._files.select_at(kind, self._state.of(kind))
        return rows if self._is_stored else shown(kind, rows, copied=self._copied)
