"""What the wire shows of concepts."""

from __future__ import annotations

import datetime

from pydantic import Field

from datacat_api.views import View


class ConceptListed(View):
    """A concept in a list."""

    concept: str
    classes: list[str] = Field(description="`[team:]class`, as they were added.")
    synonyms: list[str]
    parents: list[str]
    children: list[str]
    annotations: int = Field(description="Of its classes.")
    owner: str | None
    definition: str | None


class ConceptMember(View):
    """A class name of a concept."""

    member: str = Field(description="`[team:]class`, as it was added.")
    classes: list[str] = Field(description="As label sets write it; empty where nobody uses it yet.")
    label_sets: list[str]
    annotations: int


class ConceptChanged(View):
    """One change of a concept."""

    state: int
    time: datetime.datetime
    author: str
    message: str
    what: list[str] = Field(description="Empty where the rows of that time were forgotten.")


class ConceptShown(View):
    """A concept with everything known of it."""

    name: str
    definition: str | None
    owner: str | None
    synonyms: list[str]
    parents: list[str]
    children: list[str]
    members: list[ConceptMember]
    history: list[ConceptChanged]


class SuggestedClass(View):
    """A class name of a team."""

    team: str
    name: str
    label_sets: list[str]
    annotations: int


class Reason(View):
    """What speaks for or against two classes meaning the same."""

    kind: str = Field(description="name, boxes, together, text or crops.")
    classes: list[str] = Field(description="The two, as `team:class`.")
    value: float = Field(description="How strong it is, 0 to 1.")
    is_against: bool
    text: str
    numbers: dict[str, float]


class Suggested(View):
    """Classes that may mean the same."""

    relation: str = Field(
        description="same; kind: the first may be a kind of the second; unlike: alike in name, and yet they differ."
    )
    concept: str
    score: float
    classes: list[SuggestedClass]
    evidence: list[Reason]
    merges: list[str] = Field(description="Concepts that would become one.")
    adds: dict[str, list[str]] = Field(description="Concept -> classes that it would get.")
    parent: str | None
    commands: list[str] = Field(description="What accepts it on the command line.")


class ConceptsSuggested(View):
    """What may mean the same, the surest first."""

    items: list[Suggested]
    notes: list[str] = Field(description="What was left out of account.")
    all: int = Field(description="How many there are beyond `limit`, these among them.")
    state: int
