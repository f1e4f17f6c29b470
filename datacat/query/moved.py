"""Answers that are found by address and then moved to the assets that stand for them.

In the views that show one picture once, each row's asset is looked up while it is read, which takes DuckDB a hash join,
and no row group can be skipped by asset. Of what is true of a picture where it is true of one of its addresses, the
addresses can be found instead, as rows are stored, and their bits moved: a million of them take a few milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from datacat.query import meaning as m
from datacat.query.addresses import Addresses
from datacat.query.tree import Quantifier


@dataclass(frozen=True, slots=True)
class ByAddress:
    """Where to find addresses.

    Attributes:
        cursor: shows each address as an asset of its own.
        known: which assets stand for them.
    """

    cursor: duckdb.DuckDBPyConnection
    known: Addresses


def is_of_any_address(node: m.Meaning) -> bool:
    """Whether it holds of a picture exactly where it holds of one of its addresses."""
    match node:
        case m.Or(parts=parts):
            return all(map(is_of_any_address, parts))
        case m.Some(predicate=predicate):
            # Two annotations may be said under two addresses.
            return not any(isinstance(part, m.Related) for part in m.descendants(predicate))
        case m.MetadataIs(quantifier=quantifier):
            return quantifier not in (Quantifier.ALL, Quantifier.NONE)
    return isinstance(node, m.InLabelSet | m.SplitIs | m.HasMetadata)


def needs_picture(node: m.Meaning) -> bool:
    """Whether annotations are compared with the size of their picture, which not every address of it need know."""
    return any(isinstance(part, m.MeasureIs) and part.needs_size for part in m.descendants(node))
