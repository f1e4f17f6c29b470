"""To come."""

from __future__ import annotations

from typing import Any

from datacat.ingest.batches import Sheets
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample, no_plan


class _Later:
    name = "yolo"
    title = "yolo"
    writes = False

    def sniff(self, sample: Sample) -> Role | None:
        return None

    def plan(self, dataset: Dataset) -> Plan:
        return no_plan()

    def survey(self, document: Document, sheets: Sheets) -> list[Any]:
        return []

    def read(self, document: Document, part: Any, sheets: Sheets) -> None:
        return None


FORMAT = _Later()
