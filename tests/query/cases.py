"""Reads the cases of tests/cases/query: blocks of `key: value` lines with a blank line between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from datacat.testing.corpus import Corpus

FOLDER = Path(__file__).parent.parent / "cases" / "query"
_NO_FACTS = {"asset", "label_set", "class", "attributes"}


@dataclass
class Case:
    """One block. `error` holds the lines below `error:`."""

    place: str
    values: dict[str, str] = field(default_factory=dict)
    error: list[str] = field(default_factory=list)

    @property
    def question(self) -> str:
        return self.values["question"]


def cases() -> Iterator[Case]:
    """Every case of every file."""
    for path in sorted(FOLDER.glob("*.txt")):
        for block in path.read_text("utf-8").split("\n\n"):
            lines = [line for line in block.splitlines() if line and not line.startswith("#")]
            if lines:
                yield _case(lines, place=path.stem)


def _case(lines: list[str], *, place: str) -> Case:
    case = Case(place)
    for number, line in enumerate(lines):
        if line == "error:":
            case.error = lines[number + 1 :]
            break
        key, _, value = line.partition(":")
        case.values[key] = value.strip()
    return case


def corpus() -> Corpus:
    """The catalog of corpus.yaml."""
    told = yaml.safe_load((FOLDER / "corpus.yaml").read_text("utf-8"))
    made = Corpus()
    sets = {name: made.add_label_set(name, **facts) for name, facts in told["label_sets"].items()}
    for concept, members in told["concepts"].items():
        made.add_concept(concept, *members)
    for concept, facts in told["concept_details"].items():
        made.describe(concept, **facts)
    assets = {facts["uri"].rsplit("/", 1)[1]: made.add_asset(**facts) for facts in told["assets"]}
    for row in told["listed"]:
        facts = {key: value for key, value in row.items() if key not in _NO_FACTS}
        made.list_asset(assets[row["asset"]], label_set=sets[row["label_set"]], **facts)
    for name, uri in told["source_files"].items():
        made.add_source_file(uri, label_set=sets[name])
    for row in told["coverage"]:
        made.cover(assets[row["asset"]], row["class"], label_set=sets[row["label_set"]], answer=row["answer"])
    for row in told["annotations"]:
        made.add_annotation(
            assets[row["asset"]],
            row["class"],
            label_set=sets[row["label_set"]],
            attributes=row.get("attributes"),
            **{key: value for key, value in row.items() if key not in _NO_FACTS},
        )
    return made
