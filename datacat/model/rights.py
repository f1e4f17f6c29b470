"""Under which licence labels may be used, and whom to ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RightsClaim:
    """What a person says at an ingest; None: nothing, so that what was said before stays.

    The empty text takes back what was said.
    """

    licence: str | None = None
    owner: str | None = None

    @property
    def is_said(self) -> bool:
        """Whether it says anything."""
        return self != RightsClaim()


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of a label set: what a person said goes before what its label files name.

    Attributes:
        said: by a person.
        named: in label files.
    """

    said: str | None = None
    named: tuple[str, ...] = ()

    @property
    def text(self) -> str | None:
        """As people read it; None where nobody says anything."""
        return self.said or ", ".join(self.named) or None

    def claimed(self, text: str | None) -> Licence:
        """After a person said this of it; see `RightsClaim`."""
        return self if text is None else Licence(text.strip() or None, self.named)

    def to_json(self) -> str | None:
        """As `label_sets.licence` holds it."""
        if self.text is None:
            return None
        return json.dumps({"said": self.said, "named": list(self.named)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | None) -> Licence:
        """Reads what `to_json` writes."""
        if text is None:
            return cls()
        document = json.loads(text)
        named: Sequence[str] = document["named"]
        return cls(document["said"], tuple(named))
