"""The Delta log: which files make up a state, and the commit that makes the next.

Only this module imports deltalake. Every commit is tried at exactly the version after the one it rests on
(compare-and-swap): with delta-rs' own retries two commits could both add one URI. Each carries an id, so that
an error which nevertheless committed is found out.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from datacat.config import Settings
from datacat.errors import (
    CatalogError,
    CatalogExists,
    CatalogNotFound,
    CommitUnknown,
    SchemaMismatch,
    StateNotFound,
)
from datacat.model.schemas import SCHEMA_VERSION, TABLES
from datacat.sources.location import Location, object_store_options, store_errors
from datacat.tables import chain, newest, recovery
from datacat.tables.change import Change, Conflict
from datacat.tables.durable import made_folder, sync_file, sync_folder
from datacat.tables.state import NUMBERED_BY, PARTITION, PRUNED_BY, DataFile, LogEntry, State
from datacat.tables.tree import refuse_remains

_VERSION_KEY = "datacat.schemaVersion"
_NO_UPKEEP = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
_ATTEMPTS = 3


class Log:
    """The Delta table at `<root>/log`."""

    def __init__(self, root: Location, settings: Settings) -> None:
        self.location = root.child("log")
        self._root = root
        self._settings = settings
        self._compared = ""  # the digest of the entry up to which bytes were compared: opening asks twice
        self._options = object_store_options(settings) if root.is_s3 else None

    def create(self, *, author: str) -> None:
        """Makes the table, state 0.

        Raises:
            CatalogExists: there is one.
        """
        if recovery.committed_end(self.location, self._settings) is not None:
            raise CatalogExists("there is a catalog already", where=str(self._root))
        if not self.location.is_s3:
            made_folder(recovery.entry_place(self.location, 0).parent.path)
        recovery.make_room(self.location, 0, settings=self._settings)
        metadata = {"author": author, "message": "create catalog", "commit": uuid.uuid4().hex}
        try:
            DeltaTable.create(
                self.location.uri,
                union_schema(),
                mode="error",
                partition_by=[PARTITION],
                configuration={_VERSION_KEY: str(SCHEMA_VERSION)},
                storage_options=self._options,
                commit_properties=CommitProperties(max_commit_retries=0, custom_metadata=metadata),
                raise_if_key_not_exists=False,
            )
        except (DeltaError, OSError) as error:
            end = recovery.committed_end(self.location, self._settings)
            if end is None:
                raise CatalogError(
                    f"the catalog cannot be made: {_plain(error)}", where=str(self._root)
                ) from error
            first = recovery.read_entry(self.location, 0, settings=self._settings)
            if first is None or first.info.get("commit") != metadata["commit"]:
                raise CatalogExists("there is a catalog already", where=str(self._root)) from error
        self._sync(0)
        newest.record(self._root, 0, settings=self._settings)

    def newest(self) -> int:
        """The number of the newest state; a torn last entry does not count.

        Raises:
            CatalogNotFound: there is no catalog.
            CatalogError: an entry before the last is damaged, or the log or its end is lost.
        """
        return self._end().number

    def _end(self, at: int | None = None) -> recovery.End:
        """The newest state; with `at`, also where what is lost or cannot be read lies behind that state."""
        recorded = (
            newest.recorded(self._root, self._settings) if at is None else -1
        )  # before the log is listed
        try:
            end = recovery.committed_end(self.location, self._settings)
        except recovery.EndUnreadable as error:
            if at is None or at >= error.newest - 1:
                raise
            return recovery.End(error.newest, None, recovery.listed(self.location, self._settings))
        if end is None:
            refuse_remains(self._root, self._settings)
            hint = f"Make one: datacat init {self._root}"
            raise CatalogNotFound("there is no catalog", where=str(self._root), hint=hint)
        self._refuse_lost(recorded, end)
        return end

    def _refuse_lost(self, number: int, end: recovery.End) -> None:
        """Makes sure that a state that was committed is in the log. Its entry is asked for: listings can be late."""
        if (
            number > end.number
            and recovery.read_entry(self.location, number, settings=self._settings) is None
        ):
            raise newest.lost(self._root, left=end.number, newest=number)

    def _checked(self, at: int, end: recovery.End) -> recovery.Entry | None:
        """The entry of a state, once all that the state rests on is there."""
        entry = end.entry
        if at != end.number:
            entry = recovery.read_entry(self.location, at, settings=self._settings)
        chain.check(
            self.location,
            at,
            listing=end.listing,
            last=entry,
            settings=self._settings,
            is_compared=entry is not None and entry.digest == self._compared,
        )
        self._compared = entry.digest if entry is not None else ""
        return entry

    def check_schema(self, at: int | None = None) -> None:
        """Makes sure that what a state rests on (by default the newest) is whole and of this version.

        Raises:
            CatalogNotFound: there is no catalog.
            StateNotFound: it never had that state.
            CatalogError: an entry that the state rests on is gone or damaged.
            SchemaMismatch: another version of datacat wrote it.
        """
        end = self._end(at)
        number = end.number if at is None else self._among(at, end)
        self._checked(number, end)
        written = self._table(number).metadata().configuration.get(_VERSION_KEY)
        if written != str(SCHEMA_VERSION):
            raise SchemaMismatch(
                f"the catalog has schema version {written}, this datacat reads version {SCHEMA_VERSION}",
                where=str(self._root),
                hint="Use the datacat release that wrote it, or ingest again into a new catalog.",
            )

    def state(self, at: int) -> State:
        """A state.

        Raises:
            StateNotFound: the catalog never had it.
            CatalogError: an entry that it rests on is gone or damaged.
        """
        end = self._end(at)
        self._among(at, end)
        entry = self._checked(at, end)
        # Not pa.table(): it would import pandas, to ask whether this is one of its frames (0.12 s of a cold start).
        actions = pa.RecordBatchReader.from_stream(self._table(at).get_add_actions(flatten=True)).read_all()
        columns = {name: actions.column(name).to_pylist() for name in actions.column_names}
        nothing = [None] * actions.num_rows
        files = map(
            DataFile,
            columns[f"partition.{PARTITION}"],
            columns["path"],
            columns["size_bytes"],
            columns["num_records"],
            columns.get("min.label_set", nothing),
            columns.get("max.label_set", nothing),
            *(_texts(columns, which, otherwise=nothing) for which in ("min", "max")),
            _greatest(columns, otherwise=nothing),
        )
        return State(at, _time(entry.info) if entry else None, tuple(files))

    def _among(self, at: int, end: recovery.End) -> int:
        if not 0 <= at <= end.number:
            if at <= (recorded := newest.recorded(self._root, self._settings)):
                self._refuse_lost(recorded, end)
            hint = f"It has 0 to {end.number}; see `datacat log`."
            raise StateNotFound(f"the catalog has no state {at}", where=str(self._root), hint=hint)
        return at

    def commit(
        self,
        base: int,
        *,
        change: Change,
        author: str,
        message: str,
    ) -> None:
        """Makes state `base + 1`.

        Raises:
            Conflict: the state after `base` is somebody else's.
            CommitUnknown: the store does not say whether it happened.
        """
        linked = chain.link_to(self.location, base, settings=self._settings)
        metadata = {
            **linked,
            "author": author,
            "message": message,
            "commit": uuid.uuid4().hex,
            "changes": {kind: list(counts) for kind, counts in change.counts().items()},
            **_checks(change),
        }
        recovery.make_room(self.location, base + 1, settings=self._settings, metadata=linked)
        self._sync(base)  # somebody else's entry may not have reached the disk, and ours would stand on it
        now_ms = int(time.time() * 1000)
        actions: list[AddAction | RemoveAction] = []
        actions += [_add(file, stats=stats, now_ms=now_ms) for file, stats in change.adds]
        actions += [RemoveAction(f.path, True, now_ms, f.size, {PARTITION: f.kind}) for f in change.removes]

        table = self._table(base)

        def attempt() -> None:
            table.create_write_transaction(
                actions,
                "append",
                union_schema(),
                [PARTITION],
                commit_properties=CommitProperties(max_commit_retries=0, custom_metadata=metadata),
                post_commithook_properties=_NO_UPKEEP,
            )

        self._certain(attempt, commit_id=metadata["commit"], number=base + 1)
        self._sync(base + 1)
        newest.record(self._root, base + 1, settings=self._settings)

    def _certain(self, attempt: Callable[[], None], *, commit_id: object, number: int) -> None:
        """Repeats an attempt until it is known whether it happened.

        An error can still have committed, or commit later. Trying the same number with the same id again is
        safe: it happens once or not at all.
        """
        failure: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                attempt()
                return
            except (DeltaError, CommitFailedError, OSError) as error:
                failure = error
            try:
                entry = recovery.read_entry(self.location, number, settings=self._settings)
            except store_errors():
                continue
            if entry is not None and entry.info.get("commit") == commit_id:
                return
            if entry is not None:
                raise Conflict from failure
        if not self.location.is_s3:
            raise CatalogError(
                f"nothing can be committed: {_plain(failure)}", where=str(self._root)
            ) from failure
        raise CommitUnknown(
            f"the store answered neither yes nor no to the commit of state {number}: {_plain(failure)}",
            where=str(self._root),
            hint="Run the same command again: it finds out and completes what is missing.",
        ) from failure

    def entries(self, *, limit: int | None) -> tuple[LogEntry, ...]:
        """The history, newest first."""
        last = self.newest()
        found = self._table(last).history(limit)
        return tuple(_entry(item, last - index) for index, item in enumerate(found))

    def checkpoint(self, number: int) -> None:
        """Writes a checkpoint of a state, so that opening reads one file instead of every commit.

        Raises:
            CatalogError: it cannot be written; the catalog is whole all the same.
        """
        try:
            self._table(number).create_checkpoint()
        except (DeltaError, OSError) as error:
            raise CatalogError(
                f"no checkpoint can be written: {_plain(error)}", where=str(self._root)
            ) from error
        if not self.location.is_s3:
            folder = recovery.entry_place(self.location, number).parent.path
            for name in os.listdir(folder):
                if name.startswith((f"{number:020}.checkpoint", "_last_checkpoint")):
                    sync_file(os.path.join(folder, name))
            sync_folder(folder)

    def _sync(self, number: int) -> None:
        path = recovery.entry_place(self.location, number).path
        if not self.location.is_s3 and os.path.exists(path):
            sync_file(path)
            sync_folder(os.path.dirname(path))

    def _table(self, number: int) -> DeltaTable:
        try:
            return DeltaTable(self.location.uri, version=number, storage_options=self._options)
        except (DeltaError, OSError) as error:  # "not found", too: its entries were listed just now
            hint = "See `datacat doctor`."
            raise CatalogError(
                f"state {number} cannot be read: {_plain(error)}", where=str(self.location), hint=hint
            ) from error


def _texts(columns: dict[str, list[Any]], which: str, *, otherwise: list[Any]) -> list[str | None]:
    """The least or greatest path of each file; class where it has no paths."""
    paths, classes = (columns.get(f"{which}.{name}", otherwise) for name in ("path", "class"))
    return [name if path is None else path for path, name in zip(paths, classes, strict=True)]


def _greatest(columns: dict[str, list[Any]], *, otherwise: list[Any]) -> list[int | None]:
    """The greatest number that the rows of each file have."""
    by_kind = {kind: columns.get(f"max.{column}", otherwise) for kind, column in NUMBERED_BY.items()}
    kinds = columns[f"partition.{PARTITION}"]
    return [by_kind.get(kind, otherwise)[place] for place, kind in enumerate(kinds)]


def union_schema() -> pa.Schema:
    """The columns of all kinds; each file holds only its own.

    Delta keeps statistics of the first 32 columns only, so those that prune come first.
    """
    columns = {field.name: field for schema in TABLES.values() for field in schema}
    first = [columns.pop(name) for name in PRUNED_BY]
    return pa.schema([pa.field(PARTITION, pa.string()), *first, *columns.values()])


def _plain(error: Exception | None) -> str:
    """What delta-rs says, in one line: it draws arrows, in colours, and adds where in its own code it stood."""
    said = re.split(
        r"\n\s*(?:\w* ?backtrace|0: )", re.sub(r"\x1b\[[0-9;]*m", "", str(error)), flags=re.IGNORECASE
    )[0]
    parts = re.split(r"\s*\n\s*", said.strip())
    return ": ".join(part.removeprefix("↳").strip() for part in parts)


def _checks(change: Change) -> dict[str, Any]:
    """By what an entry that was cut off or changed is told from a whole one."""
    added = ((file.path, file.size, stats) for file, stats in change.adds)
    digest = recovery.actions_digest(added, (file.path for file in change.removes))
    return {recovery.ACTION_COUNT: len(change.adds) + len(change.removes), recovery.ACTIONS_DIGEST: digest}


def _add(file: DataFile, *, stats: str, now_ms: int) -> AddAction:
    return AddAction(file.path, file.size, {PARTITION: file.kind}, now_ms, True, stats)


def _entry(item: dict[str, Any], number: int) -> LogEntry:
    changes = item.get("changes") or {}
    return LogEntry(
        state=int(item.get("version", number)),
        time=_time(item),
        author=str(item.get("author", "")),
        message=str(item.get("message", "")),
        changes=tuple((kind, added, removed) for kind, (added, removed) in changes.items()),
    )


def _time(info: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(info["timestamp"] / 1000, tz=UTC)
