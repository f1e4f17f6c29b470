"""An annotation that made its asset a hit."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import duckdb

from datacat.query.compare import Sql
from datacat.query.run import rows


class Documents:
    """The attributes of a page's annotations, read when the first is asked for.

    They are most of what is stored of an annotation: of 50 among a million in 12 label sets, all else was read in
    9 ms, they in 65.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, where: Sql) -> None:
        self._cursor = cursor
        self._where = where

    def of(self, annotation: int) -> str | None:
        """The JSON of one annotation, byte for byte as its label file has it."""
        return self._read[annotation]

    @cached_property
    def _read(self) -> dict[int, str | None]:
        query = Sql("SELECT annotation, attributes FROM annotations WHERE {}").filled(self._where)
        return dict(rows(self._cursor, query))


@dataclass(frozen=True, slots=True)
class Match:
    """An annotation that fulfils the query.

    `x, y, w, h` are pixels of the picture as it is shown, turned as its EXIF says, or fractions where `is_relative`.
    """

    annotation: int
    class_name: str | None
    team: str
    label_set: str
    kind: str
    geometry_type: str
    x: float | None
    y: float | None
    w: float | None
    h: float | None
    is_relative: bool | None
    confidence: float | None
    documents: Documents = field(repr=False, compare=False)

    @property
    def attributes(self) -> dict[str, Any] | None:
        """Its attributes; None where it has none. Of a key that is there twice, the last counts."""
        return object_of(self.attributes_text)

    @property
    def attributes_text(self) -> str | None:
        """The same as JSON, byte for byte."""
        return self.documents.of(self.annotation)

    def as_row(self) -> dict[str, Any]:
        """As a row of `datacat.query.hit.MATCH`, where the class is called `class`."""
        row = {name: getattr(self, name) for name in WRITTEN}
        row["class"] = row.pop("class_name")
        row["attributes"] = self.attributes_text
        return row

    def as_document(self) -> dict[str, Any]:
        """The same as JSON shows it: attributes are an object."""
        return self.as_row() | {"attributes": self.attributes}


def object_of(text: str | None) -> dict[str, Any] | None:
    """A JSON object as Python has it: whole numbers to the last digit, what JSON cannot hold (NaN, 1e999) as text."""
    found = value_of(text)
    return found if isinstance(found, dict) else None


def value_of(text: str | None) -> Any:
    """A JSON value of any kind, likewise."""
    return None if text is None else json.loads(text, parse_constant=str, parse_float=_finite)


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


WRITTEN = tuple(item.name for item in fields(Match) if item.name != "documents")
"""The fields that are columns of `annotations` or of its label set, in their order."""
