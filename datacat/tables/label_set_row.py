"""The row of a label set: its names, the classes that its files declare, its coverage."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from datacat.model.coverage import Coverage
from datacat.tables.linking import Linking

_NEW = """
    CREATE TEMP TABLE label_set_row AS
    SELECT ?::BIGINT AS label_set, ? AS team, ? AS name, ? AS format, NULL::VARCHAR AS licence,
        NULL::VARCHAR AS visibility, NULL::VARCHAR AS owner, ? AS classes, ? AS coverage,
        ?::TIMESTAMPTZ AS created
"""
_CHANGED = """
    CREATE TEMP TABLE label_set_row AS
    SELECT * REPLACE (? AS classes, ? AS coverage) FROM label_sets WHERE label_set = ?
"""
_DECLARED = """
    SELECT DISTINCT class, source_id, parent FROM staged_classes WHERE class IS NOT NULL ORDER BY ALL
"""


class LabelSetRow:
    """A label set's row as it was, and as it is to be.

    Attributes:
        coverage: as it was.
        declared_before: the classes that its files declared until now.
        declared: with those that the staged files declare.
    """

    def __init__(self, linking: Linking) -> None:
        self._linking = linking
        own = [linking.label_set]
        self._row = linking.one("SELECT classes, coverage FROM label_sets WHERE label_set = ?", own)
        classes, coverage = self._row or (None, None)
        known: list[dict[str, Any]] = json.loads(classes) if classes else []
        found = linking.cursor.execute(_DECLARED).fetchall()
        staged = [{"class": name, "source_id": number, "parent": parent} for name, number, parent in found]
        self._classes = known + [item for item in staged if item not in known]
        self.coverage = Coverage.from_json(coverage)
        self.declared_before = _names(known)
        self.declared = _names(self._classes)

    def change(self, coverage: Coverage) -> bool:
        """Puts the row as it is to be into the temporary table `label_set_row`; False where it is as before."""
        linking, source = self._linking, self._linking.source
        said = (json.dumps(self._classes, ensure_ascii=False), coverage.to_json())
        if self._row == said:
            return False
        if self._row is not None:
            linking.run(_CHANGED, [*said, linking.label_set])
            return True
        names = [linking.label_set, source.label_set.team, source.label_set.name, linking.staged.format]
        linking.run(_NEW, [*names, *said, datetime.now(UTC)])
        return True


def _names(classes: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted({item["class"] for item in classes}))
