"""Numbers with units: `size>1.5GiB`, `duration>90s`. Upper and lower case are the same."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from datacat.query.tree import Token

_Units = dict[str, Decimal]
_BYTES: _Units = {f"{prefix}b": Decimal(1000**power) for power, prefix in enumerate(("", "k", "m", "g", "t"))}
_BYTES |= {f"{prefix}ib": Decimal(1024**power) for power, prefix in enumerate(("k", "m", "g", "t"), 1)}
_SECONDS: _Units = {"ms": Decimal("0.001"), "s": Decimal(1), "min": Decimal(60), "h": Decimal(3600)}
_PIXELS: _Units = {"px": Decimal(1)}
_UNITS = {
    "size": _BYTES,
    **dict.fromkeys(("duration", "start", "end"), _SECONDS),
    **dict.fromkeys(("width", "height"), _PIXELS),
}
_EXAMPLES = {
    "size": "size>10MB",
    "duration": "duration>90s",
    "start": "start<1min",
    "end": "end<1min",
    "width": "width>640",
    "height": "height>480",
    **{name: f"{name}:*" for name in ("uri", "media", "digest")},
    **{name: f"{name}>=2026-01" for name in ("captured", "first_seen", "modified")},
}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([a-z]+)", re.IGNORECASE)


def without_unit(value: Token, name: str) -> Token:
    """The value of a condition on a field in bytes, seconds or pixels; as it is where it has no unit of these."""
    match = _NUMBER.fullmatch(value.text)
    factor = _UNITS[name].get(match[2].casefold()) if match and name in _UNITS else None
    if match is None or factor is None or value.is_quoted:
        return value
    return replace(value, text=f"{(Decimal(match[1]) * factor).normalize():f}")


def example_of(name: str) -> str:
    """How a field is compared."""
    return _EXAMPLES.get(name, f"{name}>0.5")
