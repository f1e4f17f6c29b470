"""Upper and lower case, so that "equal whatever the case" can be looked up and need not be computed for every row.

A text is spelled plainly if it is `all lower`, `ALL UPPER` or `With a capital only in front`. Where all texts of a path
are, a condition on one of them is a condition on three values, by which Parquet's statistics and Bloom filters skip row
groups; lower() on the column would read them all.
"""

from __future__ import annotations

_LOWER = "lower({0})"
_PLAIN = (_LOWER, f"upper({_LOWER})", f"upper({_LOWER}[1]) || {_LOWER}[2:]")

# SQL of whether `text` is spelled otherwise. Its own upper case does not do: upper('K') of the Kelvin sign is itself.
IS_ODD = f"text NOT IN ({', '.join(form.format('text') for form in _PLAIN)})"
# SQL of the plain spellings of a bound value, each with as many `?` as `SPELLINGS_TAKE`.
SPELLINGS = ", ".join(form.format("?") for form in _PLAIN)
SPELLINGS_TAKE = SPELLINGS.count("?")
