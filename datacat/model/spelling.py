"""One form of text in which it is compared, and which texts are spelled so plainly that it need not be computed.

Texts are equal whatever their case and their Unicode form: `Straße` is `STRASSE`, and `é` is one character or two. What
is compared is in lower case, composed (NFC), without final sigma, long s and ligatures; of ASCII, that is lower().

A text is spelled plainly if it is `all lower`, `ALL UPPER` or `With a capital only in front`. Where all texts of a path
are, a condition on one of them is a condition on three values, by which Parquet's statistics and Bloom filters skip row
groups; lower() on the column would read them all.
"""

from __future__ import annotations

import unicodedata

# What lower case leaves apart and case folding makes one (Unicode's CaseFolding.txt, as far as people write it; what
# is not here, as Greek with iota below, is compared in lower case). One for one, and one for several.
_LETTERS = {
    "µ": "μ",
    "ſ": "s",
    "ς": "σ",
    "ϐ": "β",
    "ϑ": "θ",
    "ϕ": "φ",
    "ϖ": "π",
    "ϰ": "κ",
    "ϱ": "ρ",
    "ϵ": "ε",
}
_LIGATURES = {
    "ß": "ss", "ŉ": "ʼn", "և": "եւ", "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st",
}  # fmt: skip
_DOTTED = (
    "i\u0307"  # lower case of İ in Python, and of its two characters in DuckDB, where that of the one is i
)
_TRANSLATED = str.maketrans(_LETTERS | _LIGATURES)
_ASCII = "lower({0})"


def one_form(text: str) -> str:
    """The form of a text in which it is compared; as `one_form_sql`."""
    composed = unicodedata.normalize("NFC", text.lower())
    return composed.replace(_DOTTED, "i").translate(_TRANSLATED)


def one_form_sql(text: str, *, is_ascii: bool = False) -> str:
    """SQL of the form in which a text is compared.

    Args:
        text: SQL: a column, a `?` or another expression, which stands in the SQL once unless it is a column.
        is_ascii: whether it is known to be in ASCII.
    """
    if is_ascii:
        return _ASCII.format(text)
    composed = f"replace(nfc_normalize(lower({text})), '{_DOTTED}', 'i')"
    folded = f"translate({composed}, '{''.join(_LETTERS)}', '{''.join(_LETTERS.values())}')"
    for letter, letters in _LIGATURES.items():
        folded = f"replace({folded}, '{letter}', '{letters}')"
    if not text.isidentifier():
        return folded
    # As many bytes as characters: most texts are in ASCII, and the rest of it need not be computed for them.
    return f"CASE WHEN strlen({text}) = length({text}) THEN {_ASCII.format(text)} ELSE {folded} END"


def _plain(lower: str) -> str:
    return f"{lower}, upper({lower}), upper({lower}[1]) || {lower}[2:]"


# SQL of whether `text` is spelled otherwise. Its own upper case does not do: upper('K') of the Kelvin sign is itself.
IS_ODD = f"(text NOT IN ({_plain('lower(text)')}) OR {one_form_sql('text')} <> lower(text))"
IS_WIDE = "strlen({0}) <> length({0})"
"""SQL of whether a text is not in ASCII alone."""


def spellings(text: str) -> tuple[str, int]:
    """SQL of the plain spellings of a bound value, and how many `?` it has, each for `text`."""
    forms = _plain(one_form_sql("?", is_ascii=text.isascii()))
    return forms, forms.count("?")
