"""What the wire shows of facets, of the overview and of overlaps."""

from __future__ import annotations

import datetime

from pydantic import Field

from datacat_api.views import View


class BucketView(View):
    """One value of a facet, or one bin."""

    value: str
    annotations: int | None = Field(description="Null of what is said of assets.")
    assets: int
    low: float | None = Field(description="Of a bin of numbers, the least that is in it.")
    high: float | None = Field(description="Not in it any more, but for the last bin.")
    absent: int | None = Field(description="Of a class, assets on which it was looked for and is not.")
    unknown: int | None = Field(description="Of a class, assets on which nobody looked.")
    query: str = Field(description="In strict syntax, what narrows the query to these.")


class FacetView(View):
    """How the hits divide by one thing."""

    name: str
    values: list[BucketView]
    bins: list[BucketView]
    different: int = Field(description="How many different values there are, shown or not.")
    other: int = Field(description="The sum over those that are not shown.")
    missing: int = Field(description="How many annotations (or assets) have none.")


class FacetsView(View):
    """All facets of a query."""

    interpretation: str = Field(description="What was understood, in strict syntax.")
    state: int
    assets: int
    annotations: int
    are_matching: bool = Field(
        description="Whether the annotations that fulfil the query are counted, or all of the matching assets."
    )
    facets: list[FacetView]


class ClassCountView(View):
    """A class and how many annotations have it."""

    name: str
    annotations: int


class SharingView(View):
    """How many assets another label set speaks of too."""

    label_set: str
    assets: int


class LabelSetOverviewView(View):
    """One label set in numbers."""

    label_set: str
    team: str
    assets: int
    annotations: int
    classes: int
    top_classes: list[ClassCountView]
    attributes: int = Field(description="Attribute paths.")
    format: str | None
    licence: str | None
    visibility: str | None
    owner: str | None
    created: datetime.datetime | None = Field(description="When it was first ingested.")
    changed: datetime.datetime | None = Field(description="When a label file of it was last written.")
    files: int
    rejects: int
    coverage: str | None = Field(description="declared, format or derived; null where nothing is covered.")
    covered_classes: int
    ontology: str | None
    shared: int = Field(description="Assets of which another label set speaks too.")
    with_whom: list[SharingView]


class TeamOverviewView(View):
    """One team over all its label sets."""

    team: str
    label_sets: int
    assets: int
    annotations: int
    classes: int
    rejects: int
    changed: datetime.datetime | None
    shared: int = Field(description="Assets of which another team speaks too.")


class OverviewView(View):
    """All teams and label sets."""

    state: int
    assets: int
    annotations: int
    teams: list[TeamOverviewView]
    label_sets: list[LabelSetOverviewView]


class CellView(View):
    """What one calls so and the other so; null where the other has nothing there."""

    left: str | None
    right: str | None
    annotations: int
    box_iou: float | None


class DisputedView(View):
    """An asset on which the two do not agree."""

    asset: int
    uri: str
    agreement: float
    class_agreement: float | None
    box_iou: float | None
    left_count: int
    right_count: int


class OverlapView(View):
    """What two teams or label sets have in common."""

    left: str
    right: str
    left_assets: int
    right_assets: int
    shared: int
    equal_bytes: int = Field(
        description="Of the shared ones, those that the right has under another URI, with the same bytes."
    )
    compared: int
    incomparable: int = Field(
        description="Of the shared ones, those on which boxes cannot be compared: one side drew them on the picture as "
        "its EXIF turns it, or gives fractions of an unknown size."
    )
    agreed: int
    agreement: float | None
    matched: int
    class_agreement: float | None
    box_iou: float | None
    cells: list[CellView]
    lowest: list[DisputedView]
    query: str = Field(
        description="What finds the assets on which they disagree, and those on which a third label set does."
    )
    state: int
