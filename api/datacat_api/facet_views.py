"""What the wire shows of facets, of the overview and of overlaps."""

from __future__ import annotations

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
