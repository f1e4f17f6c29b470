"""A class name in which nothing can be seen is no name, in whatever format it stands; this is the one rule for all.

Where a number or an identifier tells classes apart (COCO, YOLO, Open Images), that is the class, with a note. Else the
annotation has none: it is kept, and a reject beside it makes its asset unknown for every class.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from datacat.ingest.metadata import spread
from datacat.model.report import Tally
from datacat.model.schemas import SET_ASIDE

UNTOLD = "an annotation without a class"
NOT_KNOWN = "; what it is cannot be told, so its asset is unknown for every class"
_NOTE = "a class name in which nothing can be seen (empty, blanks): taken as none"
_UNSEEN = frozenset(("Cc", "Cf", "Zl", "Zp", "Zs"))
# Letters, marks and a symbol that are drawn as nothing: fillers of Hangul, joiners, variation selectors, empty Braille.
_EMPTY = frozenset(map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0)))
_SELECTORS = (("\u180b", "\u180f"), ("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef"))


def name_of(text: str | None) -> str | None:
    """A class name as it is written; None where there is nothing in it that anybody could see."""
    return text if text and not (text.isspace() or all(map(_is_unseen, text))) else None


def _is_unseen(letter: str) -> bool:
    if letter.isalnum():
        return letter in _EMPTY
    return (
        unicodedata.category(letter) in _UNSEEN
        or letter in _EMPTY
        or any(first <= letter <= last for first, last in _SELECTORS)
    )


def named_only(
    count: int, columns: dict[str, Any], *, tally: Tally, reject: Callable[..., None]
) -> dict[str, Any]:
    """The columns of `count` annotations, of which none has a class whose name is none.

    Args:
        count: rows.
        columns: of `annotations`, as `Sheets.add` takes them.
        tally: where the note goes.
        reject: `Sheets.reject`. Of what is drawn and has no class the census says it, of all formats alike.
    """
    classes = spread(columns.get("class"), count)
    blank = {name for name in set(classes) if name is not None and name_of(name) is None}
    if not blank:
        return columns
    names = ("file", "position", "key", "kind", "status", "geometry_type")
    said = {name: spread(columns.get(name), count) for name in names}
    for number, name in enumerate(classes):
        if name not in blank:
            continue
        tally.note(_NOTE)
        file, position, key, kind, status, shape = (said[column][number] for column in names)
        if kind == "annotation" and status not in SET_ASIDE and shape == "none":
            reject(file, position or "", reason=f"{UNTOLD}{NOT_KNOWN}", excerpt=f"class {name!a}", key=key)
    return {**columns, "class": [None if name in blank else name for name in classes]}
