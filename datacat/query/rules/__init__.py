"""The rewrites of a bound query, in order. Print `RULES` to see them."""

from __future__ import annotations

from datacat.query.rules.absent_counts import absent_counts
from datacat.query.rules.rarest_last import rarest_last

RULES = (absent_counts, rarest_last)

__all__ = ["RULES", "absent_counts", "rarest_last"]
