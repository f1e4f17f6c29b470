"""The row of a label set: its names, the classes that its files declare, its coverage, licence and owner."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from datacat.model.coverage import Coverage
from datacat.model.rights import Licence
from datacat.tables.linking import Linking

_NEW = """
    CREATE TEMP TABLE label_set_row AS
    SELECT ?::BIGINT AS label_set, ? AS team, ? AS name, ? AS format, ? AS classes, ? AS coverage,
        ? AS licence, ? AS owner, NULL AS visibility, ?::TIMESTAMPTZ AS created
"""
_BEFORE = "SELECT classes, coverage, licence, owner FROM label_sets WHERE label_set = ?"
_CHANGED = """
    CREATE TEMP TABLE label_set_row AS
    SELECT * REPLACE (? AS classes, ? AS coverage, ? AS licence, ? AS owner) FROM label_sets WHERE label_set = ?
"""
_DECLARED = """
    SELECT DISTINCT class, source_id, parent, details FROM staged_classes WHERE class IS NOT NULL ORDER BY ALL
"""
# Of a file whose assets name licences those, of another all that it lists.
_NAMED = """
    SELECT DISTINCT licence FROM staged_licences
    QUALIFY is_used OR NOT bool_or(is_used) OVER (PARTITION BY file) ORDER BY 1
"""


class LabelSetRow:
    """A label set's row as it was, and as it is to be.

    Attributes:
        coverage: as it was.
        declared_before: the classes that its files declared until now.
        declared: with those that the staged files declare.
        licence: as it is to be. Names in files that are not read now stay until all files are.
    """

    def __init__(self, linking: Linking) -> None:
        self._linking = linking
        own = [linking.label_set]
        self._row = linking.one(_BEFORE, own)
        classes, coverage, licence, self._owner = self._row or (None, None, None, None)
        known: list[dict[str, Any]] = json.loads(classes) if classes else []
        found = linking.cursor.execute(_DECLARED).fetchall()
        staged = [_entry(*row) for row in found]
        # As an earlier release kept those of which more is known now.
        bare = [_entry(name, number, parent, None) for name, number, parent, more in found if more]
        self._classes = [item for item in known if item not in bare]
        self._classes += [item for item in staged if item not in known]
        self.coverage = Coverage.from_json(coverage)
        self.declared_before = _names(known)
        self.declared = _names(self._classes)
        self.licence = self._licence(Licence.from_json(licence))

    @property
    def has_other_files(self) -> bool:
        """Whether there are label files that were neither read now nor are gone."""
        others = "source_files WHERE label_set = ? AND source_file NOT IN (FROM replaced)"
        return bool(self._linking.count(others, [self._linking.label_set]))

    def sentences(self) -> tuple[str, ...]:
        """What to tell people of the licence that the label files name, and how to say otherwise."""
        if self.licence.said or not self.licence.named:
            return ()
        return (f"licence: {self.licence.text}, as the label files say (else --licence)",)

    def change(self, coverage: Coverage) -> bool:
        """Puts the row as it is to be into the temporary table `label_set_row`; False where it is as before."""
        linking, source = self._linking, self._linking.source
        owner = self._owner if source.rights.owner is None else source.rights.owner.strip() or None
        classes = json.dumps(self._classes, ensure_ascii=False)
        said = (classes, coverage.to_json(), self.licence.to_json(), owner)
        if self._row == said:
            return False
        if self._row is not None:
            linking.run(_CHANGED, [*said, linking.label_set])
            return True
        names = [linking.label_set, source.label_set.team, source.label_set.name, linking.staged.format]
        linking.run(_NEW, [*names, *said, datetime.now(UTC)])
        return True

    def _licence(self, before: Licence) -> Licence:
        linking = self._linking
        named = {name for (name,) in linking.cursor.execute(_NAMED).fetchall()}
        if self.has_other_files:
            named.update(before.named)
        return Licence(before.said, tuple(sorted(named))).claimed(linking.source.rights.licence)


def _entry(name: str, source_id: str | None, parent: str | None, details: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"class": name, "source_id": source_id, "parent": parent}
    return {**entry, "details": json.loads(details)} if details else entry


def _names(classes: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted({item["class"] for item in classes}))
