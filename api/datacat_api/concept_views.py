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
