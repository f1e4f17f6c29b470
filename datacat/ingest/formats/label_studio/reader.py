"""Label Studio: a JSON list of tasks, each with `data`, `annotations`, `predictions` and `drafts`.

Each region becomes an annotation per label, on the medium that its `to_name` names. What other controls say of the same
region becomes attributes of it, named after the control; what they say of a whole medium, of an annotation of it.
Per cent become pixels where the size is known.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

import msgspec

from datacat.ingest.batches import Sheets, Statements
from datacat.ingest.format import Dataset, Document, Plan, Role, Sample
from datacat.ingest.formats.label_studio.media import config_of
from datacat.ingest.formats.label_studio.task import STATEMENTS, Task
from datacat.ingest.json_stream import Fault, Range, decoded
from datacat.ingest.peek import outline
from datacat.ingest.twice import records_with_keys_twice
from datacat.sources.reading import decoded as decoded_text

_Raws = dict[str, msgspec.Raw]
_TASKS = msgspec.json.Decoder(list[_Raws])
_TASK = msgspec.json.Decoder(_Raws)
_CONFIG = re.compile(rb"""<View[\s>].*\bvalue(List)?\s*=\s*["']\$""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Part:
    """A range of tasks, and whether it holds all of its file's."""

    range: Range
    is_sole: bool


class LabelStudio:
    """See docs/formats/label_studio.md."""

    name = "label_studio"
    title = "Label Studio JSON export"
    writes = False
    is_joint = True
    says_who_looked = True

    def sniff(self, sample: Sample) -> Role | None:
        """A JSON list of objects with annotations or predictions that hold results; a labelling configuration."""
        if sample.name.lower().endswith(".xml"):
            return "context" if _CONFIG.search(sample.head) else None
        keys = outline(sample.head)
        if keys.get("[]") != "{":
            return None
        said = [f"[].{kind}" for kind in STATEMENTS if keys.get(f"[].{kind}") == "["]
        is_task = keys.get("[].data") == "{" or any(f"{kind}[].result" in keys for kind in said)
        is_cut = "[].data" not in keys and b'"data"' in sample.head + sample.tail  # behind a long result
        return "labels" if said and (is_task or is_cut) else None

    def plan(self, dataset: Dataset) -> Plan:
        """Which configuration lies nearest to each export."""
        configs: dict[str, dict[str, str]] = {}
        for entry in sorted(dataset.context):
            folder = posixpath.dirname(entry.uri)
            said = config_of(decoded_text(dataset.read(entry.uri))[0])
            known = configs.setdefault(folder, {})
            for name, key in said.items():
                if known.setdefault(name, key) != key:
                    dataset.tally.note(f"configurations disagree on what `{name}` shows: the first was taken")
        return Plan(each={entry.uri: _nearest(entry.uri, configs) for entry in dataset.labels})

    def survey(self, document: Document, sheets: Sheets) -> list[_Part]:
        """Ranges of tasks."""
        layout = document.layout("array")
        if layout.fault:
            sheets.damaged(document.file, reason=layout.fault)
        ranges = [range_ for section in layout.sections for range_ in section.ranges()]
        return [_Part(range_, len(ranges) == 1) for range_ in ranges]

    def read(self, document: Document, part: _Part, *, sheets: Sheets) -> None:
        """A task an asset for each of its media, a region an annotation per label."""
        content = document.bytes(part.range.start, part.range.end)
        rows, seen = Statements(sheets, document.file), set[str]()
        tasks = list(decoded(content, decode=_TASKS.decode, one=_TASK.decode))
        keys = (*STATEMENTS, "data", "id")
        counts = {
            key: sum(key in task for _, _, task in tasks if not isinstance(task, Fault)) for key in keys
        }
        twice = records_with_keys_twice(content, counts)
        for number, at, record in tasks:
            place = f"[{part.range.first + number}]"
            if isinstance(record, Fault):
                sheets.reject(
                    document.file,
                    f"{place}, byte {part.range.start + at}",
                    reason=record.reason,
                    excerpt=record.excerpt,
                )
                continue
            try:
                with rows.record():
                    task = Task(document, record, place=place, sheets=sheets, rows=rows)
                    task.doubt(twice.get(number, ()))
                    task.name(seen if part.is_sole else None)
                    task.read()
            except (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError) as error:
                excerpt = b", ".join(bytes(raw)[:60] for raw in record.values()).decode("utf-8", "replace")
                sheets.reject(document.file, place, reason=error, excerpt=excerpt)
        rows.flush()


def _nearest(uri: str, configs: dict[str, dict[str, str]]) -> dict[str, str]:
    """What the configurations in the nearest folder say, its own first."""
    folder = posixpath.dirname(uri)
    while folder not in configs:
        above = posixpath.dirname(folder)
        if above == folder or not above:
            return {}
        folder = above
    return configs[folder]


FORMAT = LabelStudio()
