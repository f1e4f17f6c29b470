"""Which split an asset belongs to: decided by its content alone.

u = sha256(seed ‖ 0x00 ‖ sha256 of the asset's bytes, in hex), its first 8 bytes over 2⁶⁴, lies in [0, 1); the
first split whose cumulated fraction exceeds u takes the asset. So equal bytes land in the same split whatever
their names, and an asset stays where it is whatever is added. Where the bytes were never read, the URI stands
for them.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from datacat.model.snapshot import SplitRule

_UNIVERSE = 1 << 64


def assign(contents: Iterable[str], *, rule: SplitRule) -> list[str]:
    """The split of each asset; an asset's content is its digest, or its URI where it has none."""
    names = [name for name, _ in rule.fractions]
    bounds = _bounds([fraction for _, fraction in rule.fractions])
    seeded = hashlib.sha256(rule.seed.encode() + b"\0")
    return [names[bisect_right(bounds, _position(seeded, content))] for content in contents]


def starts(rule: SplitRule) -> list[tuple[str, str]]:
    """Where each split begins that anything can be in: the first 8 bytes of a hash, in hex, and its name.

    An asset is in the last split that begins at or before the hash of `seed ‖ 0x00 ‖ content`; as `assign` says, for
    who reckons in SQL.
    """
    bounds = [0, *_bounds([fraction for _, fraction in rule.fractions])]
    names = [name for name, _ in rule.fractions]
    spans = zip(bounds, bounds[1:], names, strict=False)
    return [(f"{begin:016x}", name) for begin, end, name in spans if begin < end]


def _position(seeded: hashlib._Hash, content: str) -> int:
    mixed = seeded.copy()
    mixed.update(content.encode())
    return int.from_bytes(mixed.digest()[:8], "big")


def _bounds(fractions: list[float]) -> list[int]:
    """The exclusive upper end of each split; whole numbers, so that no rounding leaves an asset out."""
    cumulated = list(accumulate(fractions))
    return [round(end / cumulated[-1] * _UNIVERSE) for end in cumulated]
