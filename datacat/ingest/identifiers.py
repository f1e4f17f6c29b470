"""Identifiers in label files: 1, "1" and 1.0 are one."""

from __future__ import annotations

import math
from typing import Any


def canonical_id(value: Any) -> str | None:
    """The one spelling of an identifier; None where the value is none (null, true, an empty text, a list, …).

    A text keeps its spelling: "007" is not 7.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value).strip() or None
