"""What is frozen, by every witness: folders, pins, and the refs of git. Nothing is written, and git is not run.

A snapshot is known where any of the three knows it. What one of them should know and does not is a fault: what
cannot be read is never taken for what was never made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from datacat.errors import SnapshotDamaged
from datacat.model.names import SnapshotName
from datacat.model.snapshot import Definition
from datacat.versions import plain
from datacat.versions.history import REPAIR, Refs, read_refs
from datacat.versions.pins import Pins


@dataclass(frozen=True, slots=True)
class Fault:
    """One witness that does not say what another says.

    Attributes:
        what: is wrong.
        where: the place, or the snapshot.
        name: of the snapshot, where it is about one.
        is_lost: nobody can say any more what the snapshot is.
    """

    what: str
    where: str
    name: SnapshotName | None = None
    is_lost: bool = False

    def error(self) -> SnapshotDamaged:
        """It as an error."""
        return SnapshotDamaged(self.what, where=self.where, hint=REPAIR)


@dataclass(frozen=True, slots=True)
class Survey:
    """What is frozen.

    Attributes:
        definitions: what can be read, by name and version.
        faults: what is not as it was left.
        refs: what git has.
        pinned: what has a pin.
    """

    definitions: Mapping[SnapshotName, Definition] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    refs: Refs = field(default_factory=Refs)
    pinned: Set[SnapshotName] = frozenset()

    def of(self, name: str) -> list[Definition]:
        """The versions of a name."""
        return [item for item in self.definitions.values() if item.name == name]

    def lost(self) -> Fault | None:
        """The first snapshot of which nobody can say what it is."""
        return next((fault for fault in self.faults if fault.is_lost), None)

    def unfinished(self) -> list[SnapshotName]:
        """What is whole, and that git or the pins have not been told of: whoever froze it was interrupted."""
        done = self.pinned & self.refs.tags.keys()
        return [name for name in self.definitions if name not in done]


def survey(folder: Path, *, pins: Pins, home_problem: str = "", is_clone: bool = False) -> Survey:
    """Looks at everything that knows of snapshots.

    Args:
        folder: of the snapshots.
        pins: of the catalog.
        home_problem: why the place that `folder` is a clone of cannot be read.
        is_clone: whether it is one: then its folders alone witness nothing.
    """
    pinned = frozenset(pins.names())  # first, as it is written last
    refs = read_refs(folder / ".git")
    folders = frozenset(plain.names(folder))
    known = pinned | refs.tags.keys() | (frozenset() if is_clone else folders)
    definitions: dict[SnapshotName, Definition] = {}
    faults: list[Fault] = []
    if home_problem:
        faults.append(Fault(home_problem, str(folder)))
    if refs.problem and (known or (folder / ".git").exists()) and not (is_clone and not home_problem):
        faults.append(Fault(f"git's part cannot be read in full: {refs.problem}", str(folder)))
    for name in sorted(known):
        found, own = _definition(folder, name, pins=pins if name in pinned else None)
        faults += own
        if found is not None:
            definitions[name] = found
        if name in pinned and name not in refs.tags and not refs.problem:
            faults.append(Fault("its tag is gone from git", str(name), name))
    return Survey(definitions, tuple(faults), refs, pinned)


def _definition(
    folder: Path, name: SnapshotName, *, pins: Pins | None
) -> tuple[Definition | None, list[Fault]]:
    """The definition of a snapshot from its folder, else from its pin."""
    try:
        return plain.definition_of(folder, name), []
    except SnapshotDamaged as error:
        whole = f"{error.where}: {error.what}" if error.where != str(name) else error.what
        fault = Fault(f"its definition.json cannot be used: {whole}", str(name), name)
    if pins is not None:
        try:
            return pins.read(name).definition, [fault]
        except SnapshotDamaged:
            pass
    return None, [Fault(fault.what, fault.where, name, is_lost=True)]


def compared(folder: Path, found: Survey, *, pins: Pins) -> Iterator[Fault]:
    """What folders and pins say differently of one snapshot: definitions, and manifest.dvc."""
    for name in sorted(found.pinned):
        try:
            pin = pins.read(name)
            if found.definitions.get(name) not in (None, pin.definition):
                yield Fault("its definition.json is not what was pinned when it was frozen", str(name), name)
            elif plain.tracked_of(folder, name) != plain.Tracked.from_dvc(pin.tracked, where=str(name)):
                yield Fault("its manifest.dvc is not what was pinned when it was frozen", str(name), name)
        except SnapshotDamaged as error:
            yield Fault(f"{error.where}: {error.what}", str(name), name)
