"""The record of snapshots beside their folder: what was frozen is known even where all of that is lost.

    <root>/pins/<name>@<version>.json    the definition and manifest.dvc, written once and never changed

A pin is written last, when the snapshot is whole. So a pin without its snapshot is a loss, and never a beginning.
It keeps the state that the snapshot was taken of from `gc`.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from datacat.config import Settings
from datacat.errors import LocationError, NameInvalid, SnapshotDamaged, cause_of
from datacat.model.names import SnapshotName
from datacat.model.snapshot import Definition
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables.durable import put_if_absent
from datacat.versions import plain

_FORMAT = 1
_FILE = re.compile(r"(.+@\d+)\.json")


@dataclass(frozen=True, slots=True)
class Pin:
    """A snapshot as it was finished: its definition, and manifest.dvc byte for byte."""

    definition: Definition
    tracked: bytes


class Pins:
    """The pins of the catalog at `root`."""

    def __init__(self, root: Location, settings: Settings) -> None:
        self._place = root.child("pins")
        self._settings = settings
        self._read: dict[SnapshotName, Pin] = {}

    def names(self) -> tuple[SnapshotName, ...]:
        """What is pinned, by name and version.

        Raises:
            LocationError: the place cannot be listed.
        """
        try:
            listed = filesystem(self._place, self._settings).ls(self._place.path, detail=False)
        except FileNotFoundError:
            return ()
        except store_errors() as error:
            raise LocationError(f"cannot be listed: {cause_of(error)}", where=str(self._place)) from error
        found = []
        for path in listed:
            match = _FILE.fullmatch(str(path).rsplit("/", 1)[-1])
            try:
                name = SnapshotName.parse(match[1]) if match else None
            except NameInvalid:
                continue
            if name is not None and match is not None and str(name) == match[1]:
                found.append(name)
        return tuple(sorted(found))

    def read(self, name: SnapshotName) -> Pin:
        """What is pinned of a snapshot.

        Raises:
            SnapshotDamaged: it cannot be read.
        """
        if name not in self._read:
            where = str(self._of(name))
            try:
                document = json.loads(self._bytes(name))
                definition = plain.checked(json.dumps(document["definition"]).encode(), name=name)
                tracked = str(document["manifest_dvc"]).encode()
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise SnapshotDamaged(f"the pin cannot be read: {cause_of(error)}", where=where) from error
            plain.Tracked.from_dvc(tracked, where=where)
            self._read[name] = Pin(definition, tracked)
        return self._read[name]

    def add(self, definition: Definition, *, tracked: bytes) -> None:
        """Pins a snapshot; one that is pinned stays as it is.

        Raises:
            LocationError: nothing can be written there.
        """
        if not self._place.is_s3 and Path(self._place.path).is_symlink():
            raise LocationError("is a link to elsewhere", where=str(self._place))
        text = json.dumps(
            {
                "format": _FORMAT,
                "definition": json.loads(definition.to_json()),
                "manifest_dvc": tracked.decode(),
            },
            sort_keys=True,
            ensure_ascii=False,
            indent=1,
        )
        put_if_absent(self._of(definition.snapshot), f"{text}\n".encode(), settings=self._settings)

    def is_pinned(self, definition: Definition, *, tracked: bytes) -> bool:
        """Whether a snapshot is pinned, as this."""
        try:
            return definition.snapshot in self.names() and self.read(definition.snapshot) == Pin(
                definition, tracked
            )
        except SnapshotDamaged:
            return False

    def set_aside(self, name: SnapshotName) -> str:
        """Moves a pin that is not right out of the way without deleting it; returns where it is now.

        Raises:
            LocationError: it cannot be moved.
        """
        place = self._of(name)
        aside = self._place.child(f"{name}.json.aside-{uuid.uuid4().hex[:8]}")
        try:
            filesystem(place, self._settings).mv(place.path, aside.path)
        except store_errors() as error:
            raise LocationError(f"cannot be moved: {cause_of(error)}", where=str(place)) from error
        self._read.pop(name, None)
        return str(aside)

    def _of(self, name: SnapshotName) -> Location:
        return self._place.child(f"{name}.json")

    def _bytes(self, name: SnapshotName) -> bytes:
        place = self._of(name)
        if not place.is_s3:
            return plain.read(Path(place.path), limit=plain.MAX_DEFINITION_BYTES)
        try:
            content = filesystem(place, self._settings).cat_file(
                place.path, start=0, end=plain.MAX_DEFINITION_BYTES
            )
        except store_errors() as error:
            raise SnapshotDamaged(f"the pin cannot be read: {cause_of(error)}", where=str(place)) from error
        return bytes(content)
