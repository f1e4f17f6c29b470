"""Coverage: what a label set's makers looked for exhaustively, so that what is not labelled is not there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

ClassCover = Literal["declared", "none"] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was labelled exhaustively on each asset of a label set; single assets may differ (table `coverage`).

    Attributes:
        classes: "declared": all that `label_sets.classes` lists; "none"; or these.
        attributes: paths that every annotation of a covered class has where they apply.
        origin: of `COVERAGE_ORIGINS`: who says so of the classes.
        ontology: the version of the ontology that was labelled by, as a person gave it.
    """

    classes: ClassCover = "none"
    attributes: tuple[str, ...] = ()
    origin: str = "derived"
    ontology: str | None = None

    def to_json(self) -> str:
        """As `label_sets.coverage` holds it."""
        document = {
            "classes": self.classes if isinstance(self.classes, str) else list(self.classes),
            "attributes": list(self.attributes) or "none",
            "origin": self.origin,
            "ontology": self.ontology,
        }
        return json.dumps(document, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | None) -> Coverage:
        """Reads what `to_json` writes; nothing is covered where there is none."""
        if text is None:
            return cls()
        said = json.loads(text)
        classes: Any = said["classes"] if isinstance(said["classes"], str) else tuple(said["classes"])
        attributes = () if said["attributes"] == "none" else tuple(said["attributes"])
        return cls(classes, attributes, said["origin"], said["ontology"])


@dataclass(frozen=True, slots=True)
class CoverageClaim:
    """What a person says of coverage at an ingest; None: nothing, so that what was said before stays.

    Attributes:
        classes: "all" that the label set has, "none", "auto" (as the format and the files say), or these.
        attributes: paths, perhaps none.
        ontology: a version.
    """

    classes: Literal["all", "none", "auto"] | tuple[str, ...] | None = None
    attributes: tuple[str, ...] | None = None
    ontology: str | None = None

    @property
    def is_said(self) -> bool:
        """Whether it says anything."""
        return self != CoverageClaim()
