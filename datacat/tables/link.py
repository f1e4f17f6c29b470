"""Commits what was staged as the label set's content: identifiers, Parquet, one commit over all kinds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb

from datacat.errors import CatalogError
from datacat.model.positions import first
from datacat.model.report import IngestReport, RejectCount
from datacat.model.schemas import TABLES
from datacat.tables.change import Change, Written
from datacat.tables.copies import GOES, changed_copies, may_be_copies
from datacat.tables.counts import COUNTED, class_counts, path_counts
from datacat.tables.covering import Covering, has_drawn
from datacat.tables.label_set_row import LabelSetRow
from datacat.tables.linked_rows import ROWS
from datacat.tables.linking import OF_FILES, Linking
from datacat.tables.repeats import KINDS, repeat_notes
from datacat.tables.staged import Source, Staged
from datacat.tables.state import DataFile, State
from datacat.tables.store import Store

_NEW_SOURCE = """
    CREATE TEMP TABLE source_row AS
    SELECT ?::BIGINT AS source, ?::BIGINT AS label_set, ? AS location, ? AS format, ? AS options
"""
_ASSETS = """
    SELECT count(*), count(*) FILTER (is_missing) FROM assets
    WHERE asset IN (SELECT asset FROM label_set_assets WHERE label_set = ?)
"""
_CLASSES = """
    SELECT class, count(*) FROM annotations WHERE label_set = ? AND class IS NOT NULL
    GROUP BY class ORDER BY count(*) DESC, class
"""
_REJECTS = f"""
    SELECT reason, count(*), {first("uri || coalesce(', ' || position, '')", after="uri, ")}
    FROM rejects JOIN source_files USING (label_set, source_file)
    WHERE label_set = ? GROUP BY reason ORDER BY count(*) DESC, reason
"""  # noqa: S608 - our own words
# Which rows of the files that hold a label set's rows go.
_GOES = dict.fromkeys(OF_FILES, "source_file IN (FROM replaced)") | {
    "annotations": "annotation IN (FROM dropped)",
    "attribute_values": "annotation IN (FROM dropped)",
}


def link(store: Store, staged: Staged, *, source: Source, author: str, message: str) -> IngestReport:
    """Makes what was staged the label set's content, in one commit; none where nothing changed.

    Raises:
        CatalogError: no room for temporary files, say.
        CommitConflict, CommitUnknown, StorageUnsafe: see `Store.commit`.
    """
    try:
        return _linked(store, staged, source=source, author=author, message=message, is_frugal=True)
    except CatalogError as error:
        if not isinstance(error.__cause__, duckdb.OutOfMemoryException):
            raise
    # 8 million annotations were linked in 512 MiB, and not in 256.
    return _linked(store, staged, source=source, author=author, message=message, is_frugal=False)


def _linked(
    store: Store, staged: Staged, *, source: Source, author: str, message: str, is_frugal: bool
) -> IngestReport:
    attempts: list[_Plan] = []

    def plan(state: State) -> Change | None:
        linking = Linking(store, staged, source=source, state=state, is_frugal=is_frugal)
        attempts[:] = [_Plan(linking)]
        return attempts[0].change()

    try:
        number = store.commit(plan, author=author, message=message or f"ingest {source.label_set}")
        (last,) = attempts
        state = last.linking.state if number is None else store.state(number)
        return _report(last.linking, state, is_changed=number is not None, assumed=last.assumed)
    except duckdb.Error as error:
        hint = "Is there room for temporary files in cache_dir? Is memory_limit too low?"
        raise CatalogError(f"cannot be linked: {error}", where=str(source.label_set), hint=hint) from error


class _Plan:
    """Writes the Parquet files of one linking, and notes what they replace.

    Attributes:
        linking: which.
        assumed: what was taken for granted meanwhile.
    """

    def __init__(self, linking: Linking) -> None:
        self.linking = self._linking = linking
        self.assumed: tuple[str, ...] = ()
        self._row = LabelSetRow(linking)
        self._covering = Covering(linking, self._row)
        self._adds: list[Written] = []
        self._removes: list[DataFile] = []
        self._kept: dict[str, int] = {}

    def change(self) -> Change | None:
        """The change; None where there is none."""
        self._assets()
        for kind in OF_FILES:
            if kind != "coverage":
                self._replace(kind)
        self._count()
        source, is_new = self._linking.source, self._linking.known_label_set is None
        is_claimed = source.claim.is_said or source.rights.is_said
        if self._adds or self._removes or is_new or is_claimed:
            self._cover()
            self._label_set()
            self._source()
        if not (self._adds or self._removes):
            return None
        return Change(tuple(self._adds), tuple(self._removes), self._still_holds, self._kept)

    def _assets(self) -> None:
        rows = (
            "SELECT n.asset, n.uri, f.* EXCLUDE (uri, media, is_missing), "
            "coalesce(f.media, 'other') AS media, coalesce(f.is_missing, true) AS is_missing, "
            "current_timestamp AS first_seen "
            "FROM new_assets n LEFT JOIN facts f ON f.uri = n.uri"
        )
        if self._linking.count("updated_assets") or self._linking.count("forgotten"):
            goes = "asset IN (SELECT asset FROM updated_assets UNION ALL FROM forgotten)"
            rows = f"{rows} UNION ALL BY NAME FROM updated_assets"
            self._rewrite("assets", rows, goes=goes)
        else:
            self._write("assets", rows)
        if changed_copies(self._linking, coming=rows):
            self._rewrite("copies", "FROM fresh_copies", goes=GOES)

    def _replace(self, kind: str) -> None:
        """Writes the new rows of a kind, and again those that lie in one file with rows that go."""
        rows, goes = ROWS[kind].format(label_set=self._linking.label_set), _GOES[kind]
        if goes.endswith("(FROM dropped)"):
            is_rewritten = self._linking.count("dropped") > 0
        else:
            is_rewritten = self._linking.count("replaced") > 0
            if is_rewritten and self._is_as_before(kind, rows, goes=goes):
                return
        if is_rewritten:
            self._rewrite(kind, rows, goes=goes)
        else:
            self._write(kind, rows)

    def _count(self) -> None:
        """Writes the counts of a label set of which annotations come or go."""
        label_set = self._linking.label_set
        come, go = (self._own("attribute_values", files) for files in self._changed("attribute_values"))
        rows = {
            "class_counts": class_counts(annotations=self._own("annotations", self._after("annotations"))),
            "path_counts": path_counts(label_set, come=come, go=go),
        }
        own = f"label_set = {label_set}"
        for kind in COUNTED if any(self._changed("annotations")) else ():
            if not self._is_as_before(kind, rows[kind], goes=own):
                self._rewrite(kind, "FROM fresh", goes=own)

    def _own(self, kind: str, files: list[DataFile]) -> str:
        """A SELECT of the label set's rows in some files."""
        return self._linking.store.files.select(kind, files, label_set=self._linking.label_set)

    def _changed(self, kind: str) -> tuple[list[DataFile], list[DataFile]]:
        """The files of a kind that come, and those that go."""
        come = [file for file, _ in self._adds if file.kind == kind]
        return come, [file for file in self._removes if file.kind == kind]

    def _after(self, kind: str) -> list[DataFile]:
        """The files of a kind that hold the label set's rows after the change."""
        come, go = self._changed(kind)
        linking = self._linking
        known = linking.state.of(kind, label_set=linking.label_set)
        return [file for file in known if file not in go] + come

    def _is_as_before(self, kind: str, rows: str, *, goes: str) -> bool:
        columns = ", ".join(f'"{name}"' for name in TABLES[kind].names)
        self._linking.run(f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT {columns} FROM ({rows})")  # noqa: S608 - our own words
        old = f"(SELECT {columns} FROM {kind} WHERE label_set = {self._linking.label_set} AND {goes})"  # noqa: S608 - our own words
        differing = f"((FROM fresh EXCEPT ALL FROM {old}) UNION ALL (FROM {old} EXCEPT ALL FROM fresh))"
        return self._linking.count(differing) == 0

    def _rewrite(self, kind: str, rows: str, *, goes: str) -> None:
        gone = self._holding(kind, goes)
        if gone:
            columns = ", ".join(f'"{name}"' for name in TABLES[kind].names)
            stay = (
                f"SELECT {columns} FROM ({self._linking.store.files.select(kind, gone)}) WHERE NOT ({goes})"  # noqa: S608 - our own words
            )
            self._kept[kind] = self._linking.count(f"({stay})")
            rows = f"SELECT {columns} FROM ({rows}) UNION ALL {stay}"  # noqa: S608 - our own words
            self._removes += gone
        self._write(kind, rows)

    def _write(self, kind: str, rows: str) -> None:
        about = self._kept.get(kind, 0)
        if kind == "attribute_values":
            about += self._linking.count("staged_leaves")
        self._adds += self._linking.store.files.write(self._linking.cursor, kind, rows=rows, about=about)

    def _holding(self, kind: str, condition: str) -> list[DataFile]:
        """The files of a kind with a row for which `condition` holds; only of our label set, where kinds have one."""
        linking = self._linking
        own = None if kind in ("assets", "copies") else linking.label_set
        files = linking.state.of(kind, label_set=own)
        rows = linking.store.files.select(kind, files, with_name=True)
        found = linking.cursor.execute(f"SELECT DISTINCT filename FROM ({rows}) WHERE {condition}").fetchall()  # noqa: S608 - our own words
        names = {name for (name,) in found}
        return [
            file for file, path in zip(files, linking.store.files.local(files), strict=True) if path in names
        ]

    def _cover(self) -> None:
        """Decides what the label set covers, and writes what it says of single assets."""
        linking, covering = self._linking, self._covering
        annotations = self._own("annotations", self._after("annotations"))
        covering.decide(is_drawn=has_drawn(linking, annotations=annotations))
        unseen = covering.unseen()
        self.assumed = (covering.sentence(), *([unseen] if unseen else []), *self._row.sentences())
        derived = f"label_set = {linking.label_set} AND origin = 'derived'"
        goes = _GOES["coverage"] if covering.is_single else f"({_GOES['coverage']} OR {derived})"
        if not self._is_as_before(
            "coverage", ROWS["coverage"].format(label_set=linking.label_set), goes=goes
        ):
            self._rewrite("coverage", "FROM fresh", goes=goes)

    def _label_set(self) -> None:
        """The row of a label set that is new, or says something else than before."""
        if self._row.change(self._covering.coverage):
            own = f"label_set = {self._linking.label_set}"
            self._rewrite("label_sets", "FROM label_set_row", goes=own)

    def _source(self) -> None:
        linking, source = self._linking, self._linking.source
        if not linking.is_new_source:
            return
        linking.run(
            _NEW_SOURCE,
            [
                linking.new_source,
                linking.label_set,
                source.location,
                linking.staged.format,
                linking.source_options,
            ],
        )
        self._write("sources", "FROM source_row")

    def _still_holds(self, base: State, newest: State) -> bool:
        """Whether others touched neither our label set nor files that we replace, nor brought our URIs."""
        linking = self._linking
        before, after = set(base.files), set(newest.files)
        came, went = after - before, before - after
        if went & set(self._removes):
            return False
        if any(file.kind in OF_FILES and file.may_hold(linking.label_set) for file in came | went):
            return False
        spoken = any(file.kind == "label_set_assets" for file in came | went)
        if spoken and (linking.count("forgotten") or linking.count("unseen")):
            return False  # they may speak of them
        if any(file.kind == "assets" for file in went):
            there = linking.store.files.select("assets", newest.of("assets"))
            if linking.count(f"found_assets WHERE asset NOT IN (SELECT asset FROM ({there}))"):  # noqa: S608 - our own words
                return False
        there = linking.store.files.select("assets", [file for file in came if file.kind == "assets"])
        if may_be_copies(linking, assets=there):
            return False
        name = linking.source.label_set
        for kind, condition, values in (
            ("assets", "uri IN (SELECT uri FROM new_assets)", []),
            ("label_sets", "team = ? AND name = ?", [name.team, name.name]),
        ):
            rows = linking.store.files.select(kind, [file for file in came if file.kind == kind])
            is_known = kind == "label_sets" and linking.known_label_set is not None
            if not is_known and linking.count(f"({rows}) WHERE {condition}", values):
                return False
        return True


def _report(linking: Linking, state: State, *, is_changed: bool, assumed: tuple[str, ...]) -> IngestReport:
    """What this ingest found and did; counts are of the label set in `state`."""
    label_set, staged = linking.label_set, linking.staged
    total = _rows(linking, state, kind="annotations")
    added = linking.count("placed")
    notes = Counter(staged.tally.notes)
    contents, repeats = _contents(linking, state, label_set=label_set)
    if contents["assets_missing"]:  # as many as `is:missing` finds, whatever was read now
        notes["an asset's media was not found"] = contents["assets_missing"]
    return IngestReport(
        label_set=str(linking.source.label_set),
        format=staged.format,
        state=state.number,
        changed=is_changed,
        files=_rows(linking, state, kind="source_files"),
        files_new=linking.count("file_map WHERE NOT is_old"),
        files_changed=linking.count("file_map WHERE is_old"),
        files_gone=len(staged.gone),
        assets_new=linking.count("new_assets"),
        annotations=total,
        added=added,
        removed=linking.count("dropped"),
        kept=total - added,
        leaves=_rows(linking, state, kind="attribute_values"),
        assumed=(*staged.tally.assumed, *assumed),
        notes=(*(_counted(text, count) for text, count in notes.items()), *repeats),
        skipped=tuple(staged.skipped),
        **contents,
    )


def _contents(linking: Linking, state: State, *, label_set: int) -> tuple[dict[str, Any], list[str]]:
    """What the report says that takes a look at the label set's rows, and what it says twice."""
    cursor = linking.store.cursor(state, kinds=(*KINDS, "rejects"), label_set=label_set)
    linking.store.show(cursor, state, kinds=["assets", "copies"])
    ((assets, missing),) = cursor.execute(_ASSETS, [label_set]).fetchall()
    rejects = cursor.execute(_REJECTS, [label_set]).fetchall()
    classes = tuple(cursor.execute(_CLASSES, [label_set]).fetchall())
    contents = {
        "assets": assets,
        "assets_missing": missing,
        "classes": classes,
        "rejects": tuple(RejectCount(*row) for row in rejects),
    }
    return contents, list(repeat_notes(cursor, classes=[name for name, _ in classes]))


def _rows(linking: Linking, state: State, *, kind: str) -> int:
    """How many rows of a kind the label set has; counted, as a file may be shared with others."""
    files = state.of(kind, label_set=linking.label_set)
    return linking.count(f"({linking.store.files.select(kind, files, label_set=linking.label_set)})")


def _counted(text: str, count: int) -> str:
    return text if count == 1 else f"{text}: {count:,}"
