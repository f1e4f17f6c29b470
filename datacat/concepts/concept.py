"""A concept, and what a person says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datacat.errors import UsageError


@dataclass(frozen=True, slots=True)
class Member:
    """A class name that belongs to a concept; `team` None: whichever team writes it."""

    team: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.team}:{self.name}" if self.team else self.name

    @classmethod
    def parse(cls, text: str) -> Member:
        """Reads `[team:]class`.

        Raises:
            UsageError: a part is empty.
        """
        team, colon, name = text.partition(":")
        member = cls(team.strip() if colon else None, (name if colon else text).strip())
        if not member.name or member.team == "":
            raise UsageError(f"{text!r} is no class name", hint="Write CLASS or TEAM:CLASS.")
        return member


@dataclass(frozen=True, slots=True)
class Concept:
    """What several teams' class names mean in common.

    Attributes:
        name: as it is shown.
        members: the class names, sorted.
        definition: in a sentence.
        owner: who decides about it.
        synonyms: further names that people search by, in any language; sorted.
        parents: names of the concepts that it is a kind of; sorted.
    """

    name: str
    members: tuple[Member, ...] = ()
    definition: str | None = None
    owner: str | None = None
    synonyms: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Details:
    """What `describe` says of a concept; what is None or empty stays as it is.

    Attributes:
        definition: in a sentence; the empty text takes it back.
        owner: who decides about it; the empty text takes it back.
        synonyms: that come.
        parents: concepts that it becomes a kind of.
        children: concepts that become kinds of it.
        drop: synonyms, parents and children that go, by name.
    """

    definition: str | None = None
    owner: str | None = None
    synonyms: Sequence[str] = ()
    parents: Sequence[str] = ()
    children: Sequence[str] = ()
    drop: Sequence[str] = ()
