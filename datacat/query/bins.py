"""Bins with round edges: 0 to 10 by 1, 0.2 to 0.8 by 0.05, 1000 to 6000 by 500.

An edge is a whole number times `step`, divided by a power of ten: the very number that its decimals name, so that a bin
holds what a query for `path>=0.3 path<0.4` finds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_STEPS = (10, 20, 25, 50, 100)
_WIDEST = 1e15  # beyond it neighbouring whole numbers are no longer told apart


@dataclass(frozen=True, slots=True)
class Bins:
    """`count` bins, the first from `first * step / scale` on; the last one holds its upper edge too."""

    first: int
    step: float
    scale: float
    count: int
    is_single: bool = False  # each holds one whole number

    def edges(self, place: int) -> tuple[float, float]:
        """From where to where a bin goes."""
        return self._edge(place), self._edge(place + 1)

    def name(self, place: int) -> str:
        """As people read it."""
        low, high = self.edges(place)
        return f"{low:.12g}" if self.is_single else f"{low:.12g} to {high:.12g}"

    def place(self, number: float) -> int:
        """The bin that a number is in; `PLACE` says the same in SQL."""
        rough = math.floor(number * self.scale / self.step)
        rough -= number < rough * self.step / self.scale
        rough += number >= (rough + 1) * self.step / self.scale
        return max(0, min(self.count - 1, rough - self.first))

    def _edge(self, place: int) -> float:
        return (self.first + place) * self.step / self.scale


# Of `number`, where the columns of `Bins` stand beside it.
_ROUGH = "floor(number * scale / step)"
PLACE = (
    f"greatest(0, least(bin_count - 1, {_ROUGH} - (number < {_ROUGH} * step / scale)::INT "
    f"+ (number >= ({_ROUGH} + 1) * step / scale)::INT - first))::INT"
)


def bins_of(low: float, high: float, *, are_whole: bool, most: int) -> Bins:
    """Bins for numbers between `low` and `high`, about `most` of them."""
    if are_whole and high - low < most and abs(low) < _WIDEST:
        return Bins(int(low), 1.0, 1.0, int(high - low) + 1, is_single=True)
    if (
        not max(1e-290, 1e-12 * abs(low), 1e-12 * abs(high)) < high - low < math.inf
    ):  # too close or too far apart for edges
        width = 10.0 ** min(308, math.ceil(math.log10(max(1, abs(low), abs(high)))))
        return Bins(-1 if low < 0 else 0, width, 1.0, 2 if low < 0 <= high else 1)
    exponent = math.floor(math.log10((high - low) / most)) - 1
    rough = (high - low) / most * (1 - 1e-9)
    widths = [(factor * 10.0**exponent, factor) for factor in _STEPS]
    width, factor = next(w for w in widths if w[0] >= rough and not (are_whole and w[0] % 1))
    step, scale = (width, 1.0) if exponent >= 0 else (float(factor), 10.0**-exponent)
    first = math.floor(low * scale / step)
    bins = Bins(first, step, scale, 1 << 40)
    count = bins.place(high) + 1
    if count > 1 and bins.edges(count - 1)[0] == high:
        count -= 1
    return Bins(first, step, scale, count)
