"""What speaks for and against two classes meaning the same, and what is made of it.

    score = (1 - (1 - w1 v1) (1 - w2 v2) …) (1 - a1) (1 - a2) …

Each piece of evidence for it has a value v from 0 to 1 and the weight w of its kind; each one against it a value a. So
several weak reasons add up, no single one is taken for certain, and what contradicts outweighs.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal

Kind = Literal["name", "boxes", "together", "text", "crops"]
Relation = Literal["same", "kind", "unlike"]

WEIGHTS: Mapping[Kind, float] = {"name": 0.7, "boxes": 0.9, "together": 0.6, "text": 0.3, "crops": 0.5}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing known of two classes.

    Attributes:
        kind: of `WEIGHTS`.
        classes: the two, as `team:class`.
        value: how strong it is, 0 to 1.
        is_against: whether it speaks against their meaning the same.
        text: it in words.
        numbers: what it rests on, by name.
    """

    kind: Kind
    classes: tuple[str, str]
    value: float
    is_against: bool
    text: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TeamClass:
    """A class name of a team: how often, and in which label sets it is used."""

    team: str
    name: str
    label_sets: tuple[str, ...]
    annotations: int

    def __str__(self) -> str:
        return f"{self.team}:{self.name}"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Classes that may mean the same; nothing is done about it before a person says so.

    Attributes:
        relation: "same"; "kind": the first may be a kind of the second; "unlike": alike in name, and yet they differ.
        concept: what they could be called in common; of a kind, the narrower one.
        score: from 0 to 1, see the module; of a group, of its weakest link.
        classes: the most used first.
        evidence: for and against, the strongest first.
        merges: concepts that become one, where some of the classes belong to several already.
        adds: concept -> classes that it gets.
        parent: the wider concept of a kind.
        commands: that accept it; of unlike classes none.
    """

    relation: Relation
    concept: str
    score: float
    classes: tuple[TeamClass, ...]
    evidence: tuple[Evidence, ...]
    merges: tuple[str, ...] = ()
    adds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parent: str | None = None
    commands: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        typed = [["merge", *self.merges]] if self.merges else []
        typed += [["add", concept, *classes] for concept, classes in self.adds.items()]
        typed += [["describe", self.concept, "--parent", self.parent]] if self.parent else []
        lines = tuple(f"datacat concepts {shlex.join(words)}" for words in typed)
        object.__setattr__(self, "commands", lines)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What may mean the same, the surest first; what was left out of account; how many there are in `all`."""

    items: tuple[Suggestion, ...]
    notes: tuple[str, ...]
    all: int

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def score(evidence: Iterable[Evidence]) -> float:
    """The formula of the module; 0 without evidence."""
    listed = list(evidence)
    doubt = prod(1 - WEIGHTS[item.kind] * item.value for item in listed if not item.is_against)
    return (1 - doubt) * prod(1 - item.value for item in listed if item.is_against)
