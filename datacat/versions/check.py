"""Do all that know of snapshots say the same? What `datacat doctor` says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from datacat.errors import DatacatError, SnapshotDamaged, SnapshotError
from datacat.model.finding import Finding
from datacat.model.snapshot import Definition
from datacat.versions import guard, plain
from datacat.versions.facts import check_snapshot
from datacat.versions.history import REPAIR
from datacat.versions.objects import is_as_tracked
from datacat.versions.shelf import Shelf
from datacat.versions.survey import Survey, compared


def check(
    shelf: Shelf, *, has_state: Callable[[int], bool] | None = None, is_deep: bool = False
) -> Iterator[Finding]:
    """Compares folders, pins, git, DVC's cache and the log with each other, and manifests with their digests.

    Args:
        shelf: whose.
        has_state: whether the catalog has a state; None: it is not asked.
        is_deep: also compares the bytes of manifests, and of DVC's copies of them, with the md5 that was kept.
    """
    for what, path in guard.foreign(shelf.folder):
        error = guard.refusal(what, path=path, folder=shelf.folder)
        yield _error(f"{path} {error.what}", hint=error.hint)
    try:
        found = shelf.survey()
    except DatacatError as error:
        yield _error(str(error), hint=None)
        return
    for fault in (*found.faults, *compared(shelf.folder, found, pins=shelf.pins)):
        yield _error(f"{fault.where}: {fault.what}")
    unfinished = [name for name in found.unfinished() if not _is_faulty(found, name)]
    if unfinished and not found.refs.problem:
        shown = ", ".join(map(str, unfinished[:5]))
        yield Finding(
            "note",
            "snapshots",
            f"{len(unfinished)} snapshots are whole, but whoever froze them did not finish telling git "
            f"and the pins, as {shown}",
            "The next snapshot that is frozen does, or: datacat snapshot repair",
        )
    if found.refs.tags and not found.refs.problem:
        yield from _of_git(shelf, found)
    for definition in found.definitions.values():
        yield from _of_manifest(shelf, definition, is_deep=is_deep)
        if has_state is not None and definition.snapshot in found.pinned and not has_state(definition.state):
            yield Finding(
                "note",
                "snapshots",
                f"{definition.snapshot} was taken of state {definition.state}, which this catalog does not have",
                "Its frozen rows are complete without it. One that was pulled is of another catalog.",
            )


def _is_faulty(found: Survey, name: object) -> bool:
    return any(fault.name == name for fault in found.faults)


def _of_git(shelf: Shelf, found: Survey) -> Iterator[Finding]:
    if shelf.folder.is_symlink():
        return
    try:
        with shelf.locked() as work:
            problem = work.history.check(found.refs)
    except DatacatError as error:
        yield Finding("note", "snapshots", f"git's part was not looked at: {error}")
        return
    if problem:
        yield _error(f"git's part of {shelf.folder} is damaged: {problem}")


def _of_manifest(shelf: Shelf, definition: Definition, *, is_deep: bool) -> Iterator[Finding]:
    """Whether the manifest is what was frozen, and DVC has it."""
    name = definition.snapshot
    folder = plain.folder_of(shelf.folder, name) / "manifest"
    try:
        tracked = plain.Tracked.from_dvc(shelf.tracked(name), where=str(name))
    except SnapshotError as error:
        yield _error(f"{name}: {error.what}")
        return
    store = shelf.cache if shelf.home is None else shelf.home.objects()
    amiss = store.amiss(tracked, name=str(name), is_deep=is_deep)
    if not plain.has_manifest(folder):
        if shelf.home is None:
            kept = "DVC's cache has it" if amiss is None else f"DVC's cache does not have it: {amiss}"
            yield _error(f"{name}: {folder} is gone; {kept}")
        elif amiss is not None:
            yield _error(f"{name}: {amiss}")
        if shelf.home is None or amiss is not None or not is_deep:
            return
    try:
        folder = shelf.manifest(definition)
        check_snapshot(folder, definition)
        if is_deep and not is_as_tracked(folder, tracked):
            yield _error(f"{name}: the files in {folder} have other bytes than manifest.dvc says")
    except SnapshotDamaged as error:
        yield Finding("error", "snapshots", f"{error.what}: {error.where}", error.hint or "")
    if amiss is not None:
        yield _error(f"{name}: DVC's copy of it in {store.place} is gone or damaged: {amiss}")


def _error(text: str, *, hint: str | None = REPAIR) -> Finding:
    return Finding("error", "snapshots", text, hint or "")
