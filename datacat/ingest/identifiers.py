"""One text for each identifier, however a label file spells it: 7, 7.0, "7" and "7.0" are the same."""

from __future__ import annotations

import math
import re

_EXACT = 1 << 53  # above, a float is no longer one whole number
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0+)?")


def canonical_id(value: object) -> str:
    """The text by which an identifier is compared and kept.

    A text that is no whole number stays as it is, spaces and leading zeros included: `007` is not 7.

    Args:
        value: as JSON gave it.

    Raises:
        ValueError: it is no identifier: null, true or false, a fraction, a list, an empty text.
    """
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{_JSON[value]} is no identifier")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value) or value != int(value):
            raise ValueError(f"{value} is no identifier: it is no whole number")
        if abs(value) > _EXACT:
            raise ValueError(f"{value} is no identifier: so large, it may be any of several numbers")
        return str(int(value))
    if not isinstance(value, str) or not value:
        raise ValueError(f"{'an empty text' if value == '' else 'a list or an object'} is no identifier")
    whole = _WHOLE.fullmatch(value)
    return "0" if whole and whole[1] == "-0" else whole[1] if whole else value


def stated_id(value: object, *, name: str) -> str:
    """As `canonical_id`, of what stands at the key `name`.

    Raises:
        ValueError: there is none, or it is no identifier; the reason names the key.
    """
    if value is None:
        raise ValueError(f"no {name}")
    try:
        return canonical_id(value)
    except ValueError as error:
        raise ValueError(f"`{name}`: {error}") from error


_JSON = {None: "null", True: "true", False: "false"}


def known_id(value: object) -> str | None:
    """As `canonical_id`; None where the value is no identifier."""
    try:
        return canonical_id(value)
    except ValueError:
        return None
