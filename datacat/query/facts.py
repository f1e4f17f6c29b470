"""What a query says of an asset, as predicates say it of an annotation. `meaning.py` joins both.

Each prints itself in strict syntax.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from datacat.query.compare import ELEMENT, LEAF, Sql, leaf_compares, leaf_denies
from datacat.query.periods import Period
from datacat.query.predicates import compared
from datacat.query.tree import Operator, Quantifier
from datacat.query.values import Value


@dataclass(frozen=True, slots=True)
class AssetIs:
    """A column of the asset compares with one of the values."""

    name: str
    column: str
    operator: Operator
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return compared(self.name, self.operator, values=self.values)


@dataclass(frozen=True, slots=True)
class AssetTime:
    """A time of the asset lies so to a period: `captured>=2026-01`."""

    name: str
    column: str
    operator: Operator
    period: Period

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.period}"


@dataclass(frozen=True, slots=True)
class Within:
    """It was taken in a circle (one corner and `km`) or in a polygon (three corners or more).

    `corners` are (latitude, longitude) in degrees, WGS 84.
    """

    corners: tuple[tuple[float, float], ...]
    km: float | None
    shown: str

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class MetadataIs:
    """What a label file says of the asset compares at one of the paths; the rest is as in AttributeIs."""

    paths: tuple[str, ...]
    operator: Operator
    values: tuple[Value, ...]
    shown: str
    quantifier: Quantifier | None = None

    @property
    def compares(self) -> Sql:
        """The condition on a row of `metadata_values`."""
        return leaf_compares(self.operator, self.values, leaf=ELEMENT if self.quantifier else LEAF)

    @property
    def denies(self) -> Sql:
        """The condition on a row of `metadata_values` of which it is known that it does not compare."""
        return leaf_denies(self.operator, self.values, leaf=ELEMENT if self.quantifier else LEAF)

    def __str__(self) -> str:
        return compared(self.shown, self.operator, values=self.values, quantifier=self.quantifier)


@dataclass(frozen=True, slots=True)
class HasMetadata:
    """A label file says something of the asset at one of the paths."""

    paths: tuple[str, ...]
    shown: Value

    def __str__(self) -> str:
        return f"has:{self.shown}"


@dataclass(frozen=True, slots=True)
class FromSource:
    """A label file or a source whose URI is so called speaks of it."""

    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"source{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class InFiles:
    """Its URI stands in the column `uri` of Parquet files: those of a snapshot."""

    shown: str
    files: tuple[str, ...]

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """It is new or other, or what is said of it, since a state of the catalog."""

    state: int
    assets: Sql = field(compare=False)

    def __str__(self) -> str:
        return f"since:{self.state}"


@dataclass(frozen=True, slots=True)
class AgreementIs:
    """How far two label sets agree on it compares; see docs/explanation/agreement.md. `measure` is a column."""

    measure: str
    operator: Operator
    number: float
    shown: str
    measured: Sql = field(compare=False)  # a SELECT of asset and the measures

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class SplitIs:
    """A label set puts the asset into this split."""

    operator: Operator
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return compared("split", self.operator, values=self.values)


@dataclass(frozen=True, slots=True)
class InLabelSet:
    """One of the label sets speaks of the asset, with an annotation or without.

    Its annotations show it; where `is_standing`, those that were not set aside.
    """

    shown: str
    label_sets: tuple[int, ...]
    is_standing: bool = False

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True)
class AssetState:
    """`is:missing` and its like."""

    state: str

    def __str__(self) -> str:
        return f"is:{self.state}"


Stated = AssetIs | AssetTime | Within | MetadataIs | AgreementIs
"""What an asset may lack: then nobody can say whether it is so."""
