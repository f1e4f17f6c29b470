"""What the wire shows: never a table row as it is. Identifiers are whole numbers, lists are objects with `next`.

Numbers that JSON cannot hold are the texts "Infinity", "-Infinity" and "NaN", as label files write them.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from datacat.errors import UsageError
from datacat_api.dependencies import AskedPage, token

T = TypeVar("T")


class View(BaseModel):
    """The root of all that is shown; read from the attributes of what it shows.

    What a dictionary has and a view has not is an error, lest something stays unsaid here that the command line says.
    """

    model_config = ConfigDict(
        extra="forbid",
        from_attributes=True,
        coerce_numbers_to_str=True,
        populate_by_name=True,
        ser_json_inf_nan="strings",
    )


class Listed(View, Generic[T]):
    """One page of a list. `next` goes into `after`; null at the end."""

    items: list[T]
    next: str | None
    state: int


class Statement(View):
    """Who says what, and where.

    `x, y, w, h` are pixels of the picture as it is shown, turned as its EXIF says, or fractions of it where
    `is_relative`.
    """

    annotation: int
    class_name: str | None = Field(alias="class")
    label_set: str
    kind: str
    geometry_type: str
    x: float | None
    y: float | None
    w: float | None
    h: float | None
    is_relative: bool | None
    confidence: float | None
    attributes: dict[str, Any] | None


class Match(Statement):
    """An annotation that fulfils the query."""

    team: str


class Annotation(Statement):
    """An annotation, whole.

    A turned box that is none any more on the picture, as its sides are scaled differently, is a `box`.
    """

    area: float | None
    model: str | None
    track: str | None
    starts: float | None = Field(description="Seconds of a range, characters of a span.")
    ends: float | None
    geometry: Any = Field(description="Rings, points or an object: its shape depends on `geometry_type`.")
    is_crowd: bool | None
    annotator: str | None
    created: datetime.datetime | None
    status: str | None
    text: str | None
    external_id: str | None


class Hit(View):
    """An asset that was found, and why."""

    asset: int
    uri: str
    media: str | None
    width: int | None
    height: int | None
    score: float | None
    matches: list[Match]
    why: list[str]
    addresses: list[str] = Field(description="Where the same bytes lie, `uri` first.")
    is_contradicted: bool = Field(
        description="Whether a `count(…)` holds by what one label set says, and another that looked says otherwise."
    )


class Answers(View):
    """A query's three answers, in assets."""

    yes: int
    no: int = Field(description="Somebody looked, and it is not so.")
    unknown: int = Field(description="Nobody can say.")


class SearchPage(View):
    """One page of the answer to a query."""

    hits: list[Hit]
    next: str | None
    interpretation: str = Field(description="What was understood, in strict syntax.")
    concepts: dict[str, list[str]] = Field(
        description="Of each name in the query that one knows, the concepts that say what else it means."
    )
    state: int
    total: int | None = Field(
        default=None,
        description="How many assets match; only with `count=true`, and not of a ranking, which has all.",
    )
    addresses: int | None = Field(
        default=None,
        description="At how many addresses these lie: more where several have the same bytes; with `count=true`.",
    )
    answers: Answers | None = Field(
        default=None,
        description="Only with `answers=true`, or `count=true` where something must be absent; not of a ranking.",
    )
    not_embedded: int | None = Field(
        default=None, description="Of a ranking: how many of the assets that pass the rest have no vector."
    )
    only_predicted: int | None = Field(
        default=None, description="Of `total`, how many only by what models say; only with `count=true`."
    )
    set_aside: int | None = Field(
        default=None,
        description="How many annotations were left out, skipped or drafts; only with `count=true`.",
    )
    hint: str | None = Field(
        default=None,
        description="Which values are text that is not compared with a number; where nothing was found, which values "
        "nobody has, and the nearest ones.",
    )


class QueryForms(View):
    """A query as text and as JSON."""

    text: str = Field(description="In strict syntax.")
    document: dict[str, Any] = Field(description="As docs/reference/query-json.md has it.")


class Reading(View):
    """What words of a question were taken for."""

    words: str
    kind: str = Field(
        description="class, value, flag, attribute, comparison, relation, superlative, spelling, quoted, time, "
        "unknown, or a field: media, is, team …"
    )
    query: str
    alternatives: list[str]
    meant: str = Field(description="Of a spelling, what should have been typed; else empty.")
    is_negated: bool
    is_used: bool = Field(
        description="False of what no label could say, and of the name of an attribute of which no value is asked."
    )


class Understood(View):
    """A question as a query."""

    question: str
    query: str = Field(description="In strict syntax, for /v1/search; empty where nothing was recognised.")
    related: str
    text: str = Field(description="What likeness is asked for; nothing that is to be absent.")
    readings: list[Reading]
    unknown: list[str] = Field(description="Words that the query does not say.")
    is_count: bool = Field(description="Whether it asks how many there are.")
    is_counted: bool = Field(
        description="Whether it asks for a number of things, which is one within each label set: of all together it is "
        "`count(… across teams)`."
    )


class AnswerView(View):
    """The answer to a plain question; no asset is in two tiers."""

    understood: Understood
    answers: Answers | None = Field(description="Null where no word of it was recognised.")
    concepts: dict[str, list[str]] = Field(description="As of a search, of the tier `labelled`.")
    labelled: list[Hit] | None
    related: list[Hit] | None = Field(description="Null where nothing is related.")
    looks_so: list[Hit] | None = Field(description="Null where nothing was embedded.")
    objects: int | None = Field(
        description="Of a question how many there are: how many, on each asset as the label set says that has most."
    )
    not_embedded: int | None = Field(
        description="Where the tier `labelled` is ranked: how many of its assets have no vector; they come last."
    )
    state: int


class LabelSetListing(View):
    """What a label set says of the asset itself."""

    label_set: str
    key: str | None
    split: str | None
    metadata: dict[str, Any] | None
    file: str | None


class Asset(View):
    """An asset with everything said about it."""

    asset: int
    uri: str
    media: str | None
    width: int | None
    height: int | None
    duration_s: float | None
    size: int | None
    modified: datetime.datetime | None
    digest: str | None
    is_missing: bool
    fault: str | None
    orientation: int | None = Field(
        description="How EXIF turns the stored picture to show it, 2 to 8; null where it does not."
    )
    equal: list[str] = Field(description="URIs of assets with the same bytes.")
    label_sets: list[LabelSetListing]
    annotations: list[Annotation]


class Class(View):
    """A class as its teams write it."""

    class_name: str | None = Field(alias="class")
    concept: str | None
    teams: list[str]
    label_sets: list[str]
    annotations: int
    assets: int


class Attribute(View):
    """A path of nested attributes."""

    path: str
    types: list[str]
    annotations: int
    distinct: int
    examples: list[str]
    teams: list[str]


class LabelSet(View):
    """One team's labels from one source."""

    label_set: str
    team: str
    name: str
    format: str | None
    created: datetime.datetime | None


class SavedSearch(View):
    """A query under a name."""

    name: str
    query: str = Field(description="In strict syntax.")
    owner: str | None
    description: str | None
    created: datetime.datetime
    author: str


class Snapshot(View):
    """A frozen training set."""

    snapshot: str
    query: str
    interpretation: str
    state: int
    assets: int
    annotations: int
    merged_copies: int = Field(
        description="Addresses of pictures that are frozen under another address with the same bytes."
    )
    missing: int = Field(description="Assets whose media was not found when they were frozen.")
    unreadable: int = Field(description="Assets whose media could not be read when they were frozen.")
    unlooked: dict[str, int] = Field(
        description="By class, assets that have none as nobody looked for it there; of the 50 most frequent classes."
    )
    splits: dict[str, int]
    seed: str
    annotation_policy: str
    classes: list[str]
    joining: dict[str, Any] = Field(
        description="How several label sets became one; see the how-to on snapshots."
    )
    joined: dict[str, Any] = Field(description="What that did, counted.")
    digest: str
    author: str
    time: str


class RowCounts(View):
    """How many rows of one table a change added and removed."""

    added: int
    removed: int


class Change(View):
    """One entry of the history."""

    state: int
    time: datetime.datetime
    author: str
    message: str
    changes: dict[str, RowCounts] = Field(description="By table.")


class Health(View):
    """That the service runs, and how much it has to do."""

    status: str = Field(description="ok; busy: one more query would be refused.")
    state: int = Field(description="The newest that a request has seen.")
    version: str
    running: int = Field(description="Requests that are being answered.")
    waiting: int = Field(description="Requests that wait for one of these.")


def page_of(rows: Sequence[Any], asked: AskedPage, *, state: int) -> dict[str, Any]:
    """The page of `rows` that was asked for, as the fields of `Listed`."""
    start = _offset(asked)
    end = start + asked.limit
    following = token(state, end if end < len(rows) else None)
    return {"items": rows[start:end], "next": following, "state": state}


def rows_needed(asked: AskedPage) -> int:
    """How many rows from the first on tell the page and whether another follows."""
    return _offset(asked) + asked.limit + 1


def _offset(asked: AskedPage) -> int:
    position = asked.position or "0"
    if not (position.isascii() and position.isdecimal() and len(position) < 16):
        raise UsageError(f"{asked.after!r} is no page token", hint="Take it from `next` of the page before.")
    return int(position)
