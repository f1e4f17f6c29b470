"""Names that people type: team/name, name@version."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from datacat.errors import NameInvalid

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RULE = "Use letters, digits, '.', '_' and '-', at most 100, beginning with a letter or digit."


def checked_word(text: str, *, what: str) -> str:
    """Returns `text`, or raises NameInvalid naming `what` it should have been ("team", "snapshot")."""
    if not _WORD.fullmatch(text):
        raise NameInvalid(f"{text!r} is no valid {what} name", hint=_RULE)
    return text


@dataclass(frozen=True, slots=True, order=True)
class LabelSetName:
    """`team/name`: one team's labels from one source."""

    team: str
    name: str

    def __post_init__(self) -> None:
        checked_word(self.team, what="team")
        checked_word(self.name, what="label set")

    def __str__(self) -> str:
        return f"{self.team}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> LabelSetName:
        """Reads `team/name`."""
        team, slash, name = text.partition("/")
        if not slash:
            raise NameInvalid(
                f"{text!r} is no label set name", hint="Write team/name, as in mapping/roofs-2026."
            )
        return cls(team, name)


@dataclass(frozen=True, slots=True, order=True)
class SnapshotName:
    """`name@version`; the version is a whole number from 1."""

    name: str
    version: int

    def __post_init__(self) -> None:
        checked_word(self.name, what="snapshot")
        if self.version < 1:
            raise NameInvalid(f"{self.version} is no snapshot version", hint="Versions count from 1.")

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> SnapshotName:
        """Reads `name@version`."""
        name, at, version = text.partition("@")
        if not at or not version.isdecimal():
            raise NameInvalid(f"{text!r} is no snapshot", hint="Write name@version, as in roofs@1.")
        return cls(name, int(version))


def folded(text: str) -> str:
    """The form in which class names and words are compared: NFKC, case folded, `_` and `-` as a space.

    `datacat.query` decides about singular and plural on top of this.
    """
    spaced = re.sub(r"[\s_\-]+", " ", unicodedata.normalize("NFKC", text))
    return spaced.strip().casefold()
