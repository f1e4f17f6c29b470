"""What the hits of a query divide into: classes, teams, attribute values, …, counted exactly and together.

What is counted is found once (`counted.py`). Then the annotations are read for all their columns together
(`facet_columns.py`), the attribute values for all paths together (`facet_leaves.py`), whatever the number of facets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from datacat.query.html import facets_table

FACETS = pa.schema(
    [
        ("facet", pa.string()),
        ("value", pa.string()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("annotations", pa.int64()),
        ("assets", pa.int64()),
        ("absent", pa.int64()),
        ("unknown", pa.int64()),
    ]
)
OF_ANNOTATIONS = (
    "class", "concept", "team", "label_set", "annotator", "status", "model", "kind", "geometry", "created",
)  # fmt: skip
OF_ASSETS = ("media", "split", "source", "captured")
PLUMBING = frozenset(
    (
        "from_name", "to_name", "image_rotation", "original_width", "original_height", "lead_time", "inner_id",
        "draft_created_at", "updated_by", "parent_prediction", "parent_annotation", "last_action", "last_created_by",
        "unique_id", "import_id", "was_cancelled", "result_count", "comment_authors", "unresolved_comment_count",
    )
)  # fmt: skip
"""Names that labelling tools write for themselves: which control said it, how long it took, what they counted."""
NAMES = (*OF_ANNOTATIONS, *OF_ASSETS)
"""What there are facets of beside the paths of attributes and metadata."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One value of a facet, or one bin.

    Attributes:
        value: as it is written; of a bin, from where to where, or a day, month or year.
        annotations: how many have it; None where it is said of assets.
        assets: how many have it, or such an annotation.
        low: of a bin of numbers, the least that is in it.
        high: what is just not in it any more; of the last bin, the greatest that is.
        absent: of a class, on how many of the other assets it was looked for; None where that is not asked.
        unknown: of a class, on how many nobody looked.
    """

    value: str
    annotations: int | None
    assets: int
    low: float | None = None
    high: float | None = None
    absent: int | None = None
    unknown: int | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """How the hits divide by one thing.

    Attributes:
        name: one of `NAMES`, or `attributes.<path>`, `metadata.<path>`.
        values: the most frequent, the first the commonest, equal ones in order of their text.
        bins: of numbers and times, in their order; a path that has texts and numbers has values and bins.
        different: how many different values there are, shown or not.
        other: the sum over those that are not shown.
        missing: how many annotations (of what is said of assets: assets) have none.
    """

    name: str
    values: tuple[Bucket, ...]
    bins: tuple[Bucket, ...]
    different: int
    other: int
    missing: int

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """Values, then bins."""
        return (*self.values, *self.bins)


@dataclass(frozen=True, slots=True)
class Facets:
    """All facets of a query.

    Attributes:
        assets: how many match.
        annotations: how many are counted.
        are_matching: whether those are the annotations that fulfil the query, or all of the matching assets.
        facets: those that somebody has a value of, in the order of `NAMES`, then paths, the commonest first.
    """

    assets: int
    annotations: int
    are_matching: bool
    facets: tuple[Facet, ...]

    def _repr_html_(self) -> str:
        return facets_table(self)

    def __getitem__(self, name: str) -> Facet:
        for facet in self.facets:
            if facet.name == name:
                return facet
        raise KeyError(name)

    def __iter__(self) -> Iterator[Facet]:
        return iter(self.facets)

    def __len__(self) -> int:
        return len(self.facets)

    def __contains__(self, name: object) -> bool:
        """Whether there is a facet of that name."""
        return any(facet.name == name for facet in self.facets)

    def to_arrow(self) -> pa.Table:
        """A row a bucket, of schema `FACETS`."""
        columns = [name for name in FACETS.names if name != "facet"]
        listed = [
            {"facet": facet.name, **{name: getattr(bucket, name) for name in columns}}
            for facet in self.facets
            for bucket in facet.buckets
        ]
        return pa.Table.from_pylist(listed, schema=FACETS)


def chosen(names: Sequence[str] | None, of: Sequence[str]) -> list[str]:
    """Those of `of` that are among `names`; all where that is None."""
    return [name for name in of if names is None or name in names]
